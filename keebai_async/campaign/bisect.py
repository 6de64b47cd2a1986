"""One planned chunk and all that it is cut into, submitted until nothing of it is left.

To find one culprit among 5,000 when the reply names nobody, the suspects are cut in two and the first
half is submitted. If it is accepted, the culprit is in the other half, which then need not be submitted
to know it; if it is refused, the other half is untested and stays with the rest, as one chunk. That is
one request for each halving and one for the rest, where trying both halves costs nearly twice as many.
"""

import msgspec

from keebai_async.campaign.chunks import Book
from keebai_async.campaign.refusal import Blame, Everybody, Halve, Search, rule
from keebai_async.campaign.stop import stop_for
from keebai_async.campaign.submit import Submitter
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkRefused, ChunkSplit
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.verdict import Accepted, Refused

MOST_CUTS = 200
"""Cuts that one run makes in search of culprits; what is refused after that stays refused as a whole."""


class Trust(msgspec.Struct, kw_only=True):
    """What the families of one run know together.

    *good* is set once a chunk was accepted, so that template and sender are known to be in order;
    *probes* counts single people who were refused before that, *cuts* the cuts made so far.
    """

    good: bool = False
    probes: int = 0
    cuts: int = 0

    @classmethod
    def of(cls, book: Book) -> "Trust":
        return cls(good=any(chunk.state is ChunkState.ACCEPTED for chunk in book.chunks))


class Family:
    """*piece* is submitted next, and *rest* is the planned chunk of the people who come after it.

    If the piece is accepted, one of the first *suspects* people of the rest is known to be to blame. *later*
    are planned chunks of which nothing is known.
    """

    def __init__(self, number: int, *, book: Book, submitter: Submitter, trust: Trust) -> None:
        self._book = book
        self._submitter = submitter
        self._trust = trust
        self._piece: int | None = number
        self._rest: int | None = None
        self._suspects = 0
        self._later: list[int] = []

    async def submit(self) -> None:
        """Return when every person of the family is accepted, refused or unknown, or we were stopped."""
        while self._piece is not None:
            match await self._submitter.submit(self._piece, refused=self._refused):
                case None:
                    return
                case Refused():
                    pass  # the next piece was chosen in the shield of the attempt
                case Accepted():
                    self._trust.good = True
                    await self._accepted()
                case _:
                    self._next()

    def _next(self) -> None:
        self._piece, self._rest, self._suspects = self._rest, None, 0
        if self._piece is None and self._later:
            self._piece = self._later.pop()

    async def _accepted(self) -> None:
        if self._suspects == 0 or self._rest is None:
            self._next()
        else:
            first = max(1, self._suspects // 2)
            await self._cut_rest(first, suspects=self._suspects - first)

    async def _cut_rest(self, first: int, *, suspects: int) -> None:
        """Make the *first* people of the rest the next piece."""
        if self._rest is None or self._book[self._rest].recipients <= first:
            self._next()
            return
        rest, people = self._rest, await self._book.people(self._rest)
        children = await self._book.recut(
            rest, "somebody in it is refused", into=[people[:first], people[first:]]
        )
        self._take(rest, children, suspects=suspects)

    async def _refused(self, fault: ErrorBody) -> None:
        """Decide what becomes of the people of the refused piece, and put it on disk."""
        assert self._piece is not None  # noqa: S101
        chunk = self._book[self._piece]
        match rule(fault, chunk.recipients, trusted=self._trust.good):
            case Everybody():
                await self._everybody(chunk, fault)
            case Blame(items=items):
                await self._blame(chunk, items, fault)
            case Search(sure=False) if chunk.recipients == 1:
                await self._doubt(chunk, fault)
            case _ if self._trust.cuts >= MOST_CUTS:
                await self._give_up(chunk, f"{fault.message}; whom it is about was not searched any further")
            case Halve():
                await self._halve(chunk, fault)
            case Search(sure=sure):
                await self._search(chunk, fault, first=chunk.recipients // 2 if sure else 1)

    async def _everybody(self, chunk: Chunk, fault: ErrorBody) -> None:
        await self._book.take_back(chunk.number, fault.message)
        self._submitter.stop(stop_for(fault))

    async def _give_up(self, chunk: Chunk, reason: str) -> None:
        await self._book.refuse(chunk.number, reason)
        self._tell_refused(chunk.number, chunk.recipients, reason)
        self._next()

    async def _blame(self, chunk: Chunk, items: tuple[int, ...], fault: ErrorBody) -> None:
        if len(items) == chunk.recipients:
            await self._give_up(chunk, fault.message)
            return
        people, guilty = await self._book.people(chunk.number), set(items)
        keep = [people[index] for index in items]
        others = [person for index, person in enumerate(people) if index not in guilty]
        children = await self._recut(chunk, fault, keep=keep, into=[others])
        self._tell_refused(chunk.number, len(keep), fault.message)
        self._take(chunk.number, children, suspects=0)

    async def _search(self, chunk: Chunk, fault: ErrorBody, *, first: int) -> None:
        people = await self._book.people(chunk.number)
        children = await self._recut(chunk, fault, into=[people[:first], people[first:]])
        self._take(chunk.number, children, suspects=len(people) - first)

    async def _halve(self, chunk: Chunk, fault: ErrorBody) -> None:
        if self._rest is not None:
            self._later.append(self._rest)
            self._rest = None
        people = await self._book.people(chunk.number)
        half = len(people) // 2
        children = await self._recut(chunk, fault, into=[people[:half], people[half:]])
        self._take(chunk.number, children, suspects=0)

    async def _doubt(self, chunk: Chunk, fault: ErrorBody) -> None:
        """A single person was refused, and nobody was accepted yet: is it about everybody?

        Two such answers are taken for everybody; after the first, somebody else is asked.
        """
        self._trust.probes += 1
        if self._trust.probes > 1:
            await self._everybody(chunk, fault)
            return
        await self._book.take_back(chunk.number, fault.message)
        self._later.append(chunk.number)
        await self._cut_rest(1, suspects=0)

    async def _recut(
        self,
        chunk: Chunk,
        fault: ErrorBody,
        *,
        keep: list[msgspec.Raw] | None = None,
        into: list[list[msgspec.Raw]],
    ) -> list[Chunk]:
        """Cut the refused piece; the people of the rest go behind those of the last new chunk."""
        self._trust.cuts += 1
        if self._rest is not None:
            into[-1] = into[-1] + await self._book.people(self._rest)
        return await self._book.recut(
            chunk.number, fault.message, keep=keep or [], rest=self._rest, into=into
        )

    def _take(self, parent: int, children: list[Chunk], *, suspects: int) -> None:
        self._submitter.tell(ChunkSplit(number=parent, into=tuple(child.number for child in children)))
        self._piece = children[0].number
        self._rest = children[1].number if len(children) > 1 else None
        self._suspects = suspects

    def _tell_refused(self, number: int, recipients: int, reason: str) -> None:
        self._submitter.tell(ChunkRefused(number=number, recipients=recipients, reason=reason))
