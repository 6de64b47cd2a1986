"""A file as pieces of whole lines, read in a worker thread.

Disks and pipes may take their time, so reading happens beside the event loop, a large piece at a time;
what is cut out of it here is small.
"""

import contextlib
import io
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Final, NamedTuple

import anyio.to_thread

from keebai_async.errors import UnusableSource
from keebai_async.sources.encodings import InUtf8, proposed
from keebai_async.sources.loop_turns import turn

BLOCK_BYTES: Final = 96 * 1024
"""About 800 rows of JSON Lines: small blocks stay in the processor's cache and die young."""

READ_BYTES: Final = 1024 * 1024
_PEEKED: Final = 256
MAX_LINE: Final = 16 * 1024 * 1024
WEB_PAGE: Final = (
    "a web page (HTML) or XML, which many systems give as an export: open it in a spreadsheet and save it as"
    " .xlsx or as CSV UTF-8"
)
_BOM: Final = b"\xef\xbb\xbf"

Opener = Callable[[], io.BufferedIOBase]
ToRead = Opener | io.BufferedIOBase
"""What opens a file, or one that is open."""


class Piece(NamedTuple):
    """*lines* whole lines of a file, of which the first is number *first*; *counted* says what has one."""

    first: int
    lines: int
    data: bytes
    counted: str = "line"


async def pieces(
    open_file: ToRead,
    name: str,
    *,
    size: int = BLOCK_BYTES,
    encoding: str | None = None,
    may_be_empty: bool = False,
) -> AsyncGenerator[Piece, None]:
    """Cut a file into pieces of about *size* bytes that end where a line ends; the BOM is taken off.

    A file in another *encoding*, or in UTF-16 with its mark, becomes UTF-8; that a file of which nothing is
    said is UTF-8 is for `text_of` to say.

    Raises:
        UnusableSource: the file cannot be opened or read, is empty (unless it *may_be_empty*), binary, or has
            a line longer than 16 MiB.
    """
    line, rest, first = 1, b"", True
    async with opened(open_file, name) as binary:
        file = InUtf8(binary, name, encoding)
        while data := await more_of(file, name, b""):
            refuse_binary(data, name)
            if first:
                data = checked_start(data, name)
                first = False
            start = 0
            while end := _end(data, start, max(0, size - len(rest))):
                whole = rest + data[start:end]
                lines = _ends(whole)
                yield Piece(line, lines, whole)
                line += lines
                rest, start = b"", end
            rest += data[start:]
            del data  # before as much is read again
            if len(rest) > MAX_LINE:
                raise UnusableSource(f"{name}, line {line}: the line is longer than 16 MiB; is this a list?")
    if first and not may_be_empty:
        raise UnusableSource(f"{name} is empty: there is nobody to message")
    if rest:
        yield Piece(line, 1, rest)


def _ends(data: bytes) -> int:
    # Taking them all out is several times faster than counting them.
    return len(data) - len(data.replace(b"\n", b""))


def _end(data: bytes, start: int, size: int) -> int:
    """Where a piece from *start* ends: with a line, behind *size* bytes or the last one; 0 if none ends."""
    return data.find(b"\n", start + size) + 1 or data.rfind(b"\n", start) + 1


@contextlib.asynccontextmanager
async def opened(open_file: ToRead, name: str) -> AsyncGenerator[io.BufferedIOBase, None]:
    """A file that is open. Raises UnusableSource if it cannot be opened."""
    if isinstance(open_file, io.BufferedIOBase):
        yield open_file  # whose owner closes it
        return
    try:
        file = await anyio.to_thread.run_sync(open_file)
    except FileNotFoundError:
        raise UnusableSource(f"no such file: {name}") from None
    except IsADirectoryError:
        raise UnusableSource(f"{name} is a directory, not a file") from None
    except OSError as error:
        raise UnusableSource(f"{name} cannot be opened: {error.strerror or error}") from error
    with file:
        yield file


async def more_of(file: InUtf8, name: str, rest: bytes) -> bytes:
    """*rest*, and behind it what comes next of the file: nothing at its end.

    Raises UnusableSource if it cannot be read.
    """
    return await _read(lambda: rest + file.read1(READ_BYTES), name)


async def start_of(file: io.BufferedIOBase, name: str) -> bytes:
    """The first bytes of a file that was just opened, which are read again. Raises as `more_of` does."""
    peek: Callable[[int], bytes] = file.peek  # type: ignore[attr-defined]  # all that we open have it
    return await _read(lambda: peek(_PEEKED), name)


async def _read(read: Callable[[], bytes], name: str) -> bytes:
    try:
        data = await anyio.to_thread.run_sync(read)
    except EOFError:
        raise UnusableSource(f"{name} is cut short: the compressed data ends too early") from None
    except (OSError, zlib.error) as error:
        raise UnusableSource(f"{name} cannot be read: {error}") from error
    await turn()
    return data


def refuse_binary(data: bytes, name: str) -> None:
    """Raises UnusableSource if *data* is of no text in UTF-8."""
    if b"\0" in data:
        _look(data, name)
        utf_16 = proposed(data)
        meant = f"; if it is a text in UTF-16, say so: --encoding {utf_16}" if utf_16 else ""
        raise UnusableSource(f"{name} is a binary file, not a CSV or JSON Lines file in UTF-8{meant}")


def checked_start(data: bytes, name: str) -> bytes:
    """The first bytes of a file without its byte order mark, which some programs write twice.

    Raises UnusableSource if they are those of another kind of file.
    """
    _look(data, name)
    while data.startswith(_BOM):
        data = data.removeprefix(_BOM)
    return data


def _look(start: bytes, name: str) -> None:
    """Recognise by its first bytes what is not a text in UTF-8."""
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise UnusableSource(f"{name} is not a text file: {what}")
    if start.removeprefix(_BOM).lstrip().startswith(b"<"):
        raise UnusableSource(f"{name} is no list but {WEB_PAGE}")


_MAGIC: Final = {
    b"PK\x03\x04": "it looks like an Excel file (or a .zip); name it .xlsx, or save it as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "it looks like an old Excel file; name it .xls, or save it as CSV UTF-8",
    b"\x1f\x8b": "it is gzip; let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "it is zstd; let its name end in .zst",
    b"PAR1": "it is Parquet; let its name end in .parquet",
    b"%PDF": "it is a PDF",
}


def text_of(piece: bytes, name: str, line: int) -> str:
    """A piece as text; *line* is the number of its first line.

    Raises:
        UnusableSource: it is not UTF-8; says where, and how to convert the file.
    """
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        where = line + piece.count(b"\n", 0, error.start)
        fits = proposed(piece)
        says = (
            f"its letters fit {fits}, so try --encoding {fits}" if fits else "say with --encoding what it is"
        )
        raise UnusableSource(
            f"{name}, line {where}: not UTF-8; {says}, or save it as CSV UTF-8",
            row=where,
        ) from None
