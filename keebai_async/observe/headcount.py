"""How many people of a campaign are where. Pure: from its chunks, or from what was told of it."""

from collections.abc import Iterable

import msgspec

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.report import settle_counters


class Headcount(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who is ready to be sent to, in the words of the report. *submitting* are on their way now."""

    unsent: int = 0
    submitting: int = 0
    sent: int = 0
    failed: int = 0
    pending: int = 0
    untracked: int = 0
    refused: int = 0
    unknown: int = 0
    abandoned: int = 0

    def __add__(self, change: "Headcount") -> "Headcount":
        return Headcount(
            **{name: getattr(self, name) + getattr(change, name) for name in self.__struct_fields__}
        )

    def __neg__(self) -> "Headcount":
        return Headcount(**{name: -getattr(self, name) for name in self.__struct_fields__})

    @property
    def total(self) -> int:
        return sum(getattr(self, name) for name in self.__struct_fields__)


def headcount(chunks: Iterable[Chunk]) -> Headcount:
    """Count everybody of *chunks*."""
    return sum((headcount_of(chunk) for chunk in chunks), Headcount())


def headcount_of(chunk: Chunk) -> Headcount:
    """Where the people of one chunk are. Who was submitted and not accepted in it is refused."""
    match chunk.state:
        case ChunkState.PLANNED:
            return Headcount(unsent=chunk.recipients)
        case ChunkState.SUBMITTING:
            return Headcount(submitting=chunk.recipients)
        case ChunkState.REFUSED:
            return Headcount(refused=chunk.recipients)
        case ChunkState.UNKNOWN:
            return Headcount(unknown=chunk.recipients)
        case ChunkState.ABANDONED:
            return Headcount(abandoned=chunk.recipients)
        case ChunkState.ACCEPTED:
            refused = chunk.recipients - chunk.accepted
            if chunk.broadcast_id is None:
                return Headcount(untracked=chunk.accepted, refused=refused)
            sent, failed, pending = settle_counters(chunk)
            return Headcount(sent=sent, failed=failed, pending=pending, refused=refused)
