"""The rows of a block as they were read: each with its number, to be looked at one by one."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from keebai_async.planning.check_row import (
    FIELDS,
    TEXT,
    Given,
    Names,
    as_fields,
    from_cells,
    from_line,
    from_object,
)
from keebai_async.planning.template import Problem
from keebai_async.sources.block import Block, Cells, Columns, Lines, Objects


class Originals:
    """The rows of *block*. Blank lines of JSON Lines are no rows."""

    def __init__(self, block: Block, names: Names, *, end: int | None = None) -> None:
        self._block = block
        self._names = names
        self._end = end
        self._dense = False

    def up_to(self, end: int) -> "Originals":
        """The first *end* rows alone."""
        return Originals(self._block, self._names, end=end)

    def of(self, block: Block) -> "Originals":
        """The rows of another block of the same list."""
        return Originals(block, self._names)

    def every_line(self) -> None:
        """Learn from the decoder that each line is a row, and none is blank."""
        if isinstance(self._block, Lines):
            self.numbers = range(self._block.first, self._block.first + self._block.count)
            self._dense = True

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def lines(self) -> Sequence[bytes]:
        """The rows of a block of Lines, and perhaps what is after the last line end."""
        if self._dense and isinstance(self._block, Lines):
            return self._block.data.split(b"\n")
        return [line for _, line in self._numbered]

    @cached_property
    def numbers(self) -> Sequence[int]:
        """The number of each row, as its reader sees it."""
        return self._all_numbers() if self._end is None else self._all_numbers()[: self._end]

    def _all_numbers(self) -> Sequence[int]:
        match self._block:
            case Lines():
                return [number for number, _ in self._numbered]
            case Cells() | Columns() as table:
                return table.numbers
            case Objects(first=first, items=items):
                return range(first, first + len(items))

    def given(self, position: int) -> Given | Problem:
        """One row, taken apart."""
        match self._block:
            case Lines():
                return from_line(self.lines[position], self._names)
            case Cells() | Columns() as table:
                return from_cells(table.header, table.row(position), self._names)
            case Objects(items=items):
                return from_object(items[position], self._names)

    def columns(self, position: int) -> dict[str, str]:
        """One row as text by column, for whoever has to mend it."""
        match self._block:
            case Lines():
                line = self.lines[position]
                try:
                    return _texts(FIELDS.decode(line))
                except (msgspec.DecodeError, RecursionError):
                    return {"line": line.decode(errors="replace")}
            case Cells(header=header) | Columns(header=header):
                cells = self._block.row(position)
                over = enumerate(cells[len(header) :], start=len(header) + 1)
                return dict(zip(header, cells, strict=False)) | {f"column {at}": cell for at, cell in over}
            case Objects(items=items):
                fields = as_fields(items[position], self._names)
                return {"row": str(items[position])} if fields is None else _texts(fields)

    def to(self, columns: Mapping[str, str]) -> str:
        """The number among the columns of a row, as it was given."""
        return columns.get(self._names.to, "")

    @cached_property
    def _numbered(self) -> list[tuple[int, bytes]]:
        if not isinstance(self._block, Lines):
            return []
        lines = self._block.data.split(b"\n")
        numbered = enumerate(lines, start=self._block.first)
        return [(number, line) for number, line in numbered if line and not line.isspace()]


def _texts(fields: Mapping[str, object]) -> dict[str, str]:
    given = ((name, value) for name, value in fields.items() if value is not None)
    return {str(name): text for name, value in given if (text := _text(value))}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass
    else:
        return TEXT.decode(text) if text.startswith('"') else text
    try:
        return str(value)
    except ValueError:  # an integer of thousands of digits
        return f"a {type(value).__name__}"
