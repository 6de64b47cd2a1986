"""A list that comes in pages, in either dialect of the documents. Pure: what came in, what to ask next.

One dialect counts pages from 0 and tells a total, the other hands out a cursor. A reply decides which it
is; a server that repeats a page, or a cursor, ends the list instead of keeping us for ever.
Source: contract, section 11 number 13.
"""

from typing import Final

from keebai_async.transport.tolerant_reader import Fields, count, text

KEEBAI_PAGE_SIZE: Final = 100
"""Source: contract, section 4.1: at most 100."""

KEEBAI_MAX_PAGES: Final = 1_000

Query = tuple[tuple[str, str], ...]


class Pages:
    """Where a reader of pages stands. *query* is what stays the same on every page."""

    def __init__(self, query: Query = ()) -> None:
        self._query = query
        self._page = 0
        self._cursor: str | None = None
        self._cursors: set[str] = set()
        self._seen: set[str] = set()
        self._received = 0
        self.done = False

    @property
    def next_query(self) -> Query:
        """What to ask for now."""
        at = ("page", str(self._page)) if self._cursor is None else ("cursor", self._cursor)
        return (*self._query, at, ("limit", str(KEEBAI_PAGE_SIZE)))

    def take(self, reply: object, items: list[Fields], keys: list[str]) -> list[Fields]:
        """The items that are new; *keys* names each. Afterwards, `done` or `next_query` says how to go on."""
        fresh = []
        for item, key in zip(items, keys, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(item)
        self._received += len(items)
        self._page += 1
        fields = reply if isinstance(reply, dict) else {}
        self.done = not fresh or self._page >= KEEBAI_MAX_PAGES or self._is_last(fields, len(items))
        return fresh

    def _is_last(self, fields: Fields, size: int) -> bool:
        cursor = text(fields, "next_cursor", "nextCursor")
        if cursor is not None and cursor not in self._cursors:
            self._cursors.add(cursor)
            self._cursor = cursor
            return False
        total = count(fields, "total")
        if total is not None:
            self._cursor = None  # a server may change its dialect from reply to reply
            return self._received >= total
        if cursor is not None or self._cursor is not None:
            return True
        return size < (count(fields, "limit") or KEEBAI_PAGE_SIZE)
