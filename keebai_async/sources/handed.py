"""A list that a program holds as bytes, as an open file, or as the upload of a web framework.

The readers of files want a file: one with an ending that says its kind, which they can open and go back in.
So what is handed over is copied, some at a time, into a file of its own that only its owner may read, and is
gone when the list is read or is not wanted any more. Where a name says nothing of the kind, the first bytes
do.
"""

import inspect
import io
import shutil
import tempfile
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Final, Protocol, cast, runtime_checkable

import anyio
import anyio.to_thread

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.sources.block import Block, Source
from keebai_async.sources.compressed import OPENERS

_PIECE: Final = 256 * 1024
_REMOVED_WITHIN: Final = 10.0
"""Seconds that removing the copy may take."""
_FIRST_BYTES: Final = 512
_WORKBOOK_PARTS: Final = {"xl/workbook.bin": ".xlsb", "xl/workbook.xml": ".xlsx", "content.xml": ".ods"}
_KINDS_BY_START: Final = ((b"PAR1", ".parquet"), (b"\xd0\xcf\x11\xe0", ".xls"))
_PACKED: Final = ((b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst"))


@runtime_checkable
class OpenFile(Protocol):
    """A file that is open, of bytes or of text."""

    def read(self, size: int = -1, /) -> bytes | str: ...


@runtime_checkable
class AsyncFile(Protocol):
    """An upload of Starlette or FastAPI, or the body of a request: its bytes come when they are awaited."""

    async def read(self, size: int = -1, /) -> bytes: ...


@runtime_checkable
class UploadPart(Protocol):
    """A part of a request that aiohttp reads as it comes."""

    async def read_chunk(self, size: int = 8192, /) -> bytes: ...


@runtime_checkable
class UploadedFile(Protocol):
    """A file field of aiohttp, or an upload of Starlette: an open file and the name that its user gave it."""

    @property
    def file(self) -> OpenFile: ...

    @property
    def filename(self) -> str | None: ...


HandedFile = bytes | bytearray | memoryview | OpenFile | AsyncFile | UploadPart | UploadedFile


def is_handed(given: object) -> bool:
    """Whether it is a file by what it can do, and no rows."""
    return isinstance(given, bytes | bytearray | memoryview | OpenFile | UploadPart | UploadedFile)


class Handed:
    """What was handed over as a file, read as *open_path* reads the file of that name.

    A file object is read from where it stands to its end, once, and not closed.

    Raises, while it is read:
        InvalidInput: it gives texts, and yet an *encoding* is named.
        UnusableSource: it cannot be read, or as the reader of its kind does.
    """

    def __init__(
        self,
        given: object,
        *,
        columns: Mapping[str, str],
        encoding: str | None,
        open_path: Callable[[str], Source],
    ) -> None:
        self._encoding = encoding
        self.description = name_of(given) or "the file"
        self.columns = columns
        self._given = given
        self._open_path = open_path
        self._read: Source | None = None
        self._place = ""

    @property
    def notes(self) -> Sequence[str]:
        return () if self._read is None else [self._named(note) for note in self._read.notes]

    @property
    def sheet(self) -> str:
        return "" if self._read is None else self._read.sheet

    async def blocks(self) -> AsyncGenerator[Block, None]:
        async with _folder() as folder:
            path = await self._copied(folder)
            self._place = str(path)
            try:
                self._read = source = self._open_path(str(path))
                async with aclosing(source.blocks()) as blocks:
                    async for block in blocks:
                        yield block
            except UnusableSource as error:
                raise UnusableSource(self._named(f"{error}")) from error

    async def _copied(self, folder: Path) -> Path:
        name = name_of(self._given)
        path = folder / (name or "list")
        read = _reader_of(self._given)
        try:
            async with await anyio.open_file(path, "wb") as copy:
                while piece := await read(_PIECE):
                    await copy.write(self._bytes_of(piece))
        except (OSError, ValueError) as error:  # a file that is closed is a ValueError
            raise UnusableSource(f"{self.description} cannot be read: {error}") from error
        if path.suffix:
            return path
        kind = await anyio.to_thread.run_sync(_kind_of, path)
        return await anyio.to_thread.run_sync(path.rename, path.with_name(path.name + kind))

    def _bytes_of(self, piece: bytes | str) -> bytes:
        if isinstance(piece, bytes):
            return piece
        if self._encoding is not None:
            raise InvalidInput(
                "a file that is open as a text is decoded already: leave the encoding out, or open it as"
                " bytes",
                field="encoding",
                value=self._encoding,
            )
        return piece.encode()

    def _named(self, words: str) -> str:
        """*words* with the name of the file in the place of where its copy is."""
        return words.replace(self._place, self.description) if self._place else words


def name_of(given: object) -> str:
    """The name that its user gave a file, without folders; nothing if it has none."""
    name = getattr(given, "filename", None) or getattr(given, "name", None)
    return PureWindowsPath(name).name if isinstance(name, str) else ""


def _reader_of(given: object) -> Callable[[int], Awaitable[bytes | str]]:
    """How it is read, so many bytes at a time; nothing at its end."""
    if isinstance(given, bytes | bytearray | memoryview):
        return partial(_in_thread, io.BytesIO(given).read)
    if isinstance(given, UploadPart):
        return given.read_chunk
    if isinstance(given, UploadedFile):
        return partial(_in_thread, given.file.read)
    if isinstance(given, OpenFile) and inspect.iscoroutinefunction(given.read):
        return cast("AsyncFile", given).read
    if isinstance(given, OpenFile):
        return partial(_in_thread, given.read)
    raise UnusableSource(f"a {type(given).__name__} is no file")


async def _in_thread(read: Callable[[int], bytes | str], size: int) -> bytes | str:
    # A pipe may be silent for ever, and nobody can call back a thread that waits for it.
    return await anyio.to_thread.run_sync(read, size, abandon_on_cancel=True)


def _kind_of(path: Path) -> str:
    """The ending that says what is in a file."""
    with path.open("rb") as file:
        start = file.read(_FIRST_BYTES)
    packed = next((ending for magic, ending in _PACKED if start.startswith(magic)), "")
    if packed:
        with OPENERS[packed](str(path)) as unpacked:
            start = unpacked.read(_FIRST_BYTES)
    if (
        kind := next((ending for magic, ending in _KINDS_BY_START if start.startswith(magic)), None)
    ) is not None:
        return kind
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    return (".jsonl" if text[:1] in {b"{", b"["} else ".csv") + packed


def _workbook(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as parts:
            names = set(parts.namelist())
    except zipfile.BadZipFile:
        names = set()
    return next((ending for name, ending in _WORKBOOK_PARTS.items() if name in names), ".zip")


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A folder that nobody else may enter, gone at the end."""
    folder = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="keebai-list-")))
    try:
        yield folder
    finally:
        with anyio.move_on_after(_REMOVED_WITHIN, shield=True):
            await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))
