"""The bytes of a reply, as they come, up to a cap. Pure.

We ask for no compression, and still read what a server compresses unasked, twice if need be. The bytes go
before the header: a proxy may say gzip of a body that it has unpacked already, or name what was never done.
The cap counts what comes out of each layer, so that a small bomb cannot become a large body.
"""

import codecs
from typing import Final

from keebai_async.transport import unpacking
from keebai_async.transport.unpacking import BodyUnreadable as BodyUnreadable
from keebai_async.transport.unpacking import Unpacker

_PLAIN: Final = frozenset({"", "identity", "none"})
_HEAD: Final = 16
"""Bytes by which a layer is known. If all of so many can be read, they were not packed, whatever is said."""
_MOST_LAYERS: Final = 3
_JSON_BEGINS: Final = (b"{", b"[", b'"')


class Decoder:
    """Takes pieces of a body in order. *encoding* is the reply's Content-Encoding."""

    def __init__(self, encoding: str, cap: int, *, layers: int = _MOST_LAYERS) -> None:
        self._left = cap
        self._layers = layers
        names = [name.strip().lower() for name in encoding.split(",")] if encoding else []
        self._names = [name for name in names if name not in _PLAIN]
        self._head: bytes | None = b""  # until there is enough of it to see what it is
        self._unpacker: Unpacker | None = None
        self._inner: Decoder | None = None
        # Of a body whose header lies: only a text can be what was meant.
        self._text = codecs.getincrementaldecoder("utf-8")() if self._names else None

    def feed(self, piece: bytes) -> bytes:
        """The plain bytes of *piece*, perhaps with a few that were kept back.

        Raises:
            BodyUnreadable: they would go over the cap, or cannot be decoded.
        """
        if self._head is not None:
            head = self._head + piece
            if len(head) < _HEAD:
                self._head = head
                return b""
            piece = self._begin(head)
        return self._decoded(piece)

    def finish(self) -> bytes:
        """What was kept back, when no more comes. Raises BodyUnreadable if what was fed is not whole."""
        plain = b""
        if self._head:
            plain = self._decoded(self._begin(self._head))
        if self._unpacker is not None and self._inner is not None:
            if not self._unpacker.whole:
                raise BodyUnreadable
            return plain + self._inner.finish()
        self._check_text(b"", final=True)
        return plain

    def _begin(self, head: bytes) -> bytes:
        self._head = None
        self._unpacker = _unpacker_of(head, self._names[-1] if self._names else "")
        if self._unpacker is not None:
            if not self._layers:
                raise BodyUnreadable
            inside = ",".join(self._names[:-1])
            self._inner = Decoder(inside, self._left, layers=self._layers - 1)
        return head

    def _decoded(self, piece: bytes) -> bytes:
        if self._unpacker is None or self._inner is None:
            if self._text is not None:
                self._check_text(piece)
            plain = inside = piece
        else:
            inside = self._unpacker.feed(piece, self._left)
            plain = self._inner.feed(inside) if len(inside) <= self._left else b""
        if len(inside) > self._left:
            raise BodyUnreadable
        self._left -= len(inside)
        return plain

    def _check_text(self, piece: bytes, *, final: bool = False) -> None:
        if self._text is None:
            return
        try:
            if "\0" in self._text.decode(piece, final):
                raise BodyUnreadable
        except UnicodeDecodeError:
            raise BodyUnreadable from None


def _unpacker_of(head: bytes, name: str) -> Unpacker | None:
    """What unpacks a body that begins with *head*; None if it is not packed, or in no way we know."""
    if head.startswith(unpacking.GZIP_MAGIC):
        return unpacking.gzip()
    if head.startswith(unpacking.ZSTD_MAGIC):
        return unpacking.zstd()
    if not name or (_is_text(head) and (len(head) >= _HEAD or head.lstrip().startswith(_JSON_BEGINS))):
        return None
    if name == "deflate":
        return unpacking.deflate(head)
    return unpacking.Brotli() if name == "br" else None


def _is_text(head: bytes) -> bool:
    try:
        # The last letter of a head may be cut in two.
        text = head.decode() if head.isascii() else codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return "".join(text.split()).isprintable()
