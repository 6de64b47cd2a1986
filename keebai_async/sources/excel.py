"""Excel and its like, with the `files` extra: one sheet of a workbook, as a person sees it.

The sheet that is shown when the file is opened is read, without the rows that are hidden or filtered out.
The notes say what was read and what was left out, and which columns read otherwise than they look.
"""

import codecs
import contextlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keebai_async.errors import UnusableSource
from keebai_async.sources.cell_formats import Moment, as_shown
from keebai_async.sources.pieces import WEB_PAGE
from keebai_async.sources.sheet import NumberedRows, Sheet, cell_of, unreadable
from keebai_async.sources.spelling import NotText
from keebai_async.sources.workbook_parts import BAD_PARTS, Parts, RowLook, hidden_of_ods

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_SHOWN_ROWS: Final = 5
_LOOK: Final = 4096
_AS_IT_IS: Final = RowLook(0)
_ERROR: Final = NotText("is an error of the sheet, such as #N/A")


def excel(
    path: str, *, columns: Mapping[str, str], sheet: str | None = None, hidden_rows: bool = False
) -> Sheet:
    """The rows of a sheet, with the numbers that Excel shows.

    By default it is the one that is shown when the file is opened. Hidden rows are left out unless
    *hidden_rows*.
    """
    notes: list[str] = []
    return Sheet(partial(_rows, path, sheet, hidden_rows, notes), path, columns=columns, notes=notes)


def _rows(path: str, sheet: str | None, hidden_rows: bool, notes: list[str]) -> NumberedRows:
    """Raises UnusableSource without python-calamine, if it cannot read the file, or has no such sheet."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise UnusableSource(
            f"{path}: to read Excel, install keebai-async[files], or save it as CSV"
        ) from None
    if not Path(path).exists():
        raise UnusableSource(f"no such file: {path}")
    as_named = check_workbook(path)
    try:
        # One that has the name of another kind is told by what is in it.
        opened = (
            CalamineWorkbook.from_path(path)
            if as_named
            else CalamineWorkbook.from_filelike(io.BytesIO(Path(path).read_bytes()))
        )
        with opened as book, _Looks(path) as looks:
            name = _which(book, looks.active, sheet, path)
            reading = _Reading(book, name, looks, hidden_rows=hidden_rows)
            yield from reading.rows()
            notes.extend(reading.notes(path))
    except (CalamineError, OSError) as error:
        raise unreadable(path, error) from error


def check_workbook(path: str) -> bool:
    """Whether a workbook is of the kind that its name says.

    Raises:
        UnusableSource: it is a text that is only called a workbook, as many systems export.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(_LOOK)
    except OSError as error:
        raise unreadable(path, error) from error
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"<"):
        raise UnusableSource(f"{path} is no workbook but {WEB_PAGE}")
    if text and b"\0" not in text and not text.startswith(b"PK"):
        raise UnusableSource(
            f"{path} is no workbook but a text: give it a name that ends in .csv (or .tsv), or open it in a"
            " spreadsheet and save it as .xlsx"
        )
    return path.lower().endswith(".xls") != text.startswith(b"PK")


def _which(book: "CalamineWorkbook", active: str | None, sheet: str | None, path: str) -> str:
    """The sheet that is asked for, or is shown first."""
    if sheet is not None:
        if sheet not in book.sheet_names:
            raise UnusableSource(f"{path} has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
        return sheet
    visible = [name for name in book.sheet_names if name not in _hidden(book)]
    if not visible:
        raise UnusableSource(f"all sheets of {path} are hidden: say which to read with --sheet NAME")
    return active if active in visible else visible[0]


def _hidden(book: "CalamineWorkbook") -> set[str]:
    from python_calamine import SheetVisibleEnum

    return {each.name for each in book.sheets_metadata if each.visible != SheetVisibleEnum.Visible}


class _Looks:
    """What the file says of how its rows look, as far as that can be read."""

    def __init__(self, path: str) -> None:
        self.known = False
        self.active: str | None = None
        self._path = path
        self._file: zipfile.ZipFile | None = None
        self._parts: Parts | None = None

    def __enter__(self) -> "_Looks":
        with contextlib.suppress(*BAD_PARTS):
            self._file = zipfile.ZipFile(self._path)
            if "content.xml" not in self._file.namelist():
                self._parts = Parts(self._file)
                self.active = self._parts.active
            self.known = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def rows(self, sheet: str) -> Iterator[RowLook]:
        """In the order of the sheet. What cannot be read ends them, and is no longer *known*."""
        if not self.known or self._file is None:
            return
        try:
            yield from self._parts.rows(sheet) if self._parts else hidden_of_ods(self._file, sheet)
        except BAD_PARTS:
            self.known = False


class _Reading:
    """The rows of one sheet, and what is to be said of them."""

    def __init__(self, book: "CalamineWorkbook", name: str, looks: _Looks, *, hidden_rows: bool) -> None:
        self._book = book
        self._name = name
        self._looks = looks
        self._hidden_rows = hidden_rows
        self._hidden: list[int] = []
        self._first = self._last = 0
        self._header: Sequence[str | NotText] = ()
        self._formatted: dict[int, str] = {}

    def rows(self) -> NumberedRows:
        sheet: CalamineSheet = self._book.get_sheet_by_name(self._name)
        top, left = sheet.start or (0, 0)
        looks = self._looks.rows(self._name)
        look: RowLook | None = _AS_IT_IS
        for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=top + 1):
            while look is not None and look.number < number:
                look = next(looks, None)
            mine = look if look is not None and look.number == number else _AS_IT_IS
            cells = self._cells(row, mine, left, number)
            if not any(cells):
                continue
            if not self._header:
                self._header = cells
            elif mine.hidden and not self._hidden_rows:
                self._hidden.append(number)
                continue
            else:
                self._first, self._last = self._first or number, number
            yield number, cells

    def notes(self, path: str) -> Iterator[str]:
        """Which rows of which sheet were read, which were not, and which cells do not read as they look."""
        others = [name for name in self._book.sheet_names if name != self._name]
        if others or not self._looks.known:
            hidden = _hidden(self._book)
            named = ", ".join(f"{name!r} (hidden)" if name in hidden else repr(name) for name in others)
            also = f"; not its other sheets: {named}" if others else ""
            yield f"read is the sheet {self._name!r} of {path}, rows {self._first} to {self._last}{also}"
        if self._hidden:
            which = ", ".join(map(str, self._hidden[:_SHOWN_ROWS]))
            more = ", ..." if len(self._hidden) > _SHOWN_ROWS else ""
            yield (
                f"{len(self._hidden):,} rows of the sheet {self._name!r} are hidden or filtered out, and were"
                f" left out (row {which}{more}); --hidden-rows reads them, too"
            )
        if not self._looks.known:
            yield f"hidden rows and formats of numbers cannot be seen in {path}: save it as .xlsx to be sure"
        yield from self._formatted.values()

    def _cells(self, row: Sequence[object], look: RowLook, left: int, number: int) -> list[str | NotText]:
        cells = [cell_of(value) for value in row]
        if look.formats:
            for column, code in look.formats.items():
                if 0 <= (place := column - left) < len(cells):
                    cells[place] = self._formatted_cell(row[place], cells[place], code, place, number)
        for column in look.errors:
            if 0 <= (place := column - left) < len(cells):
                cells[place] = _ERROR
        return cells

    def _formatted_cell(
        self, value: object, cell: str | NotText, code: str, place: int, number: int
    ) -> str | NotText:
        if isinstance(value, str) or isinstance(cell, NotText) or not self._header:
            return cell
        if (shown := as_shown(value, code)) is not None:
            return shown
        if place not in self._formatted and not code.startswith("General"):
            name = self._header[place]
            what = "dates or times" if isinstance(value, Moment) else "numbers"
            self._formatted[place] = (
                f"the column {name} has {what} with a format of the sheet: they are sent without it, in row"
                f" {number} as {cell}"
            )
        return cell
