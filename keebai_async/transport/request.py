"""What is asked of a service: a value, with all that retry and quota must know of it."""

import enum
from collections.abc import Callable

import msgspec

from keebai_async.quota.gate import Lane

Objection = Callable[[], str | None]
"""Asked in the last instant before the first byte of a request: why nothing of it may leave, or None."""


class RequestKind(enum.Enum):
    """Whether asking twice is harmless."""

    READ = "read"
    """May be repeated."""
    SUBMIT = "submit"
    """Can message or bill someone, or create something: repeated only if certainly not accepted."""


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of real time: to connect, and for a whole request of either kind."""

    connect: float = 10.0
    read: float = 30.0
    submit: float = 60.0

    def whole(self, kind: RequestKind) -> float:
        return self.submit if kind is RequestKind.SUBMIT else self.read


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request. *path* is below the base URL and begins with a slash; *body* is JSON, ready to send.

    *timeout* overrides the whole-request timeout, in seconds. *recipients* is how many people a submit
    can reach: what is at stake when its outcome is unknown.

    *route* is the path without the ids in it, as logs and traces show it (default: the path), *label* the
    name by which a person finds at the service what it makes. What an *objection* keeps back was not written.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    kind: RequestKind = RequestKind.READ
    lane: Lane = Lane.INTERACTIVE
    timeout: float | None = None
    recipients: int = 0
    route: str | None = None
    label: str | None = None
    objection: Objection | None = None
