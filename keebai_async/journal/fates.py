"""What webhooks told of people, in the tables of a journal."""

from collections.abc import Sequence

from keebai_async.journal import proof
from keebai_async.journal.leases import Leases
from keebai_async.journal.tables import CampaignRow, ChunkRow, FatesRow, Tables
from keebai_async.model.fates import ChunkFates, Fate, PersonNews
from keebai_async.storage.safety import Damaged


def tell(tables: Tables, leases: Leases, news: Sequence[PersonNews], *, at: float) -> int:
    """Take *news* in, each chunk in one piece; gives how many told something new. *at* is the time now."""
    told: dict[tuple[str, int], list[PersonNews]] = {}
    for each in news:
        told.setdefault((each.campaign_id, each.chunk), []).append(each)
    return sum(_tell(tables, leases, *chunk, told[chunk], at=at) for chunk in told)


def _tell(
    tables: Tables, leases: Leases, campaign_id: str, number: int, news: Sequence[PersonNews], *, at: float
) -> int:
    campaign = tables.get(CampaignRow, campaign_id)
    chunk = tables.get(ChunkRow, campaign_id, number)
    if campaign is None or campaign.plan is None or chunk is None or chunk.chunk.parent is not None:
        return 0  # marks name the chunks of the plan
    before = tables.get(FatesRow, campaign_id, number)
    fates = ChunkFates(chunk.born) if before is None else fates_of(before)
    known = [each for each in news if 0 <= each.place < len(fates)]
    new = more = 0
    for each in known:
        first = each.fate is not Fate.NONE and not fates.knows(each.place)
        if fates.tell(each):
            new, more = new + 1, more + first
    if new:
        row = FatesRow(campaign_id=campaign_id, number=number, fates=fates.packed)
        (tables.insert if before is None else tables.update)(row)
    proof.note(tables, leases, campaign, chunk, known, more=more, at=at)
    return new


def fates_of(row: FatesRow) -> ChunkFates:
    """Raises Damaged."""
    try:
        return ChunkFates.read(row.fates)
    except ValueError as error:
        raise Damaged(f"what was told of chunk {row.number} cannot be read") from error
