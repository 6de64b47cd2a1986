"""The people of a chunk as JSON: types made once for a template, so that encoding and decoding check in C.

With a dict for each person, every key and every type has to be looked at in Python, which is half a second
for 50,000 people. So the template's variables become a struct, with one field of text for each: the decoder
that is given it (`line_decoder.py`) finds what is missing, unknown or no text while it reads, for nothing,
and columns of text become many structs in one call.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Final, NamedTuple, cast, overload

import msgspec

from keebai_async.errors import TemplateUnusable
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.template import Template
from keebai_async.planning.column_json import ANY, ColumnJson
from keebai_async.planning.narrowing import picked, without
from keebai_async.planning.template import body_space
from keebai_async.sources.block import LineBlock

NO_META: Final = msgspec.Raw()
"""Stands for absent `meta_data`; it is left out of what is encoded."""

UNWRITABLE: Final = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What encoding raises for what JSON cannot hold: a program may give anything."""

MAX_META_TYPES: Final = 16
"""Sets of `meta_data` columns for which a type is made; tables have one, odd lists may have any number."""

_UNNAMEABLE: Final = re.compile('[\x00-\x1f"\\\\\ud800-\udfff]')  # msgspec makes no field of such a name
_VALUE: Final = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_VARIABLE)]
_TO: Final = attrgetter("to")
_VARIABLES: Final = attrgetter("variables")
_META: Final = attrgetter("meta_data")


class WireRow(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A Recipient of `model`, as JSON; `RowCodec` makes a subclass that knows the variables."""

    to: str


class MetaColumns(NamedTuple):
    """`meta_data` of many rows: its keys, and for each of them a column of texts."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[str]]

    def without(self, gone: Sequence[int]) -> "MetaColumns":
        """That of all rows but those at the places *gone*, which go up."""
        return MetaColumns(self.names, [without(column, gone) for column in self.columns])


NO_COLUMNS: Final = MetaColumns((), ())


class RowCodec:
    """What a Recipient looks like under *template*, as JSON, and the ways to make and encode many of them.

    Raises:
        TemplateUnusable: a variable has a name that cannot be sent.
    """

    def __init__(self, template: Template) -> None:
        self.template = template
        self.names = tuple(dict.fromkeys(template.variables))
        """The variables, in the order in which values are given."""
        self.space = body_space(template)
        if any(map(_UNNAMEABLE.search, self.names)):
            raise TemplateUnusable(f"template {template.name!r} has a variable whose name cannot be sent")
        fields = [(f"v{position}", _VALUE) for position, _ in enumerate(self.names)]
        self._variables = msgspec.defstruct(
            "Variables",
            fields,
            rename={field: name for (field, _), name in zip(fields, self.names, strict=True)},
            frozen=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._nothing = self._variables() if not fields else None
        variables: tuple[str, object, object] | tuple[str, object] = (
            ("variables", self._variables) if fields else ("variables", self._variables, self._nothing)
        )
        # What defstruct makes has the base it is given, but its signature cannot say so.
        self.row_type: type[WireRow] = msgspec.defstruct(  # type: ignore[assignment]
            "Row",
            [variables, ("meta_data", msgspec.Raw, NO_META)],
            bases=(WireRow,),
            omit_defaults=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        self._metas: dict[tuple[str, ...], type[msgspec.Struct]] = {}
        self._written: tuple[tuple[str, ...], ColumnJson] | None = None
        """How people with the columns of the last block are written: a list mostly has the same in all."""

    def row(self, to: str, values: Sequence[str], meta_data: object = NO_META) -> WireRow:
        """One row; *values* in the order of `names`."""
        make = cast("Callable[..., WireRow]", self.row_type)
        return make(to, self._variables(*values) if values else self._nothing, meta_data)

    def rows(
        self,
        to: Iterable[str],
        values: Sequence[Iterable[str]],
        meta_data: Iterable[object] | None = None,
    ) -> list[WireRow]:
        """Many rows at once, of columns: *values* has one for each of `names`."""
        variables: Iterable[object] = map(self._variables, *values) if values else repeat(self._nothing)
        make = cast("Callable[..., WireRow]", self.row_type)
        if meta_data is None:
            return list(map(make, to, variables))
        return list(map(make, to, variables, meta_data))

    def meta_rows(self, names: Sequence[str], columns: Iterable[Iterable[object]]) -> Sequence[object]:
        """`meta_data` of many rows, of a column for each of *names*, in this order."""
        make = self._metas.get(tuple(names))
        if make is None and len(self._metas) < MAX_META_TYPES and not any(map(_UNNAMEABLE.search, names)):
            fields = [f"m{position}" for position, _ in enumerate(names)]
            rename = dict(zip(fields, names, strict=True))
            make = self._metas[tuple(names)] = msgspec.defstruct("MetaData", fields, rename=rename, gc=False)
        if make is None:
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return list(map(make, *columns))

    def values(self, row: WireRow) -> tuple[str, ...]:
        """The values of a row, in the order of `names`."""
        return msgspec.structs.astuple(_VARIABLES(row))

    def columns(self, rows: Sequence[WireRow]) -> Sequence[Sequence[str]]:
        """The values of many rows: a column for each of `names`."""
        if isinstance(rows, ColumnPeople):
            return rows.columns[1 : 1 + len(self.names)]
        return list(zip(*map(self.values, rows), strict=True))

    def meta_data(self, rows: Iterable[WireRow]) -> list[msgspec.Raw]:
        return list(map(_META, rows))

    def writable(self, values: Sequence[object]) -> bool:
        """Whether all of *values* can be written as JSON."""
        try:
            self._encoder.encode(values)
        except UNWRITABLE:
            return False
        return True

    def encode(self, rows: Sequence[WireRow]) -> bytes:
        """The rows as JSON, with commas between and without brackets."""
        if isinstance(rows, ColumnPeople):
            if rows.written is not None:
                return rows.written.joined()
            encoded = self._column_json(rows.metas.names).encode(rows.columns, plain=rows.plain)
            if encoded is not None:
                return encoded
            rows = rows.made()
        self._encoder.encode_into(rows, self._buffer)
        return bytes(memoryview(self._buffer)[1:-1])

    def _column_json(self, metas: tuple[str, ...]) -> ColumnJson:
        if self._written is None or self._written[0] != metas:
            texts = 1 + len(self.names) + len(metas)
            anybody = self.row(ANY, [ANY] * len(self.names), dict.fromkeys(metas, ANY) or NO_META)
            self._written = metas, ColumnJson(self.encode([anybody]), texts)
        return self._written[1]


class WrittenPeople:
    """The people of a block, or those at *places*, whose lines are the JSON that we would write."""

    def __init__(self, block: LineBlock, places: Sequence[int] | None = None) -> None:
        self._block = block
        self._places = places

    def joined(self) -> bytes:
        """All of them, with commas between."""
        if self._places is None:
            return self._block.data.removesuffix(b"\n").replace(b"\n", b",")
        return b",".join(picked(self._block.lines, self._places))

    def picked(self, places: Sequence[int]) -> "WrittenPeople":
        return WrittenPeople(self._block, places if self._places is None else picked(self._places, places))

    def without(self, gone: Sequence[int]) -> "WrittenPeople":
        """All of them but those at the places *gone*, which go up."""
        return WrittenPeople(self._block, without(self._all, gone))

    @property
    def _all(self) -> Sequence[int]:
        return range(self._block.count) if self._places is None else self._places

    def part(self, place: slice) -> "WrittenPeople":
        return WrittenPeople(self._block, self._all[place])


class ColumnPeople(Sequence[WireRow]):
    """Rows as the columns of text that they came in: a row is made only where one is looked at.

    *written* are they all as `RowCodec.encode` makes them, if that is known. Where they are *plain*, no text
    of theirs has a sign that JSON writes with a backslash.
    """

    def __init__(
        self,
        codec: RowCodec,
        to: Sequence[str],
        values: Sequence[Sequence[str]],
        metas: MetaColumns,
        *,
        written: WrittenPeople | None = None,
        plain: bool = False,
    ) -> None:
        self._codec = codec
        self.columns = (to, *values, *metas.columns)
        self.metas = metas
        self.written = written
        self.plain = plain

    def made(self) -> list[WireRow]:
        """The rows."""
        to, *values = self.columns[: 1 + len(self._codec.names)]
        names, columns = self.metas
        return self._codec.rows(to, values, self._codec.meta_rows(names, columns) if names else None)

    def picked(self, places: Sequence[int]) -> "ColumnPeople":
        """Those at *places* alone."""
        written = None if self.written is None else self.written.picked(places)
        return self._of([picked(column, places) for column in self.columns], written)

    def without(self, gone: Sequence[int]) -> "ColumnPeople":
        """All of them but those at the places *gone*, which go up."""
        written = None if self.written is None else self.written.without(gone)
        return self._of([without(column, gone) for column in self.columns], written)

    def _of(self, columns: Sequence[Sequence[str]], written: WrittenPeople | None) -> "ColumnPeople":
        to, *texts = columns
        values = len(self._codec.names)
        metas = MetaColumns(self.metas.names, texts[values:])
        return ColumnPeople(self._codec, to, texts[:values], metas, written=written, plain=self.plain)

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[WireRow]:
        return iter(self.made())

    @overload
    def __getitem__(self, place: int) -> WireRow: ...

    @overload
    def __getitem__(self, place: slice) -> "ColumnPeople": ...

    def __getitem__(self, place: "int | slice") -> "WireRow | ColumnPeople":
        if isinstance(place, int):
            return self[place : place + 1 or None].made()[0]
        if place.indices(len(self)) == (0, len(self), 1):
            return self
        written = None if self.written is None else self.written.part(place)
        return self._of([column[place] for column in self.columns], written)


def numbers_of(rows: Sequence[WireRow]) -> Sequence[str]:
    """The numbers of people."""
    return rows.columns[0] if isinstance(rows, ColumnPeople) else list(map(_TO, rows))


def rows_at(rows: Sequence[WireRow], places: Sequence[int]) -> Sequence[WireRow]:
    """The people at *places*."""
    return rows.picked(places) if isinstance(rows, ColumnPeople) else picked(rows, places)


def rows_without(rows: Sequence[WireRow], gone: Sequence[int]) -> Sequence[WireRow]:
    """All people but those at the places *gone*, which go up."""
    return rows.without(gone) if isinstance(rows, ColumnPeople) else without(rows, gone)
