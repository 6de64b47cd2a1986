"""A block of rows into people who are ready: fast when all is well, exact about every row where it is not.

Row by row, exact checks take 13 times as long as checks of whole blocks. A check of a block alone cannot say
which row is bad; and if one bad row sent all 250 of its block down the exact path, a list with 1 % of them
would be as slow as if all were bad. So structure, numbers and values of a block are checked in bulk, in C. A
check that fails is asked again of ever smaller parts, cheaply, which row it was; only that row takes the slow
path of `check_row`, which accepts it after all or says what is wrong.

The fast path may only say "certainly fine". So a row's fate depends neither on its path nor on its
neighbours, and a test holds both paths together, with any row that can be thought of.
"""

import time
from collections.abc import Mapping
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.model.limits import E164, MAX_VARIABLE
from keebai_async.planning.candidates import NOBODY, Candidates
from keebai_async.planning.check_row import STRICT, NumberChecks, Tolerance, check_row
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import RowCodec, WireRow
from keebai_async.planning.corrections import Corrections
from keebai_async.planning.identity import identities, identities_if_e164
from keebai_async.planning.narrowing import picked
from keebai_async.planning.number_text import trimmed
from keebai_async.planning.phone import load_parser
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import ListContext, ListNames, Rows, rejected
from keebai_async.planning.rows_jsonl import JsonlList
from keebai_async.planning.rows_objects import ObjectList
from keebai_async.planning.rows_table import TableList
from keebai_async.planning.text_checks import all_fine, fine_values, longest
from keebai_async.sources.block import Block, CellBlock, ColumnBlock, LineBlock, ObjectBlock

CHECK_SECONDS: Final = 0.002
"""Seconds that rows on the slow path may take before the event loop has its turn."""


class Reader:
    """Reads the blocks of one list for one template.

    *columns* maps our names to those of the list, *description* names it to people. Without *fast*, every row
    takes the slow path: for proofs.
    """

    def __init__(
        self,
        codec: RowCodec,
        columns: Mapping[str, str],
        tolerance: Tolerance = STRICT,
        *,
        description: str = "the list",
        fast: bool = True,
    ) -> None:
        self.corrections = Corrections()
        self.ignored: dict[str, None] = {}
        """The columns with which nothing was done, in the order they were met."""
        context = ListContext(codec, ListNames(codec.names, columns), description, self.ignored)
        self._lines = JsonlList(context)
        self._tables = TableList(context)
        self._objects = ObjectList(context)
        self._context = context
        self._codec = codec
        self._tolerance = tolerance
        self.numbers = NumberChecks(tolerance)
        self._fast = fast
        self._parser_loaded = False

    def rows(self, block: Block) -> Rows:
        """The rows of a block, by its kind: this is the one place that asks for it.

        Raises TemplateUnusable or UnusableSource when the list as a whole lacks what the template asks for.
        """
        match block:
            case LineBlock():
                return self._lines.rows(block)
            case CellBlock() | ColumnBlock():
                return self._tables.rows(block)
            case ObjectBlock():
                return self._objects.rows(block)

    async def read(self, block: Block) -> Checked:
        """Check a block. Every row of it is in the answer, either among the ready or the rejections.

        The event loop gets its turns between rows that take the slow path. Raises as `rows` does, and
        UnusableSource if the block cannot be read.
        """
        rows = self.rows(block)
        candidates = rows.candidates() if self._fast else NOBODY
        checked = self._certainly_fine(rows, candidates)
        return checked if len(checked.ready) == checked.read else await self._complete(checked)

    def _certainly_fine(self, rows: Rows, candidates: Candidates) -> Checked:
        """The candidates whose numbers and values are certainly fine."""
        keys = identities_if_e164(candidates.to)
        if keys is None:
            candidates = _in_e164(candidates, international=self._tolerance.international)
            keys = identities(candidates.to)
        doubtful, region = self.numbers.forms.doubtful(keys)
        if doubtful:
            out = set(doubtful)
            candidates = candidates.without(out)
            keys = [key for place, key in enumerate(keys) if place not in out]
        most = longest(candidates.values)
        if not self._fine(candidates, most):
            good = self._fine_places(candidates)
            candidates, keys = candidates.picked(good), picked(keys, good)
            most = longest(candidates.values)
        ready = candidates.ready
        if ready is None:
            ready = self._codec.rows(candidates.to, candidates.values, candidates.meta_data)
        return Checked(
            rows,
            len(rows.numbers),
            ready,
            keys,
            candidates.where,
            region=region,
            longest=most,
        )

    async def _complete(self, checked: Checked) -> Checked:
        """Send the rows that are not ready down the slow path, and put all in order."""
        rows = checked.rows
        found: dict[int, WireRow] = {}
        rejections = []
        if not self._parser_loaded:
            await anyio.to_thread.run_sync(load_parser)
            self._parser_loaded = True
        until = time.monotonic() + CHECK_SECONDS
        for position in sorted(set(range(checked.read)).difference(checked.where)):
            if time.monotonic() > until:
                await anyio.lowlevel.checkpoint()
                until = time.monotonic() + CHECK_SECONDS
            row = self._check(rows, position)
            if isinstance(row, Problem):
                rejections.append(rejected(rows, position, row))
            else:
                found[position] = row
        if not found:
            checked.rejections = rejections
            return checked
        found |= zip(checked.where, checked.ready, strict=True)
        where = sorted(found)
        ready = list(map(found.__getitem__, where))
        keys = identities(self._codec.numbers(ready))
        most = max(checked.longest, max(sum(map(len, self._codec.values(row))) for row in found.values()))
        return Checked(rows, checked.read, ready, keys, where, rejections, longest=most)

    def _fine(self, candidates: Candidates, most: int) -> bool:
        """Whether all values are certainly fine; those of no row have more than *most* characters."""
        space = self._codec.space
        return not candidates.values or (
            all_fine(candidates.values, measured=candidates.ready is not None or most <= MAX_VARIABLE)
            and (space is None or space.holds(most) or space.holds_all(candidates.values))
        )

    def _fine_places(self, candidates: Candidates) -> list[int]:
        """The places of the rows whose values are certainly fine."""
        good = set(range(len(candidates.to)))
        for column in candidates.values:
            good.intersection_update(fine_values(column))
        space = self._codec.space
        if space is not None and not space.holds_all(candidates.values):
            rows = enumerate(zip(*candidates.values, strict=True))
            good.difference_update(place for place, values in rows if space.over(values) > 0)
        return sorted(good)

    def _check(self, rows: Rows, position: int) -> WireRow | Problem:
        row = rows.parse(position)
        if isinstance(row, Problem):
            return row
        self._context.ignore(row.ignored)
        checked = check_row(row, self._codec, self._tolerance, self.numbers, self.corrections)
        sent = None if isinstance(checked, Problem) else checked
        self.corrections.settle(rows.numbers[position], sent)
        return checked


def _in_e164(candidates: Candidates, *, international: bool) -> Candidates:
    """The rows whose numbers are in E.164 but for what surrounds them, or for a plus if all go without."""
    to = list(candidates.to)
    bad = set()
    for place, match in enumerate(map(E164.fullmatch, candidates.to)):
        if not match:
            number = trimmed(to[place])
            if international and number[:1].isdigit():
                number = f"+{number}"
            to[place] = number
            if not E164.fullmatch(number):
                bad.add(place)
            elif candidates.ready is not None:
                candidates.ready[place].to = number
    return msgspec.structs.replace(candidates, to=to).without(bad)
