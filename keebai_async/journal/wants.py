"""Which campaigns are wanted: inside of a transaction.

When it is time says the clock of the tables: those of several machines may be minutes apart, and one that is
behind would leave alone what another wants now.
"""

from msgspec.structs import replace

from keebai_async.journal.leases import Leases
from keebai_async.journal.reading import campaign_of
from keebai_async.journal.tables import CampaignRow, Tables, WantRow
from keebai_async.journal.telling import tell_state
from keebai_async.model.campaign import CampaignState, Holder, Wish
from keebai_async.model.stop import NEEDS_A_PERSON, Cause
from keebai_async.model.want import Want


def keep_state(tables: Tables, campaign: CampaignRow, *, at: float) -> int:
    """Keep where a campaign stands, and tell it; gives the id of that event.

    One that is finished is not wanted any more, nor one that stopped for what only a person can put right:
    written later, a kill in between would have it taken up, as if a person had let it go on.
    """
    tables.update(campaign)
    row = tables.get(WantRow, campaign.campaign_id)
    needs_a_person = campaign.state is CampaignState.STOPPED and campaign.stopped_by in NEEDS_A_PERSON
    if row is not None and (campaign.state is CampaignState.FINISHED or needs_a_person):
        tables.delete(WantRow, campaign.campaign_id)
    elif row is not None and row.waits is not _waits(campaign):
        tables.update(replace(row, waits=_waits(campaign)))
    return tell_state(tables, campaign, at=at)


def _waits(campaign: CampaignRow) -> bool:
    return campaign.stopped_by is Cause.UNKNOWN


def want(tables: Tables, wanted: Want) -> None:
    """Raises CampaignNotFound."""
    campaign = campaign_of(tables, wanted.campaign_id)
    row = WantRow(
        campaign_id=campaign.campaign_id,
        at=max(wanted.at, tables.now()),
        held=wanted.held,
        again=wanted.again,
        agreed=wanted.agreed,
        account=wanted.account,
        salt=wanted.salt,
        waits=_waits(campaign),
    )
    if tables.get(WantRow, wanted.campaign_id) is None:
        tables.insert(row)
    else:
        tables.update(row)


def unwant(tables: Tables, campaign_id: str, *, seen: Want | None = None) -> bool:
    """Whether it was wanted; with *seen*, as it was when that was seen."""
    row = tables.get(WantRow, campaign_id)
    if row is None or (seen is not None and (row.at, row.salt) != (seen.at, seen.salt)):
        return False
    tables.delete(WantRow, campaign_id)
    return True


def wanted(tables: Tables, leases: Leases, *, by: float | None) -> list[Want]:
    """Those that are to run by a time, or by now, the earliest first."""
    holders = leases.holders(tables)  # of thousands that are wanted a few run
    return [
        _want_of(row, holders.get(row.campaign_id))
        for row in tables.wants(by=tables.now() if by is None else by)
    ]


def want_of(tables: Tables, leases: Leases, campaign_id: str) -> Want | None:
    row = tables.get(WantRow, campaign_id)
    return None if row is None else _want_of(row, leases.holder(tables, campaign_id))


def _want_of(row: WantRow, holder: Holder | None) -> Want:
    return Want(
        campaign_id=row.campaign_id,
        at=row.at,
        held=row.held,
        again=row.again,
        agreed=row.agreed,
        account=row.account,
        salt=row.salt,
        waits=row.waits,
        tries=row.tries,
        holder=holder,
    )


def put_off(tables: Tables, campaign_id: str, *, seconds: float, tries: int) -> None:
    """Nothing, if it is not wanted any more."""
    row = tables.get(WantRow, campaign_id)
    if row is not None:
        tables.update(replace(row, at=max(row.at, tables.now() + seconds), tries=tries))


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
