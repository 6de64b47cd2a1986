"""A table of people as a file, in the form that its name asks for, written column by column."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from keebai_async.cli.csv_files import private_bytes
from keebai_async.cli.workbook_file import workbook_table
from keebai_async.errors import InvalidInput
from keebai_async.sources.formula_guard import inert_column

TABLES: Final = (".csv", ".tsv", ".txt", "", ".xlsx")
LINES: Final = (".jsonl", ".ndjson", ".json")
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_LINE: Final = "\r\n"


class Table(Protocol):
    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Write rows, given as columns of as many cells each. The first row is the header."""


class TextTable:
    """Writes rows to *file*, named *name*, with *delimiter* between cells.

    With *digits* cells that a spreadsheet would take for a quantity are marked as text.
    """

    def __init__(self, file: BinaryIO, name: str, *, delimiter: str, digits: bool) -> None:
        self._file = file
        self._name = name
        self._delimiter = delimiter
        self._digits = digits

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Raises InvalidInput for a character that cannot be read again."""
        by = self._delimiter
        cells = [self._quoted(inert_column(column, delimiter=by, digits=self._digits)) for column in columns]
        rows = map(by.join, zip(*cells, strict=True))
        self._file.write("".join([f"{row}{_LINE}" for row in rows]).encode(errors="replace"))

    def _quoted(self, column: Sequence[str]) -> Sequence[str]:
        """A column whose cells are in quotes if one of them needs them."""
        text = "\n".join(column)
        if "\0" in text:
            raise InvalidInput(
                f"cannot write {self._name}: it has the character U+0000, which no reader of such a file"
                " takes: write a .jsonl or .xlsx"
            )
        plain = text.count("\n") == len(column) - 1 and not any(map(text.__contains__, '",;|\t\r'))
        if plain and (len(column) > 1 or text):
            return column
        return [f'"{cell}"' for cell in column] if '"' not in text else [_in_quotes(cell) for cell in column]


@contextmanager
def private_table(path: Path, *, excel: bool = False) -> Iterator[Table]:
    """A table in the form that the name of *path* asks for, which takes its place at the end.

    A CSV has commas. With *excel* it is as a spreadsheet in Spanish or Portuguese opens it: with semicolons,
    a byte order mark, and digits that stay text.

    Raises:
        InvalidInput: it cannot be written there, or in that form.
    """
    check_form(path, TABLES)
    suffix = path.suffix.lower()
    with private_bytes(path) as file:
        if suffix == ".xlsx":
            with workbook_table(file, str(path)) as table:
                yield table
            return
        if excel:
            file.write(_UTF8_MARK)
        delimiter = "\t" if suffix == ".tsv" else ";" if excel else ","
        yield TextTable(file, str(path), delimiter=delimiter, digits=excel)


def check_form(path: Path, suffixes: Sequence[str]) -> None:
    """Raises InvalidInput unless *path* has one of the *suffixes*, so that what is written can be read."""
    if path.suffix.lower() not in suffixes:
        known = ", ".join(suffix for suffix in suffixes if suffix)
        raise InvalidInput(f"cannot write {path}: the name of such a file ends in one of {known}")


def _in_quotes(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
