"""The fast path's first half: rows out of a block whose structure is right, all of them at once.

What is not here for certain (another shape, a value that is no text, a key too many) is left to the
slow path; nothing is rejected here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TypeGuard

import msgspec

from keebai_async.planning.given import META, Names, as_fields
from keebai_async.planning.narrowing import fine_places, picked
from keebai_async.planning.original import Originals
from keebai_async.planning.shape import NO_META, Decoded, Row, Shape
from keebai_async.sources.block import Block, Cells, Columns, Lines, Objects

Item = Mapping[str, object]


class Draft(msgspec.Struct, gc=False):
    """Rows with the right structure, as columns. *where* are their positions in the block.

    *values* has a column for each variable. *rows* is there when the decoder made them; then no value is
    empty or too long.
    """

    where: Sequence[int]
    to: Sequence[str]
    values: Sequence[Sequence[str]]
    meta_data: Sequence[object] | None = None
    rows: list[Row] | None = None

    def part(self, start: int, end: int) -> "Draft":
        """The rows from place *start* up to *end*."""
        return self.picked(range(start, end))

    def picked(self, places: Sequence[int]) -> "Draft":
        """The rows at *places* alone."""
        return Draft(
            picked(self.where, places),
            picked(self.to, places),
            [picked(column, places) for column in self.values],
            None if self.meta_data is None else picked(self.meta_data, places),
            None if self.rows is None else picked(self.rows, places),
        )


NOTHING = Draft((), (), ())


class Drafter:
    """Makes drafts for one template."""

    def __init__(self, shape: Shape, names: Names, ignored: dict[str, None]) -> None:
        self._ignored = ignored
        self._shape = shape
        self._names = names
        self._plain = names.service == {"to", "variables", "meta_data"}
        self._wanted = frozenset(shape.names)
        self._own = [names.of[name] for name in shape.names]

    def draft(self, block: Block, originals: Originals) -> Draft:
        match block:
            case Lines():
                return self._lines(block, originals)
            case Cells():
                return self._cells(block)
            case Columns(columns=columns, header=header):
                return self._columns(columns, header, range(len(columns[0])))
            case Objects(items=items):
                return self._objects(items)

    def _lines(self, block: Lines, originals: Originals) -> Draft:
        where: Sequence[int]
        first = block.data[: block.data.find(b"\n") + 1] or block.data
        if not any(f'"{name}"'.encode() in first for name in (self._names.variables, self._names.meta_data)):
            return self._flat_lines(block, originals)
        if not self._plain:
            block.check()
            return NOTHING
        try:
            decoded = self._shape.decode_lines(block.data, block.count)
            where = range(block.count)
            originals.every_line()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            block.check()
            return self._each_line(originals)
        return self._decoded(decoded, where)

    def _decoded(self, decoded: Decoded, where: Sequence[int]) -> Draft:
        if not self._shape.names:
            return Draft(where, decoded.to, (), decoded.meta_data)
        return Draft(where, decoded.to, decoded.values, rows=decoded.rows)

    def _flat_lines(self, block: Lines, originals: Originals) -> Draft:
        where: Sequence[int]
        rows: Sequence[Item] | None
        try:
            rows = self._shape.decode_flat(block.data, block.count)
            where = range(block.count)
            originals.every_line()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            block.check()
            lines = originals.lines
            where = fine_places(
                len(lines), lambda start, end: self._decode_flat(lines[start:end]) is not None
            )
            rows = self._decode_flat(picked(lines, where))
        return self._some(rows or [], where, self._flat)

    def _decode_flat(self, lines: Sequence[bytes]) -> Sequence[Item] | None:
        try:
            return self._shape.decode_flat(b"\n".join(lines), len(lines)) if lines else []
        except (msgspec.DecodeError, RecursionError):
            return None

    def _each_line(self, originals: Originals) -> Draft:
        lines = originals.lines
        where = fine_places(len(lines), lambda start, end: self._decode(lines[start:end]) is not None)
        decoded = self._decode(picked(lines, where)) if where else None
        return self._decoded(decoded, where) if decoded else NOTHING

    def _decode(self, lines: Sequence[bytes]) -> Decoded | None:
        try:
            return self._shape.decode_lines(b"\n".join(lines), len(lines))
        except (msgspec.DecodeError, RecursionError):
            return None

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
        meta_data = self._metas(metas, [of[name] for name in metas])
        return Draft(where, of[self._names.to], [of[name] for name in self._own], meta_data)

    def _objects(self, items: Sequence[object]) -> Draft:
        if set(map(type, items)) != {dict}:
            items = [as_fields(item, self._names) for item in items]
            if None in items:
                return NOTHING
        dicts: Sequence[Item] = items  # type: ignore[assignment]  # we have just looked
        service = self._names.variables in dicts[0] or self._names.meta_data in dicts[0]
        bulk = self._service if service else self._flat
        return self._some(dicts, range(len(dicts)), bulk)

    def _some(
        self,
        items: Sequence[Item],
        where: Sequence[int],
        bulk: Callable[[Sequence[Item], Sequence[int]], Draft | None],
    ) -> Draft:
        """What *bulk* makes of all items, or of those that it takes."""
        draft = bulk(items, where) if items else None
        if draft is None and items:
            good = fine_places(
                len(items), lambda start, end: bulk(items[start:end], where[start:end]) is not None
            )
            draft = bulk(picked(items, good), picked(where, good)) if good else None
        return draft or NOTHING

    def _service(self, items: Sequence[Item], where: Sequence[int]) -> Draft | None:
        names = self._names
        width = 2 + (names.meta_data in items[0])
        if set(map(len, items)) != {width}:
            return None
        try:
            to: list[str] = list(map(itemgetter(names.to), items))
            variables = list(map(itemgetter(names.variables), items))
            if not _dicts(variables) or set(map(len, variables)) != {len(self._wanted)}:
                return None
            values = [list(map(itemgetter(name), variables)) for name in self._shape.names]
            meta_data = list(map(itemgetter(names.meta_data), items)) if width == 3 else None
        except KeyError:
            return None
        if not _all_text(chain(to, *values)):
            return None
        if meta_data is None:
            return Draft(where, to, values)
        if not _dicts(meta_data) or not self._shape.writable(meta_data):
            return None
        if not all(meta_data):
            meta_data = [meta or NO_META for meta in meta_data]
        return Draft(where, to, values, meta_data)

    def _flat(self, items: Sequence[Item], where: Sequence[int]) -> Draft | None:
        names = self._names
        keys = set().union(*items)
        if not _all_text(keys) or names.variables in keys or names.meta_data in keys:
            return None
        metas = names.metas(list(keys))
        try:
            to: list[str] = list(map(itemgetter(names.to), items))
            values = [list(map(itemgetter(name), items)) for name in self._own]
        except KeyError:
            return None
        if not _all_text(chain(to, *values)):
            return None
        if len(keys) > len(names.known) + len(metas):
            self._ignored.update(dict.fromkeys(sorted(keys - names.known - set(metas))))
        meta_data = self._flat_metas(items, metas)
        if meta_data is not None and not self._shape.writable(meta_data):
            return None
        return Draft(where, to, values, meta_data)

    def _flat_metas(self, items: Sequence[Item], metas: Sequence[str]) -> Sequence[object] | None:
        try:
            return self._metas(metas, [list(map(itemgetter(meta), items)) for meta in metas])
        except KeyError:  # not every row has all of them
            named = [(meta, meta.removeprefix(META)) for meta in metas]
            return [{name: item[meta] for meta, name in named if meta in item} or NO_META for item in items]

    def _metas(self, columns: Sequence[str], values: Iterable[Iterable[object]]) -> Sequence[object] | None:
        if not columns:
            return None
        return self._shape.meta_rows([column.removeprefix(META) for column in columns], values)


def _all_text(values: Iterable[object]) -> bool:
    return set(map(type, values)) <= {str}


def _dicts(values: Sequence[object]) -> TypeGuard[Sequence[dict[str, object]]]:
    return set(map(type, values)) <= {dict}
