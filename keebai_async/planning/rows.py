"""What planning asks of the rows of a block, whatever they came in.

Rows come as lines of JSON, as cells, as columns, as objects of a program. Were each row made a dict and
checked, a list of 50,000 would take most of a second; were each way in checked for itself, every rule would
be written four times, and sooner or later in four ways. So a kind of block answers five questions, and knows
no rule about numbers or texts:

    candidates()        the fast path: all rows at once, as columns; those that are not right for certain
                        in their structure are left out, none is rejected
    parse(position)     the slow path: one row taken apart, exactly, or what is wrong with its structure
    original(position)  one row as it was read, for a person to look at
    fixable(position)   one row as a table holds it, for a person who fixes it there
    numbers             the number of each row, as its reader sees it

What then makes a row good (`check_row.py`, `phone.py`, `text_checks.py`) is the same for all.

A kind has a file of its own: `rows_jsonl.py`, `rows_table.py` (CSV, Parquet, Excel), `rows_objects.py` (what
a program gives). `Reader.rows` is the one place that asks which kind a block is. A table that is held in a
new way gives what `TableBlock` asks for, and needs nothing here. Another kind is a block in
`sources/block.py` and a file like these, named there: mypy does not pass before it is.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.own_columns import OWN_COLUMNS
from keebai_async.model.recipient import Rejection
from keebai_async.planning.candidates import Candidates
from keebai_async.planning.codec import NO_META, RowCodec
from keebai_async.planning.consent import UnusedConsent
from keebai_async.planning.rejections import Problem
from keebai_async.sources.header import found_in, nearest
from keebai_async.sources.spelling import NotText as NotText
from keebai_async.sources.spelling import Value as Value

_AS_READ: Final[dict[str, str]] = {}
"""One for all rejections: a dict of each would have the garbage collector run twice as often."""
META: Final = "meta_"
"""What a column begins with that goes to `meta_data`."""


class ParsedRow(msgspec.Struct, kw_only=True):
    """A row taken apart: its number, a value for each variable it has, and its `meta_data` as JSON.

    *ignored* are the names in it with which nothing is done.
    """

    to: Value
    values: dict[str, Value]
    meta_data: object = NO_META
    ignored: tuple[str, ...] = ()


class ListNames:
    """How a list calls the things: *columns* maps our names to its own."""

    def __init__(self, variables: Sequence[str], columns: Mapping[str, str]) -> None:
        self.variables = columns.get("variables", "variables")
        self.meta_data = columns.get("meta_data", "meta_data")
        self._call(columns.get("to", "to"), {name: columns.get(name, name) for name in variables})

    def find(self, header: Sequence[str]) -> None:
        """Take the names as the *header* of a table has them, where they differ from ours in case alone."""
        self._call(
            found_in(header, self.to) or self.to,
            {name: found_in(header, own) or own for name, own in self.of.items()},
        )

    def _call(self, to: str, of: dict[str, str]) -> None:
        self.to = to
        self.of = of
        """The list's name for each variable of the template."""
        self.known = frozenset({to, *of.values()})
        self.service = frozenset({to, self.variables, self.meta_data})
        """The names in a row of the service's own shape."""

    def is_meta(self, column: str) -> bool:
        return column.startswith(META) and column != META and column not in self.known

    def metas(self, columns: Mapping[str, object] | Sequence[str]) -> list[str]:
        """The columns that go to `meta_data`, in one order whatever the order of the list."""
        return sorted(column for column in columns if self.is_meta(column))

    def with_all(self, row: dict[str, str]) -> dict[str, str]:
        """*row* with a cell for each column that is asked for; itself if it has them."""
        absent = [column for column in (self.to, *self.of.values()) if column not in row]
        return row | dict.fromkeys(absent, "") if absent else row


def check_columns(columns: Mapping[str, str], variables: Sequence[str]) -> None:
    """Raises InvalidInput if *columns* names the column of something that the template does not have."""
    fields = ("to", *variables)
    for field in columns:
        if field not in fields and field not in {"variables", "meta_data"}:
            like = nearest(field, fields)
            meant = f"; did you mean {like}={columns[field]}?" if like else "."
            raise InvalidInput(
                f"the template has no variable {field!r}, for which the column {columns[field]!r} is"
                f" given{meant} There are: {', '.join(fields)}",
                field="column",
            )


class ListContext(msgspec.Struct, frozen=True):
    """What is the same for all blocks of a list. *description* names the list to people.

    *ignored* gathers the names with which nothing is done, in the order they were met, *consent* what is in
    those that may say who wants no messages.
    """

    codec: RowCodec
    names: ListNames
    description: str
    ignored: dict[str, None]
    consent: UnusedConsent

    def ignore(self, names: Sequence[str]) -> None:
        self.ignored.update(dict.fromkeys(name for name in names if name not in OWN_COLUMNS))


class Rows(Protocol):
    """The rows of one block. A *position* counts them from 0; blank lines are no rows."""

    @property
    def names(self) -> ListNames: ...

    @property
    def nested(self) -> tuple[str, ...]:
        """The names under which a row may have variables and `meta_data` as objects."""
        ...

    @property
    def numbers(self) -> Sequence[int]:
        """The number of each row, as its reader sees it. They only go up.

        Raises UnusableSource if the block cannot be read.
        """
        ...

    def candidates(self) -> Candidates:
        """The rows whose number and values are certainly text and all there, with nothing extra.

        Raises UnusableSource if the block cannot be read.
        """
        ...

    def parse(self, position: int) -> ParsedRow | Problem:
        """One row taken apart, or what is wrong with its structure."""
        ...

    def original(self, position: int) -> dict[str, str]:
        """One row as it was read, as text by column."""
        ...

    def fixable(self, position: int, original: dict[str, str]) -> dict[str, str]:
        """A bad row as a table holds it, for a person who fixes it there: *original* itself if that is so.

        Each column that is asked for is there; a value that is no text is written as `own_rows.no_text`.
        """
        ...


def rejected(rows: Rows, position: int, problem: Problem) -> Rejection:
    """The rejection of one of *rows*, with the row as it was read."""
    columns = rows.original(position)
    return _rejection(rows, position, problem, columns, rows.fixable(position, columns), problem.number)


def left_out(rows: Rows, position: int, problem: Problem, number: str) -> Rejection:
    """The rejection of one of *rows* with which nothing is wrong, but for who has its *number*.

    There may be many of them, so it is not taken apart.
    """
    columns = rows.original(position)
    return _rejection(rows, position, problem, columns, columns, number, rows.nested)


def _rejection(
    rows: Rows,
    position: int,
    problem: Problem,
    columns: dict[str, str],
    cells: dict[str, str],
    number: str,
    nested: tuple[str, ...] = (),
) -> Rejection:
    if number and cells.get(rows.names.to) != number:
        cells = cells | {rows.names.to: number}
    return Rejection(
        row=rows.numbers[position],
        reason=problem.reason,
        detail=problem.detail,
        to=columns.get(rows.names.to, ""),
        field=problem.field,
        columns=columns,
        number=number,
        cells=_AS_READ if cells is columns else cells,
        nested=nested,
    )
