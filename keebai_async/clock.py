"""Time, as a parameter: what waits or measures takes a Clock, so that tests turn it by hand."""

import heapq
import itertools
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

    def wall(self) -> float:
        """Seconds since the Unix epoch, for timestamps that people read; may jump."""

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


class ManualClock:
    """Time that stands still until a test moves it.

    `advance` moves it by hand. Inside `async with clock.running()` it leaps to the next sleeper by
    itself whenever the event loop has been idle for a few turns, so hours pass in an instant.
    """

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, anyio.Event]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_790_000_000.0 + self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        awake = anyio.Event()
        sleeper = (self._now + seconds, next(self._order), awake)
        heapq.heappush(self._sleepers, sleeper)
        try:
            await awake.wait()
        finally:
            if not awake.is_set():  # cancelled: a sleeper that is gone must not hold time back
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on by *seconds*, waking every sleeper on the way in its turn."""
        end = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            await self._leap()
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
            if self._sleepers:
                await self._leap()
            else:
                await anyio.sleep(0.001)  # all that is left waits for a socket or a thread

    async def _leap(self) -> None:
        when, _, awake = heapq.heappop(self._sleepers)
        self._now = max(self._now, when)
        awake.set()
        await _settle()


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
        await anyio.lowlevel.checkpoint()


SYSTEM_CLOCK = SystemClock()
