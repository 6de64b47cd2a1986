"""Where the spending of one token is kept: the contract of every store.

A store belongs to one token at one base URL. Its own clock decides: callers never tell it the time,
and it answers in seconds from now. So two machines whose clocks differ can share one.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from keebai_async.quota.gate import Ending
from keebai_async.quota.limits import Limits
from keebai_async.quota.window import LaneWindow, Quota, Wait


class HeldPlace(msgspec.Struct, frozen=True, gc=False):
    """A place, taken at *taken* on the store's clock, until it is settled.

    *spent* is how many requests counted in each window then, this one among them, in the order of the
    windows that were asked for; empty where the store does not say.
    """

    id: str
    taken: float
    spent: tuple[int, ...] = ()


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the request that held a place.

    *left* is what the reply says remains of each window, *pause* the seconds that a 429 asks for (0 if
    it does not say), *grace* how long after now an unanswered request can still be counted.
    """

    ending: Ending
    grace: float
    left: tuple[tuple[Quota, int], ...] = ()
    pause: float | None = None


class Store(Protocol):
    """The spending of one token, shared by all who use the store.

    *windows* are in order of length, shortest first. Every method can be cancelled; a cancelled `take`
    leaves no place behind, and `settle` is carried out all the same.
    """

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        """Take a place in every window at once, or none: then say when to ask again.

        None says that the limits which hold are not those of *version*: agree on them first. Who gives no
        version is not held to them.

        Raises:
            QuotaUnusable: the store cannot be reached or read. No place was taken.
        """
        ...

    async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        """End a place. Says whether a waiter may go sooner than it was told.

        Raises nothing: what became of a request is worth more than its place, which lapses by itself.
        """
        ...

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        """How long somebody would wait behind *ahead* others; None if not at all. Raises QuotaUnusable."""

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        """How many requests count in each window now, those under way among them. Raises QuotaUnusable."""
        ...

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        """Say which limits one goes by, and hear which hold for all: of each window the smaller one, until
        somebody says on purpose that they are to *replace* those. Raises QuotaUnusable.
        """
        ...

    async def limits(self) -> Limits | None:
        """The limits that hold; None if nobody said any yet. Raises QuotaUnusable."""
        ...

    async def aclose(self) -> None:
        """Let go of files and connections. The spending stays."""


@runtime_checkable
class PromptStore(Store, Protocol):
    """A store that answers without waiting for a disk, a network or a thread."""

    def take_now(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        """As `take`."""
        ...
