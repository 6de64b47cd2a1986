"""The life of a Chunk: its states, and the moves that lead from one to another.

Every change of a chunk's state in this library is a Move applied here; what the table does not hold
is a bug and raises. The point of it is one arrow that is missing: nothing leads from UNKNOWN back to
PLANNED but a person's word, or the answer itself to the very submit that was given up, so nobody is messaged
twice by a program's guess. And not even that word, once a delivery notice has proved that the chunk was
accepted.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from keebai_async.errors import ForbiddenMove
from keebai_async.model.chunk import Chunk, ChunkState


class ChunkStep(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all moves say: which chunk, and which step of its life this is (the first is 1).

    The step is what two writers with the same picture of a chunk stumble over: only one can be first.
    """

    number: int
    step: int


class Submit(ChunkStep, frozen=True, kw_only=True, tag=True):
    """The intent: from the next instant on, bytes may leave. *at* is Unix time."""

    at: float


class TakeBack(ChunkStep, frozen=True, kw_only=True, tag=True):
    """Certainly not accepted (no byte written, or 429): it may be submitted again."""

    reason: str


class Accept(ChunkStep, frozen=True, kw_only=True, tag=True):
    """The service took *accepted* of its people, under *broadcast_id* if its reply could be read."""

    accepted: int
    broadcast_id: str | None = None


class Refuse(ChunkStep, frozen=True, kw_only=True, tag=True):
    """The service did not take it, and never will as it stands; or its people opted out before it was
    submitted. *recipients* are those it keeps.
    """

    reason: str
    recipients: int


class HandOn(ChunkStep, frozen=True, kw_only=True, tag=True):
    """All its people go into other chunks before it was submitted: it keeps nobody."""

    reason: str


class Lose(ChunkStep, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """It may have been accepted, or not: no answer was seen until *at*, in Unix time."""

    reason: str
    at: float | None = None


class Vouch(ChunkStep, frozen=True, kw_only=True, tag=True):
    """A person found the unknown chunk at the service, as *broadcast_id*."""

    accepted: int
    broadcast_id: str


class Prove(ChunkStep, frozen=True, kw_only=True, tag=True):
    """A delivery notice with a mark of its people, of the time *at*, proves that the service took it.

    It is *broadcast_id*, if the notice named one.
    """

    at: float
    broadcast_id: str | None = None


class Resend(ChunkStep, frozen=True, kw_only=True, tag=True):
    """A person says that the unknown chunk did not arrive."""


class Withdraw(ChunkStep, frozen=True, kw_only=True, tag=True):
    """A person takes back that the chunk did not arrive, before it was submitted again."""


class Abandon(ChunkStep, frozen=True, kw_only=True, tag=True):
    """A person gives the unknown chunk up."""


class LateAccept(ChunkStep, frozen=True, kw_only=True, tag=True):
    """Who submitted it last had been given up, and tells that the service took *accepted* of its people."""

    accepted: int
    broadcast_id: str | None = None


class LateTakeBack(ChunkStep, frozen=True, kw_only=True, tag=True):
    """Who submitted it last had been given up, and tells that the service certainly did not take it."""

    reason: str


Move = (
    Submit
    | TakeBack
    | Accept
    | Refuse
    | HandOn
    | Lose
    | Vouch
    | Prove
    | Resend
    | Withdraw
    | Abandon
    | LateAccept
    | LateTakeBack
)

_S = ChunkState

TABLE: Final[Mapping[tuple[ChunkState, type[Move]], ChunkState]] = MappingProxyType(
    {
        (_S.PLANNED, Submit): _S.SUBMITTING,
        (_S.PLANNED, HandOn): _S.REFUSED,
        (_S.PLANNED, Refuse): _S.REFUSED,
        (_S.SUBMITTING, TakeBack): _S.PLANNED,
        (_S.SUBMITTING, Accept): _S.ACCEPTED,
        (_S.SUBMITTING, Refuse): _S.REFUSED,
        (_S.SUBMITTING, Lose): _S.UNKNOWN,
        (_S.UNKNOWN, Vouch): _S.ACCEPTED,
        (_S.UNKNOWN, Prove): _S.ACCEPTED,
        (_S.UNKNOWN, Resend): _S.PLANNED,
        (_S.UNKNOWN, Abandon): _S.ABANDONED,
        (_S.PLANNED, Withdraw): _S.UNKNOWN,
        (_S.PLANNED, Prove): _S.ACCEPTED,
        (_S.UNKNOWN, LateAccept): _S.ACCEPTED,
        (_S.UNKNOWN, LateTakeBack): _S.PLANNED,
        (_S.PLANNED, LateAccept): _S.ACCEPTED,
    }
)


def apply(chunk: Chunk, move: Move) -> Chunk:
    """The chunk after *move*.

    Raises:
        ForbiddenMove: the table does not hold it, it is of another chunk, or it is not the next step; there
            is no Resend that a Withdraw, or a LateAccept of a planned chunk, could take back; a Prove is of a
            chunk that never left; or a Resend, an Abandon, another Submit, or a cut is of one that a delivery
            notice proves to have been accepted.
    """
    after = TABLE.get((chunk.state, type(move)))
    if _is_contradicted(chunk, move):
        after = None
    if after is None or move.number != chunk.number or move.step != chunk.step + 1:
        raise ForbiddenMove(
            f"chunk {chunk.number} is {chunk.state.value} after {chunk.step} moves:"
            f" {type(move).__name__.lower()} as move {move.step} of chunk {move.number} is not allowed"
        )
    moved = msgspec.structs.replace(chunk, state=after, step=move.step)
    replace = msgspec.structs.replace
    match move:
        case Submit():
            return replace(
                moved,
                attempts=chunk.attempts + 1,
                submitted_at=move.at,
                lost_at=None,
                reason=None,
                resent=False,
            )
        case Accept() | Vouch():
            accepted = min(move.accepted, chunk.recipients)
            return replace(moved, accepted=accepted, broadcast_id=move.broadcast_id, reason=None)
        case Prove():
            return replace(
                moved,
                accepted=chunk.recipients,
                broadcast_id=move.broadcast_id,
                reason=None,
                resent=False,
                proven_at=move.at,
                submitted_at=chunk.left_last_at,
            )
        case LateAccept():
            accepted = min(move.accepted, chunk.recipients)
            broadcast_id = move.broadcast_id
            return replace(moved, accepted=accepted, broadcast_id=broadcast_id, reason=None, resent=False)
        case Refuse():
            return replace(moved, recipients=move.recipients, reason=move.reason, resent=False)
        case HandOn():
            return replace(moved, recipients=0, reason=move.reason, resent=False)
        case Lose():
            return replace(moved, reason=move.reason, lost_at=move.at)
        case TakeBack() | LateTakeBack():
            return replace(moved, reason=move.reason)
        case Resend() | Withdraw():
            return replace(moved, resent=isinstance(move, Resend))
        case Abandon():
            return moved


def _is_contradicted(chunk: Chunk, move: Move) -> bool:
    """Whether what is known of *chunk* beside its state speaks against *move*."""
    match move:
        case Withdraw() | LateAccept():
            return chunk.state is _S.PLANNED and not chunk.resent
        case Prove():
            return not chunk.provable
        case Resend() | Submit() | Refuse() | HandOn() | Abandon():
            return chunk.noticed_at is not None and chunk.provable
        case _:
            return False


def replay(chunk: Chunk, moves: Iterable[Move]) -> Chunk:
    """The chunk after *moves*, in order; those that it has made already are passed over."""
    for move in moves:
        if move.step > chunk.step:
            chunk = apply(chunk, move)
    return chunk
