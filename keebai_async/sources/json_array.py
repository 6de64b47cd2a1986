"""A file that is one JSON array, cut into its items, in a stream.

Many systems export `[{...}, {...}]`, in one line or over many. No decoder here reads an array in parts, and
to decode all of it would take as much memory as the list is long, and hold everybody while it does. But what
a prefix of JSON means depends on nothing behind it. So a part of the file is taken up to a comma between two
items, and if it is an array once brackets are put around it, it was cut where items end; if not, that comma
stands deeper or in a text, and the one before it is tried.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from typing import Final

import msgspec

from keebai_async.errors import UnusableSource
from keebai_async.sources.encodings import InUtf8
from keebai_async.sources.loop_turns import next_turn
from keebai_async.sources.pieces import (
    BLOCK_BYTES,
    MAX_LINE,
    Piece,
    ToRead,
    checked_start,
    more_of,
    opened,
    refuse_binary,
    text_of,
)

MOST_COMMAS: Final = 100
"""Commas that are tried before more of the file is looked at."""
_BETWEEN: Final = re.compile(rb"\}[ \t\r\n]*(,)[ \t\r\n]*\{")
_BETWEEN_OTHERS: Final = re.compile(rb"(,)")
_LINE_ENDS: Final = re.compile(rb"[ \t\r\n]*[\r\n][ \t\r\n]*")
_BYTE: Final = re.compile(r"\(byte ([0-9]+)\)")
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_JSON_BLANKS: Final = b" \t\r\n"


async def array_items(
    open_file: ToRead,
    name: str,
    *,
    size: int = BLOCK_BYTES,
    encoding: str | None = None,
    may_be_empty: bool = False,
) -> AsyncGenerator[Piece, None]:
    """The items of an array, each as one line, in pieces of about *size* bytes; they are counted from 1.

    In memory is about 1 MB, or one item.

    Raises:
        UnusableSource: as `pieces` does; or it is not one array that is whole, or an item is longer than
            16 MiB.
    """
    async with opened(open_file, name) as file:
        array = _Array(name, size)
        text = InUtf8(file, name, encoding)
        while not array.whole:
            data = await more_of(text, name, array.rest())
            at_end = len(data) == array.left
            refuse_binary(data, name)
            for piece in array.cut(data, at_end=at_end):
                yield piece
                await next_turn()
    if not array.items and not may_be_empty:
        raise UnusableSource(f"{name} holds nobody: there is nobody to message")


class _Array:
    """What was read of one array; cut up to a place in it."""

    def __init__(self, name: str, size: int) -> None:
        self.whole = False
        self._size = size
        self.items = 0
        self._name = name
        self._data = b""
        self._at = 0
        self._line = 1
        self._begun = False

    @property
    def left(self) -> int:
        """How many bytes of what was read are not cut yet."""
        return len(self._data) - self._at

    def rest(self) -> bytes:
        """These bytes."""
        self._data, self._at = self._data[self._at :], 0
        return self._data

    def cut(self, data: bytes, *, at_end: bool) -> Iterator[Piece]:
        """The items that are complete in *data*, the rest and what was read behind it; *at_end*, all."""
        self._data = data
        if not self._begun:
            self._begin()
        while self.left > 2 * self._size:
            end = self._end()
            if end is None:
                break
            yield self._piece(end)
            self._at = end + 1
        if at_end:
            yield from self._last()
        elif self.left > MAX_LINE:
            raise UnusableSource(
                f"{self._name}: item {self.items + 1} is longer than 16 MiB; is this a list?"
            )

    def _begin(self) -> None:
        self._data = checked_start(self._data, self._name)
        start = self._data.index(b"[") + 1
        self._line += self._data.count(b"\n", 0, start)
        self._at, self._begun = start, True

    def _end(self) -> int | None:
        """Where a comma stands behind an item, about a block from here."""
        size = self._size
        while True:
            part = self._data[self._at : self._at + size]
            pattern = _BETWEEN if _BETWEEN.search(part) else _BETWEEN_OTHERS
            cuts = [found.start(1) for found in pattern.finditer(part)]
            for cut in reversed(cuts[-MOST_COMMAS:]):
                try:
                    _ARRAY.decode(b"[%b]" % part[:cut])
                except msgspec.DecodeError as error:
                    self._check(error, cut)
                else:
                    return self._at + cut
            if size >= self.left:
                return None
            size *= 4

    def _check(self, error: msgspec.DecodeError, length: int) -> None:
        """Raises UnusableSource if what is here is no beginning of an array, wherever its *length* ends."""
        found = _BYTE.search(str(error))
        if found and int(found[1]) <= length:
            raise self._broken(str(error), int(found[1]))

    def _last(self) -> Iterator[Piece]:
        """The rest of the file."""
        end = len(self._data.rstrip(_JSON_BLANKS)) - 1
        if end < self._at or self._data[end : end + 1] != b"]":
            raise self._broken("it is never closed, as in a file that was cut off", self.left)
        if self._data[self._at : end].strip(_JSON_BLANKS):
            try:
                yield self._piece(end)
            except msgspec.DecodeError as error:
                found = _BYTE.search(str(error))
                raise self._broken(str(error), int(found[1]) if found else 0) from None
        elif self.items:
            raise self._broken("a comma stands behind the last item", self.left)
        self._at, self.whole = len(self._data), True

    def _piece(self, end: int) -> Piece:
        """The items up to *end* as lines. Raises msgspec.DecodeError if they are none."""
        part = self._data[self._at : end]
        text_of(part, self._name, self._line)
        items = _ARRAY.decode(b"[%b]" % part)
        if b"\n" in part or b"\r" in part:  # JSON has no line ends within texts
            items = _ARRAY.decode(b"[%b]" % _LINE_ENDS.sub(b"", part))
        self._line += part.count(b"\n")
        first = self.items + 1
        self.items += len(items)
        return Piece(first, len(items), b"\n".join(items), "item")

    def _broken(self, why: str, at: int = 0) -> UnusableSource:
        line = self._line + self._data.count(b"\n", self._at, self._at + at)
        return UnusableSource(
            f"{self._name}, line {line}: this is not one whole JSON array: {why}",
            row=line,
        )


def begins_an_array(start: bytes) -> bool:
    """Whether a file that begins with *start*, in whatever encoding, is an array."""
    return start.lstrip(b"\xef\xbb\xbf\xff\xfe\0" + _JSON_BLANKS)[:1] == b"["
