"""What can go wrong on demand, as values, and the plan of when it does.

Each fault says by *accepted* whether the request it befalls was acted on first; the ledger agrees.
"""

from typing import Final

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all faults."""

    accepted: bool = True


class Reset(Fault, frozen=True, kw_only=True, tag=True):
    """The connection is reset (a TCP RST) after the whole request was read."""


class ResetBeforeReading(Fault, frozen=True, kw_only=True, tag=True):
    """The connection is reset when only the request's head was read. Never accepted."""

    accepted: bool = False


class Hang(Fault, frozen=True, kw_only=True, tag=True):
    """No reply at all; the connection is reset after *seconds* of the clock, or when the sandbox stops."""

    seconds: float | None = None


class Status(Fault, frozen=True, kw_only=True, tag=True):
    """An error status with the service's usual body: 500 after acceptance is the default."""

    status: int = 500


class Refuse(Fault, frozen=True, kw_only=True, tag=True):
    """A gateway's refusal, 502 or 503, of a request that was not accepted."""

    status: int = 503
    accepted: bool = False


class Late(Fault, frozen=True, kw_only=True, tag=True):
    """The right reply, *seconds* of the clock later."""

    seconds: float


class NotJson(Fault, frozen=True, kw_only=True, tag=True):
    """The right status, with a body that is no JSON although its type says so."""


class CutOff(Fault, frozen=True, kw_only=True, tag=True):
    """The right head, half the body it announces, then the connection closes."""


class Huge(Fault, frozen=True, kw_only=True, tag=True):
    """The right reply behind *size* bytes of blanks."""

    size: int = 9 * 1024 * 1024


class Html(Fault, frozen=True, kw_only=True, tag=True):
    """200 with a page, as a captive portal or a proxy answers. Not accepted unless said otherwise."""

    status: int = 200
    accepted: bool = False


class Redirect(Fault, frozen=True, kw_only=True, tag=True):
    """Sent on to *location*. Not accepted unless said otherwise."""

    status: int = 307
    location: str = "http://elsewhere.invalid/v1/messages/bulk"
    accepted: bool = False


AnyFault = (
    Reset | ResetBeforeReading | Hang | Status | Refuse | Late | NotJson | CutOff | Huge | Html | Redirect
)

ANY_ROUTE: Final = "*"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that happened, and to what."""

    route: str
    fault: AnyFault
    accepted: bool


class _Order:
    __slots__ = ("fault", "first", "route", "seen", "times")

    def __init__(self, route: str, fault: AnyFault, nth: int, times: int | None) -> None:
        self.route = route
        self.fault = fault
        self.first = nth
        self.times = times
        self.seen = 0

    def next(self, route: str) -> AnyFault | None:
        if self.route not in (route, ANY_ROUTE):
            return None
        self.seen += 1
        past = self.seen - self.first
        return self.fault if past >= 0 and (self.times is None or past < self.times) else None


class FaultPlan:
    """Which request meets which fault."""

    def __init__(self) -> None:
        self.given: list[Given] = []
        """The faults that happened, in order."""
        self._orders: list[_Order] = []

    def on(self, route: str, fault: AnyFault, *, nth: int = 1, times: int | None = 1) -> None:
        """Let the *nth* request of *route* from now on, and the *times* - 1 after it, meet *fault*.

        *route* is as in `GET /messages/bulk/{broadcast_id}`, or `*` for all of them; *times* None is for
        ever. Requests that were answered 401 or 429 do not count.
        """
        self._orders.append(_Order(route, fault, nth, times))

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._orders.clear()

    def next(self, route: str) -> AnyFault | None:
        """Count one request of *route*, and give the fault it meets: the one that was asked for first."""
        faults = [order.next(route) for order in self._orders]
        return next((fault for fault in faults if fault is not None), None)
