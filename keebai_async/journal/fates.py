"""What webhooks told of people, in the tables of a journal."""

from collections.abc import Sequence

from keebai_async.journal.tables import CampaignRow, ChunkRow, FatesRow, Tables
from keebai_async.model.fates import ChunkFates, PersonNews
from keebai_async.storage.safety import Damaged


def tell(tables: Tables, news: Sequence[PersonNews]) -> int:
    """Take *news* in, each chunk in one piece; gives how many told something new."""
    told: dict[tuple[str, int], list[PersonNews]] = {}
    for each in news:
        told.setdefault((each.campaign_id, each.chunk), []).append(each)
    return sum(_tell(tables, campaign_id, number, told[campaign_id, number]) for campaign_id, number in told)


def _tell(tables: Tables, campaign_id: str, number: int, news: Sequence[PersonNews]) -> int:
    campaign = tables.get(CampaignRow, campaign_id)
    chunk = tables.get(ChunkRow, campaign_id, number)
    if campaign is None or campaign.plan is None or chunk is None:
        return 0
    before = tables.get(FatesRow, campaign_id, number)
    fates = ChunkFates(chunk.born) if before is None else fates_of(before)
    new = sum(fates.tell(each) for each in news if 0 <= each.place < len(fates))
    if new:
        row = FatesRow(campaign_id=campaign_id, number=number, fates=fates.packed)
        (tables.insert if before is None else tables.update)(row)
    return new


def fates_of(row: FatesRow) -> ChunkFates:
    """Raises Damaged."""
    try:
        return ChunkFates.read(row.fates)
    except ValueError as error:
        raise Damaged(f"what was told of chunk {row.number} cannot be read") from error
