"""A table whose cells are not all text: what Parquet and Excel have in common.

Their readers wait for the disk, so they run in a thread; a number, a date or an empty cell becomes text here,
in one way for all formats.
"""

import datetime
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import BLOCK_ROWS, CellBlock
from keebai_async.sources.delimited import checked_header
from keebai_async.sources.objects import in_thread

NumberedRows = Iterator[tuple[int, Sequence[str]]]


class Sheet:
    """A table that is read in a worker thread; the first row that *rows* gives is its header.

    Raises UnusableSource, while it is read: as *rows* and `checked_header` do, or if it has no row.
    """

    def __init__(self, rows: Callable[[], NumberedRows], name: str, *, columns: Mapping[str, str]) -> None:
        self.description = name
        self.columns = columns
        self._rows = rows

    async def blocks(self) -> AsyncGenerator[CellBlock, None]:
        header: tuple[str, ...] | None = None
        async with aclosing(in_thread(_batches(self._rows()), 1)) as batches:
            async for (batch,) in batches:
                if header is None:
                    header = checked_header(batch.header, self.description)
                yield CellBlock(header=header, numbers=batch.numbers, rows=batch.rows)
        if header is None:
            raise UnusableSource(f"{self.description} holds nobody: there is nobody to message")


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


def unreadable(path: str, error: Exception) -> UnusableSource:
    """What to say of a file that its reader cannot read."""
    if isinstance(error, FileNotFoundError):
        return UnusableSource(f"no such file: {path}")
    return UnusableSource(f"{path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}")


class _Batch(NamedTuple):
    header: Sequence[str]
    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]


def _batches(rows: NumberedRows) -> Iterator[_Batch]:
    header = next(rows, (0, ()))[1]
    while batch := list(itertools.islice(rows, BLOCK_ROWS)):
        yield _Batch(header, [number for number, _ in batch], [row for _, row in batch])
