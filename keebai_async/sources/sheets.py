"""Parquet and Excel, with the `files` extra: tables whose cells are not all text."""

import datetime
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import BLOCK_ROWS, Cells
from keebai_async.sources.delimited import checked_header
from keebai_async.sources.objects import Pulled

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

NumberedRows = Iterator[tuple[int, Sequence[str]]]


class Sheet:
    """A table that is read in a worker thread; the first row that *rows* gives is its header."""

    def __init__(self, rows: Callable[[], NumberedRows], name: str, *, columns: Mapping[str, str]) -> None:
        self.description = name
        self.columns = columns
        self._rows = rows

    async def blocks(self) -> AsyncGenerator[Cells, None]:
        header: tuple[str, ...] | None = None
        async with aclosing(Pulled(_batches(self._rows()), columns={}, size=1).blocks()) as blocks:
            async for block in blocks:
                for batch in block.items:
                    if isinstance(batch, Cells):
                        if header is None:
                            header = checked_header(batch.header, self.description)
                        yield Cells(header=header, numbers=batch.numbers, rows=batch.rows)
        if header is None:
            raise UnusableSource(f"{self.description} holds nobody: there is nobody to message")


def parquet_rows(path: str) -> NumberedRows:
    """The columns' names as row 0, then the rows, counted from 1.

    Raises UnusableSource without pyarrow, or if it cannot read the file.
    """
    try:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise UnusableSource(f"{path}: to read Parquet, install keebai-async[files]") from None
    try:
        with pq.ParquetFile(path) as file:
            yield 0, file.schema_arrow.names
            numbers = itertools.count(1)
            for batch in file.iter_batches(batch_size=BLOCK_ROWS):
                columns = [[text_of_cell(value) for value in column.to_pylist()] for column in batch.columns]
                yield from zip(numbers, zip(*columns, strict=True), strict=False)
    except (OSError, ValueError) as error:  # pyarrow's own errors are these
        raise _unreadable(path, error) from error


def excel_rows(path: str, sheet: str | None = None) -> NumberedRows:
    """The rows of a sheet, the first one by default, with the numbers that Excel shows.

    Raises UnusableSource without python-calamine, if it cannot read the file, or has no such sheet.
    """
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
        raise _unreadable(path, error) from error


def _sheet_rows(sheet: "CalamineSheet") -> NumberedRows:
    first = sheet.start[0] + 1 if sheet.start else 1
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        cells = [text_of_cell(value) for value in row]
        if any(cells):
            yield number, cells


def text_of_cell(value: object) -> str:
    """A cell as text: whole numbers without a point, dates as ISO 8601, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _batches(rows: NumberedRows) -> Iterator[Cells]:
    header = next(rows, (0, ()))[1]
    while batch := list(itertools.islice(rows, BLOCK_ROWS)):
        yield Cells(
            header=tuple(header), numbers=[number for number, _ in batch], rows=[row for _, row in batch]
        )


def _unreadable(path: str, error: Exception) -> UnusableSource:
    if isinstance(error, FileNotFoundError):
        return UnusableSource(f"no such file: {path}")
    return UnusableSource(f"{path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}")
