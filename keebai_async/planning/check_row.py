"""What a row holds, whatever it came in: the exact slow path from a row to a Recipient or a Problem.

The fast path looks at whole blocks and may only say "certainly fine"; what it does not say that of comes
here, one row at a time, to be accepted after all or to be told what is wrong.
"""

import decimal
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import msgspec

from keebai_async.model.limits import E164, MAX_VARIABLE
from keebai_async.model.recipient import Reason, Recipient
from keebai_async.planning.codec import NO_META, Row, Shape
from keebai_async.planning.phone import (
    Parsed,
    Unreadable,
    bare,
    is_spreadsheet_number,
    parse,
    parser_installed,
)
from keebai_async.planning.template import Problem, check, flatten, missing

META: Final = "meta_"
FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
TEXT: Final = msgspec.json.Decoder(str)


class Odd(msgspec.Struct, frozen=True):
    """A value that is no text and cannot be rendered as one; *what* says what it is."""

    what: str


Value = str | Odd | None


@runtime_checkable
class Keyed(Protocol):
    """What `dict` can be made of: names, and a value for each."""

    def keys(self) -> Iterable[str]: ...

    def __getitem__(self, name: str, /) -> object: ...


class Given(msgspec.Struct, kw_only=True):
    """A row taken apart. *service* says that it came in the service's own shape."""

    to: Value
    values: dict[str, Value]
    meta_data: object = NO_META
    service: bool = False
    ignored: tuple[str, ...] = ()


class Names:
    """How a list calls the things: *columns* maps our names to its own."""

    def __init__(self, variables: Sequence[str], columns: Mapping[str, str]) -> None:
        self.to = columns.get("to", "to")
        self.variables = columns.get("variables", "variables")
        self.meta_data = columns.get("meta_data", "meta_data")
        self.of = {name: columns.get(name, name) for name in variables}
        self.known = frozenset({self.to, *self.of.values()})
        self.service = frozenset({self.to, self.variables, self.meta_data})

    def is_meta(self, column: str) -> bool:
        return column.startswith(META) and column != META and column not in self.known

    def metas(self, columns: Mapping[str, object] | Sequence[str]) -> list[str]:
        """The columns that go to `meta_data`, in one order whatever the order of the list."""
        return sorted(column for column in columns if self.is_meta(column))


def from_line(line: bytes, names: Names) -> Given | Problem:
    """Read one line of JSON."""
    try:
        fields = FIELDS.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return Problem(Reason.BAD_ROW, f"the line is not a JSON object, which it must be: {error}")
    variables, meta_data = fields.get(names.variables), fields.get(names.meta_data)
    if _is_object(variables) or _is_object(meta_data):
        if variables is None or bytes(variables) == b"null":
            given = {}
        elif _is_object(variables):
            given = FIELDS.decode(variables)
        else:
            return Problem(
                Reason.BAD_ROW, "variables is not an object: write one, with a text for each", names.variables
            )
        return Given(
            to=_raw_value(fields.get(names.to)),
            values={name: _raw_value(value) for name, value in given.items()},
            meta_data=_raw_meta(meta_data),
            service=True,
            ignored=tuple(fields.keys() - names.service),
        )
    metas = names.metas(fields)
    return Given(
        to=_raw_value(fields.get(names.to)),
        values={name: _raw_value(fields[own]) for name, own in names.of.items() if own in fields},
        meta_data=_joined({name: fields[name] for name in metas}),
        ignored=tuple(fields.keys() - names.known - set(metas)),
    )


def as_fields(item: object, names: Names) -> dict[str, object] | None:
    """A row that a program gave, as a dict; None if it is nothing of the kind."""
    if isinstance(item, dict):
        return item if type(item) is dict else dict(item)  # a defaultdict grows when it is asked
    if isinstance(item, Recipient):
        return {names.to: item.to, names.variables: item.variables, names.meta_data: item.meta_data}
    # A row of SQLite has names and is no Mapping.
    return dict(item) if isinstance(item, Keyed) else None


def from_object(item: object, names: Names) -> Given | Problem:
    """Read one dict, other mapping, or Recipient."""
    own = as_fields(item, names)
    if own is None:
        return Problem(Reason.BAD_ROW, f"a row is a dict or a Recipient, not a {type(item).__name__}")
    fields = {str(name): value for name, value in own.items()}
    variables, meta_data = fields.get(names.variables), fields.get(names.meta_data)
    if isinstance(variables, Mapping) or isinstance(meta_data, Mapping):
        if not isinstance(variables, Mapping | None):
            return Problem(
                Reason.BAD_ROW, "variables is not a dict: give one, with a text for each", names.variables
            )
        return Given(
            to=rendered(fields.get(names.to)),
            values={str(name): rendered(value) for name, value in (variables or {}).items()},
            meta_data=_object_meta(meta_data),
            service=True,
            ignored=tuple(fields.keys() - names.service),
        )
    metas = names.metas(fields)
    return Given(
        to=rendered(fields.get(names.to)),
        values={name: rendered(fields[own]) for name, own in names.of.items() if own in fields},
        meta_data=_object_meta({name.removeprefix(META): fields[name] for name in metas}),
        ignored=tuple(fields.keys() - names.known - set(metas)),
    )


def from_cells(header: Sequence[str], cells: Sequence[str], names: Names) -> Given | Problem:
    """Read one row of a table."""
    if len(cells) != len(header):
        short = "short" if len(cells) < len(header) else "long"
        return Problem(
            Reason.BAD_ROW,
            f"the row is too {short}: it has {len(cells)} cells, the header has {len(header)};"
            " look for a delimiter or a quote that is missing or too many",
        )
    fields = dict(zip(header, cells, strict=True))
    return Given(
        to=fields.get(names.to),
        values={name: fields[own] for name, own in names.of.items() if own in fields},
        meta_data=_object_meta({name.removeprefix(META): fields[name] for name in names.metas(fields)}),
    )


class Leniency(msgspec.Struct, frozen=True, kw_only=True):
    """What may be mended on the way, because the caller said so.

    *region* is the country of numbers without a plus, *drop_extra* leaves out variables that the template
    does not have, *fix_whitespace* flattens line breaks, tabs and runs of spaces in values.
    """

    region: str | None = None
    drop_extra: bool = False
    fix_whitespace: bool = False


class Mended(msgspec.Struct):
    """Counts of what the slow path did for people's rows, for the plan to tell."""

    whitespace: int = 0
    parsed: int = 0
    fixed_lines: int = 0


STRICT: Final = Leniency()
_MANY: Final = 10**18


def judge(
    given: Given, shape: Shape, leniency: Leniency = STRICT, mended: Mended | None = None
) -> Row | Problem:
    """The row as it will be sent, or the first thing that is wrong with it; counts in *mended*."""
    counts = Mended() if mended is None else mended
    to = _number(given.to, leniency.region, counts)
    if isinstance(to, Problem):
        return to
    absent = [name for name in shape.names if name not in given.values]
    if absent:
        return missing(absent)
    extra = [name for name in given.values if name not in shape.names]
    if extra and not leniency.drop_extra:
        return Problem(
            Reason.EXTRA_VARIABLE, f"the template has no variable {extra[0]}: leave it out", extra[0]
        )
    values = []
    for name in shape.names:
        value = given.values[name]
        if leniency.fix_whitespace and isinstance(value, str) and (flat := flatten(value)) != value:
            value = flat
            counts.whitespace += 1
        problem = _wrong(name, value)
        if problem or not isinstance(value, str):
            return problem or missing([name])
        values.append(value)
    if shape.room is not None and (over := shape.room.over(values)) > 0:
        detail = f"the message would be {over} characters longer than {MAX_VARIABLE}: shorten its variables"
        return Problem(Reason.LONG_VARIABLE, detail, longest(shape.names, values))
    if isinstance(given.meta_data, Odd):
        return Problem(Reason.BAD_META_DATA, f"meta_data {given.meta_data.what}", "meta_data")
    return shape.row(to, values, given.meta_data)


def longest(names: Sequence[str], values: Sequence[str]) -> str:
    """The name of the longest value."""
    return max(zip(names, values, strict=True), key=lambda each: len(each[1]), default=("", ""))[0]


def _number(value: Value, region: str | None, counts: Mended) -> str | Problem:
    if isinstance(value, Odd):
        return Problem(Reason.BAD_NUMBER, f"the number {value.what}: write it as text, +5491155555555", "to")
    number = bare(value) if value else ""
    if not number:
        return Problem(Reason.NO_NUMBER, "there is no number: give one, or leave the row out", "to")
    if E164.fullmatch(number):
        return number
    if is_spreadsheet_number(number):
        return Problem(
            Reason.SPREADSHEET_NUMBER,
            "a spreadsheet has rounded the number: format the column as text and fill it again",
            "to",
        )
    if not parser_installed():
        detail = (
            "not a number in E.164, such as +5491155555555; to read local spellings, install"
            " keebai-async[phones] and give --default-region"
        )
        return Problem(Reason.BAD_NUMBER, detail, "to")
    if region is None and not number.startswith("+"):
        detail = (
            "not a number in E.164, such as +5491155555555; to read local spellings (keebai-async[phones] is"
            " installed), give --default-region"
        )
        return Problem(Reason.BAD_NUMBER, detail, "to")
    return _parsed(number, region, counts)


def _parsed(number: str, region: str | None, counts: Mended) -> str | Problem:
    match parse(number, region):
        case Unreadable(why):
            return Problem(Reason.BAD_NUMBER, f"{why}: write it in E.164, such as +5491155555555", "to")
        case Parsed(e164, fixed):
            counts.parsed += 1
            counts.fixed_lines += fixed
            return e164


def _wrong(name: str, value: Value) -> Problem | None:
    if value is None:
        return Problem(Reason.BLANK_VARIABLE, f"{name} is null: give it a value", name)
    if isinstance(value, Odd):
        return Problem(Reason.BAD_VARIABLE, f"{name} {value.what}: write it as text", name)
    return check(name, value)


def _is_object(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw).startswith(b"{")


def _raw_value(raw: msgspec.Raw | None) -> Value:
    """A JSON value as text: numbers as they are written, `true` and `false`."""
    if raw is None:
        return None
    text = bytes(raw).decode()
    match text[:1]:
        case '"':
            return TEXT.decode(raw)
        case "{" | "[":
            return Odd("is an object or a list")
        case "n":
            return None
    return text


def rendered(value: object) -> Value:
    """What a program or a JSON line gives for a variable, as text; None for nothing."""
    if value is None or isinstance(value, str):
        return None if value is None else str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return _digits(value) if value.is_finite() else None
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else None
    if isinstance(value, numbers.Integral):
        number = int(value)
        return str(number) if -_MANY < number < _MANY else _digits(decimal.Decimal(number))
    return Odd(f"is a {type(value).__name__}")


def _digits(value: decimal.Decimal) -> Value:
    # Python refuses to write an integer of thousands of digits, and would write out any power of ten.
    if abs(value.adjusted()) > MAX_VARIABLE:
        return Odd("is a number of too many digits")
    return format(value, "f")


def _raw_meta(raw: msgspec.Raw | None) -> object:
    if raw is None or bytes(raw) == b"null":
        return NO_META
    if not _is_object(raw):
        return Odd("is not an object: write one, or leave it out")
    return raw if FIELDS.decode(raw) else NO_META


def _object_meta(value: object) -> object:
    if value is None or value == {}:
        return NO_META
    if not isinstance(value, Mapping):
        return Odd("is not a dict: give one, or leave it out")
    try:
        return msgspec.Raw(msgspec.json.encode(dict(value)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return Odd(f"cannot be written as JSON: {error}")


def _joined(fields: Mapping[str, msgspec.Raw]) -> object:
    if not fields:
        return NO_META
    return msgspec.Raw(msgspec.json.encode({name.removeprefix(META): raw for name, raw in fields.items()}))
