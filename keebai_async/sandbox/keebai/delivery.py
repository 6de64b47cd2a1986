"""How broadcasts advance: worked out from the time that has passed, whenever somebody asks.

No task runs for a broadcast. Each sender has a Desk, which delivers so many messages a second; asked for
a broadcast, it first catches up with the clock.
"""

import enum
import heapq
import random
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

_EPSILON: Final = 1e-6  # of a message: what floating point may lose on the way to a whole one


class Order(enum.Enum):
    """How a sender works on several broadcasts."""

    LINE = "line"
    """One after the other, as they came."""
    SHARED = "shared"
    """On all at once, each getting the same share of the rate."""
    OWN = "own"
    """One after the other, in an order that nobody outside can know."""


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broadcast stands at one instant; sent + failed + pending is always the total."""

    total: int
    sent: int
    failed: int
    started: float | None
    ended: float | None

    @property
    def pending(self) -> int:
        return self.total - self.sent - self.failed


class Work:
    """One broadcast at a desk. *failing* are the places (from 0, ascending) of those who will not get it."""

    __slots__ = ("base", "ended", "failing", "started", "submitted", "total")

    def __init__(self, total: int, failing: Iterable[int], submitted: float) -> None:
        self.total = total
        self.failing = array("I", failing)
        self.submitted = submitted
        self.started: float | None = None
        self.ended: float | None = None
        self.base = 0.0

    def counters(self, done: int) -> Counters:
        failed = bisect_left(self.failing, done)
        return Counters(
            total=self.total, sent=done - failed, failed=failed, started=self.started, ended=self.ended
        )


class Desk(Protocol):
    """Delivers for one sender. Times given to it never go back."""

    def add(self, work: Work) -> None: ...

    def look(self, work: Work, now: float) -> Counters: ...


class _OneByOne:
    def __init__(self, rate: float, chance: random.Random | None) -> None:
        self._rate = rate
        self._chance = chance
        self._waiting: list[Work] = []
        self._current: Work | None = None
        self._free_at = 0.0

    def add(self, work: Work) -> None:
        self._catch_up(work.submitted)
        self._waiting.append(work)
        self._catch_up(work.submitted)

    def look(self, work: Work, now: float) -> Counters:
        self._catch_up(now)
        if work.started is None:
            return work.counters(0)
        if work.ended is not None:
            return work.counters(work.total)
        return work.counters(min(work.total, int((now - work.started) * self._rate + _EPSILON)))

    def _catch_up(self, now: float) -> None:
        while self._current is not None or self._waiting:
            if self._current is None:
                self._current = self._waiting.pop(self._pick())
                self._current.started = max(self._free_at, self._current.submitted)
            end = (self._current.started or 0.0) + self._current.total / self._rate
            if end > now:
                return
            self._current.ended = self._free_at = end
            self._current = None

    def _pick(self) -> int:
        return self._chance.randrange(len(self._waiting)) if self._chance else 0


class _Shared:
    """Equal shares, by one number that all broadcasts read: how many messages each of them got so far."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._level = 0.0
        self._now = 0.0
        self._active: list[tuple[float, int, Work]] = []
        self._count = 0

    def add(self, work: Work) -> None:
        self._catch_up(work.submitted)
        work.started = work.submitted
        work.base = self._level
        self._count += 1
        heapq.heappush(self._active, (self._level + work.total, self._count, work))

    def look(self, work: Work, now: float) -> Counters:
        self._catch_up(now)
        done = work.total if work.ended is not None else int(self._level - work.base + _EPSILON)
        return work.counters(min(work.total, done))

    def _catch_up(self, now: float) -> None:
        while self._active:
            level, _, work = self._active[0]
            end = self._now + (level - self._level) * len(self._active) / self._rate
            if end > now:
                self._level += (now - self._now) * self._rate / len(self._active)
                break
            heapq.heappop(self._active)
            work.ended = self._now = end
            self._level = level
        self._now = now


def open_desk(order: Order, rate: float, chance: random.Random) -> Desk:
    """A desk that delivers *rate* messages a second in *order*."""
    if order is Order.SHARED:
        return _Shared(rate)
    return _OneByOne(rate, chance if order is Order.OWN else None)
