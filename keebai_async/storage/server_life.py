"""ServerLife: for how long a server ran, over all its starts, as far as one of its users saw. Pure.

Who is silent may be dead, or may have had no server to which it could say that it is alive. The naive way is
to wait for some seconds after each start. But a server that starts again every few seconds then lets nobody
ever count as dead. So its seconds are added up: those before a start count, too.
"""

from typing import Final

import msgspec

_KEPT_STARTS: Final = 20
"""Starts that are remembered; more of them since somebody was last heard are an evil of another kind."""

_SAME: Final = 0.01
"""Seconds by which the instant of one start may seem to differ."""


class _Run(msgspec.Struct):
    """From its start until it was last seen, on the server's clock."""

    began: float
    until: float


class ServerLife:
    """What was seen of one server."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def seen(self, now: float, *, up: float) -> None:
        """It answered at *now*, on its own clock, and ran for *up* seconds by then."""
        began = now - up
        if not self._runs or abs(began - self._runs[-1].began) > _SAME:
            self._runs = [*self._runs[1 - _KEPT_STARTS :], _Run(began, now)]
        self._runs[-1].until = max(now, self._runs[-1].until)

    def ran_for(self, seconds: float) -> float:
        """How many of the last *seconds*, before it was last seen, it was there for certain."""
        if not self._runs:
            return 0.0
        since = self._runs[-1].until - seconds
        return sum(max(0.0, run.until - max(run.began, since)) for run in self._runs)
