"""Every request of a token is counted here, and the throttler says whether it passes."""

from collections.abc import Sequence

from keebai_async.clock import Clock
from keebai_async.sandbox.throttle import Manners, Ruling, Throttle, Window
from keebai_async.sandbox.traffic import Traffic


class Turnstile:
    """The throttler with its traffic, for any service of the sandbox."""

    def __init__(self, windows: Sequence[Window], manners: Manners, clock: Clock) -> None:
        self._throttle = Throttle(windows, manners)
        self._clock = clock
        self.traffic = Traffic(windows)

    def turned_away(self, route: str) -> None:
        """Note a request without a good token: it counts against no quota."""
        self.traffic.strangers[route] += 1

    def passes(self, token: str, route: str) -> Ruling:
        """Count one request of *token*, and say whether it passes."""
        now = self._clock.now()
        traffic = self.traffic.of(token)
        traffic.arrived(route, now)
        ruling = self._throttle.take(token, now)
        if not ruling.admitted:
            traffic.throttled[route] += 1
        return ruling
