"""CallLimit: how long one call may take, divided between its wait for the quota and its request.

A request that waits for its place until its last moment has no time left for an answer, and a submit without
an answer is unknown. So with a `timeout` the wait may take half of the time, and what remains, at least the
other half, is the request's. A call without one waits for its places no longer than its client allows.
"""

import time
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, runtime_checkable

from msgspec.structs import replace

from keebai_async.errors import QuotaExhausted
from keebai_async.quota.gate import Gate, Lane, Place
from keebai_async.quota.window import Wait
from keebai_async.transport.request import Request

SHARE_OF_WAITING: Final = 0.5

LONGEST_QUOTA_WAIT: Final = 75.0
"""Seconds for which a single call waits for the quota: a full minute's window can pass, an hour's cannot."""


@runtime_checkable
class BoundedGate(Gate, Protocol):
    """A gate that can be asked for a place within a time."""

    def place_within(self, lane: Lane, seconds: float) -> AbstractAsyncContextManager[Place | Wait]:
        """As `place`, or how long it would take, as soon as it is certain that none comes in *seconds*."""
        ...


class CallLimit:
    """The limit of a call that makes *request*, once or again; it begins now.

    *longest_wait* is how many seconds a call without a `timeout` may wait for its places; None is for ever.
    """

    __slots__ = ("_began", "_longest_wait", "_request", "_waited")

    def __init__(self, request: Request, *, longest_wait: float | None = None) -> None:
        self._request = request
        self._longest_wait = longest_wait
        self._began = time.monotonic()
        self._waited = 0.0

    @property
    def patience(self) -> float | None:
        """Seconds for which a place in the quota may still be waited for; None is for ever."""
        whole = self._request.timeout
        if whole is not None:
            return max(0.0, whole * SHARE_OF_WAITING - self._elapsed)
        return None if self._longest_wait is None else max(0.0, self._longest_wait - self._waited)

    @property
    def on_clock(self) -> bool:
        """Whether the wait is counted on the client's clock, as the quota is; a `timeout` is real time."""
        return self._request.timeout is None

    def waited(self, seconds: float) -> None:
        """A place came after *seconds*."""
        self._waited += seconds

    def allows(self, wait: float) -> bool:
        """Whether there is time for another attempt after *wait* seconds."""
        return self.patience is None or wait < self.patience

    def request(self) -> Request:
        """The request as it is made now, with the time that is left."""
        whole = self._request.timeout
        if whole is None or self._elapsed < 0.02 * whole:
            return self._request
        return replace(self._request, timeout=max(whole * 0.02, whole - self._elapsed))

    def spent(self, patience: float, wait: Wait | None) -> QuotaExhausted:
        """The error when none comes within *patience*; *wait* is how long it would take, if known."""
        seconds = 0.0 if wait is None else wait.seconds
        why = "" if wait is None else f": {wait.why}, come again in {seconds:.0f} s"
        bound = "timeout" if self._request.timeout is not None else "longest_quota_wait"
        return QuotaExhausted(
            f"no place in the quota within {patience:.1f} s ({bound}), so nothing was sent{why}",
            method=self._request.method,
            path=self._request.path,
            attempts=0,
            retry_after=seconds,
        )

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began
