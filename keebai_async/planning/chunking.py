"""Encoded rows into the bodies of chunks: cut where a chunk is full, hashed on the way."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from keebai_async.planning.codec import Row


class Bodies:
    """Gathers encoded rows until a chunk of *size* is full; one chunk is in memory at a time.

    The first one holds *first*, if that is given. The fingerprint depends on *seed* and the rows alone, not
    on where they are cut.
    """

    def __init__(
        self, size: int, encode: Callable[[Sequence[Row]], bytes], *, seed: bytes, first: int | None = None
    ) -> None:
        self.sizes: list[int] = []
        self._size = size
        self._first = size if first is None else first
        self._encode = encode
        self._pieces: list[bytes] = []
        self._held = 0
        self._hash = hashlib.sha256(seed)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()[:32]

    @property
    def _full_at(self) -> int:
        return self._size if self.sizes else self._first

    def add(self, rows: Sequence[Row]) -> Iterator[tuple[int, int, bytes]]:
        """Take rows; give the chunks they fill, as (number, recipients, items)."""
        while self._held + len(rows) >= self._full_at:
            room = self._full_at - self._held
            self._take(rows[:room])
            rows = rows[room:]
            yield self._full()
        if rows:
            self._take(rows)

    def rest(self) -> Iterator[tuple[int, int, bytes]]:
        """The last chunk, if anybody is left for it."""
        if self._held:
            yield self._full()

    def _take(self, rows: Sequence[Row]) -> None:
        encoded = self._encode(rows)
        self._hash.update(encoded)
        self._hash.update(b",")
        self._pieces.append(b"," if self._pieces else b"[")
        self._pieces.append(encoded)
        self._held += len(rows)

    def _full(self) -> tuple[int, int, bytes]:
        self._pieces.append(b"]")
        items = b"".join(self._pieces)  # once: a body is large enough for every copy to be felt
        self.sizes.append(self._held)
        self._pieces, self._held = [], 0
        return len(self.sizes), self.sizes[-1], items
