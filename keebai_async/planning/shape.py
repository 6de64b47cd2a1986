"""The rows of one template as types: made once, so that decoding and encoding check in C."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Final, TypeVar

import msgspec

from keebai_async.errors import TemplateUnusable
from keebai_async.keebai.models import Template
from keebai_async.planning.template import room_of

NO_META: Final = msgspec.Raw()
"""Stands for absent `meta_data`; it is left out of what is encoded."""

MAX_KINDS: Final = 16
"""Sets of `meta_data` columns for which a type is made; tables have one, odd lists may have any number."""

_UNNAMEABLE: Final = re.compile('[\x00-\x1f"\\\\]')  # msgspec makes no field of such a name
_TEXTS: Final = msgspec.json.Decoder(list[dict[str, str]])
_FIRST: Final = attrgetter("to")
_VARIABLES: Final = attrgetter("variables")
_META: Final = attrgetter("meta_data")


T = TypeVar("T")


class Row(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One recipient in the service's shape; `Shape` makes a subclass that knows the variables."""

    to: str


class Shape:
    """What a row of *template* looks like on the wire, and the ways to read and write many of them."""

    def __init__(self, template: Template) -> None:
        self.names = tuple(dict.fromkeys(template.variables))
        self.room = room_of(template)
        if any(map(_UNNAMEABLE.search, self.names)):
            raise TemplateUnusable(f"template {template.name!r} has a variable whose name cannot be sent")
        fields = [(f"v{position}", str) for position, _ in enumerate(self.names)]
        self._variables = msgspec.defstruct(
            "Variables",
            fields,
            rename={field: name for (field, _), name in zip(fields, self.names, strict=True)},
            frozen=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._getters = [attrgetter(field) for field, _ in fields]
        self._nothing = self._variables() if not fields else None
        variables: tuple[str, type, object] | tuple[str, type] = (
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
        self._lines: msgspec.json.Decoder[list[Row]] = msgspec.json.Decoder(list[self._row])  # type: ignore[name-defined]
        self._encoder = msgspec.json.Encoder()
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

    def decode_lines(self, data: bytes) -> list[Row]:
        """Rows in the service's shape, one a line and none blank.

        Raises msgspec.DecodeError if any line is another, UnicodeDecodeError if it is not UTF-8.
        """
        return _decode_lines(self._lines, data)

    def decode_flat(self, data: bytes) -> Sequence[Mapping[str, object]]:
        """Rows that hold nothing but text, one a line and none blank. Raises as `decode_lines` does."""
        return _decode_lines(_TEXTS, data)

    def numbers(self, rows: Iterable[Row]) -> list[str]:
        return list(map(_FIRST, rows))

    def values(self, row: Row) -> tuple[str, ...]:
        """The values of a row, in the order of `names`."""
        return msgspec.structs.astuple(_VARIABLES(row))

    def columns(self, rows: Iterable[Row]) -> list[list[str]]:
        """The values of many rows: a list for each of `names`."""
        variables = list(map(_VARIABLES, rows))
        return [list(map(get, variables)) for get in self._getters]

    def meta_data(self, rows: Iterable[Row]) -> list[msgspec.Raw]:
        return list(map(_META, rows))

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The rows as JSON, with commas between and without brackets."""
        return self._encoder.encode(rows)[1:-1]


def _decode_lines(decoder: msgspec.json.Decoder[list[T]], data: bytes) -> list[T]:
    # As an array, with a comma for each line end: an object over two lines, or two in one, would pass a
    # decoder of lines, but not this one.
    rows = decoder.decode(b"[" + data.replace(b"\n", b",").removesuffix(b",") + b"]")
    if len(rows) != data.count(b"\n") + (not data.endswith(b"\n")):
        raise msgspec.DecodeError("a line that is not an object")
    return rows
