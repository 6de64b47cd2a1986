"""The fast path's first half: rows out of a block whose structure is right, all of them at once.

What is not here for certain (another shape, a value that is no text, a key too many) is left to the
slow path; nothing is rejected here.
"""

from collections.abc import Sequence

from keebai_async.planning.check_row import META, Names
from keebai_async.planning.codec import Shape
from keebai_async.planning.draft import NOTHING, Draft
from keebai_async.planning.narrowing import picked
from keebai_async.planning.rows import Originals
from keebai_async.planning.rows_jsonl import LineReader
from keebai_async.planning.rows_objects import Dicts
from keebai_async.sources.block import Block, Cells, Columns, Lines, Objects


class Drafter:
    """Makes drafts for one template; notes in *ignored* the names with which nothing is done."""

    def __init__(self, shape: Shape, names: Names, ignored: dict[str, None]) -> None:
        self._shape = shape
        self._names = names
        self._own = [names.of[name] for name in shape.names]
        self._dicts = Dicts(shape, names, ignored)
        self._lines = LineReader(shape, names, self._dicts)

    def draft(self, block: Block, originals: Originals) -> Draft:
        match block:
            case Lines():
                return self._lines.draft(block, originals)
            case Cells():
                return self._cells(block)
            case Columns(columns=columns, header=header):
                return self._columns(columns, header, range(len(columns[0])))
            case Objects(items=items):
                return self._dicts.draft(items)

    def _cells(self, block: Cells) -> Draft:
        rows, width = block.rows, len(block.header)
        where: Sequence[int] = range(len(rows))
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:  # some are short or long
            columns = []
        if len(columns) != width:
            where = [position for position in where if len(rows[position]) == width]
            columns = list(zip(*picked(rows, where), strict=True))
        return self._columns(columns, block.header, where) if columns else NOTHING

    def _columns(
        self, columns: Sequence[Sequence[str]], header: Sequence[str], where: Sequence[int]
    ) -> Draft:
        of = dict(zip(header, columns, strict=True))
        metas = self._names.metas(header)
        meta_data: Sequence[object] | None = None
        if metas:
            names = [meta.removeprefix(META) for meta in metas]
            meta_data = self._shape.meta_rows(names, [of[meta] for meta in metas])
        return Draft(where, of[self._names.to], [of[name] for name in self._own], meta_data)
