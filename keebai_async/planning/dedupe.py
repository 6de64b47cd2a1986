"""Who is in the campaign already, and in which row: a few bytes a person, however long the list.

A duplicate has to be found among all before it, and told which row it repeats. A dict from each number to its
row does both, and takes 130 bytes a person: 1.3 GB for 10 million, for a question that is asked of one row in
a hundred. So the two are apart. Membership is a set of identity keys, which becomes a compressed bitmap when
the list is long. For the row, the keys of each block are kept in the order of the rows, and searched for many
duplicates at once. Rows mostly follow one another, so only the breaks in their numbers are kept.
"""

import importlib.util
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, islice
from operator import ne, sub
from typing import Final

from keebai_async.planning.bitmap import Bitmap

SEGMENT: Final = 512
SEGMENTS_IN_A_STEP: Final = 24
"""Segments that are searched in one step if little is found in them."""
FOUND_IN_A_STEP: Final = 256
"""Rows that are found in one step, give or take those of a segment: each takes as long as to search 20."""
LARGE: Final = 50_000
"""People from which on those who follow go to a bitmap, if pyroaring is installed (the `large` extra).

Those before are in a set, which is faster. A set that grew on would also hold the event loop each time it
doubles: 20 ms at a million.
"""
GROWTH: Final = 19_661
"""People with whom Python makes the set four times as large, in more than 1 ms; of larger ones, see LARGE."""
FREED_IN_A_STEP: Final = 10_000
STEP: Final = 1_000
"""Of those in the set, how many follow with every block once the list is twice as long: in less than 1 ms."""


class Deduper:
    """The people who will be sent to, by identity key."""

    def __init__(self, *, large: int = LARGE) -> None:
        self._keys: set[int] = set()
        self._more: Bitmap | None = None
        self._large = large if importlib.util.find_spec("pyroaring") else None
        self._order: list[Sequence[int]] = []
        """Of each block its keys, in the order of their rows. While they are in the set, these are the same
        objects, so they can be let go of as they lie in memory, which a set does not know."""
        self._count = 0
        self._breaks = array("Q")
        self._rows = array("Q")

    def __len__(self) -> int:
        return self._count

    @property
    def compact(self) -> bool:
        """Whether some are in a bitmap by now."""
        return self._more is not None

    def grows_with(self, count: int) -> bool:
        """Whether *count* more take the event loop longer than others; nothing breaks if that is wrong."""
        return self._count < GROWTH <= self._count + count

    @property
    def full(self) -> bool:
        """Whether it is time for `widen`; nothing breaks without it."""
        return self._large is not None and self._more is None and self._count >= self._large

    def widen(self) -> None:
        """Keep those who follow in a bitmap. It may have to be imported, which takes a while."""
        self._more = Bitmap()
        self._order = [array("Q", keys) for keys in self._order]

    def again(self, keys: Sequence[int]) -> list[int]:
        """The places of the keys that are here, or earlier among them."""
        places = range(len(keys))
        again, distinct = set[int](), set(keys)
        if len(distinct) < len(keys):
            first = dict(zip(reversed(keys), reversed(places), strict=True))
            again.update(compress(places, map(ne, places, map(first.__getitem__, keys))))
        if held := set(self._held(distinct)):
            again.update(compress(places, map(held.__contains__, keys)))
        return sorted(again)

    def add(self, keys: Sequence[int], numbers: Sequence[int], where: Sequence[int]) -> bool:
        """Add the people of the rows at *where* in a block whose rows have these *numbers*.

        If any of them is here, or comes twice, nobody is added; says whether they were. *keys* are kept, so
        nobody may change them later.
        """
        if not self._keys.isdisjoint(keys):
            return False
        if self._more is not None:
            if not self._more.add_new(keys):
                return False
        else:
            before = len(self._keys)
            self._keys.update(keys)
            if len(self._keys) < before + len(keys):
                self._keys.difference_update(keys)  # of which none was there
                return False
        self._note(self._count, numbers, where)
        self._append(keys)
        self._shrink()
        return True

    def search(self, keys: set[int]) -> Iterator[dict[int, int]]:
        """The rows of *keys*, as they are found, one step of the search (less than 1 ms) at a time.

        All of them are here. A row is mostly repeated soon, so the search begins with the last.
        """
        sought = len(keys)
        found: dict[int, int] = {}
        for turn, (start, segment) in enumerate(self._segments(), start=1):
            places = compress(count(), map(keys.__contains__, segment))
            found |= {segment[place]: self._row(start + place) for place in places}
            if turn % SEGMENTS_IN_A_STEP == 0 or len(found) > FOUND_IN_A_STEP or start == 0:
                sought -= len(found)
                yield found
                if not sought:
                    return
                found = {}

    def free(self) -> Iterator[None]:
        """Let go of those in the set, some at a time; it is the end of it all.

        All at once takes 3 ms, and to take each out twice as long. So others hold them while the set is let
        go of.
        """
        held = self._order
        if self.compact:
            each = iter(self._keys)
            held = []
            while some := list(islice(each, FREED_IN_A_STEP)):
                held.append(some)
                yield
        self._keys.clear()
        freed = 0
        while held:
            freed += len(held.pop())
            if freed >= FREED_IN_A_STEP:
                freed = 0
                yield

    def _append(self, keys: Sequence[int]) -> None:
        self._count += len(keys)
        if self._order and len(self._order[-1]) + len(keys) <= SEGMENT:
            keys = [*self._order.pop(), *keys]  # a block of few rows costs as much as one of many
        self._order.append(array("Q", keys) if self.compact else keys)

    def _segments(self) -> Iterator[tuple[int, Sequence[int]]]:
        """All keys, from the last ones to the first: some of them, and the place of the first of these."""
        end = self._count
        for keys in reversed(self._order):
            end -= len(keys)
            for start in reversed(range(0, len(keys), SEGMENT)):
                yield end + start, keys[start : start + SEGMENT]

    def _shrink(self) -> None:
        if self._more is not None and self._keys and self._count >= 2 * len(self._keys):
            some = list(islice(self._keys, STEP))
            self._more.update(some)
            self._keys.difference_update(some)
            self._keys = self._keys or set()  # an emptied set keeps its memory

    def _held(self, keys: Iterable[int]) -> Iterator[int]:
        """Those of *keys* that are here."""
        yield from self._keys.intersection(keys)
        if self._more is not None:
            yield from self._more.held(keys)

    def _note(self, start: int, numbers: Sequence[int], where: Sequence[int]) -> None:
        """Remember the breaks between the rows at *where*, of which the first gets place *start*."""
        if not where:
            return
        first = numbers[where[0]]
        if not self._breaks or first - start != self._rows[-1] - self._breaks[-1]:
            self._breaks.append(start)
            self._rows.append(first)
        if numbers[where[-1]] - len(where) + 1 == first:
            return
        # Numbers only go up, so a run of rows ends where the distance to the place grows.
        rows = where if isinstance(numbers, range) else list(map(numbers.__getitem__, where))
        distances = list(map(sub, rows, count()))
        for place in compress(count(1), map(ne, distances, islice(distances, 1, None))):
            self._breaks.append(start + place)
            self._rows.append(numbers[where[place]])

    def _row(self, place: int) -> int:
        at = bisect_right(self._breaks, place) - 1
        return self._rows[at] + place - self._breaks[at]
