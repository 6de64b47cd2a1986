"""JSON Lines into drafts: all lines of a block as one array, and only if that fails line by line."""

from collections.abc import Sequence
from typing import Final

import msgspec

from keebai_async.planning.check_row import Names
from keebai_async.planning.codec import Decoded, Loose, Shape
from keebai_async.planning.draft import NOTHING, Draft
from keebai_async.planning.narrowing import picked
from keebai_async.planning.rows import Originals
from keebai_async.planning.rows_objects import Dicts, Item
from keebai_async.sources.block import Lines

_MINUS_ZERO: Final = b"-0"  # which JSON knows, and an integer that was read does not


class LineReader:
    """Makes drafts of JSON Lines for one template.

    What kept one line from being decoded strictly, such as a number where text is asked for, is mostly so in
    the whole list: so once most of a block had to be decoded loosely, all that follow are.
    """

    def __init__(self, shape: Shape, names: Names, dicts: Dicts) -> None:
        self._shape = shape
        self._names = names
        self._dicts = dicts
        self._renamed = names.service != {"to", "variables", "meta_data"}
        self._loosely = False

    def draft(self, block: Lines, originals: Originals) -> Draft:
        """The rows of a block. Raises UnusableSource if it is not UTF-8."""
        first = block.data[: block.data.find(b"\n") + 1] or block.data
        nested = (self._names.variables, self._names.meta_data)
        flat = not any(f'"{name}"'.encode() in first for name in nested)
        if self._renamed and not flat:
            block.check()
            return NOTHING
        try:
            draft = self._together(block, flat)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            block.check()
            return self._each(block, originals, flat)
        originals.every_line()
        return draft

    def _together(self, block: Lines, flat: bool) -> Draft:
        where, data = range(block.count), block.data
        if flat:
            return self._flat(self._shape.decode_flat(data, block.count, loosely=self._loosely), where, data)
        if self._loosely:
            return self._loose(self._shape.decode_loosely(data, block.count), where, data)
        return _draft(self._shape.decode_lines(data, block.count), where)

    def _each(self, block: Lines, originals: Originals, flat: bool) -> Draft:
        """The rows of those lines that can be decoded."""
        draft = self._singly(block, originals, flat)
        if not self._loosely and len(draft.to) < len(originals) / 2:
            self._loosely = True
            loose = self._singly(block, originals, flat)
            self._loosely = len(loose.to) > len(draft.to)
            draft = loose if self._loosely else draft
        return draft

    def _singly(self, block: Lines, originals: Originals, flat: bool) -> Draft:
        shape, lines = self._shape, originals.lines
        if flat:
            items, where = shape.decode_each_flat(lines, loosely=self._loosely)
            return self._flat(items, where, block.data)
        if self._loosely:
            loose, where = shape.decode_each_loosely(lines)
            return self._loose(loose, where, block.data)
        return _draft(*shape.decode_each(lines))

    def _flat(self, items: Sequence[Item], where: Sequence[int], data: bytes) -> Draft:
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

    def _loose(self, loose: Loose, where: Sequence[int], data: bytes) -> Draft:
        to, variables, metas = loose
        return self._without_zeros(self._dicts.of_variables(where, to, variables, metas, set()), data)

    def _without_zeros(self, draft: Draft, data: bytes) -> Draft:
        if not self._loosely or _MINUS_ZERO not in data:
            return draft
        return draft.without(
            {place for column in draft.values for place, value in enumerate(column) if value == "0"}
        )


def _draft(decoded: Decoded, where: Sequence[int]) -> Draft:
    to, values, metas, rows = decoded
    return Draft(where, to, values, rows=rows) if values else Draft(where, to, (), metas)
