"""How far ahead of the sender a campaign submits by itself; the pace of its owner is `pace.py`. Pure.

Ten million people are 2,000 submits. Sent as fast as the minute allows, they would spend the hour's 1,000
requests in a quarter of it, and nobody could read a broadcast, or send a single message, for the rest;
while the sender needs a day and a half to deliver them anyway. So half of the longest window is submitted
at once, and after that only what keeps the sender busy for a while. What waits here is also what a pause,
a stop or a guard can still hold back.
"""

from collections import deque
from collections.abc import Iterable

from keebai_async.model.chunk import Chunk
from keebai_async.model.outlook import DELIVERY_RATE
from keebai_async.model.report import settle_counters
from keebai_async.quota.window import Quota

SUBMIT_SHARE = 0.5
"""The part of the longest window that submits may spend, however far ahead of the sender they are."""

LEAD = 1_800.0
"""Seconds of the sender's work that may be submitted ahead when that part is spent."""

LOOK_AGAIN = 30.0
"""Seconds after which to look again how far the sender is."""


class Lead:
    """When the next submit is worth making.

    *quota* is the longest window; *rate* is what a sender delivers in a second until it was seen.
    """

    def __init__(self, quota: Quota, *, rate: float = DELIVERY_RATE) -> None:
        self._most = max(1, int(quota.limit * SUBMIT_SHARE))
        self._per = quota.per
        self._rate = rate
        self._left: deque[float] = deque()
        self._first: float | None = None
        self._done_before = 0
        self._waits = False

    def left(self, now: float) -> None:
        """A submit left at *now*."""
        self._first = now if self._first is None else self._first
        self._left.append(now)
        self._waits = False

    def begins_to_wait(self) -> bool:
        """Say once after each submit that left that the next one waits, for those who want to be told."""
        begins, self._waits = not self._waits, True
        return begins

    def wait(self, chunks: Iterable[Chunk], now: float) -> float:
        """Seconds until it is worth asking again whether the next submit may leave; 0 if it may now."""
        while self._left and self._left[0] <= now - self._per:
            self._left.popleft()
        if self._first is not None and len(self._left) < self._most:
            return 0.0
        counters = [settle_counters(each) for each in chunks if each.tracked]
        done = sum(sent + failed for sent, failed, _ in counters)
        if self._first is None:
            self._done_before = done  # by earlier runs: it says nothing about the time since then
            return 0.0
        seen, passed = done - self._done_before, now - self._first
        rate = seen / passed if seen > 0 and passed > 0 else self._rate
        if sum(pending for _, _, pending in counters) <= LEAD * rate:
            return 0.0
        return min(LOOK_AGAIN, self._left[0] + self._per - now)


def lead_for(quotas: Iterable[Quota]) -> Lead | None:
    """How far ahead with these quotas; None if there are no quotas."""
    longest = max(quotas, key=lambda quota: quota.per, default=None)
    return None if longest is None else Lead(longest)
