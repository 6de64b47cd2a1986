"""A file of people who are not to be messaged, row by row: text of any kind, or a table.

A text is read line by line, whatever its quotes say: one that nobody closed would hide all people behind it.
Lines that hold one number in E.164 and nothing else, or a table with one column of them, are read a piece at
a time; all others one by one.
"""

import csv
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identities, identities_if_e164
from keebai_async.planning.bare_numbers import LEAST_WITH_CODE, as_dialled
from keebai_async.planning.consent import says_who_wants_none
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.number_forms import NumberForms
from keebai_async.planning.number_text import is_rounded
from keebai_async.planning.phone import NumberReader
from keebai_async.planning.suppress_row import (
    hint_for,
    may_be_a_number,
    may_count_beside,
    may_hold_a_number,
    numbers_in,
    unreadable,
)
from keebai_async.privacy import shown
from keebai_async.sources.compressed import OPENERS, open_plain
from keebai_async.sources.delimited import DELIMITERS, delimiter_of
from keebai_async.sources.excel import excel
from keebai_async.sources.header import for_mail, for_numbers
from keebai_async.sources.jsonlines import json_pieces
from keebai_async.sources.loop_turns import TimedTurns, next_turn
from keebai_async.sources.parquet import parquet
from keebai_async.sources.pieces import Opener, pieces
from keebai_async.sources.sheet import Sheet

ADDED_IN_A_TURN: Final = 5_000
"""Keys of another sheet that are added before the event loop has its turn."""
_WORKBOOKS: Final = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_JSON: Final = {".jsonl", ".ndjson", ".json"}


_AS_A_NUMBER: Final = re.compile(r"\+[0-9 (]|wa\.me|phone=|@(?:s\.whatsapp\.net|c\.us)")
"""What nothing but a number of a phone has."""


class ReadFile(NamedTuple):
    """The line of a file that was taken for its header, 0 if none was, and what there is to say of it."""

    header_line: int
    notes: Sequence[str] = ()


async def read_file(path: str, reader: NumberReader, keys: KeySet) -> ReadFile:
    """Add the keys of all people in a file.

    Raises:
        UnusableSource: the file cannot be read.
        InvalidInput: a row that is not empty holds no number that can be read; says which.
    """
    rows = _Rows(path, reader, keys)
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    compressed = bool(suffixes) and suffixes[-1] in OPENERS
    kind = suffixes[-2:-1] if compressed else suffixes[-1:]
    notes: Sequence[str] = ()
    if kind == [".parquet"] and not compressed:
        await _read_table(parquet(path, columns={}), rows)
    elif set(kind) & _WORKBOOKS and not compressed:
        notes = await _read_tables(path, rows)
    else:
        opener = OPENERS[suffixes[-1]] if compressed else open_plain
        is_json = bool(set(kind) & _JSON)
        await (_read_json if is_json else _read_text)(path, partial(opener, path), rows)
    return ReadFile(rows.header_line, (*notes, *rows.notes()))


async def _read_tables(path: str, rows: "_Rows") -> Sequence[str]:
    """Read a workbook: the sheet that is shown, and all others that hold people.

    Lists of this kind have a sheet for each month. Another sheet without numbers, such as one with
    instructions, is named in a note. Raises InvalidInput as `read_file` does.
    """
    table = excel(path, columns={}, hidden_rows=True, as_shown=False, alone=False)
    await _read_table(table, rows)
    notes = list(table.notes)
    read, passed_over = [], []
    for sheet in table.others:
        other = partial(excel, path, columns={}, sheet=sheet, hidden_rows=True, as_shown=False)
        mine = rows.of_another_sheet(sheet)
        try:
            await _read_table(other(), mine)
        except InvalidInput:
            if mine.looks_like_a_list or await _may_hold_numbers(other()):
                raise
            passed_over.append(repr(sheet))
            continue
        await rows.add(mine)
        read.append(repr(sheet))
    if read:
        notes.append(f"all of these sheets of {path} were read: {', '.join([repr(table.sheet), *read])}")
    if passed_over:
        notes.append(
            f"no list of numbers, and not read, are these sheets of {path}: {', '.join(passed_over)}"
        )
    return notes


async def _may_hold_numbers(table: Sheet) -> bool:
    """Whether a row of a table has what may be a number with its country code."""
    async with aclosing(table.batches()) as batches:
        async for batch in batches:
            if any(may_count_beside(row) or any(map(may_be_a_number, row)) for row in batch.rows):
                return True
    return False


async def _read_table(table: Sheet, rows: "_Rows") -> None:
    """Read one table with its hidden rows: who said no is left out, whatever the sheet shows."""
    async with aclosing(table.batches()) as batches:
        async for batch in batches:
            if rows.first:
                rows.begin(batch.numbers[0], batch.rows[0])
                batch = batch.below(0)
            if not rows.take_column(list(zip(*batch.rows, strict=True))):
                for number, row in zip(batch.numbers, batch.rows, strict=True):
                    rows.take(number, row)
                    await rows.turn()
            await next_turn()
    rows.end()


async def _read_json(path: str, opener: Opener, rows: "_Rows") -> None:
    async with aclosing(json_pieces(opener, path, may_be_empty=True)) as cut:
        async for piece in cut:
            rows.counted = piece.counted
            for number, line in enumerate(piece.data.split(b"\n"), start=piece.first):
                if line.strip():
                    names, cells = _of_json(line)
                    rows.take(number, cells, names)
                    await rows.turn()


async def _read_text(path: str, opener: Opener, rows: "_Rows") -> None:
    text = _TextLines(rows)
    async with aclosing(pieces(opener, path, may_be_empty=True)) as cut:
        async for piece in cut:
            # Only digits matter, and they are the same in every encoding of a spreadsheet.
            lines = (
                piece.data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
            )
            if lines[-1] == "":
                lines.pop()
            if not text.take_many(lines):
                for number, line in enumerate(lines, start=piece.first):
                    text.take(number, line)
                    await rows.turn()
            await next_turn()
    text.end()


def _of_json(line: bytes) -> tuple[Sequence[str] | None, Sequence[str]]:
    """The names and values of a line of JSON; a line that is none is a text."""
    try:
        given = json.loads(line, parse_float=str)  # an exponent stands in place of digits
    except ValueError:
        return None, [line.decode("utf-8", "replace")]
    if isinstance(given, dict):
        return list(given), list(map(_text_of, given.values()))
    return None, list(map(_text_of, given)) if isinstance(given, list) else [_text_of(given)]


def _text_of(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


class _Rows:
    """The rows of one file, from the first: a header if it holds no digits that may be a number."""

    def __init__(self, path: str, reader: NumberReader, keys: KeySet) -> None:
        self.header_line = 0
        self.counted = "line"
        """What the numbers of its rows count."""
        self.first = True
        self.name = path
        self._reader = reader
        self._keys = keys
        self._expected: list[bool] | None = None
        self._above = 0
        """The first row below a header that may be a title, if it may be a part of that; else 0."""
        self._titled = False
        """Whether the header names no column for numbers, and no row was read below it."""
        self._by_mail = False
        """Whether the header names a column for e-mail addresses and none for numbers."""
        self._unused: list[str] = []
        """Columns that may say who of the rows said no."""
        self._forms = NumberForms()
        self._turns = TimedTurns()

    @property
    def width(self) -> int:
        """The columns of the header, 0 without one."""
        return 0 if self._expected is None else len(self._expected)

    @property
    def looks_like_a_list(self) -> bool:
        """Whether a column is for numbers, or some were found."""
        named = self.width > 1 and not self._by_mail and any(self._expected or ())
        return named or len(self._keys) > 0

    def of_another_sheet(self, sheet: str) -> "_Rows":
        """What reads another sheet of the same file, for `add` once it was read."""
        return _Rows(f"{self.name}, sheet {sheet!r}", self._reader, KeySet())

    async def add(self, others: "_Rows") -> None:
        """Take over what another one has found."""
        keys = iter(others._keys)
        while some := list(itertools.islice(keys, ADDED_IN_A_TURN)):
            self._keys.update(some)
            await next_turn()
        self._unused += others._unused

    def notes(self) -> Iterator[str]:
        """What there is to say of columns that were not looked at."""
        for column in dict.fromkeys(self._unused):
            yield (
                f"the column {shown(column)} of {self.name} is not looked at: everybody in it is taken to"
                " have said no"
            )

    def begin(self, number: int, cells: Sequence[str]) -> None:
        """The first row: a header, or as all others."""
        self.first = False
        if may_hold_a_number(cells):
            self.take(number, cells)
            return
        self._head(number, cells)

    def end(self) -> None:
        """No other header is coming. Raises InvalidInput if a row above was taken for a part of its title."""
        if self._above:
            raise unreadable(f"{self.name}, {self.counted} {self._above}", self._above)

    def _head(self, number: int, cells: Sequence[str]) -> None:
        self.header_line, self._above = number, 0
        self._titled = not any(map(for_numbers, cells))
        self._by_mail = self._titled and len(cells) > 1 and any(map(for_mail, cells))
        self._expected = self._columns_for_numbers(cells)
        self._unused = list(filter(says_who_wants_none, cells))

    def take(self, number: int, cells: Sequence[str], names: Sequence[str] | None = None) -> None:
        """A row, which must hold a number that can be read if it is not empty."""
        expected = self._expected if names is None else self._columns_for_numbers(names)
        if not any(map(str.strip, cells)):
            return
        found = numbers_in(cells, self._reader, expected)
        if not found and self._titled and not may_hold_a_number(cells):
            if any(map(for_numbers, cells)):
                self._head(number, cells)  # what was taken for the header is a title above it
            else:
                self._above = self._above or number
            return
        self.end()
        self._titled = False
        if self._by_mail and not any(map(_AS_A_NUMBER.search, cells)):
            raise InvalidInput(
                f"{self.name} names a column for e-mail addresses and none for numbers: people are left out"
                " by their number",
                field="suppress",
                row=number,
            )
        if not found:
            hint = hint_for(cells, self._reader)
            raise unreadable(f"{self.name}, {self.counted} {number}", number, hint)
        self._keys.update(identities(found))

    def take_column(self, columns: Sequence[Sequence[str]]) -> bool:
        """Take rows of which one column holds all numbers, in E.164; says whether it was so."""
        place = 0
        if self._expected is not None:
            if self._expected.count(True) > 1:
                return False
            place = self._expected.index(True) if True in self._expected else 0
        elif len(columns) != 1:
            return False
        if len(columns) <= place or any(map(may_count_beside, (*columns[:place], *columns[place + 1 :]))):
            return False
        return self.take_numbers(columns[place])

    def take_numbers(self, numbers: Sequence[str]) -> bool:
        """Take numbers if all are certainly phones, in E.164 or without the plus; says whether they were."""
        keys = identities_if_e164(numbers) if numbers else []
        also: Sequence[str] = ()
        if (
            keys is None
            and self._reader.region is None
            and all(map(str.isdigit, numbers))
            and not any(map(is_rounded, numbers))
        ):
            keys = identities_if_e164([f"+{number}" for number in numbers])
            if not self._reader.international:
                if min(map(len, numbers)) < LEAST_WITH_CODE:
                    return False  # too few to begin with a country code
                also = as_dialled(numbers)
        if keys is None or self._forms.doubtful(keys)[0]:
            return False
        self._keys.update(keys)
        if also:
            self._keys.update(identities(also))
        return True

    async def turn(self) -> None:
        """Let others run if this took long."""
        if self._turns.due:
            await self._turns.next()

    @staticmethod
    def _columns_for_numbers(names: Sequence[str]) -> list[bool]:
        expected = list(map(for_numbers, names))
        return expected if len(names) > 1 else [True] * len(names)


class _TextLines:
    """The lines of a text as rows. A line within quotes may go on with the note of the row before."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self._delimiter: str | None = None
        self._open = False
        self._skipped = 0
        """The first line that was passed over as the rest of a note, 0 if none."""

    def take_many(self, lines: Sequence[str]) -> bool:
        """Take lines that are the same and simple, all at once; says whether they are."""
        if self._rows.first or self._open:
            return False
        if self._delimiter is None:
            return self._rows.take_numbers([cell for cell in map(_bare, lines) if cell])
        lines = [line for line in lines if line]
        cells: Sequence[Sequence[str]] = [line.split(self._delimiter) for line in lines]
        if '"' in "".join(lines):
            # A quote that is open at the end of a line would take the next one into its cell.
            cells = list(csv.reader(lines, delimiter=self._delimiter))
            if len(cells) < len(lines) or any(line.count('"') % 2 for line in lines):
                return False
        if not cells or {len(row) for row in cells} != {self._rows.width or len(cells[0])}:
            return False
        columns = list(zip(*cells, strict=True))
        return self._rows.take_column([list(map(str.strip, column)) for column in columns])

    def take(self, number: int, line: str) -> None:
        """Take one line."""
        line = line.strip("\ufeff")
        if not line.strip():
            return
        if self._rows.first:
            if line.lower().startswith("sep=") and len(line) == 5:
                self._delimiter = line[4]
                return
            self._delimiter = self._delimiter or _delimiter_in(line)
            self._rows.begin(number, self._cells(line))
        elif self._open:
            self._go_on(number, line)
        else:
            self._rows.take(number, self._cells(line))
        self._open ^= line.count('"') % 2 == 1
        if not self._open:
            self._skipped = 0

    def end(self) -> None:
        """The text is over. Raises InvalidInput if what was passed over may be no note, or no title."""
        self._rows.end()
        if self._open and self._skipped:
            raise unreadable(f"{self._rows.name}, line {self._skipped}", self._skipped)

    def _go_on(self, number: int, line: str) -> None:
        """A line behind a quote that is open: the rest of a note, or a row if it holds a number."""
        cells = self._cells(line)
        if not may_hold_a_number(cells):
            self._skipped = self._skipped or number
            return
        self._rows.take(number, cells)
        self.end()
        self._open = False  # that quote was no quote

    def _cells(self, line: str) -> list[str]:
        if self._delimiter is None:
            return [line]
        if '"' not in line:
            return line.split(self._delimiter)
        return next(csv.reader([line], delimiter=self._delimiter))


def _bare(line: str) -> str:
    """The only cell of a line."""
    cell = line.strip()
    return (
        cell[1:-1].strip() if cell.startswith('"') and cell.endswith('"') and cell.count('"') == 2 else cell
    )


def _delimiter_in(line: str) -> str | None:
    return delimiter_of(line) if any(map(line.__contains__, DELIMITERS)) else None
