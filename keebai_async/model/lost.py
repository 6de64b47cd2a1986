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

LONGEST_LEAVING: Final = LONGEST_INTENT + 60.0
"""Seconds from before the intent until the last byte of a submit, unless somebody named a longer timeout."""

LATE_ARRIVAL: Final = 30.0
"""Seconds in which a request that left may still reach the service, as the quota counts them, too.

They begin when it was given up: until then its bytes may leave. What came in place of an answer, a proxy's
504 or the end of the connection, says nothing of what lies behind it.
"""

_MAY_STILL_ARRIVE: Final[Mapping[str, float]] = MappingProxyType(
    {NO_ANSWER_WRITTEN: LONGEST_LEAVING + LATE_ARRIVAL, NOT_SEEN_TO_END: 600.0}
)
"""Seconds after the intent, by the reason of an unknown chunk, after which its bytes do not arrive any more.

A process that was seen dead may have ended long before, so it need not be waited for as long as that again.
"""


def resend_wait(chunk: Chunk, wall: float) -> float:
    """Seconds from the time *wall* on until a look into the portal shows what became of an unknown chunk."""
    reason = NO_ANSWER_WRITTEN if chunk.state is ChunkState.SUBMITTING else chunk.reason or ""
    if chunk.submitted_at is None:
        return 0.0
    waits, longest = list[tuple[float, float]](), _MAY_STILL_ARRIVE.get(reason)
    if chunk.lost_at is not None and reason != NOT_SEEN_TO_END:
        waits.append((chunk.lost_at, LATE_ARRIVAL))
    if longest is not None or not waits:
        waits.append((chunk.submitted_at, LATE_ARRIVAL if longest is None else longest))
    return min(min(seconds, max(0.0, since + seconds - wall)) for since, seconds in waits)
