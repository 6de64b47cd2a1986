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
from typing import TYPE_CHECKING, Final, TypeGuard

import msgspec

from keebai_async.errors import UnusableSource
from keebai_async.sources.cell_formats import Moment, as_shown
from keebai_async.sources.formula_guard import Apostrophes
from keebai_async.sources.header import TITLE_ROWS, found_in
from keebai_async.sources.opendocument import Document
from keebai_async.sources.pieces import WEB_PAGE
from keebai_async.sources.sheet import NumberedRows, Sheet, cell_of, unreadable
from keebai_async.sources.spelling import NotText
from keebai_async.sources.workbook_parts import BAD_PARTS, Parts, RowLook

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_SHOWN_ROWS: Final = 5
_LOOK: Final = 4096
_AS_IT_IS: Final = RowLook(0)
_ERROR: Final = NotText("is an error of the sheet, such as #N/A")
_UNCALCULATED: Final = NotText(
    "is a formula whose result is not in the file (open it in a spreadsheet and save it)"
)


def excel(
    path: str,
    *,
    columns: Mapping[str, str],
    sheet: str | None = None,
    hidden_rows: bool = False,
    as_shown: bool = True,
    alone: bool = True,
) -> Sheet:
    """The rows of a sheet, with the numbers that Excel shows.

    By default it is the one that is shown when the file is opened. Hidden rows are left out unless
    *hidden_rows*. Cells are as they look if *as_shown*, else their values, but for a plus that the format
    adds. The notes name the other sheets if it is read *alone*.
    """
    asked = _SheetAsked(path, columns.get("to", "to"), sheet, hidden_rows, as_shown, alone)
    return Sheet(
        partial(_rows, asked),
        path,
        columns=columns,
        notes=asked.notes,
        sheet=lambda: asked.read,
        others=lambda: asked.others,
    )


class _SheetAsked(msgspec.Struct):
    """What is asked of a workbook, the sheet that is *read*, the *others*, and what there is to say."""

    path: str
    to: str
    sheet: str | None
    hidden_rows: bool
    as_shown: bool
    alone: bool
    read: str = ""
    others: Sequence[str] = ()
    notes: list[str] = []


def _rows(asked: _SheetAsked) -> NumberedRows:
    """Raises UnusableSource without python-calamine, if it cannot read the file, or has no such sheet."""
    path = asked.path
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
            asked.read = _which(book, looks.active, asked.sheet, path)
            asked.others = [name for name in book.sheet_names if name != asked.read]
            reading = _Reading(book, asked, looks)
            try:
                yield from reading.rows()
            finally:  # also when no more rows are wanted
                asked.notes.extend(reading.notes())
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
        self._parts: Parts | Document | None = None

    def __enter__(self) -> "_Looks":
        with contextlib.suppress(*BAD_PARTS):
            self._file = zipfile.ZipFile(self._path)
            is_document = "content.xml" in self._file.namelist()
            self._parts = Document(self._file) if is_document else Parts(self._file)
            self.active = self._parts.active
            self.known = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def hidden_columns(self) -> set[int]:
        return set() if self._parts is None else self._parts.hidden_columns

    def rows(self, sheet: str) -> Iterator[RowLook]:
        """In the order of the sheet. What cannot be read ends them, and is no longer *known*."""
        if not self.known or self._parts is None:
            return
        try:
            yield from self._parts.rows(sheet)
        except BAD_PARTS:
            self.known = False


class _Reading:
    """The rows of one sheet, and what is to be said of them."""

    def __init__(self, book: "CalamineWorkbook", asked: _SheetAsked, looks: _Looks) -> None:
        self._book = book
        self._asked = asked
        self._looks = looks
        self._left = 0
        self._looked = 0
        """Rows in which the header was looked for."""
        self._hidden: list[int] = []
        self._struck: list[int] = []
        self._told: dict[int, str] = {}
        """By column: what there is to say of values that are neither text nor number."""
        self._header: Sequence[str | NotText] = ()
        self._formatted: dict[int, str] = {}
        self._apostrophes = Apostrophes((), "")

    def rows(self) -> NumberedRows:
        sheet: CalamineSheet = self._book.get_sheet_by_name(self._asked.read)
        top, self._left = sheet.start or (0, 0)
        looks = self._looks.rows(self._asked.read)
        look: RowLook | None = _AS_IT_IS
        for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=top + 1):
            while look is not None and look.number < number:
                look = next(looks, None)
            mine = look if look is not None and look.number == number else _AS_IT_IS
            cells = self._cells(row, mine, number)
            if not any(cells):
                continue
            cells = self._apostrophes.row(cells)
            if not self._is_header(cells) and mine.hidden and not self._asked.hidden_rows:
                self._hidden.append(number)
                continue
            if mine.struck:
                self._struck.append(number)
            yield number, cells

    def _is_header(self, cells: Sequence[str | NotText]) -> bool:
        """Take the first row for the header, until there is one with a column for the numbers."""
        self._looked += 1
        if self._looked > TITLE_ROWS + 1:
            return False
        has_numbers = found_in(filter(_is_text, cells), self._asked.to) is not None
        if self._header and not has_numbers:
            return False
        self._header = cells
        texts = ["" if isinstance(cell, NotText) else cell.strip() for cell in cells]
        self._apostrophes = Apostrophes(texts, found_in(texts, self._asked.to) or "")
        if has_numbers:
            self._looked = TITLE_ROWS + 1
        return True

    def notes(self) -> Iterator[str]:
        """Which sheets and rows were not read, and which cells do not read as they look."""
        path, sheet = self._asked.path, self._asked.read
        hidden = _hidden(self._book)
        if (others := self._asked.others) and self._asked.alone:
            named = ", ".join(f"{name!r} (hidden)" if name in hidden else repr(name) for name in others)
            yield f"not read are the other sheets of {path}: {named}"
        if names := [name for name in map(self._name_of, sorted(self._looks.hidden_columns)) if name]:
            yield f"hidden in the sheet {sheet!r}, and read all the same, are the columns {', '.join(names)}"
        if count := len(self._hidden):
            is_, was, rows = ("is", "was", "row") if count == 1 else ("are", "were", "rows")
            yield (
                f"{count:,} {rows} of the sheet {sheet!r} {is_} hidden or filtered out, and {was} left out"
                f" ({_first_of(self._hidden)}); --hidden-rows reads them, too"
            )
        if count := len(self._struck):
            is_, rows = ("is", "row") if count == 1 else ("are", "rows")
            yield (
                f"{count:,} {rows} of the sheet {sheet!r} {is_} crossed out, and read all the same"
                f" ({_first_of(self._struck)})"
            )
        if not self._looks.known:
            yield f"hidden rows and formats of numbers cannot be seen in {path}: save it as .xlsx to be sure"
        yield from self._formatted.values()
        yield from self._told.values()

    def _name_of(self, column: int) -> str:
        place = column - self._left
        return str(self._header[place]) if 0 <= place < len(self._header) else ""

    def _cells(self, row: Sequence[object], look: RowLook, number: int) -> list[str | NotText]:
        cells = [cell_of(value) for value in row]
        if bool in map(type, row) and self._header:
            self._tell_of_booleans(row, look, number)
        places = range(self._left, self._left + len(cells))
        for place, column in enumerate(places if look.formats else ()):
            if (code := look.formats.get(column)) is not None:
                cells[place] = self._formatted_cell(row[place], cells[place], code, place, number)
        if self._asked.as_shown:
            for place, column in enumerate(places if look.shown else ()):
                if column in look.shown and isinstance(cells[place], str):
                    cells[place] = look.shown[column].strip()
        for column in look.errors.intersection(places):
            cells[column - self._left] = _ERROR
        for column in look.formulas.intersection(places):
            if cells[column - self._left] == "":
                cells[column - self._left] = _UNCALCULATED
        return cells

    def _tell_of_booleans(self, row: Sequence[object], look: RowLook, number: int) -> None:
        for place, value in enumerate(row):
            is_shown = self._left + place in look.shown
            if isinstance(value, bool) and place not in self._told and not is_shown:
                name = self._header[place] if place < len(self._header) else ""
                self._told[place] = (
                    f"the column {name} has TRUE or FALSE, which a sheet shows in its own language: sent is"
                    f" {cell_of(value)}, as in row {number}"
                )

    def _formatted_cell(
        self, value: object, cell: str | NotText, code: str, place: int, number: int
    ) -> str | NotText:
        if isinstance(value, str) or isinstance(cell, NotText) or not self._header:
            return cell
        shown = as_shown(value, code)
        if not self._asked.as_shown:  # but for a plus and country code, which only the format may have
            return shown if shown is not None and "+" in shown else cell
        if shown is not None:
            return shown
        if place not in self._formatted and not code.startswith("General"):
            name = self._header[place]
            what = "dates or times" if isinstance(value, Moment) else "numbers"
            self._formatted[place] = (
                f"the column {name} has {what} with a format of the sheet: they are sent without it, in row"
                f" {number} as {cell}"
            )
        return cell


def _first_of(rows: Sequence[int]) -> str:
    more = ", ..." if len(rows) > _SHOWN_ROWS else ""
    return f"row {', '.join(map(str, rows[:_SHOWN_ROWS]))}{more}"


def _is_text(cell: str | NotText) -> TypeGuard[str]:
    return isinstance(cell, str)
