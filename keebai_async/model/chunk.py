"""Up to 5,000 recipients that are submitted together, and where that stands."""

import enum

import msgspec


class ChunkState(enum.StrEnum):
    PLANNED = "planned"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABANDONED = "abandoned"


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
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
    sent: int = 0
    failed: int = 0
    final: bool = False
    """The service will not change the counters any more."""
    resent: bool = False
    """A person said that it did not arrive: it is submitted again, unless they take that back before."""
    seen_at: float | None = None
    """Unix time of the look that last saw the counters change."""

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

    def counted(self, *, sent: int, failed: int, final: bool, seen_at: float | None = None) -> "Chunk":
        """The same chunk with its broadcast's counters."""
        return msgspec.structs.replace(self, sent=sent, failed=failed, final=final, seen_at=seen_at)
