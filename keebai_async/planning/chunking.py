"""People who are ready into chunks: cut where one is full, encoded and hashed on the way.

A body of 5,000 people that is encoded at once holds the event loop for tens of milliseconds, and all its
people are in memory until then. So each block is encoded when it comes, and a body is a join of encoded
pieces.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from keebai_async.planning.codec import WireRow, numbers_of, rows_at
from keebai_async.planning.marking import Marker, MarkRemover

CutChunk = tuple[int, int, bytes]
"""The number of a chunk, how many people it has, and the JSON array of them."""


class Chunker:
    """Gathers encoded people until a chunk of *size* is full.

    One chunk is in memory at a time; with *country_of*, which says it of a number, one for each country, and
    nobody shares a chunk with people of another. The first one holds *first*, if that is given. The
    fingerprint depends on *seed* and the people alone, not on where they are cut, nor on the marks that
    *marker* gives or takes them.
    """

    def __init__(
        self,
        size: int,
        encode: Callable[[Sequence[WireRow]], bytes],
        *,
        seed: bytes,
        first: int | None = None,
        marker: Marker | MarkRemover | None = None,
        country_of: Callable[[str], str] | None = None,
    ) -> None:
        self._size = size
        self._first = size if first is None else first
        self._encode = encode
        self._marker = marker
        self._country_of = country_of
        self._sizes: list[int] = []
        self._countries: list[str] = []
        self._filling: dict[str, _Filling] = {}
        self._hash = hashlib.sha256(seed)

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()[:32]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The people in each chunk so far, by its number."""
        return tuple(self._sizes)

    @property
    def countries(self) -> tuple[str, ...]:
        """The country of each chunk, by its number; nothing, if they are not cut by country."""
        return () if self._country_of is None else tuple(self._countries)

    def add(self, rows: Sequence[WireRow]) -> Iterator[CutChunk]:
        """Take people; give the chunks they fill."""
        if self._country_of is None:
            yield from self._add("", rows, hashing=True)
            return
        countries = list(map(self._country_of, numbers_of(rows)))
        several = len(distinct := dict.fromkeys(countries)) > 1
        if several:  # hashed in the order of the list, as if it were not cut
            self._take_into_hash(self._encode(rows))
        for country in distinct:
            of_it = [place for place, each in enumerate(countries) if each == country]
            some = rows_at(rows, of_it) if several else rows
            yield from self._add(country, some, hashing=not several)

    def rest(self) -> Iterator[CutChunk]:
        """The last chunks, if anybody is left for them."""
        for filling in self._filling.values():
            yield filling.number, filling.held, filling.items()
        self._filling.clear()

    def _add(self, country: str, rows: Sequence[WireRow], *, hashing: bool) -> Iterator[CutChunk]:
        taken, people = 0, len(rows)
        while taken < people:
            filling = self._filling.get(country) or self._begin(country)
            size = self._first if filling.number == 1 else self._size
            some = min(size - filling.held, people - taken)
            self._take(filling, rows[taken : taken + some] if some < people else rows, hashing=hashing)
            taken += some
            if filling.held == size:
                del self._filling[country]
                yield filling.number, filling.held, filling.items()

    def _begin(self, country: str) -> "_Filling":
        self._sizes.append(0)
        self._countries.append(country)
        filling = self._filling[country] = _Filling(len(self._sizes))
        return filling

    def _take(self, filling: "_Filling", rows: Sequence[WireRow], *, hashing: bool) -> None:
        encoded = self._encode(rows)
        if hashing:
            self._take_into_hash(encoded)
        if self._marker is not None:
            encoded = self._marker.mark(rows, encoded, chunk=filling.number, first=filling.held)
        filling.take(encoded, len(rows))
        self._sizes[filling.number - 1] = filling.held

    def _take_into_hash(self, encoded: bytes) -> None:
        self._hash.update(encoded)
        self._hash.update(b",")


class _Filling:
    """A chunk that is not full yet."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.held = 0
        self._pieces: list[bytes] = []

    def take(self, encoded: bytes, people: int) -> None:
        self._pieces.append(b"," if self._pieces else b"[")
        self._pieces.append(encoded)
        self.held += people

    def items(self) -> bytes:
        self._pieces.append(b"]")
        return b"".join(self._pieces)  # once: a body is large enough for every copy to be felt
