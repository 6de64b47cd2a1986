"""Excel and its like, with the `files` extra: one sheet of a workbook."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keebai_async.errors import UnusableSource
from keebai_async.sources.sheet import NumberedRows, Sheet, text_of_cell, unreadable

if TYPE_CHECKING:
    from python_calamine import CalamineSheet


def excel(path: str, *, columns: Mapping[str, str], sheet: str | None = None) -> Sheet:
    """The rows of a sheet, the first one by default, with the numbers that Excel shows."""
    return Sheet(partial(_rows, path, sheet), path, columns=columns)


def _rows(path: str, sheet: str | None) -> NumberedRows:
    """Raises UnusableSource without python-calamine, if it cannot read the file, or has no such sheet."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise UnusableSource(
            f"{path}: to read Excel, install keebai-async[files], or save it as CSV"
        ) from None
    if not Path(path).exists():
        raise UnusableSource(f"no such file: {path}")
    try:
        with CalamineWorkbook.from_path(path) as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise UnusableSource(f"{path} has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
            yield from _sheet_rows(book.get_sheet_by_name(sheet or book.sheet_names[0]))
    except (CalamineError, OSError) as error:
        raise unreadable(path, error) from error


def _sheet_rows(sheet: "CalamineSheet") -> NumberedRows:
    first = sheet.start[0] + 1 if sheet.start else 1
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        cells = [text_of_cell(value) for value in row]
        if any(cells):
            yield number, cells
