"""What is left of a campaign whose run is over, and why that keeps it open. Pure."""

from collections.abc import Iterable

import msgspec

from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.stop import Cause, Stop


def left_open(chunks: Iterable[Chunk]) -> Stop | None:
    """What remains although everything was done that could be; None if nothing does."""
    open_chunks = [chunk for chunk in chunks if not chunk.settled]
    unknown = [chunk for chunk in open_chunks if chunk.state is ChunkState.UNKNOWN]
    if unknown:
        people = people_words(sum(chunk.recipients for chunk in unknown))
        numbers = ", ".join(str(chunk.number) for chunk in unknown)
        words = f"what became of {people} is unknown (chunk {numbers}): settle it with reconcile"
        return Stop(cause=Cause.UNKNOWN, reason=words)
    if open_chunks:
        return Stop(cause=Cause.NOT_TRACKED, reason="delivery was not followed to its end")
    return None


def left_settled(chunks: Iterable[Chunk]) -> Stop | None:
    """The same after what was unknown was settled: what follows is for the next run."""
    every = tuple(chunks)
    left = left_open(every)
    if left is None or left.cause is Cause.UNKNOWN:
        return left
    unsent = sum(chunk.recipients for chunk in every if chunk.state is ChunkState.PLANNED)
    words = "what was unknown is settled; " + (
        f"{people_words(unsent)} {agreeing(unsent, 'is', 'are')} still to be submitted"
        if unsent
        else "the delivery is still to be followed"
    )
    return Stop(cause=Cause.SETTLED, reason=words)


class OnceSettled(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign that nobody runs is, once something of it was settled: *stop* says why it is open."""

    state: CampaignState
    stop: Stop | None = None


def state_once_settled(chunks: Iterable[Chunk], stopped_by: Cause | None) -> OnceSettled | None:
    """What the campaign of *chunks* is now; None if it is still what it was, for the reason *stopped_by*."""
    left = left_settled(chunks)
    if left is None:
        return OnceSettled(state=CampaignState.FINISHED)
    if stopped_by in {Cause.UNKNOWN, Cause.SETTLED, Cause.NOT_TRACKED}:
        return OnceSettled(state=CampaignState.STOPPED, stop=left)
    return None
