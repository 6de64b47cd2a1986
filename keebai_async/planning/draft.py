"""The fast path's first half: rows out of a block whose structure is right, all of them at once.

What is not here for certain (another shape, a value that is no text, a key too many) is left to the
slow path; nothing is rejected here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TypeGuard

import msgspec

from keebai_async.planning.given import META, Names, as_fields, rendered
from keebai_async.planning.narrowing import fine_places, picked
from keebai_async.planning.original import Originals
from keebai_async.planning.shape import NO_META, Row, Shape
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
        self._loosely = False
        """Whether lines are decoded whatever the type of their values: so once most of a block had to be."""

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
        """The rows of a block of lines. What is right or wrong with one is so with most of a list."""
        first = block.data[: block.data.find(b"\n") + 1] or block.data
        flat = not any(
            f'"{name}"'.encode() in first for name in (self._names.variables, self._names.meta_data)
        )
        if not flat and not self._plain:
            block.check()
            return NOTHING
        try:
            draft = self._decode(block.data, block.count, flat)
        except UnicodeDecodeError:
            draft = None
        if draft is not None:
            originals.every_line()
            return draft
        block.check()
        lines = originals.lines
        draft = self._those(lines, flat)
        if not self._loosely and len(draft.to) < len(lines) / 2:
            self._loosely = True
            loose = self._those(lines, flat)
            self._loosely = len(loose.to) > len(draft.to)
            draft = loose if self._loosely else draft
        return draft

    def _those(self, lines: Sequence[bytes], flat: bool) -> Draft:
        """The rows of those lines that can be decoded."""

        def decode(lines: Sequence[bytes]) -> Draft | None:
            return self._decode(b"\n".join(lines), len(lines), flat)

        good = fine_places(len(lines), lambda start, end: decode(lines[start:end]) is not None)
        draft = decode(picked(lines, good)) if good else None
        return NOTHING if draft is None else msgspec.structs.replace(draft, where=good)

    def _decode(self, data: bytes, count: int, flat: bool) -> Draft | None:
        """The rows of *count* lines, if all of them can be decoded. Raises UnicodeDecodeError."""
        where = range(count)
        try:
            if self._loosely:
                return self._decode_loosely(data, where, flat)
            if flat:
                return self._flat(self._shape.decode_flat(data, count), where)
            to, values, metas, rows = self._shape.decode_lines(data, count)
        except (msgspec.DecodeError, RecursionError):
            return None
        return Draft(where, to, values, rows=rows) if values else Draft(where, to, (), metas)

    def _decode_loosely(self, data: bytes, where: range, flat: bool) -> Draft | None:
        zeros = b"-0" in data  # a zero with a minus, which it loses when it is read
        if flat:
            items = self._shape.decode_flat(data, len(where), loosely=True)
            metas = self._names.metas(list(set().union(*items)))
            kinds = {type(item.get(meta)) for meta in metas for item in items}
            # Others would not be written to meta_data as they were read.
            if not kinds <= {str, bool, type(None)} | (set() if zeros else {int}):
                return None
            draft = self._flat(items, where)
        else:
            draft = self._of_variables(where, *self._shape.decode_loosely(data, len(where)))
        return None if draft and zeros and any("0" in column for column in draft.values) else draft

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
        meta_data: Sequence[object] | None = None
        try:
            to: list[object] = list(map(itemgetter(names.to), items))
            variables = list(map(itemgetter(names.variables), items))
        except KeyError:
            return None
        if set(map(len, items)) != {2}:
            meta_data = [item.get(names.meta_data) for item in items]
            if sum(map(len, items)) != 2 * len(items) + sum(names.meta_data in item for item in items):
                return None
            if not set(map(type, meta_data)) <= {dict, type(None)} or not self._shape.writable(meta_data):
                return None
            if not all(meta_data):
                meta_data = [meta or NO_META for meta in meta_data]
        return self._of_variables(where, to, variables, meta_data)

    def _of_variables(
        self,
        where: Sequence[int],
        to: Sequence[object],
        variables: Sequence[object],
        meta_data: Sequence[object] | None,
    ) -> Draft | None:
        if not _texts(to) or not _dicts(variables) or set(map(len, variables)) != {len(self._wanted)}:
            return None
        values = _columns(variables, self._shape.names)
        return None if values is None else Draft(where, to, values, meta_data)

    def _flat(self, items: Sequence[Item], where: Sequence[int]) -> Draft | None:
        names = self._names
        keys = set().union(*items)
        if not _texts(list(keys)) or names.variables in keys or names.meta_data in keys:
            return None
        metas = names.metas(list(keys))
        values = _columns(items, self._own)
        to = [item.get(names.to) for item in items]
        if values is None or not _texts(to):
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


def _columns(items: Sequence[Item], names: Sequence[str]) -> Sequence[Sequence[str]] | None:
    """A column of text for each of *names*, if every item has each, as text or as what is rendered."""
    columns: list[Sequence[str]] = []
    for name in names:
        try:
            column: Sequence[object] = list(map(itemgetter(name), items))
        except KeyError:
            return None
        if not _texts(column):
            column = list(map(rendered, column))
        if not _texts(column):
            return None
        columns.append(column)
    return columns


def _texts(values: Sequence[object]) -> TypeGuard[Sequence[str]]:
    return set(map(type, values)) <= {str}


def _dicts(values: Sequence[object]) -> TypeGuard[Sequence[dict[str, object]]]:
    return set(map(type, values)) <= {dict}
