"""How a broadcast advances, worked out from the time that has passed whenever somebody asks.

No row is kept: what became of person number n at a given time follows from n, so a log of any length
costs nothing until a page of it is asked for.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

DELIVERED_AFTER: Final = 2.0
READ_AFTER: Final = 30.0
REPLIED_AFTER: Final = 60.0
"""Seconds after a message was sent."""

_CYCLE: Final = 100
_STRIDE: Final = 37  # has no factor in common with the cycle, so outcomes are spread evenly over it


class OutcomeShares(msgspec.Struct, frozen=True):
    """The shares of people, 0 to 1: not reached, and of all, those who read and who reply."""

    failing: float
    read: float
    replied: float

    def of(self, place: int) -> str:
        """What becomes of the person at *place* in the end: failed, delivered, read or replied."""
        point = place * _STRIDE % _CYCLE / _CYCLE
        if point < self.failing:
            return "failed"
        if point >= 1 - self.replied:
            return "replied"
        return "read" if point >= 1 - self.read else "delivered"

    def count(self, outcome: str, people: int) -> int:
        """How many of the first *people* end so."""
        whole, rest = divmod(people, _CYCLE)
        return (
            whole * sum(self.of(place) == outcome for place in range(_CYCLE))
            + sum(self.of(place) == outcome for place in range(rest))
        )  # fmt: skip


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of a broadcast at one instant."""

    total: int
    done: int
    failed: int
    delivered: int
    read: int
    replied: int


class DeliveryRun(msgspec.Struct, frozen=True):
    """A broadcast that has started: *people* from *start* on, *rate* a second."""

    start: float
    people: int
    rate: float
    outcomes: OutcomeShares

    @property
    def end(self) -> float:
        return self.start + self.people / self.rate

    def sent_at(self, place: int) -> float:
        return self.start + (place + 1) / self.rate

    def done(self, now: float) -> int:
        return max(0, min(self.people, int((now - self.start) * self.rate + 1e-6)))

    def status(self, place: int, now: float) -> tuple[str, float]:
        """The status of the person at *place* who was reached, and when it last changed."""
        sent, outcome = self.sent_at(place), self.outcomes.of(place)
        if outcome == "failed":
            return "failed", sent
        steps: Sequence[tuple[str, float]] = (
            ("replied", REPLIED_AFTER),
            ("read", READ_AFTER),
            ("delivered", DELIVERED_AFTER),
        )
        order = ("delivered", "read", "replied")
        for status, after in steps:
            if order.index(status) <= order.index(outcome) and now >= sent + after:
                return status, sent + after
        return "sent", sent

    def stats(self, now: float) -> Stats:
        """The counters. Those who read count as delivered too, and those who replied as having read."""
        done, count = self.done(now), self.outcomes.count
        failed = count("failed", done)
        replied = count("replied", self.done(now - REPLIED_AFTER))
        seen, there = self.done(now - READ_AFTER), self.done(now - DELIVERED_AFTER)
        return Stats(
            total=self.people,
            done=done,
            failed=failed,
            delivered=there - count("failed", there),
            read=count("read", seen) + count("replied", seen),
            replied=replied,
        )
