"""One planned chunk and all that it is cut into, submitted until nothing of it is left.

The problem: one malformed number makes the service refuse all 5,000. Its reply may name the item, or not;
it may also be about something that no recipient can help, such as the template.

To find one culprit among 5,000 when the reply names nobody, the suspects are cut in two and the first
half is submitted. If it is accepted, the culprit is in the other half, which then need not be submitted
to know it; if it is refused, the other half is untested and stays with the rest, as one chunk. That is
one request for each halving and one for the rest, where trying both halves costs nearly twice as many.

A single person who is refused like that may be a culprit, or the service refuses everybody by now: an
account that is suspended in the middle of a campaign says no more than that. So they are not refused for good
at once, but *held*: planned, and not submitted. Somebody else who is accepted afterwards shows that it was
about them. If instead the people after them are refused too, we pick single people who do not stand beside
each other, from the middle and from the end of all who wait: culprits often stand side by side, but not there
as well. Three in a row stand for everybody. Where only a few people are left, they may all be culprits, and
the search goes on.

Source: design, section 4.3.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.opted_out import LeftOut
from keebai_async.campaign.service import Blame, Refusal, Taken, Unknown
from keebai_async.campaign.stop import stop_for
from keebai_async.campaign.submit import OutOfHours, Submitter, TakenBefore
from keebai_async.errors import ForbiddenMove
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkRefused, ChunkSplit
from keebai_async.transport.error_body import ErrorBody

MOST_CUTS = 200
"""Cuts that one run makes in search of culprits; what is refused after that stays refused as a whole, once
somebody was accepted meanwhile."""

STANDS_FOR_EVERYBODY = 3
"""Single people refused in a row, in the same words and with nobody accepted in between."""

ROOM_TO_PICK = 10
"""People in a refused piece, at least, for one who is picked from it to stand away from the last culprit."""


class Named(msgspec.Struct, frozen=True):
    """These people of the chunk (by index) are refused for good; the others can go on."""

    items: tuple[int, ...]


class Halve(msgspec.Struct, frozen=True):
    """The request was too large: nobody is to blame."""


class Search(msgspec.Struct, frozen=True):
    """Somebody in the chunk is to blame, and the reply does not say who.

    *sure* is false as long as it may be everybody: then the first piece to try is a single person.
    """

    sure: bool


class Alone(msgspec.Struct, frozen=True):
    """A single person is refused, who is to blame if anybody else is accepted afterwards."""


class Everybody(msgspec.Struct, frozen=True):
    """Every request like this is refused, with anybody in it."""


Ruling = Named | Halve | Search | Alone | Everybody


def rule(refusal: Refusal, recipients: int, *, trusted: bool) -> Ruling:
    """Say what follows from the refusal of a chunk of so many *recipients*. Pure.

    *trusted* means that a chunk of this campaign was accepted before, so that its template, sender and
    form are known to be good.
    """
    named = tuple(sorted({item for item in refusal.fault.items if 0 <= item < recipients}))
    if named:
        return Named(named)
    match refusal.blame:
        case Blame.SIZE:
            return Halve() if recipients > 1 else Named((0,))
        case Blame.EVERYBODY:
            return Everybody()
        case Blame.SOMEBODY:
            return Named((0,)) if recipients == 1 else Search(sure=True)
        case Blame.NOT_SAID:
            return Alone() if recipients == 1 and trusted else Search(sure=trusted)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A single person, in the planned chunk *number*, who was refused in *words* that name nobody.

    *picked* says that we chose them anywhere; a search leads to culprits, so it says less of the others.
    """

    number: int
    words: str
    picked: bool
    place: int
    """Their place among all who were ever held in this run, from 1."""


class Evidence(msgspec.Struct, kw_only=True):
    """What the searches of one run know together. Pure.

    *good* is set once a chunk was accepted, so that template and sender are known to be in order;
    *probes* counts single people who were refused before that, *cuts* the cuts made so far. *held* are single
    people who were refused after it, with nobody accepted since.
    """

    good: bool
    probes: int = 0
    cuts: int = 0
    accepted: int = 0
    """Chunks accepted in this run."""
    ever_held: int = 0
    held: tuple[Held, ...] = ()

    @classmethod
    def of(cls, chunks: Chunks) -> "Evidence":
        return cls(good=any(chunk.state is ChunkState.ACCEPTED for chunk in chunks))

    def accept(self, *, left_after: int) -> tuple[Held, ...]:
        """Note that a chunk was accepted, and give those of the held who are to blame by that.

        *left_after* is how many had ever been held when it left: it says nothing of who was refused later.
        """
        self.good = True
        self.accepted += 1
        guilty = tuple(held for held in self.held if held.place <= left_after)
        self.held = self.held[len(guilty) :]
        return guilty

    def hold(self, number: int, words: str, *, picked: bool) -> bool:
        """Note that a single person is refused; true if this is about everybody.

        However many the searches led to count as one: several searches go on at the same time, and each may
        end at a culprit of its own.
        """
        self.ever_held += 1
        self.held += (Held(number=number, words=words, picked=picked, place=self.ever_held),)
        alike = [held.picked for held in self.held if held.words == words]
        return alike.count(True) + (False in alike) >= STANDS_FOR_EVERYBODY

    def next_pick(self, people: int) -> int:
        """Whom of so many *people* to pick: the one in the middle, then the last one, then the first one."""
        picked = sum(held.picked for held in self.held)
        return (people // 2, people - 1, 0)[picked % 3]


async def refuse_held(chunks: Chunks, submitter: Submitter, held: Iterable[Held]) -> None:
    """Refuse for good who was held and is to blame.

    Killed on the way, we leave them planned, so they are submitted and refused once more.
    """
    for each in held:
        chunk = chunks[each.number]
        if chunk.state is not ChunkState.PLANNED:
            continue  # accepted after all, as a webhook has proved
        try:
            await chunks.refuse(each.number, each.words)
        except ForbiddenMove:
            if not await submitter.heard_that_it_left(each.number):
                raise
        else:
            submitter.tell(ChunkRefused(number=each.number, recipients=chunk.recipients, reason=each.words))


class Bisection:
    """*piece* is submitted next, and *rest* is the planned chunk of the people who come after it.

    If the piece is accepted, one of the first *suspects* people of the rest is known to be to blame. *later*
    are planned chunks of which nothing is known. *picked* says that the piece is a single person whom we
    chose.
    *waiting* are the planned chunks that nobody has begun with; one that we take from there is ours.
    """

    def __init__(
        self,
        number: int,
        *,
        chunks: Chunks,
        submitter: Submitter,
        evidence: Evidence,
        waiting: deque[int],
    ) -> None:
        self._chunks = chunks
        self._submitter = submitter
        self._evidence = evidence
        self._waiting = waiting
        self._piece: int | None = number
        self._rest: int | None = None
        self._suspects = 0
        self._later: list[int] = []
        self._picked = False
        self._accepted_before = evidence.accepted

    async def submit(self) -> None:
        """Return when every person of the chunk is accepted, refused or unknown, or we were stopped.

        Where its hours are over meanwhile, what is left of it goes back to the chunks that wait.
        """
        while self._piece is not None:
            left_after = self._evidence.ever_held
            async with self._submitter.submit(self._piece) as verdict:
                if isinstance(verdict, Refusal):
                    await self._refused(self._chunks[self._piece], verdict)
            match verdict:
                case None:
                    return
                case Refusal():
                    pass  # the next piece was chosen above, in the shield of the attempt
                case Taken():
                    guilty = self._evidence.accept(left_after=left_after)
                    await refuse_held(self._chunks, self._submitter, guilty)
                    await self._accepted()
                case TakenBefore():  # it says nothing of who is refused by now
                    self._evidence.good = True
                    self._next()
                case Unknown():
                    self._next()
                case OutOfHours():
                    self._put_back()
                case LeftOut(into=None):
                    self._next()
                case LeftOut(into=Chunk(number=number)):
                    self._piece = number

    def _put_back(self) -> None:
        """Leave all that is planned to those who come after us: other chunks may leave before it."""
        mine = (self._piece, self._rest, *reversed(self._later))
        self._waiting.extendleft(reversed([number for number in mine if number is not None]))
        self._piece, self._rest, self._later = None, None, []

    def _next(self) -> None:
        self._piece, self._rest, self._suspects, self._picked = self._rest, None, 0, False
        if self._piece is None and self._later:
            self._piece = self._later.pop()

    async def _accepted(self) -> None:
        if self._suspects == 0 or self._rest is None:
            self._next()
        else:
            first = max(1, self._suspects // 2)
            await self._cut_rest(self._rest, first, suspects=self._suspects - first)

    async def _cut_rest(self, rest: int, first: int, *, suspects: int) -> None:
        """Make the *first* people of the rest the next piece."""
        if self._chunks[rest].recipients <= first:
            self._next()
            return
        people = await self._chunks.people(rest)
        children = await self._cut(rest, "somebody in it is refused", into=[people[:first], people[first:]])
        if children is None:
            self._next()
        else:
            self._take(rest, children, suspects=suspects)

    async def _cut(self, number: int, reason: str, *, into: list[list[msgspec.Raw]]) -> list[Chunk] | None:
        """Cut a planned chunk; None if it is accepted, as webhooks told a moment ago."""
        try:
            return await self._chunks.recut(number, reason, into=into)
        except ForbiddenMove:
            if not await self._submitter.heard_that_it_left(number):
                raise
            return None

    async def _refused(self, chunk: Chunk, refusal: Refusal) -> None:
        """Decide what becomes of the people of the refused piece, and put it on disk."""
        fault = refusal.fault
        match rule(refusal, chunk.recipients, trusted=self._evidence.good):
            case Everybody():
                await self._stop_for_everybody(chunk, fault)
            case Named(items=items):
                await self._refuse_named(chunk, items, fault)
            case Alone():
                await self._hold(chunk, fault)
            case Search(sure=False) if chunk.recipients == 1:
                await self._doubt(chunk, fault)
            case _ if self._searched_enough and self._evidence.accepted > self._accepted_before:
                await self._give_up(chunk, f"{fault.message}; the search for who it is about was given up")
            case Halve():
                await self._halve(chunk, fault)
            case Search(sure=True) if self._is_time_to_pick(chunk.recipients):
                await self._pick(chunk, fault)
            case Search(sure=sure):
                await self._search(chunk, fault, first=chunk.recipients // 2 if sure else 1)

    @property
    def _searched_enough(self) -> bool:
        return self._evidence.cuts >= MOST_CUTS

    def _is_time_to_pick(self, recipients: int) -> bool:
        return recipients >= ROOM_TO_PICK and (bool(self._evidence.held) or self._searched_enough)

    async def _stop_for_everybody(self, chunk: Chunk, fault: ErrorBody) -> None:
        self._submitter.stop(stop_for(fault))  # first, so that nobody else leaves meanwhile
        await self._chunks.take_back(chunk.number, fault.message)

    async def _give_up(self, chunk: Chunk, reason: str) -> None:
        await self._chunks.refuse(chunk.number, reason)
        self._tell_refused(chunk.number, chunk.recipients, reason)
        self._next()

    async def _refuse_named(self, chunk: Chunk, items: tuple[int, ...], fault: ErrorBody) -> None:
        if len(items) == chunk.recipients:
            await self._give_up(chunk, fault.message)
            return
        people, guilty = await self._chunks.people(chunk.number), set(items)
        keep = [people[index] for index in items]
        others = [person for index, person in enumerate(people) if index not in guilty]
        children = await self._recut(chunk, fault, keep=keep, into=[others])
        self._tell_refused(chunk.number, len(keep), fault.message)
        self._take(chunk.number, children, suspects=0)

    async def _search(self, chunk: Chunk, fault: ErrorBody, *, first: int) -> None:
        people = await self._chunks.people(chunk.number)
        children = await self._recut(chunk, fault, into=[people[:first], people[first:]])
        self._take(chunk.number, children, suspects=len(people) - first)

    async def _pick(self, chunk: Chunk, fault: ErrorBody) -> None:
        """Try a single person of the refused piece who stands beside nobody that was tried."""
        people = await self._chunks.people(chunk.number)
        one = people.pop(self._evidence.next_pick(len(people)))
        children = await self._recut(chunk, fault, into=[[one], people])
        self._take(chunk.number, children, suspects=len(people), picked=True)

    async def _hold(self, chunk: Chunk, fault: ErrorBody) -> None:
        """A single person was refused, and others were accepted before: is it about everybody by now?"""
        if self._evidence.hold(chunk.number, fault.message, picked=self._picked):
            await self._stop_for_everybody(chunk, fault)
            return
        await self._chunks.take_back(chunk.number, fault.message)
        if self._picked:
            await self._pick_from_those_who_wait()
        else:
            self._next()

    async def _pick_from_those_who_wait(self) -> None:
        """Try a single person of the last chunk that nobody has begun with, or else of the rest."""
        if self._waiting:
            if self._rest is not None:
                self._later.append(self._rest)
            self._rest = self._waiting.pop()
        rest = self._rest
        if rest is None or self._chunks[rest].recipients == 1:
            self._next()
            self._picked = True
            return
        people = await self._chunks.people(rest)
        one = people.pop(self._evidence.next_pick(len(people)))
        why = "somebody is refused, and perhaps everybody"
        children = await self._cut(rest, why, into=[[one], people])
        if children is None:  # somebody else is picked
            self._rest = None
            await self._pick_from_those_who_wait()
        else:
            self._take(rest, children, suspects=0, picked=True)

    async def _halve(self, chunk: Chunk, fault: ErrorBody) -> None:
        if self._rest is not None:
            self._later.append(self._rest)
            self._rest = None
        people = await self._chunks.people(chunk.number)
        half = len(people) // 2
        children = await self._recut(chunk, fault, into=[people[:half], people[half:]])
        self._take(chunk.number, children, suspects=0)

    async def _doubt(self, chunk: Chunk, fault: ErrorBody) -> None:
        """A single person was refused, and nobody was accepted yet: is it about everybody?

        Two such answers are taken for everybody; after the first, somebody else is asked.
        """
        self._evidence.probes += 1
        if self._evidence.probes > 1:
            await self._stop_for_everybody(chunk, fault)
            return
        await self._chunks.take_back(chunk.number, fault.message)
        self._later.append(chunk.number)
        if self._rest is None:
            self._next()
        else:
            await self._cut_rest(self._rest, 1, suspects=0)

    async def _recut(
        self,
        chunk: Chunk,
        fault: ErrorBody,
        *,
        keep: list[msgspec.Raw] | None = None,
        into: list[list[msgspec.Raw]],
    ) -> list[Chunk]:
        """Cut the refused piece; the people of the rest go behind those of the last new chunk."""
        self._evidence.cuts += 1
        rest = self._rest
        if rest is not None:
            people = await self._chunks.people(rest)
            try:
                return await self._chunks.recut(
                    chunk.number,
                    fault.message,
                    keep=keep or [],
                    rest=rest,
                    into=[*into[:-1], into[-1] + people],
                )
            except ForbiddenMove:
                if not await self._submitter.heard_that_it_left(rest):
                    raise
        return await self._chunks.recut(chunk.number, fault.message, keep=keep or [], into=into)

    def _take(self, parent: int, children: list[Chunk], *, suspects: int, picked: bool = False) -> None:
        into = tuple(child.number for child in children)
        self._submitter.tell(ChunkSplit(number=parent, into=into))
        rest = self._rest
        if rest is not None and rest != parent and not self._chunks[rest].recipients:
            self._submitter.tell(ChunkSplit(number=rest, into=into))
        self._piece = children[0].number
        self._rest = children[1].number if len(children) > 1 else None
        self._suspects = suspects
        self._picked = picked

    def _tell_refused(self, number: int, recipients: int, reason: str) -> None:
        self._submitter.tell(ChunkRefused(number=number, recipients=recipients, reason=reason))
