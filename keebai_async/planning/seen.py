"""Who is in the campaign already, and in which row: a few bytes a person, however long the list.

Membership is a set of identity keys. The row that a duplicate repeats is asked for seldom, so it is not
in the set: the keys stand once more in an array in the order of the rows, which is searched from the
beginning for many duplicates at once. Rows mostly follow one another, so only the breaks are kept.
"""

import importlib.util
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import sub
from typing import Final, Protocol

SEGMENT: Final = 16_384
LARGE: Final = 1_000_000
"""People from which on a bitmap is used, if pyroaring is installed (the `large` extra).

A set is faster, but what it took stays with the process after the change, so the change is early.
"""


class Keys(Protocol):
    """A set of identity keys."""

    def update(self, keys: Iterable[int], /) -> None: ...

    def isdisjoint(self, keys: set[int], /) -> bool: ...

    def intersection(self, keys: Iterable[int], /) -> Collection[int]: ...


class Bitmap:
    """A set of keys in a compressed bitmap: about 7 bytes a key, where a set of ints takes 65."""

    def __init__(self, keys: Iterable[int]) -> None:
        from pyroaring import BitMap64

        self._make = BitMap64
        self._map = BitMap64(keys)

    def update(self, keys: Iterable[int]) -> None:
        self._map |= self._make(keys)

    def isdisjoint(self, keys: set[int]) -> bool:
        return self._map.isdisjoint(self._make(keys))

    def intersection(self, keys: Iterable[int]) -> set[int]:
        return set(self._map & self._make(keys))


class Seen:
    """The people who will be sent to, by identity key."""

    def __init__(self, *, large: int = LARGE) -> None:
        self._keys: Keys = set()
        self._large = large if importlib.util.find_spec("pyroaring") else None
        self._order = array("Q")
        self._breaks = array("Q")
        self._rows = array("Q")

    def __len__(self) -> int:
        return len(self._order)

    @property
    def compact(self) -> bool:
        """Whether the keys are in a bitmap by now."""
        return isinstance(self._keys, Bitmap)

    def all_new(self, keys: Sequence[int]) -> bool:
        """Whether no key is here, and none comes twice."""
        distinct = set(keys)
        return len(distinct) == len(keys) and self._keys.isdisjoint(distinct)

    def split(self, keys: Sequence[int]) -> tuple[list[int], list[int]]:
        """The places of the keys that are new, and of those that are here or earlier among them."""
        places = range(len(keys))
        first = dict(zip(reversed(keys), reversed(places), strict=True))
        known = {first[key] for key in self._keys.intersection(keys)}
        new = set(first.values()).difference(known)
        return sorted(new), sorted(set(places).difference(new))

    def add(self, keys: Sequence[int], rows: Sequence[int]) -> None:
        """Add people who are all new, with their rows, in order."""
        start = len(self._order)
        if isinstance(rows, range):
            self._mark(start, rows[0])
        else:
            # Rows only go up, so every break is where the distance to the place grows.
            distances = list(map(sub, rows, range(start, start + len(rows))))
            for distance in sorted(set(distances)):
                place = distances.index(distance)
                self._mark(start + place, rows[place])
        self._keys.update(keys)
        self._order.extend(keys)
        if self._large is not None and len(self._order) > self._large and not self.compact:
            self._keys = Bitmap(self._order)

    def search(self, keys: set[int]) -> Iterator[dict[int, int]]:
        """The rows of *keys*, as they are found, one step of the search (about 1 ms) at a time."""
        for start in range(0, len(self._order), SEGMENT):
            places = enumerate(self._order[start : start + SEGMENT], start=start)
            yield {key: self._row(place) for place, key in places if key in keys}

    def _mark(self, place: int, row: int) -> None:
        if not self._breaks or row - place != self._rows[-1] - self._breaks[-1]:
            self._breaks.append(place)
            self._rows.append(row)

    def _row(self, place: int) -> int:
        at = bisect_right(self._breaks, place) - 1
        return self._rows[at] + place - self._breaks[at]
