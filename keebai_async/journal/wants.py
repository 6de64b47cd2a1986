"""Which campaigns are wanted: inside of a transaction."""

from msgspec.structs import replace

from keebai_async.journal.leases import Leases
from keebai_async.journal.reading import campaign_of
from keebai_async.journal.tables import Tables, WantRow
from keebai_async.model.campaign import Wish
from keebai_async.model.want import Want


def want(tables: Tables, wanted: Want) -> None:
    """Raises CampaignNotFound."""
    row = WantRow(
        campaign_id=campaign_of(tables, wanted.campaign_id).campaign_id,
        at=wanted.at,
        held=wanted.held,
        again=wanted.again,
        account=wanted.account,
        salt=wanted.salt,
    )
    if tables.get(WantRow, wanted.campaign_id) is None:
        tables.insert(row)
    else:
        tables.update(row)


def unwant(tables: Tables, campaign_id: str) -> bool:
    """Whether it was wanted."""
    found = tables.get(WantRow, campaign_id) is not None
    if found:
        tables.delete(WantRow, campaign_id)
    return found


def wanted(tables: Tables, leases: Leases, *, by: float) -> list[Want]:
    """Those that are to run by a time, the earliest first."""
    return [
        Want(
            campaign_id=row.campaign_id,
            at=row.at,
            held=row.held,
            again=row.again,
            account=row.account,
            salt=row.salt,
            holder=leases.holder(tables, row.campaign_id),
        )
        for row in tables.wants(by=by)
    ]


def heed(tables: Tables, campaign_id: str, wish: Wish | None) -> bool:
    """Let what a person asks of a campaign outlive the process that runs it; says whether it is wanted."""
    row = tables.get(WantRow, campaign_id)
    if row is None:
        return False
    match wish:
        case Wish.STOP:
            tables.delete(WantRow, campaign_id)
        case Wish.PAUSE:
            tables.update(replace(row, held=True))
        case Wish.RESUME | None:
            tables.update(replace(row, held=False))
    return True
