"""What can go wrong on demand, as values, and the plan of when it does.

Each fault says by *accepted* whether the request that meets it was acted on first; the ledger agrees.
"""

from typing import Final

import msgspec


class InjectedFault(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all faults."""

    accepted: bool = True


class Reset(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The connection is reset (a TCP RST) after the whole request was read."""


class ResetBeforeReading(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The connection is reset when only the request's head was read. Never accepted."""

    accepted: bool = False


class Hang(InjectedFault, frozen=True, kw_only=True, tag=True):
    """No reply at all; the connection is reset after *seconds* of the clock, or when the sandbox stops."""

    seconds: float | None = None


class Status(InjectedFault, frozen=True, kw_only=True, tag=True):
    """An error status with the service's usual body: 500 after acceptance is the default."""

    status: int = 500


class GatewayError(InjectedFault, frozen=True, kw_only=True, tag=True):
    """502 or 503 of a gateway; the request did not reach the service and was not accepted."""

    status: int = 503
    accepted: bool = False


class Late(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The right reply, *seconds* of the clock later."""

    seconds: float


class NotJson(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The right status, with a body that is no JSON although its type says so."""


class CutOff(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The right head, half the body it announces, then the connection closes."""


class Huge(InjectedFault, frozen=True, kw_only=True, tag=True):
    """The right reply behind *size* bytes of blanks."""

    size: int = 9 * 1024 * 1024


class Html(InjectedFault, frozen=True, kw_only=True, tag=True):
    """200 with a page, as a captive portal or a proxy answers. Not accepted unless said otherwise."""

    status: int = 200
    accepted: bool = False


class Redirect(InjectedFault, frozen=True, kw_only=True, tag=True):
    """Sent on to *location*. Not accepted unless said otherwise."""

    status: int = 307
    location: str = "http://elsewhere.invalid/v1/messages/bulk"
    accepted: bool = False


AnyFault = (
    Reset
    | ResetBeforeReading
    | Hang
    | Status
    | GatewayError
    | Late
    | NotJson
    | CutOff
    | Huge
    | Html
    | Redirect
)

ANY_ROUTE: Final = "*"


class FaultRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that happened, the route of the request that met it, and whether the request was acted on."""

    route: str
    fault: AnyFault
    accepted: bool


class _Rule:
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

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "given": "The faults that happened, in order.",
    }

    given: list[FaultRecord]

    def __init__(self) -> None:
        self.given = []
        self._rules: list[_Rule] = []

    def on(self, route: str, fault: AnyFault, *, nth: int = 1, times: int | None = 1) -> None:
        """Let the *nth* request of *route* from now on, and the *times* - 1 after it, meet *fault*.

        *route* is as in `GET /messages/bulk/{broadcast_id}`, or `*` for all of them; *times* None is for
        ever. Requests that were answered 401 or 429 do not count.
        """
        self._rules.append(_Rule(route, fault, nth, times))

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._rules.clear()

    def next(self, route: str) -> AnyFault | None:
        """Count one request of *route*, and give the fault it meets: the one that was asked for first."""
        faults = [rule.next(route) for rule in self._rules]
        return next((fault for fault in faults if fault is not None), None)
