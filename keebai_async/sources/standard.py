"""Standard input: CSV or JSON Lines, told apart by how it begins."""

import contextlib
import io
import select
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio.from_thread
import anyio.to_thread

from keebai_async.sources.block import Block
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.jsonlines import JsonLines

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LISTENING = 0.1
"""Seconds of silence after which a reader of standard input looks whether it is still wanted."""


class _Listening(io.FileIO):
    """A pipe or terminal, read in a worker thread of anyio, that may be silent for ever.

    A thread that waits in `read` cannot be called back, and keeps the program alive after Ctrl-C. A cancelled
    scope is seen by the thread; a task that is cancelled without one, as Ctrl-C does, leaves the thread and
    closes the file.
    """

    unwanted = False

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        with contextlib.suppress(OSError):  # Windows waits for sockets alone
            while not select.select([self], [], [], LISTENING)[0]:
                anyio.from_thread.check_cancelled()
                if self.unwanted:
                    return 0
        return super().readinto(buffer)


class _Piped(io.BufferedReader):
    raw: _Listening  # pyright: ignore[reportIncompatibleVariableOverride]

    def close(self) -> None:
        self.raw.unwanted = True  # or a thread that waits in it keeps its lock
        super().close()


class StandardInput:
    """What is piped into the program: JSON Lines when it begins with a brace, else a table."""

    description = "standard input"
    sheet = ""

    def __init__(
        self, *, columns: Mapping[str, str], delimiter: str | None = None, encoding: str | None = None
    ) -> None:
        self.columns = columns
        self._encoding = encoding
        self._delimiter = delimiter
        self._read: JsonLines | Delimited | None = None

    @property
    def notes(self) -> Sequence[str]:
        return () if self._read is None else self._read.notes

    async def blocks(self) -> AsyncGenerator[Block, None]:
        with _standard_input() as file:
            async with aclosing(self._blocks(file)) as blocks:
                async for block in blocks:
                    yield block

    async def _blocks(self, file: io.BufferedReader) -> AsyncGenerator[Block, None]:
        start = await anyio.to_thread.run_sync(file.peek, 64)

        def again() -> io.BufferedIOBase:
            return file

        source: JsonLines | Delimited
        if start.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in {b"{", b"["}:
            source = JsonLines(again, self.description, columns=self.columns, encoding=self._encoding)
        else:
            source = Delimited(
                again,
                self.description,
                columns=self.columns,
                delimiter=self._delimiter,
                encoding=self._encoding,
            )
        self._read = source
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                yield block


def _standard_input() -> io.BufferedReader:
    return _Piped(_Listening(sys.stdin.fileno(), "rb", closefd=False))
