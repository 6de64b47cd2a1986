"""CSV and its like: a header, then rows, in the dialect that spreadsheets write.

A reader that pulls lines from a file blocks the event loop whenever the disk does, and swallows the
rest of the file after one quote that nobody closed. So whole lines are pushed through the standard
reader, block by block, with one line of our own behind them: when that line comes out as a row of its
own, every record before it was complete; when it does not, the last record goes on in the next block.
"""

import csv
import io
import itertools
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from keebai_async.errors import UnusableSource
from keebai_async.model.own_columns import REASON, WORDS
from keebai_async.sources.block import CellBlock, ColumnBlock, TableBlock
from keebai_async.sources.formula_guard import Apostrophes, without_apostrophe
from keebai_async.sources.header import (
    TITLE_ROWS,
    checked_header,
    found_in,
    header_place,
    title_note,
    visible,
)
from keebai_async.sources.pieces import Opener, pieces, text_of
from keebai_async.sources.quotes import QuoteCheck, odd_cells, opened_below, records
from keebai_async.sources.spelling import NotText
from keebai_async.sources.split_columns import columns_of, is_plain

if TYPE_CHECKING:
    import _csv

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_RECORD: Final = 1024 * 1024
_SEP_LINE: Final = re.compile(r"\"?sep=(.)\"?[,;\t]*[\r\n]*", re.IGNORECASE)
_BLANK_BEFORE_QUOTE: Final = re.compile(r'[,;\t|] +"')
_FIRST: Final = itemgetter(0)
_LAST_CELL: Final = "\0"  # cannot be in the file: `pieces` refuses it


class Delimited:
    """A file of rows under a header.

    Without *delimiter*, it is the one of `, ; tab |` that the header holds most of. A row's number is
    the line it begins on; rows in which nothing is are passed over. Rows above the header that are a title
    are not read, and a note says so.

    Raises, while it is read:
        UnusableSource: as `pieces` does; the header has a name twice; a quote is never closed, or opens a
            cell that swallows rows.
    """

    sheet = ""

    def __init__(
        self,
        open_file: Opener,
        description: str,
        *,
        columns: Mapping[str, str],
        delimiter: str | None = None,
        encoding: str | None = None,
        size: int = 48 * 1024,
    ) -> None:
        self._encoding = encoding
        self._size = size
        self.description = description
        self.columns = columns
        self.notes: list[str] = []
        self._to = columns.get("to", "to")
        self._least = 0
        """The columns of the header up to the last that has a name."""
        self._odd = False
        """Whether quotes may be out of order in the rows that were taken apart last."""
        self._delimiter = delimiter
        self._open = open_file

    async def blocks(self) -> AsyncGenerator[TableBlock, None]:
        header: tuple[str, ...] | None = None
        apostrophes = Apostrophes((), "")
        unfinished = ""
        line = 1
        read = pieces(self._open, self.description, size=self._size, encoding=self._encoding)
        async with aclosing(read) as cut:
            async for piece in cut:
                text = unfinished + text_of(piece.data, self.description, piece.first)
                if self._delimiter is None:
                    text, line, self._delimiter = _begin(text, line, self._to)
                if header is not None and (columns := columns_of(text, len(header), self._delimiter or ",")):
                    if "'" in text:
                        columns = [apostrophes.column(at, column) for at, column in enumerate(columns)]
                    plain = not unfinished and is_plain(piece.data, self._delimiter or ",")
                    yield ColumnBlock(header=header, first=line, columns=columns, plain=plain)
                    line += len(columns[0])
                    unfinished = ""
                    continue
                rows, numbers, lines, unfinished = self._records(text, line)
                if lines > len(rows) and rows:
                    self._check_quotes(text, line, header or rows[0])
                first = line
                line += lines
                if len(unfinished) > MAX_RECORD:
                    raise self._open_quote(line, unfinished)
                if header is None and rows:
                    header, rows, numbers = self._headed(rows, numbers)
                    apostrophes = Apostrophes(header, found_in(header, self._to) or "")
                if header is not None and rows:
                    if "'" in text:
                        rows = list(map(apostrophes.row, rows))
                    yield CellBlock(
                        header=header,
                        numbers=numbers,
                        rows=_fitted(rows, len(header), self._least),
                        not_text=self._odd_cells(text, first, numbers, len(header)) if self._odd else {},
                    )
        if unfinished:
            raise self._open_quote(line, unfinished)
        if header is None:
            raise UnusableSource(f"{self.description} is empty: there is not even a header")

    def _headed(
        self, rows: Sequence[list[str]], numbers: Sequence[int]
    ) -> tuple[tuple[str, ...], Sequence[list[str]], Sequence[int]]:
        """The header among the first rows, and the rows below it with their numbers."""
        first = [list(map(without_apostrophe, row)) for row in rows[: TITLE_ROWS + 1]]
        place = header_place(first, self._to)
        self._check_delimiter(first[place])
        header = checked_header(first[place], self.description)
        named = [at for at, name in enumerate(first[place], start=1) if visible(name)]
        self._least = max(named, default=0)
        if place:
            self.notes.append(title_note(self.description, numbers[place], place))
        return header, rows[place + 1 :], numbers[place + 1 :]

    def _check_delimiter(self, header: Sequence[str]) -> None:
        """Raises UnusableSource if one that was named leaves the whole header in one cell."""
        fits = delimiter_of(header[0])
        if len(header) == 1 and fits in header[0] and found_in(header, self._to) is None:
            if fits == self._delimiter:
                raise UnusableSource(
                    f"each row of {self.description} is one cell in quotes, with {_shown(fits)} in it: open"
                    " it in a text editor and remove the outer quotes, or export it again"
                )
            raise UnusableSource(
                f"with {_shown(self._delimiter or ',')} the header of {self.description} has one column:"
                f" name {_shown(fits)}, which stands between its names, or none",
                field="delimiter",
            )

    def _records(self, text: str, line: int) -> tuple[Sequence[list[str]], Sequence[int], int, str]:
        """Complete rows, their numbers, the lines they took, and the text of a last row that goes on."""
        if _plain(text):
            self._odd = False
            rows, unfinished = self._unquoted(text), ""
            lines = len(rows)
        else:
            rows, lines, unfinished = self._quoted(text, line)
        if len(rows) == lines and _none_empty(rows):
            return rows, range(line, line + lines), lines, unfinished
        numbered = [(row, number) for row, number in zip(rows, _numbers(rows, line), strict=True) if any(row)]
        return [row for row, _ in numbered], [number for _, number in numbered], lines, unfinished

    def _unquoted(self, text: str) -> list[list[str]]:
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
        rows = list(map(str.split, lines, itertools.repeat(self._delimiter)))
        return [[] if row == [""] else row for row in rows] if "" in lines else rows

    def _quoted(self, text: str, line: int) -> tuple[list[list[str]], int, str]:
        try:
            reader = self._reader(text, strict=True)
            rows = list(reader)
            self._odd = f"{self._delimiter} " in text and _BLANK_BEFORE_QUOTE.search(text) is not None
        except csv.Error:  # quotes are out of order, or the last record goes on
            self._odd = True
            reader = self._reader(text)
            rows = self._all_rows(reader, line)
        if rows.pop() == [_LAST_CELL]:
            return rows, reader.line_num - 1, ""
        lines = self._lines_of(text, len(rows))
        return rows, lines, "".join(itertools.islice(_lines(text), lines, None))

    def _all_rows(self, reader: "_csv.Reader", line: int) -> list[list[str]]:
        try:
            return list(reader)
        except csv.Error as error:
            what = str(error)
            if "field limit" in what:
                what = f"a cell has more than {csv.field_size_limit():,} characters: is a quote missing?"
            near = line + reader.line_num - 1
            raise UnusableSource(f"{self.description}, near line {near}: {what}") from None

    def _reader(self, text: str, *, strict: bool = False) -> "_csv.Reader":
        lines = itertools.chain(_lines(text), (_LAST_CELL,))
        return csv.reader(lines, delimiter=self._delimiter or ",", strict=strict)

    def _lines_of(self, text: str, records: int) -> int:
        reader = self._reader(text)
        for _ in itertools.islice(reader, records):
            pass
        return int(reader.line_num)

    def _check_quotes(self, text: str, line: int, header: Sequence[str]) -> None:
        """Raises UnusableSource if a record over several lines of *text* swallows rows."""
        by = self._delimiter or ","
        to = found_in(header, self._to)
        at = None if to is None else list(header).index(to)
        words = WORDS if REASON in header else ()
        check = QuoteCheck(self.description, delimiter=by, width=len(header), to=at, words=words)
        lines = [*_lines(text), _LAST_CELL]
        for cells, start, end in records(lines, by):
            if end - start > 1 and not cells[-1].endswith(_LAST_CELL):
                check.check(cells, lines[start:end], line + start)

    def _odd_cells(
        self, text: str, line: int, numbers: Sequence[int], width: int
    ) -> Mapping[int, Mapping[int, NotText]]:
        """By position and place, the cells of *text*, which begins at *line*, with quotes out of order."""
        by = self._delimiter or ","
        lines = list(_lines(text))
        positions = {number: position for position, number in enumerate(numbers)}
        found = {
            positions[line + start]: odd_cells(lines[start], by, width)
            for _, start, end in records(lines, by)
            if end - start == 1 and line + start in positions and '"' in lines[start]
        }
        return {position: cells for position, cells in found.items() if cells}

    def _open_quote(self, line: int, unfinished: str) -> UnusableSource:
        (cells, *_) = csv.reader(_lines(unfinished), delimiter=self._delimiter or ",")
        line += opened_below(cells)
        return UnusableSource(
            f'{self.description}, line {line}: a quote (") is opened and never closed', row=line
        )


def _fitted(rows: Sequence[list[str]], width: int, least: int) -> Sequence[list[str]]:
    """*rows* without empty cells beyond the header, and with those that a header without names has more.

    A delimiter too many at the end makes them, in rows or in the header.
    """
    if set(map(len, rows)) == {width}:
        return rows
    return [row if len(row) == width else _fitted_row(row, width, least) for row in rows]


def _fitted_row(row: list[str], width: int, least: int) -> list[str]:
    if len(row) > width:
        return row if any(row[width:]) else row[:width]
    return row + [""] * (width - len(row)) if len(row) >= least else row


def _none_empty(rows: Sequence[list[str]]) -> bool:
    """Whether something is in each row: mostly in its first cell, which is asked for in C."""
    try:
        return all(map(_FIRST, rows)) or all(map(any, rows))
    except IndexError:
        return False


def delimiter_of(text: str) -> str:
    """The delimiter that the first line holds most of outside of quotes; a comma when there is none."""
    first = next(_lines(text.lstrip("\r\n")), "")
    bare = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _shown(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else repr(delimiter)


def _plain(text: str) -> bool:
    # Without a quote in it, a record is a line and the delimiter is all there is: many times faster.
    return '"' not in text and ("\r" not in text or text.count("\r") == text.count("\r\n"))


def _begin(text: str, line: int, to: str) -> tuple[str, int, str]:
    # Excel's own way to name the delimiter is a first line "sep=;".
    first = next(_lines(text), "")
    if named := _SEP_LINE.fullmatch(first):
        return text[len(first) :], line + 1, named[1]
    for above in itertools.islice(_lines(text), TITLE_ROWS):
        by = delimiter_of(above)
        if found_in(next(csv.reader([above], delimiter=by), []), to) is not None:
            return text, line, by
    return text, line, delimiter_of(text)


def _lines(text: str) -> Iterator[str]:
    # str.splitlines is faster, but breaks at more than the ends of lines.
    if any(map(text.__contains__, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")):
        return io.StringIO(text, newline="")
    return iter(text.splitlines(keepends=True))


def _numbers(rows: Sequence[Sequence[str]], line: int) -> Iterator[int]:
    for row in rows:
        yield line
        line += 1
        if "\n" in (cells := " ".join(row)) or "\r" in cells:
            line += cells.count("\n") + cells.count("\r") - cells.count("\r\n")
