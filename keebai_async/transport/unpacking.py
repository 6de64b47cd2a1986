"""What unpacks one layer of a body: gzip, deflate, brotli or zstd, never more than is asked for. Pure.

Brotli and zstd are read where a library for them is installed, as `aiohttp[speedups]` brings them. Nobody
needs them, as we ask for no compression.
"""

import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Final, Protocol

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class BodyUnreadable(Exception):
    """The body is larger than the cap, or encoded in a way that is not understood."""


class Unpacker(Protocol):
    """Unpacks pieces in order."""

    @property
    def whole(self) -> bool:
        """Whether what was fed so far is complete in itself."""
        ...

    def feed(self, piece: bytes, most: int) -> bytes:
        """What *piece* gives; of more than *most* bytes, one more than that. Raises BodyUnreadable."""
        ...


class _Inner(Protocol):
    """One stream, as zlib and zstd have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /, max_length: int = ...) -> bytes: ...


class Streams:
    """One or more streams, one behind the other."""

    def __init__(
        self, make: Callable[[], _Inner], magic: bytes, broken: type[Exception] = zlib.error
    ) -> None:
        self._make = make
        self._magic = magic
        self._broken = broken
        self._stream = make()
        self._behind = b""  # what was found behind a stream, too little to see what it is

    @property
    def whole(self) -> bool:
        return self._stream.eof

    def feed(self, piece: bytes, most: int) -> bytes:
        plain = b""
        piece, self._behind = self._behind + piece, b""
        while piece and len(plain) <= most:
            if self._stream.eof and not self._goes_on(piece):
                break
            try:
                plain += self._stream.decompress(piece, most + 1 - len(plain))
            except self._broken:
                raise BodyUnreadable from None
            piece = self._stream.unused_data if self._stream.eof else b""
        return plain

    def _goes_on(self, piece: bytes) -> bool:
        """Whether another stream begins with *piece*. Some servers fill up what they send."""
        if len(piece) < len(self._magic) and self._magic.startswith(piece):
            self._behind = piece
            return False
        if not self._magic or not piece.startswith(self._magic):
            return False
        self._stream = self._make()
        return True


class _BrotliStream(Protocol):
    """What we use of the library's own."""

    def process(self, data: bytes, *, output_buffer_limit: int) -> bytes: ...

    def is_finished(self) -> bool: ...

    def can_accept_more_data(self) -> bool: ...


class Brotli:
    """One stream of brotli. Raises BodyUnreadable if nothing here reads that with a limit."""

    def __init__(self) -> None:
        try:
            library = importlib.import_module("brotli")  # it has no types
        except ImportError:
            raise BodyUnreadable from None
        if not hasattr(library.Decompressor, "can_accept_more_data"):
            raise BodyUnreadable  # older ones unpack a small bomb whole
        self._stream: _BrotliStream = library.Decompressor()
        self._broken: type[Exception] = library.error

    @property
    def whole(self) -> bool:
        return self._stream.is_finished()

    def feed(self, piece: bytes, most: int) -> bytes:
        plain = b""
        try:
            while True:
                plain += self._stream.process(piece, output_buffer_limit=most + 1 - len(plain))
                piece = b""
                if len(plain) > most or self.whole or self._stream.can_accept_more_data():
                    return plain
        except self._broken:
            raise BodyUnreadable from None


def gzip() -> Unpacker:
    return Streams(lambda: zlib.decompressobj(wbits=31), GZIP_MAGIC)


def deflate(head: bytes) -> Unpacker:
    """Some leave out the two bytes with which it should begin."""
    wbits = 15 if head[0] & 15 == 8 and int.from_bytes(head[:2]) % 31 == 0 else -15
    return Streams(lambda: zlib.decompressobj(wbits=wbits), b"")


def zstd() -> Unpacker:
    """Raises BodyUnreadable if nothing here reads it: Python 3.14 does, before it a library."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd as library
        else:
            from backports import zstd as library
    except ImportError:
        raise BodyUnreadable from None
    return Streams(library.ZstdDecompressor, ZSTD_MAGIC, library.ZstdError)
