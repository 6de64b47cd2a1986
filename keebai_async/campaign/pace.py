"""The pace that a caller asked for: so many people in any such time. Pure.

It is counted from the journal's chunks, by when each of them left, so it holds across a stop, a crash and a
resume. A chunk that was taken back reached nobody and is not counted; one whose outcome is unknown is.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from keebai_async.model.plan import Pace


def pace_wait(
    pace: Pace, left: Iterable[tuple[float, int]], recipients: int, now: float, *, leaving: int = 0
) -> float:
    """Seconds until a chunk of *recipients* may leave; 0 if it may at the time *now*.

    *left* are the departures, the earliest first; *leaving* are people who may leave already and have not
    yet.
    """
    room = pace.beside(recipients)
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
