"""What webhooks proved of a campaign's chunks while nobody looked, as moves: made here, and told."""

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.lifecycle import Prove
from keebai_async.observe import Observer
from keebai_async.observe.chunk_records import chunk_moved


async def take_proofs(campaign: StoredCampaign, journal: Journal, observer: Observer) -> bool:
    """Make the moves that webhooks proved of *campaign*, whose lease is ours; whether there were any."""
    campaign_id = campaign.plan.campaign_id
    before = {chunk.number: chunk for chunk in campaign.chunks}
    moved = await journal.prove(campaign_id)
    for after in moved:
        tell_proven(campaign_id, before[after.number], after, observer)
    return bool(moved)


def tell_proven(campaign_id: str, before: Chunk, after: Chunk, observer: Observer) -> None:
    """Tell that a proof made *after* of *before*."""
    move = Prove(
        number=after.number, step=after.step, at=after.proven_at or 0.0, broadcast_id=after.broadcast_id
    )
    observer(chunk_moved(campaign_id, before, move, after))
