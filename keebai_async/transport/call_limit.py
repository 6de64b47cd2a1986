"""CallLimit: the `timeout` of one call, divided between its wait for the quota and its request.

A request that waits for its place until its last moment has no time left for an answer, and a submit without
an answer is unknown. So the wait may take half of the time, and what remains, at least the other half, is the
request's.
"""

import time
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from keebai_async.errors import QuotaExhausted
from keebai_async.quota.gate import Lane
from keebai_async.quota.window import Wait
from keebai_async.transport.request import Request

SHARE_OF_WAITING = 0.5


@runtime_checkable
class ForecastingGate(Protocol):
    """A gate that can say how long a place would take."""

    async def forecast(self, lane: Lane) -> Wait | None:
        """How long a request of *lane* would wait if it came now; None if not at all."""


class CallLimit:
    """The limit of a call that makes *request*, once or again; it begins now. No timeout is no limit."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._began = time.monotonic()

    @property
    def patience(self) -> float | None:
        """Seconds for which a place in the quota may still be waited for; None is for ever."""
        whole = self._request.timeout
        return None if whole is None else max(0.0, whole * SHARE_OF_WAITING - self._elapsed)

    def allows(self, wait: float) -> bool:
        """Whether there is time for another attempt after *wait* seconds."""
        return self.patience is None or wait < self.patience

    def request(self) -> Request:
        """The request as it is made now, with the time that is left."""
        whole = self._request.timeout
        if whole is None or self._elapsed < 0.02 * whole:
            return self._request
        return replace(self._request, timeout=max(whole * 0.02, whole - self._elapsed))

    def spent(self, wait: Wait | None) -> QuotaExhausted:
        """The error when no place came in time; *wait* is how long it would take, as far as that is known."""
        seconds = 0.0 if wait is None else wait.seconds
        why = "" if wait is None else f": {wait.why}, come again in {seconds:.0f} s"
        return QuotaExhausted(
            f"no place in the quota within {self._elapsed:.1f} s, so nothing was sent{why}",
            method=self._request.method,
            path=self._request.path,
            attempts=0,
            retry_after=seconds,
        )

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began
