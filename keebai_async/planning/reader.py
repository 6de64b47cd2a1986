"""A block of rows into people who are ready: fast when all is well, exact about every row where it is not.

Row by row, exact checks take 13 times as long as checks of whole blocks. So structure, numbers and values of
a block are checked in bulk, in C. A check of a block alone cannot say which row is bad: where one fails,
`closer_look.py` finds the rows that it cannot vouch for, and asks of these alone what is exact.

The fast path may only say "certainly fine". So a row's fate depends neither on its path nor on its
neighbours, and a test holds both paths together, with any row that can be thought of.
"""

from collections.abc import Mapping

import anyio.to_thread

from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.planning.candidates import NOBODY, Candidates
from keebai_async.planning.check_row import STRICT, RowChecks, Tolerance
from keebai_async.planning.checked import Checked
from keebai_async.planning.closer_look import CloserLook
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.consent import UnusedConsent
from keebai_async.planning.corrections import Corrections
from keebai_async.planning.phone import load_parser
from keebai_async.planning.rows import ListContext, ListNames, Rows
from keebai_async.planning.rows_jsonl import JsonlList
from keebai_async.planning.rows_objects import ObjectList
from keebai_async.planning.rows_table import TableList
from keebai_async.planning.text_checks import all_fine, longest
from keebai_async.sources.block import Block, LineBlock, ObjectBlock


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
        self.consent = UnusedConsent()
        names = ListNames(codec.names, columns)
        context = ListContext(codec, names, description, self.ignored, self.consent)
        self._lines = JsonlList(context)
        self._tables = TableList(context)
        self._objects = ObjectList(context)
        self._context = context
        self._codec = codec
        self._checks = RowChecks(codec, tolerance)
        self.numbers = self._checks.numbers
        self._fast = fast
        self._parser_loaded = False

    def rows(self, block: Block) -> Rows:
        """The rows of a block, by its kind: this is the one place that asks for it.

        Raises TemplateUnusable or UnusableSource when the list as a whole lacks what the template asks for.
        """
        match block:
            case LineBlock():
                return self._lines.rows(block)
            case ObjectBlock():
                return self._objects.rows(block)
            case _:
                return self._tables.rows(block)

    async def read(self, block: Block) -> Checked:
        """Check a block. Every row of it is in the answer, either among the ready or the rejections.

        The event loop gets its turns between rows that take the slow path. Raises as `rows` does, and
        UnusableSource if the block cannot be read.
        """
        rows = self.rows(block)
        found = rows.candidates() if self._fast else NOBODY
        numbers = " ".join(found.to) if found.joined is None else found.joined.to
        keys, doubtful, region = self.numbers.forms.keys_of(numbers, len(found.to))
        most = longest(found.values)
        fine = self._fine(found, most)
        if keys is None or doubtful or not fine or len(keys) < len(rows.numbers):
            await self._load_parser()
            look = CloserLook(self._checks, self._context, self.corrections, rows, found)
            return await look.checked(keys, doubtful, region, fine=fine, most=most)
        return Checked(
            rows, len(keys), found.people(self._codec), keys, found.where, region=region, longest=most
        )

    def _fine(self, candidates: Candidates, most: int) -> bool:
        """Whether all values are certainly fine; those of no row have more than *most* characters."""
        space, joined = self._codec.space, candidates.joined
        measured = candidates.ready is not None or most <= MAX_VARIABLE
        return not candidates.values or (
            all_fine(candidates.values, joined=joined and joined.values, measured=measured)
            and (space is None or space.holds(most) or space.holds_all(candidates.values))
        )

    async def _load_parser(self) -> None:
        if not self._parser_loaded:
            await anyio.to_thread.run_sync(load_parser)
            self._parser_loaded = True
