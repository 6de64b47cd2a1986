"""JSON Lines, decoded a block at a time.

Decoded and looked at line by line, a block takes half as long again as when it is one array. But lines that
are joined with commas may be read as what no line is: an object that goes on in the next line, or two
objects in one, would pass as people that nobody meant. So a null of our own goes behind every line end, and
must come out of the array between two rows, where it was put. A block in which one line is not right for
certain is decoded line by line, and leaves out only those lines.

There are three forms: *strict*, in the service's own shape with nothing but text, which is checked while it
is read; *loose*, the same with any JSON for a variable; *flat*, an object with a key for each variable.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar, cast

import msgspec

from keebai_async.planning.codec import NO_META, WireRow
from keebai_async.planning.repeated_keys import certainly_once, key_twice
from keebai_async.sources.spelling import of_json

_to_of = attrgetter("to")
_variables_of = attrgetter("variables")
_meta_data_of = attrgetter("meta_data")
_EMPTY: Final = frozenset({b"", b"{}", b"null"})

T = TypeVar("T")


class LooseRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One person in the service's shape, whose variables may be anything."""

    to: str
    variables: dict[str, object]
    meta_data: msgspec.Raw = NO_META


class Written(str):
    """A number of JSON with a point or an exponent, as it is sent."""

    __slots__ = ()


def _written(number: str) -> object:
    text = of_json(number)
    return Written(text) if isinstance(text, str) else text


class StrictLines(NamedTuple):
    """Rows, and by column what is in them: *values* has a column for each variable."""

    to: Sequence[str]
    values: Sequence[Sequence[str]]
    meta_data: Sequence[msgspec.Raw]
    rows: list[WireRow]


class LooseLines(NamedTuple):
    """Rows by column, with the variables as they are."""

    to: Sequence[str]
    variables: Sequence[object]
    meta_data: Sequence[msgspec.Raw]


Flat = dict[str, object]
_FLAT_BLOCK: Final = cast(
    "msgspec.json.Decoder[list[Flat | None]]", msgspec.json.Decoder(list[dict[str, str] | None])
)
_FLAT_LINE: Final = cast("msgspec.json.Decoder[Flat]", msgspec.json.Decoder(dict[str, str]))
_LOOSE_FLAT_BLOCK: Final = msgspec.json.Decoder(list[Flat | None], float_hook=_written)
_LOOSE_FLAT_LINE: Final = msgspec.json.Decoder(Flat, float_hook=_written)
_LOOSE_BLOCK: Final = msgspec.json.Decoder(list[LooseRow | None], float_hook=_written)
_LOOSE_LINE: Final = msgspec.json.Decoder(LooseRow, float_hook=_written)


class LineDecoder:
    """Decodes lines into rows of one type with so many *variables*, which `RowCodec` made.

    A line in which an object has a key twice is not right.

    What decodes a block takes it whole, *count* lines in *data*, or raises msgspec.DecodeError when any line
    is another, UnicodeDecodeError when it is not UTF-8, RecursionError when it is too deep. What decodes
    *each* line gives the rows of those that it would take alone, and the places of these.
    """

    def __init__(self, row_type: type[WireRow], variables: int) -> None:
        self._keys = 2 + variables
        self._absent: object = None if variables else _variables_of(row_type(""))
        """What a row has for variables that its line does not name, which it may where there are none."""
        self._block: msgspec.json.Decoder[list[WireRow | None]] = msgspec.json.Decoder(list[row_type | None])  # type: ignore[valid-type]
        self._line: msgspec.json.Decoder[WireRow] = msgspec.json.Decoder(row_type)

    def strict_block(self, data: bytes, count: int) -> StrictLines:
        """Rows in the service's shape, with no value that is empty or too long."""
        rows = _together(self._block, data, count)
        parts = _parts(rows)
        strict = _strict(rows, parts)
        keys = count * self._keys - self._unnamed(parts.variables) + parts.with_meta_data
        _check_keys(data, keys, (strict.to, *strict.values), strict.meta_data)
        return strict

    def loose_block(self, data: bytes, count: int) -> LooseLines:
        """The same with any variables. A number with a point or an exponent is a `Written`."""
        rows = _together(_LOOSE_BLOCK, data, count)
        parts = _parts(rows)
        values = [row.variables.values() for row in rows]
        loose = _loose(rows, parts)
        keys = 2 * count + sum(map(len, values)) + parts.with_meta_data
        _check_keys(data, keys, (loose.to, *values), loose.meta_data)
        return loose

    def flat_block(self, data: bytes, count: int, *, loosely: bool) -> list[Flat]:
        """Flat rows; unless *loosely*, of nothing but text."""
        rows = _together(_LOOSE_FLAT_BLOCK if loosely else _FLAT_BLOCK, data, count)
        _check_keys(data, sum(map(len, rows)), map(dict.values, rows))
        return rows

    def each_strict(self, lines: Sequence[bytes]) -> tuple[StrictLines, list[int]]:
        rows, where = self._singly(
            self._line, lines, lambda row: self._keys - self._unnamed([_variables_of(row)])
        )
        return _strict(rows, _parts(rows)), where

    def each_loose(self, lines: Sequence[bytes]) -> tuple[LooseLines, list[int]]:
        rows, where = self._singly(_LOOSE_LINE, lines, _keys_of_loose)
        return _loose(rows, _parts(rows)), where

    def each_flat(self, lines: Sequence[bytes], *, loosely: bool) -> tuple[list[Flat], list[int]]:
        return self._singly(_LOOSE_FLAT_LINE if loosely else _FLAT_LINE, lines, len)

    def _unnamed(self, variables: Iterable[object]) -> int:
        """The rows whose lines do not name their variables: a key less, which another one must not fill."""
        return 0 if self._absent is None else list(map(id, variables)).count(id(self._absent))

    def _singly(
        self, decoder: msgspec.json.Decoder[T], lines: Sequence[bytes], keys: Callable[[T], int]
    ) -> tuple[list[T], list[int]]:
        rows: list[T] = []
        where: list[int] = []
        for place, line in enumerate(lines):
            try:
                row = decoder.decode(line)
            except (msgspec.DecodeError, RecursionError):
                continue
            if not _is_object_or_empty(bytes(getattr(row, "meta_data", NO_META))):
                continue
            if line.count(b":") == keys(row) or key_twice(line) is None:
                rows.append(row)
                where.append(place)
        return rows, where


def _check_keys(
    data: bytes, keys: int, values: Iterable[Collection[object]], metas: Sequence[msgspec.Raw] = ()
) -> None:
    """Raises msgspec.DecodeError if a key may be twice in an object; *keys* are all but those in *metas*."""
    if not certainly_once(data, keys, values, metas):
        raise msgspec.DecodeError("perhaps a key that is there twice")


def _keys_of_loose(row: LooseRow) -> int:
    return 2 + len(row.variables)


def _together(decoder: msgspec.json.Decoder[list[T | None]], data: bytes, count: int) -> list[T]:
    # Within an object or a text there is no place for our null, and elsewhere it must come out between two
    # rows: so an object over two lines, or two in one, passes neither here nor, if it hides in an array of
    # meta_data, where that is looked at.
    items = decoder.decode(b"[%b]" % data.removesuffix(b"\n").replace(b"\n", b"\n,null,"))
    rows = list(filter(None, items[::2]))
    if len(rows) != count or items[1::2] != [None] * (count - 1):
        raise msgspec.DecodeError("a line that is not an object")
    return rows


def _strict(rows: list[WireRow], parts: "_Parts") -> StrictLines:
    """Raises as `LineDecoder` does, for what is decoded only here."""
    values = map(msgspec.structs.astuple, parts.variables)  # type: ignore[arg-type]  # they are structs
    return StrictLines(parts.to, list(zip(*values, strict=True)), _without_empty(rows, parts.meta_data), rows)


def _loose(rows: list[LooseRow], parts: "_Parts") -> LooseLines:
    """Raises as `LineDecoder` does, for what is decoded only here."""
    return LooseLines(parts.to, parts.variables, _without_empty(rows, parts.meta_data))


def _is_object_or_empty(meta: bytes) -> bool:
    """Whether what is given as meta_data certainly is one; no to be looked at closer."""
    return meta.startswith(b'{"') or meta in _EMPTY


class _Parts(NamedTuple):
    """The numbers, the variables and the meta_data of rows that were decoded, as they are."""

    to: list[str]
    variables: list[object]
    meta_data: list[msgspec.Raw]

    @property
    def with_meta_data(self) -> int:
        """The rows that have the key, whatever is behind it."""
        return len(self.meta_data) - self.meta_data.count(NO_META)


def _parts(rows: Sequence[WireRow] | Sequence[LooseRow]) -> _Parts:
    return _Parts(list(map(_to_of, rows)), list(map(_variables_of, rows)), list(map(_meta_data_of, rows)))


def _without_empty(
    rows: Sequence[WireRow] | Sequence[LooseRow], metas: list[msgspec.Raw]
) -> list[msgspec.Raw]:
    """*metas* of *rows*, each an object with something in it, or NO_META, as it is in the rows by then."""
    joined = b"\0" + b"\0".join(metas)  # which JSON cannot hold
    if len(joined) <= max(1, len(metas)):  # nobody has any
        return metas
    if b"\n" in joined:
        raise msgspec.DecodeError("an object over two lines")
    if not joined.isascii():
        joined.decode()
    if joined.count(b'\0{"') == len(metas):
        return metas
    for row, meta in zip(rows, map(bytes, metas), strict=True):
        if meta in _EMPTY:
            msgspec.structs.force_setattr(row, "meta_data", NO_META)
        elif not _is_object_or_empty(meta):
            raise msgspec.DecodeError("meta_data that may be no object")
    return list(map(_meta_data_of, rows))
