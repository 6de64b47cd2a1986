"""What a source gives: blocks of about 450 rows, with the numbers their reader sees.

A block of each kind holds its rows as they cost least to read: CSV as columns, JSON Lines as bytes. Nobody
but `planning/reader.py` asks which kind a block is; to add one, add it here and in the `match` there, and
write its `planning/rows_*.py`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import ClassVar, Protocol

import msgspec

from keebai_async.sources.pieces import text_of
from keebai_async.sources.spelling import NotText

BLOCK_ROWS = 400
"""A block costs something however small it is; a larger one leaves the cache, and the event loop waits."""


class LineBlock(msgspec.Struct, frozen=True, kw_only=True):
    """*count* whole lines of JSON Lines. The first of them is line *first*; blank lines count.

    That they are UTF-8 is not certain before `check`: decoding finds out anyway, most of the time.
    """

    first: int
    count: int
    data: bytes
    name: str = ""

    @property
    def row_count(self) -> int:
        """How many lines are not blank."""
        return sum(1 for line in self.data.split(b"\n") if line.strip())

    def check(self) -> None:
        """Raises UnusableSource if the lines are not UTF-8."""
        text_of(self.data, self.name, self.first)


class CellBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table under *header*, each with its number; none is empty, some may be too short or long.

    *not_text* says, by position and place, which cells have a value that cannot be written as text.
    """

    header: tuple[str, ...]
    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]
    not_text: Mapping[int, Mapping[int, NotText]] = {}
    plain: ClassVar[bool] = False

    @property
    def row_count(self) -> int:
        return len(self.rows)

    def row(self, position: int) -> Sequence[str]:
        return self.rows[position]

    def column(self, place: int) -> Sequence[str]:
        """One column; empty where a row is too short."""
        return [row[place] if len(row) > place else "" for row in self.rows]

    def whole_rows(self) -> tuple[Sequence[int], Sequence[Sequence[str]]]:
        """The positions of the rows that are as wide as the header, and their columns."""
        where: Sequence[int] = range(len(self.rows))
        try:
            columns = list(zip(*self.rows, strict=True))
        except ValueError:  # some are short or long
            columns = []
        if len(columns) != len(self.header):
            where = [position for position in where if len(self.rows[position]) == len(self.header)]
            columns = list(zip(*map(self.rows.__getitem__, where), strict=True))
        return where, columns


class ColumnBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table under *header*, all as wide as it, held by *columns*. The first is number *first*.

    *not_text* says, by position and place, which cells have a value that cannot be written as text. Where
    they are *plain*, no cell certainly has a sign that JSON writes with a backslash.
    """

    header: tuple[str, ...]
    first: int
    columns: Sequence[Sequence[str]]
    plain: bool = False
    not_text: Mapping[int, Mapping[int, NotText]] = {}

    @property
    def row_count(self) -> int:
        return len(self.columns[0])

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.row_count)

    def row(self, position: int) -> Sequence[str]:
        return [column[position] for column in self.columns]

    def column(self, place: int) -> Sequence[str]:
        return self.columns[place]

    def whole_rows(self) -> tuple[Sequence[int], Sequence[Sequence[str]]]:
        """All positions, and the columns."""
        return range(self.row_count), self.columns


TableBlock = CellBlock | ColumnBlock


class ObjectBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Items of an iterable: dicts, Recipients, or anything a program gave. The first is number *first*.

    With a *header* they are dicts that have these names, all of them.
    """

    first: int
    items: Sequence[object]
    header: tuple[str, ...] = ()

    @property
    def row_count(self) -> int:
        return len(self.items)


Block = LineBlock | TableBlock | ObjectBlock


class Source(Protocol):
    """A list of people that can be read once, from the first row to the last.

    *description* names it to people, *sheet* is that of a workbook, once it is being read, else empty.
    *columns* maps our names to the list's own: `{"to": "phone"}`. *notes* are what a person should know of
    how it was read; they are complete when `blocks` is over or closed.
    """

    description: str
    columns: Mapping[str, str]

    @property
    def notes(self) -> Sequence[str]: ...

    @property
    def sheet(self) -> str: ...

    def blocks(self) -> AsyncGenerator[Block, None]:
        """The rows, in order. Close the iterator (`aclosing`) and whatever is open is closed.

        Raises UnusableSource when the list as a whole cannot be read.
        """
        ...
