"""Nobody is submitted who opted out after the plan was made: they are cut from their chunk before it leaves.

Nor is anybody whom a retry is not to reach any more, because webhooks told meanwhile that they have it.

A plan leaves out who had opted out by then. It may be launched days later, and a paced run lasts for hours
in which people answer STOP to its first chunks. The naive way compares once, when the run begins. Here each
chunk is looked at when it may leave, and once more with its place in the quota in hand, just before the
intent is written: from then on its bytes are fixed. A chunk that holds such a person is cut before that: it
keeps them, refused, and the others go on in a new one. Nobody is lost, and nothing had left.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from keebai_async.campaign.chunks import Chunks
from keebai_async.model.chunk import Chunk
from keebai_async.model.opt_outs import OPTED_OUT_LATER
from keebai_async.model.retry import NotAgain

LastLook = Callable[[bytes], Awaitable[NotAgain | None]]
"""Takes a chunk's JSON array of people, and says whom of them a retry is not to reach any more."""


class OptOutsNow(Protocol):
    """What a run sees of the opt-outs."""

    async def look(self) -> int:
        """See who opted out by now; gives another number than the last time only if anything changed."""
        ...

    def places(self, items: bytes) -> list[int]:
        """Where in a chunk's JSON array of people those stand who opted out, by the last look."""
        ...


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """*people* stay in their chunk, refused, for *reason*; the others, if any, are in the chunk *into*."""

    people: int
    into: Chunk | None
    reason: str = OPTED_OUT_LATER


class OptedOutCutter:
    """Cuts people from chunks that were not submitted yet.

    Those who opted out by *opt_outs*, and those whom *last_look* names; without either, nobody.
    """

    def __init__(
        self, chunks: Chunks, opt_outs: OptOutsNow | None, last_look: LastLook | None = None
    ) -> None:
        self._chunks = chunks
        self._last_look = last_look
        self._opt_outs = opt_outs
        self._clean: dict[int, int] = {}
        """For each chunk that nobody has to be cut from, the look by which this is known."""

    async def cut(self, number: int) -> LeftOut | None:
        """Cut from a planned chunk who is not to be sent to; None if nobody. Raises JournalUnusable."""
        places, reason = await self._out(number)
        out = frozenset(places)
        if not out:
            return None
        people = await self._chunks.people(number)
        if len(out) == len(people):
            await self._chunks.refuse(number, reason)
            return LeftOut(people=len(out), into=None, reason=reason)
        keep = [person for place, person in enumerate(people) if place in out]
        others = [person for place, person in enumerate(people) if place not in out]
        (into,) = await self._chunks.recut(number, reason, keep=keep, into=[others])
        return LeftOut(people=len(out), into=into, reason=reason)

    async def holds_one(self, number: int) -> bool:
        """Whether somebody of a chunk is not to be sent to by now. Raises JournalUnusable.

        One small read, unless anybody at all opted out since the chunk was looked at, or it is a retry.
        """
        return bool((await self._out(number))[0])

    async def _out(self, number: int) -> tuple[Sequence[int], str]:
        """The places of those who are not to be sent to, and why: those who opted out before all others."""
        places = await self._places(number)
        if places or self._last_look is None:
            return places, OPTED_OUT_LATER
        found = await self._last_look(await self._chunks.items(number))
        return ((), "") if found is None else (found.items, found.reason)

    async def _places(self, number: int) -> list[int]:
        if self._opt_outs is None:
            return []
        seen = await self._opt_outs.look()
        if self._clean.get(number) == seen:
            return []
        items = await self._chunks.items(number)
        places = self._opt_outs.places(items)
        if not places:
            self._clean[number] = seen
        return places
