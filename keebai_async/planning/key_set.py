"""Many identity keys, whose number costs nobody a pause.

A set of a million numbers is walked through by every full collection of Python's garbage collector, which
holds the event loop for 60 ms or more each time; a dict of numbers and a bitmap are not.
"""

import importlib.util
import sys
from collections.abc import Iterable, Iterator

import anyio.to_thread

from keebai_async.planning.bitmap import Bitmap


class KeySet:
    """A set of keys, in a bitmap if pyroaring is installed (the `large` extra).

    To make one may import it, which takes a while: `no_keys` does it in a thread.
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


async def no_keys() -> KeySet:
    """An empty set. The first one of a process imports the bitmap, beside the event loop."""
    if "pyroaring" in sys.modules:
        return KeySet()
    return await anyio.to_thread.run_sync(KeySet)
