"""Keys in a compressed bitmap: the one place that knows pyroaring (the `large` extra)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence


class Bitmap:
    """A set of keys in a compressed bitmap: a few bytes a key, where a set of ints takes 65."""

    def __init__(self) -> None:
        from pyroaring import BitMap64

        self._map = BitMap64()

    def update(self, keys: Iterable[int]) -> None:
        self._map.update(keys)  # not `|=`, which copies all that is there

    def add_new(self, keys: Sequence[int]) -> bool:
        """Add *keys*, or none if any is here or comes twice; says whether they were added."""
        each = iter(keys)
        try:
            deque(map(self._map.add_checked, each), maxlen=0)
        except KeyError:
            added = len(keys) - len(list(each)) - 1  # up to the one that was not new
            deque(map(self._map.discard, keys[:added]), maxlen=0)
            return False
        return True

    def held(self, keys: Iterable[int]) -> Iterator[int]:
        """Those of *keys* that are here."""
        return filter(self._map.__contains__, keys)

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[int]:
        return iter(self._map)
