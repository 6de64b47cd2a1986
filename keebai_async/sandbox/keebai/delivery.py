"""How broadcasts advance: worked out from the time that has passed, whenever somebody asks.

No task runs for a broadcast. Each sender has a DeliveryQueue, which delivers so many messages a second;
asked for a broadcast, it first catches up with the clock.
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


class BroadcastInLine:
    """One broadcast in a queue. *failing* are the places (from 0, ascending) of those who will not get it."""

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


class DeliveryQueue(Protocol):
    """Delivers for one sender. Times given to it never go back."""

    def add(self, broadcast: BroadcastInLine) -> None: ...

    def counters_of(self, broadcast: BroadcastInLine, now: float) -> Counters: ...


class _OneByOne:
    def __init__(self, rate: float, chance: random.Random | None) -> None:
        self._rate = rate
        self._chance = chance
        self._waiting: list[BroadcastInLine] = []
        self._current: BroadcastInLine | None = None
        self._free_at = 0.0

    def add(self, broadcast: BroadcastInLine) -> None:
        self._catch_up(broadcast.submitted)
        self._waiting.append(broadcast)
        self._catch_up(broadcast.submitted)

    def counters_of(self, broadcast: BroadcastInLine, now: float) -> Counters:
        self._catch_up(now)
        if broadcast.started is None:
            return broadcast.counters(0)
        if broadcast.ended is not None:
            return broadcast.counters(broadcast.total)
        return broadcast.counters(
            min(broadcast.total, int((now - broadcast.started) * self._rate + _EPSILON))
        )

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
        self._active: list[tuple[float, int, BroadcastInLine]] = []
        self._count = 0

    def add(self, broadcast: BroadcastInLine) -> None:
        self._catch_up(broadcast.submitted)
        broadcast.started = broadcast.submitted
        broadcast.base = self._level
        self._count += 1
        heapq.heappush(self._active, (self._level + broadcast.total, self._count, broadcast))

    def counters_of(self, broadcast: BroadcastInLine, now: float) -> Counters:
        self._catch_up(now)
        done = (
            broadcast.total if broadcast.ended is not None else int(self._level - broadcast.base + _EPSILON)
        )
        return broadcast.counters(min(broadcast.total, done))

    def _catch_up(self, now: float) -> None:
        while self._active:
            level, _, broadcast = self._active[0]
            end = self._now + (level - self._level) * len(self._active) / self._rate
            if end > now:
                self._level += (now - self._now) * self._rate / len(self._active)
                break
            heapq.heappop(self._active)
            broadcast.ended = self._now = end
            self._level = level
        self._now = now


def delivery_queue(order: Order, rate: float, chance: random.Random) -> DeliveryQueue:
    """A queue that delivers *rate* messages a second in *order*."""
    if order is Order.SHARED:
        return _Shared(rate)
    return _OneByOne(rate, chance if order is Order.OWN else None)
