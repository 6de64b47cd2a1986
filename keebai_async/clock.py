"""Time, as a parameter: what waits or measures takes a Clock, so that tests turn it by hand."""

import asyncio
import heapq
import itertools
import math
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    """A source of time in seconds, with a way to wait on it."""

    def now(self) -> float:
        """Seconds since an arbitrary origin; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch, for timestamps that people read; may jump."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds* on this clock; zero or less yields to the loop once."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))


class ScaledClock:
    """Real time running *speed* times as fast: a simulation's hour in seconds.

    Raises:
        ValueError: *speed* is not positive.
    """

    def __init__(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.speed = speed
        self._origin = time.monotonic()
        self._wall = time.time()

    def now(self) -> float:
        return (time.monotonic() - self._origin) * self.speed

    def wall(self) -> float:
        return self._wall + self.now()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds) / self.speed)


class _Sleeper:
    """A task that sleeps on a ManualClock, and its event loop."""

    def __init__(self) -> None:
        self.awake = anyio.Event()
        self.woken = False
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Wake it, from the loop of any thread."""
        self.woken = True
        if self._loop is asyncio.get_running_loop():
            self.awake.set()
        else:
            self._loop.call_soon_threadsafe(self.awake.set)


class ManualClock:
    """Time that stands still until a test moves it.

    `advance` moves it by hand. Inside `async with clock.running()` it leaps to the next sleeper by
    itself whenever the event loop has been idle for a few turns, so hours pass in an instant.

    Event loops of several threads may sleep on one clock, but the one that moves it waits only for its own
    tasks: time is exact among the tasks of one loop.
    """

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, _Sleeper]] = []
        self._changing = threading.Lock()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_790_000_000.0 + self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        sleeper = _Sleeper()
        with self._changing:
            entry = (self._now + seconds, next(self._order), sleeper)
            heapq.heappush(self._sleepers, entry)
        try:
            await sleeper.awake.wait()
        finally:
            with self._changing:
                if not sleeper.woken:  # cancelled: a sleeper that is gone must not hold time back
                    self._sleepers.remove(entry)
                    heapq.heapify(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on by *seconds*, waking every sleeper on the way in its turn."""
        end = self._now + seconds
        await _settle()
        while await self._leap(end):
            pass
        self._now = end
        await _settle()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let time run by itself, as fast as the loop comes to rest."""
        error: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            try:
                yield
            except Exception as raised:
                error = raised  # a failed assertion should come out as it is, not in a group of ours
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error

    async def _run(self) -> None:
        while True:
            await _settle()
            while await self._leap(math.inf):
                pass
            await anyio.sleep(0.001)  # all that is left waits for a socket or a thread

    async def _leap(self, end: float) -> bool:
        """Move to the next sleeper, if it wants to wake by *end*, and wake it; say whether there was one."""
        with self._changing:
            if not self._sleepers or self._sleepers[0][0] > end:
                return False
            when, _, sleeper = heapq.heappop(self._sleepers)
            self._now = max(self._now, when)
            sleeper.wake()
        await _settle()
        return True


async def wait_for(clock: Clock, event: anyio.Event, seconds: float) -> bool:
    """Wait for *event*, at most *seconds* on *clock*; say whether it came."""

    async def alarm() -> None:
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(alarm)
        await event.wait()
        tasks.cancel_scope.cancel()
    return event.is_set()


async def _settle(turns: int = 25) -> None:
    # Enough turns for a request on a loopback socket to reach the other side and come back.
    for _ in range(turns):
        await asyncio.sleep(0)  # anyio's checkpoint costs several times as much, and does no more here


SYSTEM_CLOCK = SystemClock()
