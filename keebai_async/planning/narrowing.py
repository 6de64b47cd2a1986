"""To find the few bad rows among many with a check that is only fast for many, and to take them out."""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter
from typing import Final, TypeVar

PARTS = 8
_FEW: Final = 16
"""Of so many items, one is taken out faster alone than by asking each whether it stays."""

T = TypeVar("T")


def picked(items: Sequence[T], places: Sequence[int]) -> list[T]:
    """The *items* at *places*."""
    if len(places) > 1:
        return list(itemgetter(*places)(items))
    return [items[place] for place in places]


def without(items: Sequence[T], gone: Sequence[int]) -> list[T]:
    """The *items* but those at the places *gone*, which go up."""
    if len(gone) * _FEW > len(items):
        stays = bytearray(b"\1") * len(items)
        for place in gone:
            stays[place] = False
        return list(compress(items, stays))
    left = list(items)
    for place in reversed(gone):
        del left[place]
    return left


def fine_places(count: int, fine: Callable[[int, int], bool]) -> list[int]:
    """The places 0..*count* that pass; `fine(start, end)` says whether all of a stretch do.

    A stretch that does not pass is cut into parts, down to single places.
    """
    found: list[int] = []
    _narrow(0, count, fine, found)
    return found


def _narrow(start: int, end: int, fine: Callable[[int, int], bool], found: list[int]) -> None:
    step = max(1, (end - start) // PARTS)
    for part in range(start, end, step):
        stop = min(part + step, end)
        if fine(part, stop):
            found.extend(range(part, stop))
        elif stop - part > 1:
            _narrow(part, stop, fine, found)
