"""The rows of one template as types: made once, so that decoding and encoding check in C."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec

from keebai_async.errors import TemplateUnusable
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.template import Template
from keebai_async.planning.template import room_of

NO_META: Final = msgspec.Raw()
"""Stands for absent `meta_data`; it is left out of what is encoded."""

MAX_KINDS: Final = 16
"""Sets of `meta_data` columns for which a type is made; tables have one, odd lists may have any number."""

_UNNAMEABLE: Final = re.compile('[\x00-\x1f"\\\\]')  # msgspec makes no field of such a name
_UNWRITABLE: Final = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
_VALUE: Final = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_VARIABLE)]
_FIRST: Final = attrgetter("to")
_VARIABLES: Final = attrgetter("variables")
_META: Final = attrgetter("meta_data")
_EMPTY: Final = frozenset({b"", b"{}", b"null"})


T = TypeVar("T")


class Row(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One recipient in the service's shape; `Shape` makes a subclass that knows the variables."""

    to: str


class LooseRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One recipient in the service's shape, whose variables may be anything."""

    to: str
    variables: dict[str, object]
    meta_data: msgspec.Raw = NO_META


class Written(str):
    """A number of JSON with a point or an exponent, as it is written."""

    __slots__ = ()


class Decoded(NamedTuple):
    """Rows, and by column what is in them: *values* has a column for each variable."""

    to: Sequence[str]
    values: Sequence[Sequence[str]]
    meta_data: Sequence[msgspec.Raw]
    rows: list[Row]


class Loose(NamedTuple):
    """Rows by column, with the variables as they are."""

    to: Sequence[str]
    variables: Sequence[object]
    meta_data: Sequence[msgspec.Raw]


_Flat = dict[str, object]
_FLAT_LINES: Final[msgspec.json.Decoder[list[_Flat | None]]] = msgspec.json.Decoder(
    list[dict[str, str] | None]
)
_FLAT_LINE: Final[msgspec.json.Decoder[_Flat]] = msgspec.json.Decoder(dict[str, str])
_LOOSE_FLAT_LINES: Final = msgspec.json.Decoder(list[_Flat | None], float_hook=Written)
_LOOSE_FLAT_LINE: Final = msgspec.json.Decoder(_Flat, float_hook=Written)
_LOOSE_LINES: Final = msgspec.json.Decoder(list[LooseRow | None], float_hook=Written)
_LOOSE_LINE: Final = msgspec.json.Decoder(LooseRow, float_hook=Written)


class Shape:
    """What a row of *template* looks like on the wire, and the ways to read and write many of them."""

    def __init__(self, template: Template) -> None:
        self.names = tuple(dict.fromkeys(template.variables))
        self.room = room_of(template)
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
        self._row: type[Row] = msgspec.defstruct(  # type: ignore[assignment]
            "Row",
            [variables, ("meta_data", msgspec.Raw, NO_META)],
            bases=(Row,),
            omit_defaults=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._lines: msgspec.json.Decoder[list[Row | None]] = msgspec.json.Decoder(list[self._row | None])  # type: ignore[name-defined]
        self._line: msgspec.json.Decoder[Row] = msgspec.json.Decoder(self._row)
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        self._metas: dict[tuple[str, ...], type[msgspec.Struct]] = {}

    def row(self, to: str, values: Sequence[str], meta_data: object = NO_META) -> Row:
        """One row; *values* in the order of `names`."""
        make: Callable[..., Row] = self._row
        return make(to, self._variables(*values) if values else self._nothing, meta_data)

    def rows(
        self,
        to: Iterable[str],
        values: Sequence[Iterable[str]],
        meta_data: Iterable[object] | None = None,
    ) -> list[Row]:
        """Many rows at once, of columns: *values* has one for each of `names`."""
        variables: Iterable[object] = map(self._variables, *values) if values else repeat(self._nothing)
        make: Callable[..., Row] = self._row
        if meta_data is None:
            return list(map(make, to, variables))
        return list(map(make, to, variables, meta_data))

    def meta_rows(self, names: Sequence[str], columns: Iterable[Iterable[object]]) -> Sequence[object]:
        """`meta_data` of many rows, of a column for each of *names*, in this order."""
        make = self._metas.get(tuple(names))
        if make is None and len(self._metas) < MAX_KINDS and not any(map(_UNNAMEABLE.search, names)):
            fields = [f"m{position}" for position, _ in enumerate(names)]
            rename = dict(zip(fields, names, strict=True))
            make = self._metas[tuple(names)] = msgspec.defstruct("MetaData", fields, rename=rename, gc=False)
        if make is None:
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return list(map(make, *columns))

    def decode_lines(self, data: bytes, count: int) -> Decoded:
        """*count* rows in the service's shape, one a line, with no value that is empty or too long.

        Raises msgspec.DecodeError if any line is another, UnicodeDecodeError if it is not UTF-8.
        """
        return self._decoded(_together(self._lines, data, count))

    def decode_loosely(self, data: bytes, count: int) -> Loose:
        """The same, whatever the variables are. A number with a point or an exponent is a `Written`."""
        rows = _together(_LOOSE_LINES, data, count)
        return Loose(*_parts(rows))

    def decode_flat(self, data: bytes, count: int, *, loosely: bool) -> list[dict[str, object]]:
        """*count* flat rows, one a line; unless *loosely*, of nothing but text. Raises as `decode_lines`."""
        return _together(_LOOSE_FLAT_LINES if loosely else _FLAT_LINES, data, count)

    def decode_each(self, lines: Sequence[bytes]) -> tuple[Decoded, list[int]]:
        """What `decode_lines` gives of the lines that it would take alone, and the places of these."""
        rows, where = _singly(self._line, lines)
        return self._decoded(rows), where

    def decode_each_loosely(self, lines: Sequence[bytes]) -> tuple[Loose, list[int]]:
        """What `decode_loosely` gives of the lines that it would take alone, and the places of these."""
        rows, where = _singly(_LOOSE_LINE, lines)
        return Loose(*_parts(rows)), where

    def decode_each_flat(
        self, lines: Sequence[bytes], *, loosely: bool
    ) -> tuple[list[dict[str, object]], list[int]]:
        """What `decode_flat` gives of the lines that it would take alone, and the places of these."""
        return _singly(_LOOSE_FLAT_LINE if loosely else _FLAT_LINE, lines)

    def _decoded(self, rows: list[Row]) -> Decoded:
        to, variables, metas = _parts(rows)
        values = map(msgspec.structs.astuple, variables)  # type: ignore[arg-type]  # they are structs
        return Decoded(to, list(zip(*values, strict=True)), metas, rows)

    def numbers(self, rows: Iterable[Row]) -> list[str]:
        return list(map(_FIRST, rows))

    def values(self, row: Row) -> tuple[str, ...]:
        """The values of a row, in the order of `names`."""
        return msgspec.structs.astuple(_VARIABLES(row))

    def meta_data(self, rows: Iterable[Row]) -> list[msgspec.Raw]:
        return list(map(_META, rows))

    def writable(self, values: Sequence[object]) -> bool:
        """Whether all of *values* can be written as JSON: what a program gives may be anything."""
        try:
            self._encoder.encode(values)
        except _UNWRITABLE:
            return False
        return True

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The rows as JSON, with commas between and without brackets."""
        self._encoder.encode_into(rows, self._buffer)
        return bytes(memoryview(self._buffer)[1:-1])


def _together(decoder: msgspec.json.Decoder[list[T | None]], data: bytes, count: int) -> list[T]:
    # All lines as one array, with a null of our own behind every line end. Within an object or a text there
    # is no place for it, and elsewhere it must come out between two rows: so an object over two lines, or
    # two in one, passes neither here nor, if it hides in an array of meta_data, where that is looked at.
    items = decoder.decode(b"[%b]" % data.removesuffix(b"\n").replace(b"\n", b"\n,null,"))
    rows = list(filter(None, items[::2]))
    if len(rows) != count or items[1::2] != [None] * (count - 1):
        raise msgspec.DecodeError("a line that is not an object")
    return rows


def _singly(decoder: msgspec.json.Decoder[T], lines: Sequence[bytes]) -> tuple[list[T], list[int]]:
    rows: list[T] = []
    where: list[int] = []
    for place, line in enumerate(lines):
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError):
            continue
        if _is_object_or_empty(bytes(getattr(row, "meta_data", NO_META))):
            rows.append(row)
            where.append(place)
    return rows, where


def _is_object_or_empty(meta: bytes) -> bool:
    """Whether what is given as meta_data certainly is one; no to be looked at closer."""
    return meta.startswith(b'{"') or meta in _EMPTY


def _parts(
    rows: Sequence[Row] | Sequence[LooseRow],
) -> tuple[Sequence[str], Sequence[object], Sequence[msgspec.Raw]]:
    """The numbers, the variables and the meta_data of rows that were decoded; none of the last is empty.

    Raises as `Shape.decode_lines` does, for what is decoded only here.
    """
    if not rows:
        return (), (), ()
    to, variables, metas = zip(*map(msgspec.structs.astuple, rows), strict=True)
    joined = b"\0" + b"\0".join(metas)  # which JSON cannot hold
    if len(joined) == len(rows):  # nobody has any
        return to, variables, metas
    if b"\n" in joined:
        raise msgspec.DecodeError("an object over two lines")
    if not joined.isascii():
        joined.decode()
    if joined.count(b'\0{"') != len(rows):
        for row, meta in zip(rows, map(bytes, metas), strict=True):
            if meta in _EMPTY:
                msgspec.structs.force_setattr(row, "meta_data", NO_META)
            elif not _is_object_or_empty(meta):
                raise msgspec.DecodeError("meta_data that may be no object")
        metas = tuple(map(_META, rows))
    return to, variables, metas
