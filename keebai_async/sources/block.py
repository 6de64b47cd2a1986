"""What a source gives: blocks of about 1,000 rows, with the numbers their reader sees.

A block of each kind holds its rows as they cost least to read: CSV as columns, JSON Lines as bytes. Nobody
but `planning/reader.py` asks which kind a block is. Whatever gives what `TableBlock` asks for is a table,
and planned as one, so most new kinds are a struct beside the source that gives them. Rows that are no table
need a kind of their own: a struct in the union here, its case there, and its `planning/rows_*.py`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cached_property
from typing import Final, Protocol

import msgspec

from keebai_async.sources.pieces import text_of
from keebai_async.sources.spelling import NotText

BLOCK_ROWS = 1_000
"""A block costs something however small it is; a larger one leaves the cache, and the event loop waits."""


UNESCAPED: Final = bytes(frozenset(range(0x20, 0x100)) - frozenset(b'"\\'))
"""What stands in JSON as it does in a text, of its bytes in UTF-8."""


class LineBlock(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """*count* whole lines of JSON Lines. The first of them is line *first*; blank lines count.

    That they are UTF-8 is not certain before `check`: decoding finds out anyway, most of the time.
    """

    first: int
    count: int
    data: bytes
    name: str = ""

    @cached_property
    def lines(self) -> Sequence[bytes]:
        """Each line, and perhaps what is after the last line end."""
        return self.data.split(b"\n")

    @property
    def row_count(self) -> int:
        """How many lines are not blank."""
        return sum(1 for line in self.lines if line.strip())

    def check(self) -> None:
        """Raises UnusableSource if the lines are not UTF-8."""
        text_of(self.data, self.name, self.first)


class TableBlock(Protocol):
    """Rows of a table under *header*, each with its number, however they are held; none is empty.

    *not_text* says, by position and place, which cells have a value that cannot be written as text. Where
    they are *plain*, no cell certainly has a sign that JSON writes with a backslash.
    """

    @property
    def header(self) -> tuple[str, ...]: ...

    @property
    def numbers(self) -> Sequence[int]: ...

    @property
    def not_text(self) -> Mapping[int, Mapping[int, NotText]]: ...

    @property
    def plain(self) -> bool: ...

    @property
    def row_count(self) -> int: ...

    def row(self, position: int) -> Sequence[str]:
        """One row; it may be too short or long."""
        ...

    def column(self, place: int) -> Sequence[str]:
        """One column; empty where a row is too short."""
        ...

    def whole_rows(self) -> tuple[Sequence[int], Sequence[Sequence[str]]]:
        """The positions of the rows that are as wide as the header, and their columns."""
        ...


class CellBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table as cells; some may be too short or long."""

    header: tuple[str, ...]
    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]
    not_text: Mapping[int, Mapping[int, NotText]] = {}

    @property
    def plain(self) -> bool:
        return False

    @property
    def row_count(self) -> int:
        return len(self.rows)

    def row(self, position: int) -> Sequence[str]:
        return self.rows[position]

    def column(self, place: int) -> Sequence[str]:
        return [row[place] if len(row) > place else "" for row in self.rows]

    def whole_rows(self) -> tuple[Sequence[int], Sequence[Sequence[str]]]:
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
    """Rows of a table, all as wide as its header, held by *columns*. The first is number *first*."""

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
        return range(self.row_count), self.columns


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


Block = LineBlock | ObjectBlock | TableBlock


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
