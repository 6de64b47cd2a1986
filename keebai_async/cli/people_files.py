"""People of a campaign as a file: to look at, to fix in a spreadsheet, and to plan again as it is."""

import enum
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.cli.csv_files import private_bytes
from keebai_async.cli.table_files import LINES, TABLES, Table, check_form, private_table
from keebai_async.cli.workbook_file import CELL_CHARACTERS
from keebai_async.errors import InvalidInput
from keebai_async.model import own_columns as own
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.marks import MARK_KEY, without_marks
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.sources.header import visible

WRITTEN_AT_ONCE: Final = 1_000
"""Rejections that are written together."""
_OF_A_REJECTION: Final = (own.ROW, own.REASON, own.FIELD, own.DETAIL, own.REPEATS, own.NUMBER)
_OF_A_CHUNK: Final = (own.CHUNK, own.REASON, own.DETAIL)
_OF_OTHERS: Final = {Reason.DUPLICATE, Reason.SUPPRESSED}
_META: Final = "meta_"

_INSIDE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TO: Final = attrgetter("to")
_VARIABLES: Final = attrgetter("variables")
_META_DATA: Final = attrgetter("meta_data")


class PeopleGroup(enum.Enum):
    """People by what became of them. A chunk that is on its way has no answer yet."""

    ACCEPTED = frozenset({ChunkState.ACCEPTED})
    REFUSED = frozenset({ChunkState.REFUSED})
    UNKNOWN = frozenset({ChunkState.UNKNOWN, ChunkState.SUBMITTING})
    ABANDONED = frozenset({ChunkState.ABANDONED})
    UNSENT = frozenset({ChunkState.PLANNED})


def check_rejects_file(path: Path, *, excel: bool = False, source: str = "") -> None:
    """Raises InvalidInput unless rejects can be written to *path*, and would not replace the list itself."""
    check_form(path, TABLES)
    _check_excel(path, excel=excel)
    if source != "-" and path.exists() and Path(source).exists() and path.samefile(source):
        raise InvalidInput(f"{path} is the list itself: choose another file for the rows that are not sent")


def check_people_file(path: Path, *, excel: bool = False) -> None:
    """Raises InvalidInput unless people can be written to *path*."""
    check_form(path, (*TABLES, *LINES))
    _check_excel(path, excel=excel)


def _check_excel(path: Path, *, excel: bool) -> None:
    if excel and path.suffix.lower() not in {".csv", ".txt", "", ".xlsx"}:
        raise InvalidInput(f"{path} is no file for Excel: let its name end in .xlsx or .csv", field="--excel")


async def write_rejects(
    path: Path, rejections: Callable[[], AsyncIterator[Rejection]], *, excel: bool = False
) -> int:
    """Write every rejection to *path*, and say how many: the columns of the list, and ours behind them.

    *rejections* is called twice: once to learn the columns, once for the rows.

    Raises:
        InvalidInput: the file cannot be written there.
    """
    names: dict[str, str] = {}
    async for rejection in rejections():
        _learn(names, _cells(rejection))
    count = 0
    batch: list[Rejection] = []
    with private_table(path, excel=excel) as table:
        _add_rows(table, [[*names.values(), *_OF_A_REJECTION]])
        async for rejection in rejections():
            batch.append(rejection)
            if len(batch) == WRITTEN_AT_ONCE:
                _add_rows(table, [_rejection_row(each, names) for each in batch])
                count += len(batch)
                batch.clear()
        _add_rows(table, [_rejection_row(each, names) for each in batch])
    return count + len(batch)


def _cells(rejection: Rejection) -> dict[str, str]:
    """The row as a table holds it."""
    cells = rejection.cells or rejection.columns
    nested = [name for name in rejection.nested if cells.get(name, "").startswith("{")]
    if not nested:
        return cells
    flat: dict[str, str] = {}
    for name, cell in cells.items():
        if name in nested:
            prefix = "" if name == rejection.nested[0] else _META
            inside = _INSIDE.decode(cell)
            flat |= {f"{prefix}{each}": _text(value) for each, value in inside.items()}
        else:
            flat[name] = cell
    return flat


def _text(value: msgspec.Raw) -> str:
    return msgspec.json.decode(value, type=str) if bytes(value).startswith(b'"') else bytes(value).decode()


def _learn(names: dict[str, str], columns: Iterable[str]) -> None:
    """Add *columns* to *names*, which say how each is written: under a name that no other has."""
    for column in columns:
        if column in names or column in own.OWN_COLUMNS:
            continue
        name = visible(column) or f"column {len(names) + 1}"
        while name in names.values():
            name += " (2)"
        names[column] = name


def _rejection_row(rejection: Rejection, names: dict[str, str]) -> list[str]:
    cells = _cells(rejection)
    return [
        *(_fitting(name, cells.get(column, "")) for column, name in names.items()),
        str(rejection.row),
        rejection.reason.value,
        rejection.field,
        rejection.detail,
        "" if rejection.repeats_row is None else str(rejection.repeats_row),
        rejection.number or (rejection.to if rejection.reason in _OF_OTHERS else ""),
    ]


def _fitting(name: str, cell: str) -> str:
    """A cell as long as one may be; what is cut is too long for a message, or not for one.

    U+0000, which no table takes, is a letter that was lost: that is no value either.
    """
    cell = cell.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cell if len(cell) <= CELL_CHARACTERS or name.startswith(_META) else cell[:CELL_CHARACTERS]


def _add_rows(table: Table, rows: Sequence[Sequence[str]]) -> None:
    if rows:
        table.add(list(zip(*rows, strict=True)))


async def write_people(
    path: Path, chunks: Callable[[], AsyncIterator[tuple[Chunk, bytes]]], *, excel: bool = False
) -> int:
    """Write everyone in *chunks* to *path*; say how many.

    As JSON Lines it is what was or would be sent, exactly, but for the marks of this campaign. A table has a
    column for each variable and each part of `meta_data` (as text), and behind them the chunk and what became
    of it. *chunks* gives each chunk with the JSON array of its people; it is called again when a later chunk
    has further columns.

    Raises:
        InvalidInput: the file cannot be written there.
    """
    if path.suffix.lower() in LINES:
        return await _write_lines(path, chunks)
    columns = _Columns()
    async for _, items in chunks():
        columns.add(_PeopleReader().read(items))
        break
    while True:
        try:
            return await _write_table(path, chunks, columns, excel=excel)
        except _MoreColumns:
            reader = _PeopleReader()
            async for _, items in chunks():
                columns.add(reader.read(items))


async def _write_lines(path: Path, chunks: Callable[[], AsyncIterator[tuple[Chunk, bytes]]]) -> int:
    count = 0
    with private_bytes(path) as file:
        async for _, items in chunks():
            people = _EACH.decode(without_marks(items))
            file.write(b"".join([b"%b\n" % bytes(person).replace(b"\n", b" ") for person in people]))
            count += len(people)
    return count


async def _write_table(
    path: Path,
    chunks: Callable[[], AsyncIterator[tuple[Chunk, bytes]]],
    columns: "_Columns",
    *,
    excel: bool,
) -> int:
    count = 0
    _check_names(path, columns.header)
    reader = _PeopleReader()
    with private_table(path, excel=excel) as table:
        _add_rows(table, [columns.header])
        async for chunk, items in chunks():
            people = reader.read(items)
            table.add([*columns.of(people), *_of_chunk(chunk, len(people.to))])
            count += len(people.to)
    return count


def _check_names(path: Path, header: Sequence[str]) -> None:
    """Raises InvalidInput if a plan could not tell the columns apart, or not find one again."""
    seen = list(map(visible, header))
    for name, as_seen in zip(header, seen, strict=True):
        changed = name.startswith(_META) and name != as_seen
        if changed or as_seen in {"", _META} or seen.count(as_seen) > 1:
            raise InvalidInput(
                f"cannot write {path}: no table can have a column {name!r} beside the others: write a .jsonl"
            )


def _of_chunk(chunk: Chunk, people: int) -> list[list[str]]:
    cells = (str(chunk.number), own.FATES[chunk.state], chunk.reason or "")
    return [[cell] * people for cell in cells]


class _MoreColumns(Exception):
    """A chunk has a column that the header has not."""


class _People(msgspec.Struct):
    """The people of a chunk, by column: a column for each variable, and what each has as `meta_data`."""

    to: Sequence[str]
    variables: Mapping[str, Sequence[str]]
    meta_data: Sequence[dict[str, object]]


class _Person(msgspec.Struct, gc=False):
    to: str
    variables: dict[str, str] = {}
    meta_data: dict[str, object] = {}


_EACH: Final = msgspec.json.Decoder(list[msgspec.Raw])
_PEOPLE: Final = msgspec.json.Decoder(list[_Person])


class _PeopleReader:
    """Reads chunks of one campaign. All its people have the same variables, so a type is made of them."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._decoder: msgspec.json.Decoder[list[_Person]] | None = None

    def read(self, items: bytes) -> _People:
        if self._decoder is not None:
            try:
                people = self._decoder.decode(items)
            except msgspec.ValidationError:  # other variables than the first had
                pass
            else:
                rows = map(msgspec.structs.astuple, map(_VARIABLES, people))
                values = dict(zip(self._names, zip(*rows, strict=True), strict=True))
                return _People(list(map(_TO, people)), values, list(map(_META_DATA, people)))
        people = _PEOPLE.decode(items)
        dicts = list(map(_VARIABLES, people))
        names = dict.fromkeys(name for variables in dicts for name in variables)
        self._learn(tuple(names))
        return _People(
            list(map(_TO, people)),
            {name: [variables.get(name, "") for variables in dicts] for name in names},
            list(map(_META_DATA, people)),
        )

    def _learn(self, names: tuple[str, ...]) -> None:
        if self._decoder is not None or not names:
            return
        fields = [(f"v{place}", str) for place, _ in enumerate(names)]
        rename = {field: name for (field, _), name in zip(fields, names, strict=True)}
        variables = msgspec.defstruct(
            "Variables", fields, rename=rename, forbid_unknown_fields=True, gc=False
        )
        person = msgspec.defstruct(
            "Person", [("to", str), ("variables", variables), ("meta_data", dict[str, object], {})], gc=False
        )
        self._names = names
        self._decoder = msgspec.json.Decoder(list[person])  # type: ignore[valid-type]


class _Columns:
    """The columns of a table of people, in the order in which they were met."""

    def __init__(self) -> None:
        self._variables: dict[str, None] = {}
        self._metas: dict[str, None] = {}

    def add(self, people: _People) -> None:
        self._variables.update(dict.fromkeys(people.variables))
        self._metas.update(dict.fromkeys(name for meta in people.meta_data for name in meta))

    @property
    def header(self) -> list[str]:
        return ["to", *self._variables, *(f"{_META}{name}" for name in self._shown_metas), *_OF_A_CHUNK]

    def of(self, people: _People) -> list[Sequence[str]]:
        """The cells of *people*. Raises _MoreColumns if they have others."""
        if not people.variables.keys() <= self._variables.keys():
            raise _MoreColumns
        nothing = [""] * len(people.to)
        return [
            people.to,
            *(people.variables.get(name, nothing) for name in self._variables),
            *self._meta_columns(people.meta_data),
        ]

    def _meta_columns(self, metas: Sequence[dict[str, object]]) -> list[Sequence[str]]:
        if any(map(len, metas)) and not set().union(*metas) <= self._metas.keys():
            raise _MoreColumns
        return [_texts([meta.get(name, "") for meta in metas]) for name in self._shown_metas]

    @property
    def _shown_metas(self) -> list[str]:
        return [name for name in self._metas if name != MARK_KEY]  # a mark is ours, and of one campaign


def _texts(values: Sequence[object]) -> list[str]:
    return [value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in values]
