"""What reached the server: requests by route and by token, and the most that any window saw.

Tests read this from a thread of their own while requests come in, so everything is read from copies.
"""

from collections import Counter, deque
from collections.abc import Sequence

from keebai_async.clock import Clock
from keebai_async.sandbox.throttle import Throttle, ThrottleRuling, ThrottlerVersion, Window


class _Peak:
    """The most requests found in any stretch of one window's length, refused ones included."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.most = 0
        self._times: deque[float] = deque()

    def saw(self, now: float) -> None:
        while self._times and self._times[0] + self.window.per <= now:
            self._times.popleft()
        self._times.append(now)
        self.most = max(self.most, len(self._times))


class TokenTraffic:
    """The requests of one token."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._requests: Counter[str] = Counter()
        self._throttled: Counter[str] = Counter()
        self._peaks = [_Peak(window) for window in windows]

    @property
    def requests(self) -> Counter[str]:
        """By route, as in `GET /messages/bulk/{broadcast_id}`."""
        return _copy(self._requests)

    @property
    def throttled(self) -> Counter[str]:
        """Those of them that were answered 429."""
        return _copy(self._throttled)

    @property
    def most(self) -> dict[str, int]:
        """By the window's name: the most requests seen in any stretch of that length."""
        return {peak.window.name: peak.most for peak in self._peaks}

    def count(self, route: str, now: float) -> None:
        self._requests[route] += 1
        for peak in self._peaks:
            peak.saw(now)

    def count_throttled(self, route: str) -> None:
        self._throttled[route] += 1


class Traffic:
    """The requests of all tokens, and of those who have none."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = tuple(windows)
        self._by_token: dict[str, TokenTraffic] = {}
        self._strangers: Counter[str] = Counter()

    @property
    def by_token(self) -> dict[str, TokenTraffic]:
        return dict(self._by_token)

    @property
    def strangers(self) -> Counter[str]:
        """Requests without a good token, by route: answered 401 and not counted against any quota."""
        return _copy(self._strangers)

    @property
    def requests(self) -> Counter[str]:
        return sum((one.requests for one in self.by_token.values()), self.strangers)

    @property
    def throttled(self) -> Counter[str]:
        return sum((one.throttled for one in self.by_token.values()), Counter())

    @property
    def most(self) -> dict[str, int]:
        """By the window's name: the most that any single token made in any stretch of that length."""
        tokens = self.by_token.values()
        return {
            window.name: max((one.most[window.name] for one in tokens), default=0) for window in self._windows
        }

    def of(self, token: str) -> TokenTraffic:
        """The requests of *token*, which is known from now on."""
        if token not in self._by_token:
            self._by_token[token] = TokenTraffic(self._windows)
        return self._by_token[token]

    def count_stranger(self, route: str) -> None:
        self._strangers[route] += 1


class AdmissionControl:
    """Counts every request of a token, and lets the throttler say whether it passes."""

    def __init__(self, windows: Sequence[Window], throttler: ThrottlerVersion, clock: Clock) -> None:
        self._throttle = Throttle(windows, throttler)
        self._clock = clock
        self.traffic = Traffic(windows)

    def count_stranger(self, route: str) -> None:
        """Note a request without a good token: it counts against no quota."""
        self.traffic.count_stranger(route)

    def count(self, token: str, route: str) -> ThrottleRuling:
        """Count one request of *token*, and say whether it passes."""
        now = self._clock.now()
        traffic = self.traffic.of(token)
        traffic.count(route, now)
        ruling = self._throttle.take(token, now)
        if not ruling.admitted:
            traffic.count_throttled(route)
        return ruling


def _copy(counter: Counter[str]) -> Counter[str]:
    # dict() copies in one step that no other thread can interrupt; a Counter copies itself item by item.
    return Counter(dict(counter))
