"""The pace that a caller asked for: so many people in any such time. Pure.

It is counted from the journal's chunks, by when each of them left, so it holds across a stop, a crash and a
resume. A chunk that was taken back reached nobody and is not counted; one whose outcome is unknown is.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import Pace

_LEFT: Final = frozenset(
    {ChunkState.SUBMITTING, ChunkState.ACCEPTED, ChunkState.UNKNOWN, ChunkState.ABANDONED}
)


def departures(chunks: Iterable[Chunk]) -> list[tuple[float, int]]:
    """(when, how many people) of each chunk that left, the earliest first."""
    return sorted(
        (chunk.submitted_at, chunk.recipients)
        for chunk in chunks
        if chunk.state in _LEFT and chunk.submitted_at is not None
    )


def pace_wait(
    pace: Pace, left: Iterable[tuple[float, int]], recipients: int, now: float, *, leaving: int = 0
) -> float:
    """Seconds until a chunk of *recipients* may leave; 0 if it may at the time *now*.

    *left* are the departures, the earliest first; *leaving* are people who may leave already and have not
    yet. A chunk that is larger than the pace leaves when nobody else did within its time.
    """
    room = max(0, pace.people - recipients)
    within = [(at, count) for at, count in left if at > now - pace.per]
    people = leaving + sum(count for _, count in within)
    wait = 0.0
    for at, count in within:
        if people <= room:
            return wait
        people -= count
        wait = min(pace.per, at + pace.per - now)
    return wait if people <= room else pace.per


def pace_seconds(pace: Pace, sizes: Sequence[int]) -> float:
    """Seconds from the first to the last of chunks of these *sizes*."""
    now = 0.0
    left: deque[tuple[float, int]] = deque()
    for recipients in sizes:
        now += pace_wait(pace, left, recipients, now)
        left.append((now, recipients))
        while left[0][0] <= now - pace.per:
            left.popleft()
    return now
