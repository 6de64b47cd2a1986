"""Up to 5,000 recipients that are submitted together, and where that stands."""

import enum
from operator import attrgetter
from typing import Final

import msgspec

from keebai_async.model.result import Result

CLOCKS_APART: Final = 5.0
"""Seconds by which the service's clock and ours may differ."""


class ChunkState(enum.StrEnum):
    PLANNED = "planned"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABANDONED = "abandoned"


class Chunk(Result, frozen=True, kw_only=True):
    """*recipients* is how many people this chunk answers for.

    A refused chunk that was taken apart keeps only the people who are refused for good; the others are
    in chunks of their own, whose *parent* it is. *step* counts the moves of its life so far.
    """

    number: int
    recipients: int
    state: ChunkState = ChunkState.PLANNED
    step: int = 0
    attempts: int = 0
    parent: int | None = None
    broadcast_id: str | None = None
    accepted: int = 0
    """How many of *recipients* the service accepted, while the state is ACCEPTED."""
    reason: str | None = None
    """Why it is refused or unknown, in words."""
    submitted_at: float | None = None
    """Unix time at which the last attempt left."""
    lost_at: float | None = None
    """Unix time at which it was given up that the last attempt is answered; None if it was not."""
    sent: int = 0
    failed: int = 0
    final: bool = False
    """The service will not change the counters any more."""
    resent: bool = False
    """A person said that it did not arrive: it is submitted again, unless they take that back before."""
    seen_at: float | None = None
    """Unix time of the look that last saw the counters change."""
    proven_at: float | None = None
    """The time of the delivery notice that proved it accepted; None if an answer or a person said so."""
    noticed_at: float | None = None
    """The time of the first delivery notice with a mark of its people that came before it was accepted.

    Times of notices are Unix time by the clock of the service.
    """
    noticed_id: str | None = None
    """The broadcast that this notice named, where it did."""
    twice_at: float | None = None
    """The time of a delivery notice that must be of an earlier attempt than the last."""
    told: int = 0
    """Of how many of its people webhooks told something, while it is as it was planned."""
    told_at: float | None = None
    """Unix time, by our clock, at which they last told of one more."""
    left_earlier_at: float | None = None
    """Unix time at which its people left in the chunk that they were cut from; None if it had not left."""
    event_id: int = 0
    """The id of the last event that told of it; 0 if none did."""

    @property
    def tracked(self) -> bool:
        """Accepted in a reply that named its broadcast, so its counters can be read."""
        return self.state is ChunkState.ACCEPTED and self.broadcast_id is not None

    @property
    def settled(self) -> bool:
        """Nothing is left to do for it: neither to submit, nor to decide, nor to follow."""
        if self.state is ChunkState.ACCEPTED:
            return self.final or self.broadcast_id is None
        return self.state in {ChunkState.REFUSED, ChunkState.ABANDONED}

    @property
    def left_before(self) -> bool:
        """It is planned, although an attempt was made: certainly not accepted, or so somebody said."""
        return self.state is ChunkState.PLANNED and (self.attempts > 0 or self.left_earlier_at is not None)

    @property
    def never_left(self) -> bool:
        """It is planned, and no attempt was made."""
        return self.state is ChunkState.PLANNED and not self.left_before

    @property
    def left_last_at(self) -> float | None:
        """When its people left last, in this chunk or in the one that they were cut from."""
        return self.submitted_at if self.attempts else self.left_earlier_at

    @property
    def times_left(self) -> int:
        """How many requests with its people were begun; of some it may be certain that they did nothing."""
        return self.attempts + (self.left_earlier_at is not None)

    @property
    def left_perhaps_twice(self) -> bool:
        """More than one request with its people has left."""
        return self.times_left > 1

    def before_last_attempt(self, at: float) -> bool:
        """Whether what the service says to have happened at *at* was before its people left last."""
        return self.submitted_at is not None and at < self.submitted_at - CLOCKS_APART

    @property
    def provable(self) -> bool:
        """A webhook that tells of one of its people would prove that it was accepted."""
        return self.state is ChunkState.UNKNOWN or self.left_before

    def with_facts_of(self, other: "Chunk") -> "Chunk":
        """The same chunk with what is known beside its moves, as *other* has it."""
        if _facts(self) == _facts(other):
            return self  # nearly always, and it is asked of every chunk each second
        return msgspec.structs.replace(self, **{name: getattr(other, name) for name in _BESIDE_MOVES})

    def counted(self, *, sent: int, failed: int, final: bool, seen_at: float | None = None) -> "Chunk":
        """The same chunk with its broadcast's counters."""
        return msgspec.structs.replace(self, sent=sent, failed=failed, final=final, seen_at=seen_at)


_BESIDE_MOVES: Final = (
    "sent",
    "failed",
    "final",
    "seen_at",
    "noticed_at",
    "noticed_id",
    "twice_at",
    "told",
    "told_at",
    "event_id",
)
"""Fields that no move says: anybody may write them, without the lease."""

_facts: Final = attrgetter(*_BESIDE_MOVES)
