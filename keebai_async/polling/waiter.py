"""Follower: waiting for broadcasts and watching them, the same for every service that has some."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Generic, TypeVar

from keebai_async.clock import Clock
from keebai_async.errors import TimedOut
from keebai_async.polling.following import OnStuck, follow, log_stuck
from keebai_async.polling.planner import PollPlan
from keebai_async.polling.watcher import Gauge

T = TypeVar("T")

POLL_FLOOR: Final = 5.0
"""Seconds between two looks at one broadcast, at least. Source: Keebai's contract, section 6."""

STUCK_AFTER: Final = 900.0
"""Seconds without any movement until a broadcast is called stuck."""


class Follower(Generic[T]):
    """Looks at broadcasts as seldom as their progress allows.

    Args:
        look: reads one broadcast. Raises RequestError.
        gauge: how far it is.
        forward: what was seen, with counters that do not go back behind what was seen before.
        pace: seconds between two looks in the long run; by default what Keebai's quota can bear.
        apart: each broadcast moves by itself, instead of one after the other.
    """

    def __init__(
        self,
        look: Callable[[str], Awaitable[T]],
        gauge: Callable[[T], Gauge],
        *,
        forward: Callable[[T, T | None], T],
        clock: Clock,
        floor: float = POLL_FLOOR,
        pace: float | None = None,
        apart: bool = False,
    ) -> None:
        self._look = look
        self._gauge = gauge
        self._forward = forward
        self._clock = clock
        self._floor = floor
        self._pace = pace
        self._apart = apart

    async def wait(
        self,
        broadcast_id: str,
        *,
        path: str,
        words: Callable[[T], str],
        timeout: float | None = None,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck = log_stuck,
    ) -> T:
        """The broadcast when it is final. *words* say where it stood, *path* is where it is read.

        Raises:
            TimedOut: it was not final *timeout* seconds of the clock from now.
            RequestError: of a look, unless the next one may do better.
        """
        deadline = math.inf if timeout is None else self._clock.now() + timeout
        said = "nothing"
        async for _, seen in self._looks([broadcast_id], stuck_after, on_stuck, deadline):
            if self._gauge(seen).final:
                return seen
            said = words(seen)
        raise TimedOut(
            f"broadcast {broadcast_id} is not final after {timeout:g} s: {said}", method="GET", path=path
        )

    async def watch(
        self,
        broadcasts: Iterable[str],
        *,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck = log_stuck,
    ) -> AsyncGenerator[T, None]:
        """Yield every change, until all are final. Raises RequestError as `wait` does."""
        last: dict[str, T] = {}
        async for broadcast_id, seen in self._looks(broadcasts, stuck_after, on_stuck, math.inf):
            if seen != last.get(broadcast_id):
                last[broadcast_id] = seen
                yield seen

    async def _looks(
        self, broadcasts: Iterable[str], stuck_after: float, on_stuck: OnStuck, deadline: float
    ) -> AsyncIterator[tuple[str, T]]:
        looks = follow(
            self._look,
            self._gauge,
            broadcasts,
            plan=PollPlan(floor=self._floor, stuck_after=stuck_after, pace=self._pace),
            clock=self._clock,
            on_stuck=on_stuck,
            deadline=deadline,
            apart=self._apart,
        )
        last: dict[str, T] = {}
        async for broadcast_id, seen in looks:
            last[broadcast_id] = told = self._forward(seen, last.get(broadcast_id))
            yield broadcast_id, told
