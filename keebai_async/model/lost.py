"""Chunks without a verdict, and how long what left of them may still arrive. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keebai_async.model.chunk import Chunk, ChunkState

NO_ANSWER_WRITTEN: Final = "the process ended before an answer to this submit was written down"
NOT_SEEN_TO_END: Final = "its process, on another machine, fell silent before an answer was written down"
"""The reasons of chunks without a verdict: by them it is known how long bytes may still arrive."""

LONGEST_INTENT: Final = 15.0
"""Seconds from before the intent is written until the first byte. A lease is renewed with each intent, and is
another's after 60 s of silence at the earliest."""

LATE_ARRIVAL: Final = 30.0
"""Seconds in which a request that left may still reach the service, as the quota counts them, too."""

_MAY_STILL_ARRIVE: Final[Mapping[str, float]] = MappingProxyType(
    {NO_ANSWER_WRITTEN: LONGEST_INTENT + LATE_ARRIVAL, NOT_SEEN_TO_END: 600.0}
)
"""Seconds after the intent, by the reason of an unknown chunk, in which its bytes may still arrive.

For any other reason it is LATE_ARRIVAL: a proxy that answered 504, or a connection that was reset, says
nothing of what lies between it and the service.
"""


def resend_wait(chunk: Chunk, wall: float) -> float:
    """Seconds from the time *wall* on until a look into the portal shows what became of an unknown chunk."""
    reason = NO_ANSWER_WRITTEN if chunk.state is ChunkState.SUBMITTING else chunk.reason or ""
    longest = _MAY_STILL_ARRIVE.get(reason, LATE_ARRIVAL)
    if chunk.submitted_at is None:
        return 0.0
    return min(longest, max(0.0, chunk.submitted_at + longest - wall))
