"""Pages of a bare array, from a server of which nothing more is known. Pure: a page in, what to ask next.

The problem: an array has no total, no cursor and no next link; whether pages count from 0 or 1, how many
items a page may have, and whether pages hold still while they are read is not documented. What is lost by
a wrong guess is lost in silence.

The choice: read on until a page is empty, or holds nothing that was not there before (a server that ignores
`page`, or repeats its last one). A short page proves nothing, for the limit may have been capped in silence.
Page 0 is asked for once, after page 1: if it holds other things than page 1, the server counts from 0, and
page 0 comes first. Items that move onto the next page while it is read come twice, and are dropped: the
last items seen are remembered, as many as RECENT, so a log of any length is read in bounded memory.

Source: contract, section 4.3, and section 10 number 15.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

RECENT: Final = 10_000
"""Items among which one that comes again is recognised."""

WHAUTOMATE_MAX_PAGES: Final = 1_000_000
"""A server that hands out new things for ever ends here."""


class WhautomatePages(Generic[T]):
    """Where a reader of pages stands. *first* is the number of the first page, None if it is not known.

    Ask for `page`, give what came to `take`, and go on until `done`.
    """

    def __init__(self, first: int | None = None) -> None:
        self.first = first
        self.page = 1 if first is None else first
        self.done = False
        self._held: list[T] | None = None
        self._held_keys: Sequence[Hashable] = ()
        self._recent: deque[int] = deque()
        self._room = RECENT
        self._seen: set[int] = set()
        self._taken = 0
        self._repeats = 0

    @property
    def probing(self) -> bool:
        """The page asked for is page 0, and may not exist: an error of the server says that it does not."""
        return self._held is not None

    def take(self, items: list[T], keys: Sequence[Hashable]) -> list[T]:
        """The items to hand out now; *keys* tells one from another. Then `page` is the next, or `done`."""
        if self.first is not None:
            return self._next(items, keys)
        if self._held is None:
            self._held, self._held_keys, self.page = items, keys, 0
            return []
        one, one_keys, self._held = self._held, self._held_keys, None
        if not items:
            return self._from(1, one, one_keys)
        if not one:
            return self._from(0, items, keys)
        if _same(keys, one_keys):
            return self._from(1, one, one_keys)
        first = self._from(0, items, keys)
        return first + self._next(one, one_keys)

    @property
    def start(self) -> int:
        """The number of the first page, as far as it is known."""
        return 1 if self.first is None else self.first

    @property
    def begun(self) -> bool:
        """A page was handed out already: the server may say of the next one that it does not exist."""
        return self._taken > 0

    def no_such_page(self) -> list[T]:
        """The server refused page 0: what page 1 held is handed out."""
        held, self._held = self._held or [], None
        return self._from(1, held, self._held_keys)

    def _from(self, first: int, items: list[T], keys: Sequence[Hashable]) -> list[T]:
        # An empty list says nothing about where pages begin, but it is done.
        self.first = first if items else None
        self.page = first
        return self._next(items, keys)

    def _next(self, items: list[T], keys: Sequence[Hashable]) -> list[T]:
        # Items that look alike on one page are two; one that was on an earlier page has moved.
        hashes = [hash(key) for key in keys]
        fresh = [item for item, key in zip(items, hashes, strict=True) if key not in self._seen]
        self._room = max(self._room, 2 * len(items))  # or a page that comes again would not be known
        for key in hashes:
            self._remember(key)
        self.page += 1
        self._taken += 1
        self._repeats = 0 if fresh else self._repeats + 1
        # Pages that moved by one between two requests repeat once; a server that ignores `page`, for ever.
        self.done = not items or self._repeats == 2 or self._taken >= WHAUTOMATE_MAX_PAGES
        return fresh

    def _remember(self, key: int) -> None:
        if key in self._seen:
            return
        if len(self._recent) == self._room:
            self._seen.discard(self._recent.popleft())
        self._recent.append(key)
        self._seen.add(key)


def _same(keys: Sequence[Hashable], others: Iterable[Hashable]) -> bool:
    """Whether two pages are one page asked for twice, between which an item may have come or gone."""
    first, second = set(keys), set(others)
    return 2 * len(first & second) >= min(len(first), len(second))
