"""JSON Lines: one object a line; or one array of objects."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import LineBlock
from keebai_async.sources.json_array import array_items, begins_an_array
from keebai_async.sources.pieces import Opener, Piece, opened, pieces, start_of

_OBJECT_OVER_LINES: Final = re.compile(rb"(?:\xef\xbb\xbf)*\s*\{[ \t\r]*\n")


class JsonLines:
    """A file of JSON Lines, or of one array, whose items are counted as lines.

    Raises, while it is read:
        UnusableSource: as `pieces` does, and as `array_items`.
    """

    notes: Sequence[str] = ()
    sheet = ""

    def __init__(
        self,
        open_file: Opener,
        description: str,
        *,
        columns: Mapping[str, str],
        encoding: str | None = None,
    ) -> None:
        self._encoding = encoding
        self.description = description
        self.columns = columns
        self._open = open_file

    async def blocks(self) -> AsyncGenerator[LineBlock, None]:
        async with aclosing(json_pieces(self._open, self.description, encoding=self._encoding)) as cut:
            async for piece in cut:
                yield LineBlock(first=piece.first, count=piece.lines, data=piece.data, name=self.description)


async def json_pieces(
    open_file: Opener, name: str, *, encoding: str | None = None, may_be_empty: bool = False
) -> AsyncGenerator[Piece, None]:
    """A file of JSON as pieces of lines with a value each: its lines, or the items of the array that it is.

    Raises UnusableSource as `JsonLines` does.
    """
    async with opened(open_file, name) as file:
        start = await start_of(file, name)
        if _OBJECT_OVER_LINES.match(start):
            raise UnusableSource(
                f"{name} is one JSON object over several lines: give the array in it alone, or an object a"
                " line"
            )
        cut = (array_items if begins_an_array(start) else pieces)(
            file, name, encoding=encoding, may_be_empty=may_be_empty
        )
        async with aclosing(cut):
            async for piece in cut:
                yield piece
