"""Who of a checked block is let into the campaign: nobody who is in it already, nobody who must not be.

Nearly every block has only new people, so all of a block are added at once, and that is the whole work. Only
when one of them is known is it asked who, and the others are added without them. If that fails too, two
answers about the same people contradict each other: then there is no plan, because the other way out is a
person who is messaged and billed twice.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

import anyio.to_thread

from keebai_async.model.recipient import Reason, Rejection
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import WireRow, numbers_of, rows_without
from keebai_async.planning.dedupe import Deduper
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.narrowing import without
from keebai_async.planning.number_forms import NumberForms
from keebai_async.planning.rejections import BATCH, Problem, Rejections
from keebai_async.planning.rows import left_out
from keebai_async.planning.sent_lately import SentLately
from keebai_async.sources.loop_turns import TimedTurns, next_turn

DUPLICATE: Final = Problem(Reason.DUPLICATE, "", "to")
"""Which row it repeats is added when that has been looked up."""
OPTED_OUT: Final = Problem(Reason.SUPPRESSED, "opted out: see keebai-async optouts list", "to")
SENT_LATELY: Final = Problem(
    Reason.SENT_LATELY, "was sent a campaign of this journal in the time that was named", "to"
)
SUPPRESSED: Final = Problem(Reason.SUPPRESSED, "on the list of people who are not to be messaged", "to")


class Admission:
    """The people of a campaign so far, and the rows that are left out."""

    def __init__(self, forms: NumberForms) -> None:
        self.suppressed: list[KeySet | SentLately] = []
        """For each list of people who are not to be messaged, their identity keys."""
        self.lately: SentLately | None = None
        """One of them: those to whom other campaigns were sent lately."""
        self.opted_out: KeySet | None = None
        """The identity keys of those who want no more, if there are any."""
        self.ignoring = False
        """Whether they are let in all the same."""
        self.out: dict[int, None] = {}
        """Those of them who are in the list."""
        self.barred: KeySet | None = None
        """Those on one of the lists *suppressed* who are in the campaign's list."""
        self.in_lists: list[int] = []
        """How many of these each of the lists has."""
        self.forms = forms
        self.people = Deduper()
        self.rejections = Rejections()

    def up_to(self, checked: Checked, people: int) -> Checked:
        """The part of a block that *people* more need, as if it ended with the last of them."""
        again, barred = set(self.people.again(checked.keys)), self._barred(checked.keys)
        fresh = [place for place, key in enumerate(checked.keys) if place not in again and key not in barred]
        return checked if len(fresh) < people else checked.up_to(fresh[people - 1])

    async def admit(self, checked: Checked) -> Sequence[WireRow]:
        """Let in who is new; the others of the block are rejections, in the order of their rows."""
        if self.people.full:
            await anyio.to_thread.run_sync(self.people.widen)
        if self.people.grows_with(len(checked.keys)):
            await next_turn()
        known = self._opted_out(checked.keys) or not all(
            keys.isdisjoint(checked.keys) for keys in self.suppressed
        )
        if known or not self.people.add(checked.keys, checked.rows.numbers, checked.where):
            return await self._without_known(checked)
        self.forms.count(checked.keys, checked.region)
        for rejection in checked.rejections:
            self.rejections.add(rejection)
        return checked.ready

    async def complete(self) -> AsyncGenerator[list[Rejection], None]:
        """The rejections that wait, some at a time, each duplicate with the row it repeats."""
        rows: dict[int, int] = {}
        if sought := self.rejections.sought:
            for found in self.people.search(sought):
                rows |= found
                await next_turn()
        batch: list[Rejection] = []
        for some in self.rejections.hand_on(rows):
            batch += some
            if len(batch) >= BATCH:
                yield batch
                batch = []
            await next_turn()
        if batch:
            yield batch

    def _barred(self, keys: Sequence[int]) -> set[int]:
        """Those of *keys* who must not be messaged."""
        ledger = () if self.opted_out is None or self.ignoring else (self.opted_out,)
        return {key for people in (*self.suppressed, *ledger) for key in people.held(keys)}

    def _opted_out(self, keys: Sequence[int]) -> set[int]:
        """Those of *keys* who want no more and are left out because of it."""
        found = set() if self.opted_out is None else set(self.opted_out.held(keys))
        self.out.update(dict.fromkeys(found))
        return set() if self.ignoring else found

    def _listed(self, keys: Sequence[int]) -> set[int]:
        """Those of *keys* who are on a list of people who are not to be messaged, counted for each list."""
        found = [set(suppressed.held(keys)) for suppressed in self.suppressed]
        listed = set[int]().union(*found)
        if listed and self.barred is None:
            self.barred = KeySet()
        if self.barred is not None and (new := listed.difference(self.barred.held(listed))):
            self.in_lists = [
                count + len(new.intersection(each)) for count, each in zip(self.in_lists, found, strict=True)
            ]
            self.barred.update(new)
        return listed

    def _problem(self, key: int, listed: set[int]) -> Problem:
        """Why somebody is left out; that a message was sent lately is said where nothing else is."""
        if key in listed and (self.lately is None or not self._only_lately(key)):
            return SUPPRESSED
        opted_out = self.opted_out is not None and not self.ignoring and not self.opted_out.isdisjoint((key,))
        return OPTED_OUT if opted_out or key not in listed else SENT_LATELY

    def _only_lately(self, key: int) -> bool:
        return all(people is self.lately or people.isdisjoint((key,)) for people in self.suppressed)

    async def _without_known(self, checked: Checked) -> Sequence[WireRow]:
        turns = TimedTurns()
        listed = self._listed(checked.keys)
        found = listed | self._opted_out(checked.keys)
        barred = {place for place, key in enumerate(checked.keys) if key in found} if found else set()
        again = [place for place in self.people.again(checked.keys) if place not in barred]
        numbers = numbers_of(checked.ready)
        out: list[tuple[Rejection, int | None]] = [(rejection, None) for rejection in checked.rejections]
        for place in barred:
            problem = self._problem(checked.keys[place], listed)
            out.append((_left_out(checked, place, problem, numbers[place]), None))
            if turns.due:
                await turns.next()
        for place in again:
            out.append((_left_out(checked, place, DUPLICATE, numbers[place]), checked.keys[place]))
            if turns.due:
                await turns.next()
        for rejection, key in sorted(out, key=_row_of):
            self.rejections.add(rejection, repeats=key)
        gone = sorted((*barred, *again))
        keys, where = without(checked.keys, gone), without(checked.where, gone)
        if not self.people.add(keys, checked.rows.numbers, where):
            raise RuntimeError("somebody would be in the plan twice")  # cannot be; better no plan than that
        self.forms.count(keys, checked.region)
        return rows_without(checked.ready, gone)


def _left_out(checked: Checked, place: int, problem: Problem, number: str) -> Rejection:
    return left_out(checked.rows, checked.where[place], problem, number)


def _row_of(each: tuple[Rejection, int | None]) -> int:
    return each[0].row
