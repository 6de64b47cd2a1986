"""Rows of JSON Lines: one object a line, in the service's own shape or flat.

Which lines are rows is not known before they are looked at: a blank line is none, and has a number all the
same. To split a block and look at each line costs time that a list without a blank or broken line need not
spend. So the fast path takes the block as it is, and learns there that every line is a row: it is split where
its texts are, if all lines have one shape (`shaped_lines.py`), or else decoded (`line_decoder.py`). Only a
block where both fail is cut into lines, to look at them one by one.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import msgspec

from keebai_async.model.own_columns import REASON
from keebai_async.model.recipient import Reason
from keebai_async.planning.candidates import NOBODY, Candidates
from keebai_async.planning.codec import NO_META
from keebai_async.planning.dict_columns import DictColumns, Item
from keebai_async.planning.line_decoder import LineDecoder, LooseLines, StrictLines
from keebai_async.planning.narrowing import picked
from keebai_async.planning.own_rows import as_table, no_text, still_out
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rendering import TEXT
from keebai_async.planning.repeated_keys import key_twice
from keebai_async.planning.rows import META, ListContext, ListNames, NotText, ParsedRow, Value
from keebai_async.planning.shaped_lines import ShapedLines
from keebai_async.sources.block import LineBlock
from keebai_async.sources.spelling import of_json

FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_Texts = str | dict[str, str]
_TEXTS: Final = msgspec.json.Decoder(dict[str, _Texts])

_BEGIN_NUMBERS: Final = frozenset(bytes([digit]) for digit in b"-0123456789")
_MINUS_ZERO: Final = b"-0"  # which JSON knows, and an integer that was read does not


class JsonlRows:
    """The lines of one block but for blank ones."""

    def __init__(self, block: LineBlock, names: ListNames, fast: "JsonlList") -> None:
        self.names = names
        self.nested = (names.variables, names.meta_data)
        self.block = block
        self._fast = fast
        self._every_line = False

    @property
    def numbers(self) -> Sequence[int]:
        return self._numbers

    @cached_property
    def _numbers(self) -> Sequence[int]:
        if self._every_line:
            return range(self.block.first, self.block.first + self.block.count)
        return [number for number, _ in self._numbered]

    @cached_property
    def lines(self) -> Sequence[bytes]:
        """The rows, and perhaps what is after the last line end. Raises UnusableSource if it is not UTF-8."""
        if self._every_line:
            return self.block.lines
        return [line for _, line in self._numbered]

    def candidates(self) -> Candidates:
        """The fast path: of a block whose lines can be decoded together, or else of those that can alone."""
        return self._fast.candidates(self)

    def no_line_is_blank(self) -> None:
        """Learn from the decoder that each line is a row."""
        self._every_line = True

    def parse(self, position: int) -> ParsedRow | Problem:
        """The slow path: one line taken apart."""
        return from_line(self.lines[position], self.names)

    def original(self, position: int) -> dict[str, str]:
        """One line by name, for a person to look at; as it is if it is no object."""
        line = self.lines[position]
        try:
            return _shown(FIELDS.decode(line))
        except (msgspec.DecodeError, RecursionError):
            return {"line": line.decode(errors="replace")}

    def fixable(self, position: int, original: dict[str, str]) -> dict[str, str]:
        """One line as a flat row with a text for each name."""
        line = self.lines[position]
        try:
            row = self._fast.table_of_texts(line)
            if row is None:
                row = as_table(FIELDS.decode(line), self.names, items=_inside, text=_cell)
        except (msgspec.DecodeError, RecursionError):
            return self.names.with_all(original)
        return original if row == original else row

    @cached_property
    def _numbered(self) -> list[tuple[int, bytes]]:
        self.block.check()
        numbered = enumerate(self.block.lines, start=self.block.first)
        return [(number, line) for number, line in numbered if line and not line.isspace()]


class JsonlList:
    """The blocks of one list in JSON Lines, with the fast path of all of them.

    What kept one line from being decoded strictly, such as a number where text is asked for, is mostly so in
    the whole list: so once most of a block had to be decoded loosely, all that follow are.
    """

    def __init__(self, context: ListContext) -> None:
        self._names = context.names
        codec = context.codec
        self._decoder = LineDecoder(codec.row_type, len(codec.names))
        self._dicts = DictColumns(context)
        self._shaped = ShapedLines(context)
        self._renamed = context.names.service != {"to", "variables", "meta_data"}
        self._loosely = False
        self._no_texts = False

    def table_of_texts(self, line: bytes) -> dict[str, str] | None:
        """A line as a table holds it, if there is nothing but texts in it and in what it nests; else None."""
        if self._no_texts:
            return None
        try:
            fields = _TEXTS.decode(line)
        except msgspec.ValidationError:
            self._no_texts = True  # as of most lines of such a list
            return None
        nested = (self._names.variables, self._names.meta_data)
        if any(isinstance(value, dict) and name not in nested for name, value in fields.items()):
            return None
        return as_table(fields, self._names, items=_nested, text=_text)

    def rows(self, block: LineBlock) -> JsonlRows:
        return JsonlRows(block, self._names, self)

    def candidates(self, rows: JsonlRows) -> Candidates:
        block = rows.block
        if (shaped := self._shaped.candidates(block)) is not None:
            rows.no_line_is_blank()
            return shaped
        first = block.data[: block.data.find(b"\n") + 1] or block.data
        nested = (self._names.variables, self._names.meta_data)
        flat = not any(f'"{name}"'.encode() in first for name in nested)
        if self._renamed and not flat:
            return NOBODY
        try:
            found = self._together(block, flat)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._each(rows, flat)
        rows.no_line_is_blank()
        return found

    def _together(self, block: LineBlock, flat: bool) -> Candidates:
        where, data = range(block.count), block.data
        if flat:
            return self._flat(self._decoder.flat_block(data, block.count, loosely=self._loosely), where, data)
        if self._loosely:
            return self._loose(self._decoder.loose_block(data, block.count), where, data)
        return _candidates(self._decoder.strict_block(data, block.count), where)

    def _each(self, rows: JsonlRows, flat: bool) -> Candidates:
        """The rows of those lines that can be decoded."""
        found = self._singly(rows, flat)
        if not self._loosely and len(found.to) < len(rows.numbers) / 2:
            self._loosely = True
            loose = self._singly(rows, flat)
            self._loosely = len(loose.to) > len(found.to)
            found = loose if self._loosely else found
        return found

    def _singly(self, rows: JsonlRows, flat: bool) -> Candidates:
        data = rows.block.data
        if flat:
            items, where = self._decoder.each_flat(rows.lines, loosely=self._loosely)
            return self._flat(items, where, data)
        if self._loosely:
            loose, where = self._decoder.each_loose(rows.lines)
            return self._loose(loose, where, data)
        return _candidates(*self._decoder.each_strict(rows.lines))

    def _flat(self, items: Sequence[Item], where: Sequence[int], data: bytes) -> Candidates:
        if self._loosely and (metas := self._names.metas(list(set().union(*items)))):
            # A number with a point would not be written to meta_data as it was read, nor a zero with a minus.
            simple = {str, bool, type(None)} | (set() if _MINUS_ZERO in data else {int})
            kept = [
                place
                for place, item in enumerate(items)
                if {type(item.get(meta)) for meta in metas} <= simple
            ]
            items, where = picked(items, kept), picked(where, kept)
        return self._without_zeros(self._dicts.flat(items, where), data)

    def _loose(self, loose: LooseLines, where: Sequence[int], data: bytes) -> Candidates:
        to, variables, metas = loose
        return self._without_zeros(self._dicts.of_variables(where, to, variables, metas, set()), data)

    def _without_zeros(self, found: Candidates, data: bytes) -> Candidates:
        if not self._loosely or _MINUS_ZERO not in data:
            return found
        zeros = {place for column in found.values for place, value in enumerate(column) if value == "0"}
        return found.without(sorted(zeros))


def from_line(line: bytes, names: ListNames) -> ParsedRow | Problem:
    """Read one line of JSON."""
    try:
        fields = FIELDS.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return Problem(Reason.BAD_ROW, f"the line is not a JSON object, which it must be: {error}")
    variables, meta_data = fields.get(names.variables), fields.get(names.meta_data)
    if line.count(b":") > len(fields) and (twice := key_twice(line)) is not None:
        return Problem(
            Reason.BAD_ROW, f"{twice} is there twice: which of the two is meant is not ours to choose", twice
        )
    if _is_object(variables) or _is_object(meta_data):
        if variables is None or bytes(variables) == b"null":
            given = {}
        elif _is_object(variables):
            given = FIELDS.decode(variables)
        else:
            return Problem(
                Reason.BAD_ROW, "variables is not an object: write one, with a text for each", names.variables
            )
        return ParsedRow(
            to=_as_written(fields.get(names.to)),
            values={name: _value(value) for name, value in given.items()},
            meta_data=_meta(meta_data),
            ignored=tuple(sorted(fields.keys() - names.service)),
        )
    if REASON in fields and (out := still_out(as_table(fields, names, items=_inside, text=_cell), names)):
        return out
    if meta_data is not None and bytes(meta_data) == b"null":
        del fields[names.meta_data]  # none of its own, and no column that is called so
    metas = names.metas(fields)
    return ParsedRow(
        to=_as_written(fields.get(names.to)),
        values={name: _value(fields[own]) for name, own in names.of.items() if own in fields},
        meta_data=_joined({name: fields[name] for name in metas}),
        ignored=tuple(sorted(fields.keys() - names.known - set(metas))),
    )


def _candidates(strict: StrictLines, where: Sequence[int]) -> Candidates:
    to, values, metas, rows = strict
    return Candidates(where, to, values, ready=rows) if values else Candidates(where, to, (), metas)


def _is_object(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw).startswith(b"{")


def _value(raw: msgspec.Raw | None) -> Value:
    """A JSON value as text: numbers without what only a machine writes, `true` and `false`."""
    value = _as_written(raw)
    if isinstance(value, str) and raw is not None and bytes(raw)[:1] in _BEGIN_NUMBERS:
        return of_json(value)
    return value


def _as_written(raw: msgspec.Raw | None) -> Value:
    """A JSON value as text: numbers as they are written, because a phone number may be one."""
    if raw is None:
        return None
    text = bytes(raw).decode()
    match text[:1]:
        case '"':
            return TEXT.decode(raw)
        case "{" | "[":
            return NotText("is an object or a list")
        case "n":
            return None
    return text


def _nested(value: _Texts) -> Mapping[str, _Texts] | None:
    return value if isinstance(value, dict) else None


def _text(value: _Texts, asked: bool) -> str | None:
    return value if isinstance(value, str) else None


def _shown(fields: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """A line by name, for a person: texts without their quotes, all else as it is written."""
    each = (
        (name, TEXT.decode(raw) if bytes(raw)[:1] == b'"' else bytes(raw).decode())
        for name, raw in fields.items()
    )
    return {name: text for name, text in each if text}


def _inside(raw: msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    return FIELDS.decode(raw) if _is_object(raw) else None


def _cell(raw: msgspec.Raw, asked: bool) -> str | None:
    value = _value(raw)
    if isinstance(value, NotText):
        return no_text(bytes(raw).decode()) if asked else bytes(raw).decode()
    return value


def _meta(raw: msgspec.Raw | None) -> object:
    if raw is None or bytes(raw) == b"null":
        return NO_META
    if not _is_object(raw):
        return NotText("is not an object: write one, or leave it out")
    return raw if FIELDS.decode(raw) else NO_META


def _joined(fields: Mapping[str, msgspec.Raw]) -> object:
    """`meta_data` of flat columns; texts as the fast path writes them, whatever was escaped in them."""
    if not fields:
        return NO_META
    values = {name: TEXT.decode(raw) if bytes(raw)[:1] == b'"' else raw for name, raw in fields.items()}
    return msgspec.Raw(msgspec.json.encode({name.removeprefix(META): raw for name, raw in values.items()}))
