"""What reached the server: requests by route and by token, and the most that any window saw."""

from collections import Counter, deque
from collections.abc import Sequence

from keebai_async.sandbox.throttle import Window


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
        self.requests: Counter[str] = Counter()
        """By route, as in `GET /messages/bulk/{broadcast_id}`."""
        self.throttled: Counter[str] = Counter()
        """Those of them that were answered 429."""
        self._peaks = [_Peak(window) for window in windows]

    @property
    def most(self) -> dict[str, int]:
        """By the window's name: the most requests seen in any stretch of that length."""
        return {peak.window.name: peak.most for peak in self._peaks}

    def arrived(self, route: str, now: float) -> None:
        self.requests[route] += 1
        for peak in self._peaks:
            peak.saw(now)


class Traffic:
    """The requests of all tokens, and of those who have none."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = tuple(windows)
        self.by_token: dict[str, TokenTraffic] = {}
        self.strangers: Counter[str] = Counter()
        """Requests without a good token, by route: answered 401 and not counted against any quota."""

    def of(self, token: str) -> TokenTraffic:
        if token not in self.by_token:
            self.by_token[token] = TokenTraffic(self._windows)
        return self.by_token[token]

    @property
    def requests(self) -> Counter[str]:
        return sum((one.requests for one in self.by_token.values()), self.strangers.copy())

    @property
    def throttled(self) -> Counter[str]:
        return sum((one.throttled for one in self.by_token.values()), Counter())

    @property
    def most(self) -> dict[str, int]:
        """By the window's name: the most that any single token made in any stretch of that length."""
        return {
            window.name: max((one.most[window.name] for one in self.by_token.values()), default=0)
            for window in self._windows
        }
