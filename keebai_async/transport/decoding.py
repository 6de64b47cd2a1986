"""The bytes of a reply, as they come, up to a cap. Pure.

We ask for no compression, and still read gzip and deflate from a server that compresses unasked. The cap
counts what comes out, so that a small bomb cannot become a large body.
"""

import zlib


class BodyUnreadable(Exception):
    """The body is larger than the cap, or encoded in a way that is not understood."""


class Decoder:
    """Takes pieces of a body in order. *encoding* is the reply's Content-Encoding."""

    def __init__(self, encoding: str, cap: int) -> None:
        self._left = cap
        self._known = encoding.strip().lower() in {"", "identity", "gzip", "x-gzip", "deflate"}
        compressed = self._known and encoding.strip().lower() not in {"", "identity"}
        self._inflate = zlib.decompressobj(wbits=47) if compressed else None  # 47: gzip or zlib, by its head

    def feed(self, piece: bytes) -> bytes:
        """The plain bytes of *piece*.

        Raises:
            BodyUnreadable: they would go over the cap, or cannot be decoded.
        """
        if not self._known:
            raise BodyUnreadable
        plain = piece if self._inflate is None else self._inflated(self._inflate, piece)
        if len(plain) > self._left:
            raise BodyUnreadable
        self._left -= len(plain)
        return plain

    @property
    def finished(self) -> bool:
        """Whether what was fed is whole, as far as its encoding tells."""
        return self._inflate is None or self._inflate.eof

    def _inflated(self, inflate: "zlib._Decompress", piece: bytes) -> bytes:
        try:
            return inflate.decompress(piece, self._left + 1)
        except zlib.error:
            raise BodyUnreadable from None
