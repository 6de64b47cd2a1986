"""What a move of a chunk's life is told as: the same in a run and without one. Pure."""

from typing import Final

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import (
    AnyEvent,
    ChunkAbandoned,
    ChunkAccepted,
    ChunkPlanned,
    ChunkRefused,
    ChunkSplit,
    ChunkSubmitting,
    ChunkUnknown,
    PeopleLeftOut,
)
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Prove,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
)
from keebai_async.model.opt_outs import OPTED_OUT_LATER
from keebai_async.model.report import utc
from keebai_async.model.retry import LEFT_OUT_OF_RETRY

RESENT: Final = "somebody says that it did not arrive"
NOT_RESENT: Final = "somebody takes back that it did not arrive"


def events_of(
    before: Chunk, move: Move, after: Chunk, *, of: int, into: tuple[int, ...] = ()
) -> tuple[AnyEvent, ...]:
    """What *move* tells of a chunk that was *before* and is *after*; at least one event.

    *of* is how many chunks there are then that answer for somebody, and *into* are the chunks that its people
    were cut into.
    """
    number, recipients = after.number, after.recipients
    match move:
        case Submit():
            return (ChunkSubmitting(number=number, of=of, recipients=recipients),)
        case Accept() | Vouch() | Prove() | LateAccept():
            return (_accepted(after, of=of),)
        case Lose(reason=reason):
            return (ChunkUnknown(number=number, recipients=recipients, reason=reason),)
        case Withdraw():
            return (ChunkUnknown(number=number, recipients=recipients, reason=NOT_RESENT),)
        case TakeBack(reason=reason) | LateTakeBack(reason=reason):
            return (ChunkPlanned(number=number, recipients=recipients, reason=reason),)
        case Resend():
            return (ChunkPlanned(number=number, recipients=recipients, reason=RESENT),)
        case Abandon():
            return (ChunkAbandoned(number=number, recipients=recipients),)
        case Refuse(reason=reason) | HandOn(reason=reason):
            return _refused(before, after, reason, into)


def _accepted(chunk: Chunk, *, of: int) -> ChunkAccepted:
    return ChunkAccepted(
        number=chunk.number,
        of=of,
        recipients=chunk.recipients,
        accepted=chunk.accepted,
        broadcast_id=chunk.broadcast_id,
        proven_at=utc(chunk.proven_at),
    )


def _refused(before: Chunk, after: Chunk, reason: str, into: tuple[int, ...]) -> tuple[AnyEvent, ...]:
    number, recipients = after.number, after.recipients
    if before.state is ChunkState.PLANNED and _is_of_ours(reason):
        return (PeopleLeftOut(number=number, recipients=recipients, reason=reason, into=into),)
    refused = (ChunkRefused(number=number, recipients=recipients, reason=reason),) if recipients else ()
    return (*refused, ChunkSplit(number=number, into=into)) if into or not refused else refused


def _is_of_ours(reason: str) -> bool:
    """Whether people were left out by us, and not refused by the service."""
    return reason == OPTED_OUT_LATER or reason.startswith(LEFT_OUT_OF_RETRY)
