"""People who are ready into chunks: cut where one is full, encoded and hashed on the way.

A body of 5,000 people that is encoded at once holds the event loop for tens of milliseconds, and all its
people are in memory until then. So each block is encoded when it comes, and a body is a join of encoded
pieces.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from keebai_async.planning.codec import WireRow
from keebai_async.planning.marking import Marker, MarkRemover


class Chunker:
    """Gathers encoded people until a chunk of *size* is full; one chunk is in memory at a time.

    The first one holds *first*, if that is given. The fingerprint depends on *seed* and the people alone, not
    on where they are cut, nor on the marks that *marker* gives or takes them.
    """

    def __init__(
        self,
        size: int,
        encode: Callable[[Sequence[WireRow]], bytes],
        *,
        seed: bytes,
        first: int | None = None,
        marker: Marker | MarkRemover | None = None,
    ) -> None:
        self.sizes: list[int] = []
        """The people in each chunk so far."""
        self._size = size
        self._first = size if first is None else first
        self._encode = encode
        self._marker = marker
        self._pieces: list[bytes] = []
        self._held = 0
        self._hash = hashlib.sha256(seed)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()[:32]

    @property
    def _full_at(self) -> int:
        return self._size if self.sizes else self._first

    def add(self, rows: Sequence[WireRow]) -> Iterator[tuple[int, int, bytes]]:
        """Take people; give the chunks they fill, as (number, recipients, items)."""
        while self._held + len(rows) >= self._full_at:
            free = self._full_at - self._held
            self._take(rows[:free])
            rows = rows[free:]
            yield self._full()
        if rows:
            self._take(rows)

    def rest(self) -> Iterator[tuple[int, int, bytes]]:
        """The last chunk, if anybody is left for it."""
        if self._held:
            yield self._full()

    def _take(self, rows: Sequence[WireRow]) -> None:
        encoded = self._encode(rows)
        self._hash.update(encoded)
        self._hash.update(b",")
        if self._marker is not None:
            encoded = self._marker.mark(rows, encoded, chunk=len(self.sizes) + 1, first=self._held)
        self._pieces.append(b"," if self._pieces else b"[")
        self._pieces.append(encoded)
        self._held += len(rows)

    def _full(self) -> tuple[int, int, bytes]:
        self._pieces.append(b"]")
        items = b"".join(self._pieces)  # once: a body is large enough for every copy to be felt
        self.sizes.append(self._held)
        self._pieces, self._held = [], 0
        return len(self.sizes), self.sizes[-1], items
