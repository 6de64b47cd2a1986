"""What is told of one chunk: attempts to submit it, the moves of its life, looks at its broadcast."""

import re
from collections.abc import Sequence

import msgspec

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Prove,
    Refuse,
    TakeBack,
    Vouch,
)
from keebai_async.model.report import settle_counters
from keebai_async.observe.base import BaseRecord, next_span
from keebai_async.observe.headcount import Headcount, headcount_of


class ChunkSubmitStarted(BaseRecord, frozen=True, kw_only=True, tag="chunk submit started"):
    """An attempt at *chunk* begins: it asks for a place in the quota. Nothing is written or sent yet."""

    campaign: str
    chunk: int
    recipients: int
    attempt: int
    span: int = msgspec.field(default_factory=next_span)


class ChunkSubmitEnded(BaseRecord, frozen=True, kw_only=True, tag="chunk submit ended"):
    """The attempt is over, and *state* is what the journal says of the chunk: `planned` if it was called off
    or certainly not accepted. It is told by the task that told the beginning.
    """

    submit: ChunkSubmitStarted
    state: ChunkState
    seconds: float


class ChunkMoved(BaseRecord, frozen=True, kw_only=True, tag="chunk moved"):
    """A move of a chunk's life is on disk. *move* is its name (`take back`), *step* its number.

    *recipients* are the people it answered for *before*, *kept* those it answers for now: the others went
    on to the chunks *into*. *change* is what it means for the count of people of the whole campaign.
    """

    campaign: str
    chunk: int
    move: str
    before: ChunkState
    state: ChunkState
    recipients: int
    kept: int
    step: int
    attempt: int
    change: Headcount
    accepted: int | None = None
    broadcast: str | None = None
    reason: str | None = None
    into: tuple[int, ...] | None = None


class BroadcastIdRepeated(BaseRecord, frozen=True, kw_only=True, tag="broadcast id repeated"):
    """A chunk was accepted under an id that the chunk *owner* has: kept without one, it is not followed."""

    campaign: str
    chunk: int
    broadcast: str
    owner: int


class BroadcastRead(BaseRecord, frozen=True, kw_only=True, tag="broadcast read"):
    """New counters of an accepted chunk are in the journal. *change* is as in ChunkMoved."""

    campaign: str
    chunk: int
    broadcast: str
    sent: int
    failed: int
    pending: int
    final: bool
    change: Headcount


class LookFailed(BaseRecord, frozen=True, kw_only=True, tag="look failed"):
    """A look at a broadcast failed. It is made again later, unless it is *gone* from the service."""

    campaign: str
    chunk: int
    broadcast: str
    reason: str
    gone: bool = False


class BroadcastStalled(BaseRecord, frozen=True, kw_only=True, tag="broadcast stuck"):
    """Nothing of this broadcast was delivered for *seconds*. It is looked at all the same.

    *held* says that Meta probably holds it, because the template is new.
    """

    broadcast: str
    seconds: float
    campaign: str | None = None
    chunk: int | None = None
    held: bool = False


ChunkRecord = (
    ChunkSubmitStarted
    | ChunkSubmitEnded
    | ChunkMoved
    | BroadcastIdRepeated
    | BroadcastRead
    | LookFailed
    | BroadcastStalled
)


def chunk_moved(
    campaign: str, before: Chunk, move: Move, after: Chunk, into: Sequence[Chunk] = ()
) -> ChunkMoved:
    """The record of *move*, which made *after* of *before*.

    Of a recut, *into* are the new chunks; they are given with one of its moves only, or their people would
    be counted twice.
    """
    accepted = after.accepted if isinstance(move, Accept | Vouch | Prove | LateAccept) else None
    reason = move.reason if isinstance(move, TakeBack | Refuse | HandOn | Lose | LateTakeBack) else None
    change = sum((headcount_of(chunk) for chunk in into), headcount_of(after) + -headcount_of(before))
    return ChunkMoved(
        campaign=campaign,
        chunk=after.number,
        move=name_of(move),
        before=before.state,
        state=after.state,
        recipients=before.recipients,
        kept=after.recipients,
        step=after.step,
        attempt=after.attempts,
        change=change,
        accepted=accepted,
        broadcast=after.broadcast_id,
        reason=reason,
        into=tuple(chunk.number for chunk in into) or None,
    )


def broadcast_read(campaign: str, before: Chunk, after: Chunk) -> BroadcastRead:
    """The record of new counters, which made *after* of *before*. The chunk has a broadcast id."""
    sent, failed, pending = settle_counters(after)
    return BroadcastRead(
        campaign=campaign,
        chunk=after.number,
        broadcast=after.broadcast_id or "",
        sent=sent,
        failed=failed,
        pending=pending,
        final=after.final,
        change=headcount_of(after) + -headcount_of(before),
    )


def name_of(move: Move) -> str:
    """The name of a move in small letters: `take back`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(move).__name__).lower()
