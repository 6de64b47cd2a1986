"""The bytes of a reply, as they come, up to a cap. Pure.

We ask for no compression, and still read gzip and deflate from a server that compresses unasked. The bytes go
before the header: a proxy may say gzip of a body that it has unpacked already, or name an encoding that was
never applied. The cap counts what comes out, so that a small bomb cannot become a large body.
"""

import codecs
import zlib

_PLAIN = frozenset({"", "identity"})


class BodyUnreadable(Exception):
    """The body is larger than the cap, or encoded in a way that is not understood."""


class Decoder:
    """Takes pieces of a body in order. *encoding* is the reply's Content-Encoding."""

    def __init__(self, encoding: str, cap: int) -> None:
        self._left = cap
        self._encoding = encoding.strip().lower()
        self._head: bytes | None = b""  # until there is enough of it to see what it is
        self._inflate: zlib._Decompress | None = None
        # Of a body whose header lies: only a text can be what was meant.
        self._text = None if self._encoding in _PLAIN else codecs.getincrementaldecoder("utf-8")()

    def feed(self, piece: bytes) -> bytes:
        """The plain bytes of *piece*, perhaps with a few that were kept back.

        Raises:
            BodyUnreadable: they would go over the cap, or cannot be decoded.
        """
        if self._head is not None:
            self._head += piece
            if len(self._head) < 2:
                return b""
            piece, self._head = self._head, None
            self._inflate = _inflating(piece, self._encoding)
        return self._decoded(piece)

    def finish(self) -> bytes:
        """What was kept back, when no more comes. Raises BodyUnreadable if what was fed is not whole."""
        kept, self._head = self._head or b"", None
        plain = self._decoded(kept)
        if self._inflate is not None and not self._inflate.eof:
            raise BodyUnreadable
        if self._inflate is None:
            self._check_text(b"", final=True)
        return plain

    def _decoded(self, piece: bytes) -> bytes:
        if self._inflate is None:
            self._check_text(piece)
            plain = piece
        else:
            try:
                plain = self._inflate.decompress(piece, self._left + 1)
            except zlib.error:
                raise BodyUnreadable from None
        if len(plain) > self._left:
            raise BodyUnreadable
        self._left -= len(plain)
        return plain

    def _check_text(self, piece: bytes, *, final: bool = False) -> None:
        if self._text is None:
            return
        try:
            if "\0" in self._text.decode(piece, final):
                raise BodyUnreadable
        except UnicodeDecodeError:
            raise BodyUnreadable from None


def _inflating(piece: bytes, encoding: str) -> "zlib._Decompress | None":
    """What unpacks a body that begins with *piece*; None if it is not packed, or in no way we know."""
    if piece[:2] == b"\x1f\x8b":
        return zlib.decompressobj(wbits=31)  # gzip
    if encoding != "deflate" or piece.lstrip()[:1] in {b"{", b"[", b'"'}:
        return None
    zlibs_own = piece[0] & 15 == 8 and int.from_bytes(piece[:2]) % 31 == 0
    return zlib.decompressobj(wbits=15 if zlibs_own else -15)  # some leave the two bytes of its head out
