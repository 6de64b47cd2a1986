"""What an `.ods` says beside its values: which sheet is open, what is hidden, and the text of each cell.

Unlike Excel, OpenDocument writes down the text of a cell as it was seen when the file was saved, so nothing
has to be formatted here. The XML comes from strangers, see `workbook_parts.py`.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import Final

import msgspec

from keebai_async.sources.workbook_parts import PART_BYTES, RowLook, plain, safe_parser

_EXPONENT: Final = re.compile(r"[0-9][eE][+\-]?[0-9]")
_CELLS: Final = frozenset({"table-cell", "covered-table-cell"})


class Document:
    """The parts of one `.ods`. Raises one of BAD_PARTS, as its methods do."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.active: str | None = _active(file)
        self.hidden_columns: set[int] = set()
        """Those of the sheet whose rows are read, by place from 0."""

    def rows(self, sheet: str) -> Iterator[RowLook]:
        """The rows of a sheet that have something to say, in order."""
        reading = _Table(sheet, self.hidden_columns)
        parser = safe_parser()
        parser.StartElementHandler = reading.begin
        parser.EndElementHandler = reading.end
        parser.CharacterDataHandler = reading.text
        with self._file.open("content.xml") as part:
            while data := part.read(PART_BYTES):
                parser.Parse(data, False)
                yield from reading.taken()
        parser.Parse(b"", True)
        yield from reading.taken()


class _Cell(msgspec.Struct):
    column: int
    count: int
    kind: str
    error: bool
    lines: list[str]


class _Table:
    """The state of reading one sheet."""

    def __init__(self, name: str, hidden_columns: set[int]) -> None:
        self._name = name
        self._hidden_columns = hidden_columns
        self._inside = False
        self._number = 1
        self._column = 0
        self._look: RowLook | None = None
        self._count = 1
        self._cell: _Cell | None = None
        self._in_text = False
        self._in_note = False
        """Whether this is a comment on a cell, which has texts of its own."""
        self._groups: list[bool] = []
        """For each group of rows that this is in, whether it is folded."""
        self._found: list[tuple[RowLook, int]] = []

    def taken(self) -> Iterator[RowLook]:
        """What was found since the last time."""
        found, self._found = self._found, []
        for look, count in found:
            yield from (
                msgspec.structs.replace(look, number=number)
                for number in range(look.number, look.number + count)
            )

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        name, own = name.rpartition(":")[2], plain(attributes)
        if name == "table":
            self._inside, self._number, self._column = own.get("name") == self._name, 1, 0
        elif not self._inside:
            return
        elif name == "table-column":
            count = int(own.get("number-columns-repeated", "1"))
            if own.get("visibility", "visible") != "visible":
                self._hidden_columns.update(range(self._column, self._column + min(count, _MOST_COLUMNS)))
            self._column += count
        elif name == "table-row-group":
            self._groups.append(own.get("display") == "false")
        elif name == "table-row":
            self._count = int(own.get("number-rows-repeated", "1"))
            hidden = own.get("visibility", "visible") != "visible" or any(self._groups)
            self._look, self._column = RowLook(self._number, hidden=hidden), 0
        elif name in _CELLS:
            count = int(own.get("number-columns-repeated", "1"))
            # The kind of Calc itself says `error` where the other one says `string`.
            is_error = "error" in (attributes.get("calcext:value-type"), own.get("value-type"))
            self._cell = _Cell(self._column, count, attributes.get("office:value-type", ""), is_error, [])
            self._column += count
        elif name == "annotation":
            self._in_note = True
        elif name == "p" and self._cell is not None and not self._in_note:
            self._cell.lines.append("")
            self._in_text = True

    def text(self, text: str) -> None:
        if self._in_text and self._cell is not None:
            self._cell.lines[-1] += text

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "p":
            self._in_text = False
        elif name == "annotation":
            self._in_note = False
        elif name == "table-row-group" and self._groups:
            self._groups.pop()
        elif name in _CELLS and self._cell is not None and self._look is not None:
            self._see(self._cell, self._look)
            self._cell = None
        elif name == "table-row" and self._look is not None:
            look = self._look
            if look.hidden or look.shown or look.errors:
                self._found.append((look, self._count))
            self._number += self._count
            self._look = None

    def _see(self, cell: _Cell, look: RowLook) -> None:
        columns = range(cell.column, cell.column + min(cell.count, _MOST_COLUMNS))
        if cell.error:
            look.errors.update(columns)
        elif cell.kind not in {"", "string"} and len(cell.lines) == 1:
            shown = cell.lines[0]
            if shown.strip() and not _EXPONENT.search(shown):
                look.shown.update(dict.fromkeys(columns, shown))


_MOST_COLUMNS: Final = 1_000
"""Columns of one repeated cell that are looked at: a whole row may be one."""


def _active(file: zipfile.ZipFile) -> str | None:
    """The sheet that is shown when the file is opened."""
    if "settings.xml" not in file.namelist():
        return None
    found: list[str] = []
    wanted = False

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal wanted
        wanted = plain(attributes).get("name") == "ActiveTable"

    def text(text: str) -> None:
        if wanted:
            found.append(text)

    def end(name: str) -> None:
        nonlocal wanted
        wanted = False

    parser = safe_parser()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = text
    with file.open("settings.xml") as part:
        while data := part.read(PART_BYTES):
            parser.Parse(data, False)
    parser.Parse(b"", True)
    return "".join(found) or None
