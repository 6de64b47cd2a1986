"""Many identity keys, whose number costs nobody a pause.

A set of a million numbers is walked through by every full collection of Python's garbage collector, which
holds the event loop for 60 ms or more each time; a dict of numbers and a bitmap are not.
"""

import importlib.util
from collections.abc import Iterable, Iterator

from keebai_async.planning.bitmap import Bitmap


class KeySet:
    """A set of keys, in a bitmap if pyroaring is installed (the `large` extra).

    To make one may import it, which takes a while.
    """

    def __init__(self, keys: Iterable[int] = ()) -> None:
        self._keys: dict[int, None] = {}
        self._map = Bitmap() if importlib.util.find_spec("pyroaring") else None
        self.update(keys)

    def __len__(self) -> int:
        return len(self._keys) if self._map is None else len(self._map)

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys if self._map is None else self._map)

    def update(self, keys: Iterable[int]) -> None:
        if self._map is None:
            self._keys.update(dict.fromkeys(keys))
        else:
            self._map.update(keys)

    def isdisjoint(self, keys: Iterable[int]) -> bool:
        """Whether none of *keys* is here."""
        return next(self.held(keys), None) is None

    def held(self, keys: Iterable[int]) -> Iterator[int]:
        """Those of *keys* that are here."""
        return filter(self._keys.__contains__, keys) if self._map is None else self._map.held(keys)
