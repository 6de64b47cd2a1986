"""What the transport asks of a quota: a place for each request, and what it tells back about it."""

import enum
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import msgspec

from keebai_async.observe import Observer


class Lane(enum.IntEnum):
    """Who goes first when the quota is short; a lower number goes before a higher one."""

    INTERACTIVE = 0
    SUBMIT = 1
    POLL = 2


class Ending(enum.Enum):
    """What became of a request, as far as a quota is concerned."""

    UNSENT = "unsent"
    """No byte left, so the service cannot have counted it: the place is given back."""
    ANSWERED = "answered"
    """The service counted it at some time before now."""
    UNANSWERED = "unanswered"
    """The service may count it even after now."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply says of one window: its *limit* and how many requests are left in it."""

    limit: int
    remaining: int


class Place(Protocol):
    """A place held in every window, for one request. It ends with the context that gave it."""

    def settle(
        self, ending: Ending, *, allowances: tuple[Allowance, ...] = (), pause: float | None = None
    ) -> None:
        """Say what became of the request; without this word it counts as UNANSWERED.

        *pause* is for a 429: seconds for which nothing with this token may leave; 0 if the reply
        did not say how long.
        """


class Gate(Protocol):
    """Hands out places, in the order of lanes, first come first served inside each."""

    def place(self, lane: Lane) -> AbstractAsyncContextManager[Place]:
        """Wait until one more request fits every quota, and hold its place while it is under way."""
        ...


@runtime_checkable
class TellingGate(Gate, Protocol):
    """A gate that tells of waits and of spending, too. One that does not works as well, in silence."""

    def observed(self, observer: Observer, *, account: str | None = None) -> Gate:
        """The same gate for one of the clients that share it: *observer* is told of its requests.

        *account* is a name for the token, which must not tell what the token is.
        """
        ...


class TakenPlace(Place, Protocol):
    """A place that is held already, until it is left."""

    async def leave(self) -> None:
        """End it as it was settled."""
        ...


@runtime_checkable
class PromptGate(Gate, Protocol):
    """A gate that may have a place without any wait, as one does that keeps its spending in memory."""

    def place_now(self, lane: Lane) -> TakenPlace | None:
        """A place that is held already, for who leaves it whatever happens; None: it is to be waited for."""
        ...


class OpenGate:
    """No quota at all: for tests and for services that have none."""

    def place(self, lane: Lane) -> AbstractAsyncContextManager[Place]:
        return _Nothing()


class _Nothing:
    async def __aenter__(self) -> Place:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def settle(
        self, ending: Ending, *, allowances: tuple[Allowance, ...] = (), pause: float | None = None
    ) -> None:
        return None
