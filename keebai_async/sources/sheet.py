"""A table whose cells are not all text: what Parquet and Excel have in common.

Their readers wait for the disk, so they run in a thread; a number, a date or an empty cell becomes text here,
in one way for all formats.
"""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import BLOCK_ROWS, CellBlock
from keebai_async.sources.header import checked_header
from keebai_async.sources.objects import in_thread
from keebai_async.sources.spelling import NotText, of_single, spelled

Cells = Sequence[str | NotText]
NumberedRows = Iterator[tuple[int, Cells]]


class Sheet:
    """A table that is read in a worker thread; the first row that *rows* gives is its header.

    *notes* are what *rows* has to say once all are read.

    Raises UnusableSource, while it is read: as *rows* and `checked_header` do, or if it has no row.
    """

    def __init__(
        self,
        rows: Callable[[], NumberedRows],
        name: str,
        *,
        columns: Mapping[str, str],
        notes: Sequence[str] = (),
    ) -> None:
        self.description = name
        self.columns = columns
        self.notes = notes
        self._rows = rows

    async def blocks(self) -> AsyncGenerator[CellBlock, None]:
        header: tuple[str, ...] | None = None
        async with aclosing(in_thread(_batches(self._rows()), 1)) as batches:
            async for (batch,) in batches:
                if header is None:
                    header = checked_header(batch.header, self.description)
                yield CellBlock(
                    header=header, numbers=batch.numbers, rows=batch.rows, not_text=batch.not_text
                )
        if header is None:
            raise UnusableSource(f"{self.description} holds nobody: there is nobody to message")


def cell_of(value: object) -> str | NotText:
    """A cell as text, nothing as nothing; NotText if it cannot be said exactly."""
    text = spelled(value)
    return "" if text is None else text


def single_cell_of(value: object) -> str | NotText:
    """The same, where numbers are floats of 32 bits."""
    text = of_single(value) if isinstance(value, float) else spelled(value)
    return "" if text is None else text


def unreadable(path: str, error: Exception) -> UnusableSource:
    """What to say of a file that its reader cannot read."""
    if isinstance(error, FileNotFoundError):
        return UnusableSource(f"no such file: {path}")
    return UnusableSource(f"{path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}")


class _Batch(NamedTuple):
    header: Sequence[str]
    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]
    not_text: Mapping[int, Mapping[int, NotText]]


def _batches(rows: NumberedRows) -> Iterator[_Batch]:
    header, _ = _texts(next(rows, (0, ()))[1])
    while batch := list(itertools.islice(rows, BLOCK_ROWS)):
        texts: list[Sequence[str]] = []
        not_text: dict[int, Mapping[int, NotText]] = {}
        for position, (_, cells) in enumerate(batch):
            row, found = _texts(cells)
            texts.append(row)
            if found:
                not_text[position] = found
        yield _Batch(header, [number for number, _ in batch], texts, not_text)


def _texts(cells: Cells) -> tuple[Sequence[str], Mapping[int, NotText]]:
    """A row for a person to look at, and by place what in it is no text."""
    found = {place: cell for place, cell in enumerate(cells) if isinstance(cell, NotText)}
    return [f"({cell.what})" if isinstance(cell, NotText) else cell for cell in cells], found
