"""A quote that nobody meant, and the rows that it swallows.

A quote at the start of a cell opens it until the next quote, over as many lines as it takes. When it is a
stray one (a name in quotes, an inch, half of a pair), the rows up to the next quote become text of one cell:
they are in no count, and one person could be sent the names and numbers of others. The reader of the
standard library sees nothing wrong in that. So every record that goes over several lines is looked at.
"""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from keebai_async.errors import UnusableSource
from keebai_async.sources.spelling import NotText

_DIGIT: Final = re.compile("[0-9]")
_NUMBER: Final = re.compile(r"[ \t\"'+(]*[0-9][0-9 ().\-/]{5,}[0-9][ \t\"']*")
_CELL_IN_QUOTES: Final = re.compile(r'( *)"(?:[^"]|"")*"')
_ENOUGH: Final = 7
"""Digits that a cell needs to be looked at as a number."""


class QuoteCheck:
    """Looks at the records of one file, whose table has *width* columns, the numbers in that at *to*.

    If *words* are given, every row of the file has one of them in a cell: then a line without one is no row,
    whatever number is in it.
    """

    def __init__(
        self, where: str, *, delimiter: str, width: int, to: int | None, words: Collection[str] = ()
    ) -> None:
        self._where = where
        self._delimiter = delimiter
        self._width = width
        self._to = to
        self._words = words

    def check(self, cells: Sequence[str], raw: Sequence[str], line: int) -> None:
        """Look at a record over the lines *raw*, of which the first is number *line*.

        Raises:
            UnusableSource: a cell has lines that look like rows, or goes on behind the quote that closes it;
                says the line where its quote was opened.
        """
        for place, cell in enumerate(cells):
            more = _line_ends(cell)
            if more:
                begins, *others = cell.splitlines()
                if self._words and self._has_word(begins):
                    raise self._swallows(line, line + 1)
                for below, other in enumerate(others, start=1):
                    if self._has_word(other) if self._words else self._is_row(other, place):
                        raise self._swallows(line, line + below)
            line += more
        try:
            list(csv.reader(raw, delimiter=self._delimiter, strict=True))
        except csv.Error:
            first = line - sum(map(_line_ends, cells))
            raise self._swallows(first + opened_below(cells), line) from None

    def _has_word(self, text: str) -> bool:
        cells = [cell.strip(" \t\"'") for cell in text.split(self._delimiter)]
        return len(cells) > 1 and any(cell in self._words for cell in cells)

    def _is_row(self, text: str, place: int) -> bool:
        """Whether a further line of the cell at *place* is another person's row, or begins one."""
        cells = text.split(self._delimiter)
        if len(cells) == 1:
            # Alone in its line, a number may be the second one of the same person.
            return _is_number(text) and (self._width == 1 or place != self._to)
        if any(map(_is_number, cells)):
            return True
        if self._to is None or len(cells) < self._width:
            return False
        number = cells[self._to].strip(" \t\"'")
        if len(cells) == self._width > 2 and not number:
            return True  # as wide as all rows, of somebody without a number
        return len(_DIGIT.findall(number)) >= _ENOUGH

    def _swallows(self, line: int, swallowed: int) -> UnusableSource:
        return UnusableSource(
            f'{self._where}, line {line}: a quote (") opens a cell that goes on to line {swallowed} and takes'
            " lines that look like rows of other people: remove the quote, or write it twice",
            row=line,
        )


def odd_cells(record: str, delimiter: str, width: int) -> dict[int, NotText]:
    """By place below *width*, the cells of the line *record* in which quotes are not as a table has them.

    The reader of the standard library takes them nevertheless, and leaves some of the quotes in their text:
    `"Ana "Nena" Paz"` is read as `Ana Nena" Paz"`.
    """
    found: dict[int, NotText] = {}
    at = place = 0
    record = record.rstrip("\r\n")
    while at <= len(record) and place < width:
        end = _cell_end(record, delimiter, at)
        if quoted := _CELL_IN_QUOTES.match(record, at):
            end_of_quoted = _cell_end(record, delimiter, quoted.end())
            behind = record[quoted.end() : end_of_quoted].strip(" ")
            if quoted[1] and not behind:
                found[place] = NotText("has a blank before the quote that opens it")
            elif not quoted[1] and behind:
                found[place] = NotText("has a quote in the middle of it that is not written twice")
            if not (quoted[1] and behind):  # else it is a text that begins with a word in quotes
                end = end_of_quoted
        at, place = end + 1, place + 1
    return found


def _cell_end(record: str, delimiter: str, start: int) -> int:
    """Where the cell ends that goes on at *start*: before a delimiter, or with the *record*."""
    end = record.find(delimiter, start)
    return len(record) if end < 0 else end


def records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[list[str], int, int]]:
    """Each record of *lines*, with the places of its first line and of the one behind its last."""
    reader = csv.reader(lines, delimiter=delimiter)
    start = 0
    for cells in reader:
        yield cells, start, reader.line_num
        start = reader.line_num


def opened_below(cells: Sequence[str]) -> int:
    """How many lines below its first a record has the quote of its last cell over several lines."""
    ends = list(map(_line_ends, cells))
    last = max((place for place, count in enumerate(ends) if count), default=0)
    return sum(ends[:last])


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None and len(_DIGIT.findall(cell)) >= _ENOUGH


def _line_ends(cell: str) -> int:
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")
