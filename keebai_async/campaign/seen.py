"""Who is in the campaign already, and in which row: a few bytes a person, however long the list.

Membership is a set of identity keys. The row that a duplicate repeats is asked for seldom, so it is not
in the set: the keys stand once more in an array in the order of the rows, which is searched from the
beginning for many duplicates at once. Rows mostly follow one another, so only the breaks are kept.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

SEGMENT: Final = 16_384


class Seen:
    """The people who will be sent to, by identity key."""

    def __init__(self) -> None:
        self._keys: set[int] = set()
        self._order = array("Q")
        self._breaks = array("Q")
        self._rows = array("Q")

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def all_new(self, keys: Sequence[int]) -> bool:
        """Whether no key is here, and none comes twice."""
        distinct = set(keys)
        return len(distinct) == len(keys) and self._keys.isdisjoint(distinct)

    def split(self, keys: Sequence[int]) -> tuple[list[int], list[int]]:
        """The places of the keys that are new, and of those that are here or earlier among them."""
        fresh, again = [], []
        met: set[int] = set()
        for place, key in enumerate(keys):
            if key in self._keys or key in met:
                again.append(place)
            else:
                met.add(key)
                fresh.append(place)
        return fresh, again

    def add(self, keys: Sequence[int], rows: Sequence[int]) -> None:
        """Add people who are all new, with their rows, in order."""
        if isinstance(rows, range):
            self._mark(len(self._order), rows[0])
        else:
            for place, row in enumerate(rows, start=len(self._order)):
                self._mark(place, row)
        self._keys.update(keys)
        self._order.extend(keys)

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
