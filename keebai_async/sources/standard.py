"""Standard input: CSV or JSON Lines, told apart by how it begins."""

import io
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import anyio.to_thread

from keebai_async.sources.block import Block
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.jsonlines import JsonLines


class StandardInput:
    """What is piped into the program: JSON Lines when it begins with a brace, else a table."""

    description = "standard input"

    def __init__(self, *, columns: Mapping[str, str], delimiter: str | None = None) -> None:
        self.columns = columns
        self._delimiter = delimiter

    async def blocks(self) -> AsyncGenerator[Block, None]:
        file = _standard_input()
        start = await anyio.to_thread.run_sync(file.peek, 64, abandon_on_cancel=True)

        def again() -> io.BufferedIOBase:
            return file

        source: JsonLines | Delimited
        if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
            source = JsonLines(again, self.description, columns=self.columns)
        else:
            source = Delimited(again, self.description, columns=self.columns, delimiter=self._delimiter)
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                yield block


def _standard_input() -> io.BufferedReader:
    return open(sys.stdin.fileno(), "rb", closefd=False)
