"""A table whose cells are not all text: what Parquet and Excel have in common.

Their readers wait for the disk, so they run in a thread; a number, a date or an empty cell becomes text here,
in one way for all formats.
"""

import itertools
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import NamedTuple

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import BLOCK_ROWS, CellBlock, TableBlock
from keebai_async.sources.header import checked_header, header_place, title_note
from keebai_async.sources.objects import in_thread
from keebai_async.sources.spelling import NotText, of_single, spelled

Cells = Sequence[str | NotText]
NumberedRows = Generator[tuple[int, Cells], None, None]


class Batch(NamedTuple):
    """Some rows of a table with their numbers; *not_text* as in `CellBlock`."""

    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]
    not_text: Mapping[int, Mapping[int, NotText]]

    def below(self, place: int) -> "Batch":
        """The rows below the one at *place*."""
        cut = place + 1
        not_text = {at - cut: found for at, found in self.not_text.items() if at >= cut}
        return Batch(self.numbers[cut:], self.rows[cut:], not_text)


class Sheet:
    """A table that is read in a worker thread, of which *sheet* is its name in a workbook.

    The header is the first row that *rows* gives, but for a title above it. *notes* are what *rows* has to
    say once all are read, or no more are wanted.

    Raises UnusableSource, while it is read: as *rows* and `checked_header` do, or if it has no row.
    """

    def __init__(
        self,
        rows: Callable[[], NumberedRows],
        name: str,
        *,
        columns: Mapping[str, str],
        notes: list[str] | None = None,
        sheet: Callable[[], str] = str,
        others: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.description = name
        self.columns = columns
        self.notes = [] if notes is None else notes
        self._rows = rows
        self._sheet = sheet
        self._others = others

    @property
    def sheet(self) -> str:
        """The sheet of the workbook, once it is being read; empty if it is no workbook."""
        return self._sheet()

    @property
    def others(self) -> Sequence[str]:
        """The other sheets of the workbook, once one is being read."""
        return self._others()

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """All rows, from the first, whatever it is."""
        async with aclosing(in_thread(_batches(self._rows()), 1, alone=True)) as batches:
            async for (batch,) in batches:
                yield batch

    async def blocks(self) -> AsyncGenerator[TableBlock, None]:
        header: tuple[str, ...] | None = None
        some = False
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                below = batch
                if header is None:
                    place = header_place(batch.rows, self.columns.get("to", "to"))
                    header = checked_header(batch.rows[place], self.description)
                    if place:
                        self.notes.append(title_note(self.description, batch.numbers[place], place))
                    below = batch.below(place)
                if below.rows:
                    some = True
                    yield CellBlock(
                        header=header, numbers=below.numbers, rows=below.rows, not_text=below.not_text
                    )
        if not some:
            where = f"the sheet {self.sheet!r} of {self.description}" if self.others else self.description
            more = (
                f"; it has other sheets, {', '.join(map(repr, self.others))}: --sheet" if self.others else ""
            )
            raise UnusableSource(f"{where} holds nobody: there is nobody to message{more}")


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


def _batches(rows: NumberedRows) -> Iterator[Batch]:
    with closing(rows):
        while batch := list(itertools.islice(rows, BLOCK_ROWS)):
            texts: list[Sequence[str]] = []
            not_text: dict[int, Mapping[int, NotText]] = {}
            for position, (_, cells) in enumerate(batch):
                row, found = _texts(cells)
                texts.append(row)
                if found:
                    not_text[position] = found
            yield Batch([number for number, _ in batch], texts, not_text)


def _texts(cells: Cells) -> tuple[Sequence[str], Mapping[int, NotText]]:
    """A row for a person to look at, and by place what in it is no text."""
    found = {place: cell for place, cell in enumerate(cells) if isinstance(cell, NotText)}
    return [f"({cell.what})" if isinstance(cell, NotText) else cell for cell in cells], found
