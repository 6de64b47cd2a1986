"""Who of a checked block is let into the campaign: nobody who is in it already, nobody who must not be.

Nearly every block has only new people, so all of a block are added at once, and that is the whole work. Only
when one of them is known is it asked who, and the others are added without them. If that fails too, two
answers about the same people contradict each other: then there is no plan, because the other way out is a
person who is messaged and billed twice.
"""

from collections.abc import AsyncGenerator, Sequence
from itertools import compress
from typing import Final

import anyio.lowlevel
import anyio.to_thread

from keebai_async.model.recipient import Reason, Rejection
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import WireRow
from keebai_async.planning.dedupe import Deduper
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.number_forms import NumberForms
from keebai_async.planning.rejections import Problem, Rejections
from keebai_async.planning.rows import left_out

DUPLICATE: Final = Problem(Reason.DUPLICATE, "", "to")
"""Which row it repeats is added when that has been looked up."""
SUPPRESSED: Final = Problem(Reason.SUPPRESSED, "on the list of people who are not to be messaged", "to")


class Admission:
    """The people of a campaign so far, and the rows that are left out."""

    def __init__(self, forms: NumberForms) -> None:
        self.suppressed: list[KeySet] = []
        """For each list of people who are not to be messaged, their identity keys."""
        self.barred: dict[int, None] = {}
        """Those of them who are in the campaign's list."""
        self.forms = forms
        self.people = Deduper()
        self.rejections = Rejections()

    def up_to(self, checked: Checked, people: int) -> Checked:
        """The part of a block that *people* more need, as if it ended with the last of them."""
        again = set(self.people.again(checked.keys))
        fresh = [place for place, _ in enumerate(checked.keys) if place not in again]
        return checked if len(fresh) < people else checked.up_to(fresh[people - 1])

    async def admit(self, checked: Checked) -> Sequence[WireRow]:
        """Let in who is new; the others of the block are rejections, in the order of their rows."""
        if self.people.full:
            await anyio.to_thread.run_sync(self.people.widen)
        if not all(keys.isdisjoint(checked.keys) for keys in self.suppressed) or not self.people.add(
            checked.keys, checked.rows.numbers, checked.where
        ):
            return self._without_known(checked)
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
                await anyio.lowlevel.checkpoint()
        for batch in self.rejections.hand_on(rows):
            yield batch
            await anyio.lowlevel.checkpoint()

    def _without_known(self, checked: Checked) -> Sequence[WireRow]:
        found = {key for suppressed in self.suppressed for key in suppressed.held(checked.keys)}
        barred = {place for place, key in enumerate(checked.keys) if key in found} if found else set()
        self.barred.update(dict.fromkeys(found))
        again = [place for place in self.people.again(checked.keys) if place not in barred]
        out: list[tuple[Rejection, int | None]] = [(rejection, None) for rejection in checked.rejections]
        out += [(_left_out(checked, place, SUPPRESSED), None) for place in barred]
        out += [(_left_out(checked, place, DUPLICATE), checked.keys[place]) for place in again]
        for rejection, key in sorted(out, key=_row_of):
            self.rejections.add(rejection, repeats=key)
        kept = bytearray(b"\1") * len(checked.keys)
        for place in (*barred, *again):
            kept[place] = False
        keys, where = list(compress(checked.keys, kept)), list(compress(checked.where, kept))
        if not self.people.add(keys, checked.rows.numbers, where):
            raise RuntimeError("somebody would be in the plan twice")  # cannot be; better no plan than that
        self.forms.count(keys, checked.region)
        return list(compress(checked.ready, kept))


def _left_out(checked: Checked, place: int, problem: Problem) -> Rejection:
    return left_out(checked.rows, checked.where[place], problem, checked.ready[place].to)


def _row_of(each: tuple[Rejection, int | None]) -> int:
    return each[0].row
