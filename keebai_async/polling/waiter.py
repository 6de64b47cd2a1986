"""Waiter: wait for broadcasts, or watch them, the same for every service that has some.

It looks at one broadcast at a time and has no task of its own: a caller may leave off anywhere.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Generic, TypeVar

from keebai_async.clock import Clock
from keebai_async.errors import ConnectionFailed, RateLimited, ServerFailed, TimedOut, Undecodable
from keebai_async.model.progress import Progress
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.chunk_records import BroadcastStalled
from keebai_async.polling.planner import PollPlanner, Stuck

T = TypeVar("T")

POLL_FLOOR: Final = 5.0
"""Seconds between two looks at one broadcast, at least. Source: Keebai's contract, section 6."""

STUCK_AFTER: Final = 900.0
"""Seconds without any movement until a broadcast is called stuck."""

LONGEST_SILENCE: Final = 3_600.0
"""Seconds in which every look fails, after which the last failure is an error of the whole wait."""

TEMPORARY: Final = (ConnectionFailed, TimedOut, ServerFailed, Undecodable, RateLimited)
"""Errors of a look that the next one may not meet."""

OnStuck = Callable[[Stuck], None]


def _never_quiet(_: object) -> float:
    return 0.0


class Waiter(Generic[T]):
    """Looks at broadcasts no more often than their progress asks for.

    Args:
        look: reads one broadcast. Raises RequestError.
        progress: how far it is.
        forward: what was seen, with counters that do not go back behind what was seen before.
        quiet: seconds from now in which nothing of it will move, because it is scheduled for later.
        pace: seconds between two looks in the long run; by default what Keebai's quota can bear.
        apart: each broadcast moves by itself, instead of one after the other.
        observer: told of a broadcast that does not move.
    """

    def __init__(
        self,
        look: Callable[[str], Awaitable[T]],
        progress: Callable[[T], Progress],
        *,
        forward: Callable[[T, T | None], T],
        clock: Clock,
        quiet: Callable[[T], float] = _never_quiet,
        floor: float = POLL_FLOOR,
        pace: float | None = None,
        apart: bool = False,
        observer: Observer = TO_LOG,
    ) -> None:
        self._look = look
        self._progress = progress
        self._forward = forward
        self._clock = clock
        self._quiet = quiet
        self._floor = floor
        self._pace = pace
        self._apart = apart
        self._observer = observer

    async def wait(
        self,
        broadcast_id: str,
        *,
        path: str,
        words: Callable[[T], str],
        timeout: float | None = None,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck | None = None,
    ) -> T:
        """The broadcast when it is final. *words* say where it stood, *path* is where it is read.

        Raises:
            TimedOut: it was not final *timeout* seconds of the clock from now.
            RequestError: of a look, unless the next one may do better.
        """
        deadline = math.inf if timeout is None else self._clock.now() + timeout
        said = "nothing"
        async for _, seen in self._forward_only([broadcast_id], stuck_after, on_stuck, deadline):
            if self._progress(seen).final:
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
        on_stuck: OnStuck | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield every change, until all are final. Raises RequestError as `wait` does."""
        last: dict[str, T] = {}
        async for broadcast_id, seen in self._forward_only(broadcasts, stuck_after, on_stuck, math.inf):
            if seen != last.get(broadcast_id):
                last[broadcast_id] = seen
                yield seen

    async def _forward_only(
        self, broadcasts: Iterable[str], stuck_after: float, on_stuck: OnStuck | None, deadline: float
    ) -> AsyncIterator[tuple[str, T]]:
        last: dict[str, T] = {}
        async for broadcast_id, seen in self._looks(broadcasts, stuck_after, on_stuck, deadline):
            last[broadcast_id] = told = self._forward(seen, last.get(broadcast_id))
            yield broadcast_id, told

    async def _looks(
        self, broadcasts: Iterable[str], stuck_after: float, on_stuck: OnStuck | None, deadline: float
    ) -> AsyncIterator[tuple[str, T]]:
        """What each look gives, until every broadcast is final or *deadline* is reached.

        The broadcasts may be anybody's: how many people they have is learnt from the first look. A look
        that fails and may do better is made again, later and later, until none has succeeded for
        LONGEST_SILENCE; that error, and any other one, comes out.
        """
        clock = self._clock
        planner = PollPlanner(floor=self._floor, stuck_after=stuck_after, pace=self._pace)
        for broadcast_id in broadcasts:
            sender = broadcast_id if self._apart else ""
            planner.add(broadcast_id, recipients=0, sender=sender, now=clock.now())
        answered = clock.now()
        while (planned := planner.next(clock.now())) is not None:
            now = clock.now()
            if planned.at > now:
                await clock.sleep(min(planned.at, deadline) - now)
                if clock.now() >= deadline:
                    return
                continue
            try:
                seen = await self._look(planned.broadcast_id)
            except TEMPORARY:
                if clock.now() - answered >= LONGEST_SILENCE:
                    raise
                planner.missed(planned.broadcast_id, clock.now())
            else:
                answered = now = clock.now()
                planner.saw_progress(planned.broadcast_id, self._progress(seen), now)
                if (quiet := self._quiet(seen)) > 0:
                    planner.hold(planned.broadcast_id, now + quiet)
                yield planned.broadcast_id, seen
            for stuck in planner.stuck(clock.now()):
                self._observer(BroadcastStalled(broadcast=stuck.broadcast_id, seconds=stuck.seconds))
                if on_stuck is not None:
                    on_stuck(stuck)
