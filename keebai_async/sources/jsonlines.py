"""JSON Lines: one object a line."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import LineBlock
from keebai_async.sources.pieces import Opener, pieces


class JsonLines:
    """A file of JSON Lines.

    Raises, while it is read:
        UnusableSource: as `pieces` does, or when it holds one JSON array.
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
        async with aclosing(pieces(self._open, self.description, encoding=self._encoding)) as cut:
            async for piece in cut:
                if piece.first == 1 and piece.data.lstrip().startswith(b"["):
                    raise UnusableSource(
                        f"{self.description} is one JSON array; JSON Lines has one object a line. Convert it:"
                        f" jq -c '.[]' {self.description} > people.jsonl"
                    )
                first, count, data = piece
                yield LineBlock(first=first, count=count, data=data, name=self.description)
