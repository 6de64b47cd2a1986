"""A list, a generator, an async generator: people that a program already has.

A generator may wait for a database at every row, which must not hold the event loop: it is pulled in a
thread of its own, always the same one, a block at a time. SQLite's objects refuse to be used in another
thread than theirs, so a generator that visibly holds one is pulled in the loop, in small turns.
"""

import asyncio
import itertools
import sys
import time
import types
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import anyio
import anyio.lowlevel

from keebai_async.sources.block import BLOCK_ROWS, Objects

TURN: Final = 0.002
"""Seconds that one turn of pulling in the loop may take."""
GRACE: Final = 10.0

T = TypeVar("T")


class Held:
    """Rows that are pulled in the event loop: a list in memory, or what must stay in its thread."""

    def __init__(self, items: Iterable[object], *, columns: Mapping[str, str]) -> None:
        self.description = "the list"
        self.columns = columns
        self._items = items

    async def blocks(self) -> AsyncGenerator[Objects, None]:
        iterator = iter(self._items)
        turn = _quick_turn if isinstance(self._items, list | tuple) else _turn
        first = 1
        try:
            while items := turn(iterator):
                yield Objects(first=first, items=items)
                first += len(items)
                await anyio.lowlevel.checkpoint()
        finally:
            _close(iterator)


class Pulled:
    """A generator or cursor whose rows may take their time: pulled, and closed, in one thread of its own."""

    def __init__(
        self, items: Iterable[object], *, columns: Mapping[str, str], size: int = BLOCK_ROWS
    ) -> None:
        self.description = "the list"
        self.columns = columns
        self._items = items
        self._size = size

    async def blocks(self) -> AsyncGenerator[Objects, None]:
        thread = ThreadPoolExecutor(1, thread_name_prefix="keebai-source")
        iterator: Iterator[object] | None = None
        try:
            iterator = await _run(thread, lambda: iter(self._items))
            first = 1
            while items := await _run(thread, lambda: _quick_turn(iterator, self._size)):
                yield Objects(first=first, items=items)
                first += len(items)
        finally:
            with anyio.move_on_after(GRACE, shield=True):
                await _run(thread, lambda: _close(iterator))
            thread.shutdown(wait=False)


class Awaited:
    """An async iterable, gathered into blocks."""

    def __init__(self, items: AsyncIterable[object], *, columns: Mapping[str, str]) -> None:
        self.description = "the list"
        self.columns = columns
        self._items = items

    async def blocks(self) -> AsyncGenerator[Objects, None]:
        iterator = aiter(self._items)
        gathered: list[object] = []
        first = 1
        try:
            async for item in iterator:
                gathered.append(item)
                if len(gathered) == BLOCK_ROWS:
                    yield Objects(first=first, items=gathered)
                    first += BLOCK_ROWS
                    gathered = []
                    await anyio.lowlevel.checkpoint()
            if gathered:
                yield Objects(first=first, items=gathered)
        finally:
            if isinstance(iterator, types.AsyncGeneratorType):
                await iterator.aclose()


def tied_to_its_thread(items: object) -> bool:
    """Whether *items* is, or is a generator that holds, an object of SQLite."""
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is None:
        return False
    held: list[object] = [items]
    if isinstance(items, types.GeneratorType):
        held.extend(items.gi_frame.f_locals.values() if items.gi_frame else ())
    return any(isinstance(thing, sqlite3.Cursor | sqlite3.Connection) for thing in held)


def _quick_turn(iterator: Iterator[object] | None, size: int = BLOCK_ROWS) -> list[object]:
    return list(itertools.islice(iterator, size)) if iterator is not None else []


def _turn(iterator: Iterator[object]) -> list[object]:
    """Up to a block of rows, fewer when they take longer than TURN; none at the end."""
    until = time.monotonic() + TURN
    items: list[object] = []
    for item in iterator:
        items.append(item)
        if len(items) == BLOCK_ROWS or time.monotonic() > until:
            break
    return items


def _close(iterator: Iterator[object] | None) -> None:
    if isinstance(iterator, types.GeneratorType):
        iterator.close()


async def _run(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)
