"""People of a campaign as a file: to look at, to fix in a spreadsheet, and to plan again as it is."""

import enum
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.cli.csv_files import private_bytes
from keebai_async.cli.fates_text import what_to_do
from keebai_async.cli.library_words import in_language
from keebai_async.cli.table_files import LINES, TABLES, Table, check_form, private_table
from keebai_async.cli.workbook_file import CELL_CHARACTERS
from keebai_async.errors import InvalidInput
from keebai_async.model import own_columns as own
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import Fate, FateGroup, PersonState
from keebai_async.model.marks import MARK_KEY, without_marks
from keebai_async.model.meta_codes import about
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.planning.rows import META
from keebai_async.planning.told_people import ToldPeople
from keebai_async.sources.header import visible

WRITTEN_AT_ONCE: Final = 1_000
"""Rejections that are written together."""
_OF_A_REJECTION: Final = (own.ROW, own.REASON, own.FIELD, own.DETAIL, own.REPEATS, own.NUMBER)
_OF_A_CHUNK: Final = (own.CHUNK, own.REASON, own.DETAIL)
_OF_A_FATE: Final = (own.ROW, own.CHUNK, own.REASON, own.CODE, own.DETAIL, own.TIME)
_OF_OTHERS: Final = {Reason.DUPLICATE, Reason.SUPPRESSED, Reason.SENT_LATELY}

_INSIDE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TO_OF: Final = attrgetter("to")
_VARIABLES_OF: Final = attrgetter("variables")
_META_DATA_OF: Final = attrgetter("meta_data")


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
            prefix = "" if name == rejection.nested[0] else META
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
        in_language(rejection.detail),
        "" if rejection.repeats_row is None else str(rejection.repeats_row),
        rejection.number or (rejection.to if rejection.reason in _OF_OTHERS else ""),
    ]


def _fitting(name: str, cell: str) -> str:
    """A cell as long as one may be; what is cut is too long for a message, or not for one.

    U+0000, which no table takes, is a letter that was lost: that is no value either.
    """
    cell = cell.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cell if len(cell) <= CELL_CHARACTERS or name.startswith(META) else cell[:CELL_CHARACTERS]


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

    async def parts() -> AsyncIterator[_PeoplePart]:
        async for chunk, items in chunks():
            cells = (str(chunk.number), own.FATES[chunk.state], in_language(chunk.reason or ""))
            yield _PeoplePart(items=items, own=cells)

    return await _write_parts(path, parts, _OF_A_CHUNK, excel=excel)


async def write_told(
    path: Path,
    people: Callable[[], AsyncIterator[ToldPeople]],
    group: FateGroup,
    *,
    excel: bool = False,
) -> int:
    """Write *people* to *path* in the same way, and in a table what webhooks told of each; say how many.

    Of those who replied it says when they did, of all others when what was told happened.

    Raises:
        InvalidInput: the file cannot be written there.
    """

    async def parts() -> AsyncIterator[_PeoplePart]:
        async for each in people():
            yield _PeoplePart(items=each.items, own=_told_cells(each, replied=group is FateGroup.REPLIED))

    return await _write_parts(path, parts, _OF_A_FATE, excel=excel)


def _told_cells(people: ToldPeople, *, replied: bool) -> tuple[str | Sequence[str], ...]:
    states = people.states
    codes = [state.code if state.fate is Fate.FAILED else 0 for state in states]
    at = [state.replied_at if replied else state.at for state in states]
    return (
        ["" if row is None else str(row) for row in people.rows],
        str(people.chunk.number),
        [state.fate.word for state in states],
        [str(code or "") for code in codes],
        [_why(state) for state in states],
        [datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if each else "" for each in at],
    )


def _why(state: PersonState) -> str:
    if state.fate is not Fate.FAILED:
        return ""
    one = about(state.code or None)
    return f"{in_language(one.meaning)}: {what_to_do(one)}"


class _PeoplePart(msgspec.Struct, frozen=True, kw_only=True):
    """Some people of one chunk as a JSON array, and our columns; a text in *own* is that of everybody."""

    items: bytes
    own: tuple[str | Sequence[str], ...]


_PeopleParts = Callable[[], AsyncIterator[_PeoplePart]]


async def _write_parts(path: Path, parts: _PeopleParts, own_columns: Sequence[str], *, excel: bool) -> int:
    if path.suffix.lower() in LINES:
        return await _write_lines(path, parts)
    columns = _Columns(own_columns)
    async for part in parts():
        columns.add(_PeopleReader().read(part.items))
        break
    while True:
        try:
            return await _write_table(path, parts, columns, excel=excel)
        except _MoreColumns:
            reader = _PeopleReader()
            async for part in parts():
                columns.add(reader.read(part.items))


async def _write_lines(path: Path, parts: _PeopleParts) -> int:
    count = 0
    with private_bytes(path) as file:
        async for part in parts():
            people = _EACH.decode(without_marks(part.items))
            file.write(b"".join([b"%b\n" % bytes(person).replace(b"\n", b" ") for person in people]))
            count += len(people)
    return count


async def _write_table(path: Path, parts: _PeopleParts, columns: "_Columns", *, excel: bool) -> int:
    count = 0
    _check_names(path, columns.header)
    reader = _PeopleReader()
    with private_table(path, excel=excel) as table:
        _add_rows(table, [columns.header])
        async for part in parts():
            people = reader.read(part.items)
            own_cells = [[cell] * len(people.to) if isinstance(cell, str) else cell for cell in part.own]
            table.add([*columns.of(people), *own_cells])
            count += len(people.to)
    return count


def _check_names(path: Path, header: Sequence[str]) -> None:
    """Raises InvalidInput if a plan could not tell the columns apart, or not find one again."""
    seen = list(map(visible, header))
    for name, as_seen in zip(header, seen, strict=True):
        changed = name.startswith(META) and name != as_seen
        if changed or as_seen in {"", META} or seen.count(as_seen) > 1:
            raise InvalidInput(
                f"cannot write {path}: no table can have a column {name!r} beside the others: write a .jsonl"
            )


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
_PEOPLE_DECODER: Final = msgspec.json.Decoder(list[_Person])


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
                rows = map(msgspec.structs.astuple, map(_VARIABLES_OF, people))
                values = dict(zip(self._names, zip(*rows, strict=True), strict=True))
                return _People(list(map(_TO_OF, people)), values, list(map(_META_DATA_OF, people)))
        people = _PEOPLE_DECODER.decode(items)
        dicts = list(map(_VARIABLES_OF, people))
        names = dict.fromkeys(name for variables in dicts for name in variables)
        self._learn(tuple(names))
        return _People(
            list(map(_TO_OF, people)),
            {name: [variables.get(name, "") for variables in dicts] for name in names},
            list(map(_META_DATA_OF, people)),
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

    def __init__(self, own_columns: Sequence[str]) -> None:
        self._own = own_columns
        self._variables: dict[str, None] = {}
        self._metas: dict[str, None] = {}

    def add(self, people: _People) -> None:
        self._variables.update(dict.fromkeys(people.variables))
        self._metas.update(dict.fromkeys(name for meta in people.meta_data for name in meta))

    @property
    def header(self) -> list[str]:
        return ["to", *self._variables, *(f"{META}{name}" for name in self._shown_metas), *self._own]

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
