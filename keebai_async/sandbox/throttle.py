"""Who is answered 429: the behaviour of NestJS's throttler, read off the real one.

Version 6.7.1 keeps a sliding log for each window: a request leaves it a full window after it was made.
Going over blocks the token for a whole window, counted from the request that went over; requests during
the block are refused but prolong nothing, and afterwards the count starts from zero. Version 5.2.0 has no
block, but counts what it refuses, so hammering keeps the token out.
"""

import enum
import math
from collections import deque
from collections.abc import Sequence

import msgspec


class Window(msgspec.Struct, frozen=True):
    """At most *limit* requests in any *per* seconds. The name goes into headers, unless it is `default`."""

    name: str
    limit: int
    per: float

    @property
    def suffix(self) -> str:
        return "" if self.name == "default" else f"-{self.name}"


class ThrottlerVersion(enum.Enum):
    """Which version of the throttler the service runs; they differ in what going over costs."""

    BLOCKS = "6.7.1"
    COUNTS_REFUSED = "5.2.0"


class ThrottleRuling(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one request may pass, and the headers its reply carries either way."""

    admitted: bool
    headers: tuple[tuple[str, str], ...]


class _Log:
    """One window of one token."""

    def __init__(self, window: Window, version: ThrottlerVersion) -> None:
        self.window = window
        self._version = version
        self._hits: deque[float] = deque()
        self._blocked_until: float | None = None
        self._reset_at = -math.inf

    def take(self, now: float) -> ThrottleRuling:
        while self._hits and self._hits[0] + self.window.per <= now:
            self._hits.popleft()
        if self._reset_at <= now:  # a countdown of its own, which says nothing about the log
            self._reset_at = now + self.window.per
        if self._version is ThrottlerVersion.COUNTS_REFUSED:
            self._hits.append(now)
            over = len(self._hits) > self.window.limit
            return self._refused(self._reset_at - now) if over else self._passed(now)
        return self._take_or_block(now)

    def _take_or_block(self, now: float) -> ThrottleRuling:
        if self._blocked_until is not None:
            if now < self._blocked_until:
                return self._refused(self._blocked_until - now)
            self._blocked_until = None
            self._hits.clear()
        self._hits.append(now)
        if len(self._hits) > self.window.limit:
            self._blocked_until = now + self.window.per
            return self._refused(self.window.per)
        return self._passed(now)

    def _passed(self, now: float) -> ThrottleRuling:
        suffix, limit = self.window.suffix, self.window.limit
        return ThrottleRuling(
            admitted=True,
            headers=(
                (f"X-RateLimit-Limit{suffix}", str(limit)),
                (f"X-RateLimit-Remaining{suffix}", str(max(0, limit - len(self._hits)))),
                (f"X-RateLimit-Reset{suffix}", str(math.ceil(self._reset_at - now))),
            ),
        )

    def _refused(self, wait: float) -> ThrottleRuling:
        return ThrottleRuling(
            admitted=False, headers=((f"Retry-After{self.window.suffix}", str(math.ceil(wait))),)
        )


class Throttle:
    """All windows of all tokens. The shorter window is asked first, and what it refuses no other counts."""

    def __init__(
        self, windows: Sequence[Window], version: ThrottlerVersion = ThrottlerVersion.BLOCKS
    ) -> None:
        self._windows = sorted(windows, key=lambda window: window.per)
        self._version = version
        self._logs: dict[str, list[_Log]] = {}

    def take(self, token: str, now: float) -> ThrottleRuling:
        """Count one request of *token* at *now*, and say whether it passes."""
        logs = self._logs.get(token)
        if logs is None:
            logs = self._logs[token] = [_Log(window, self._version) for window in self._windows]
        headers: list[tuple[str, str]] = []
        for log in logs:
            ruling = log.take(now)
            headers.extend(ruling.headers)
            if not ruling.admitted:
                return ThrottleRuling(admitted=False, headers=tuple(headers))
        return ThrottleRuling(admitted=True, headers=tuple(headers))
