"""A list, a generator, an async generator: people that a program already has.

A generator may wait for a database at every row. Pulled in the event loop, as a plain `for` would, it holds
everybody who shares the loop. So it is pulled in a thread of its own, always the same one, a block at a
time. SQLite's objects refuse to be used in another thread than theirs, so a generator that visibly holds one
is pulled in the loop after all, in small turns; and a list in memory waits for nothing.
"""

import asyncio
import contextlib
import itertools
import sys
import time
import types
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Final, Generic, TypeVar

import anyio

from keebai_async.sources.block import BLOCK_ROWS, ObjectBlock
from keebai_async.sources.loop_turns import next_turn, reading

PULL_SECONDS: Final = 0.002
"""Seconds that one turn of pulling in the event loop may take."""
CLOSE_SECONDS: Final = 10.0
"""Seconds that closing a generator in its thread may take."""

T = TypeVar("T")


class ItemsInLoop:
    """Rows that are pulled in the event loop: a list in memory, or what must stay in its thread."""

    notes: Sequence[str] = ()
    sheet = ""

    def __init__(self, items: Iterable[object], *, columns: Mapping[str, str]) -> None:
        self.description = "the list"
        self.columns = columns
        self._items = items

    async def blocks(self) -> AsyncGenerator[ObjectBlock, None]:
        iterator = iter(self._items)
        pull = _pulled if isinstance(self._items, list | tuple) else _pulled_for_a_while
        first = 1
        try:
            while items := pull(iterator, BLOCK_ROWS):
                yield ObjectBlock(first=first, items=items)
                first += len(items)
        finally:
            _close(iterator)


class ItemsInThread:
    """A generator or cursor whose rows may take their time; or a data frame, whose columns are a *header*."""

    notes: Sequence[str] = ()
    sheet = ""

    def __init__(
        self,
        items: Iterable[object],
        *,
        columns: Mapping[str, str],
        description: str = "the list",
        header: tuple[str, ...] = (),
    ) -> None:
        self.description = description
        self.columns = columns
        self._items = items
        self._header = header

    async def blocks(self) -> AsyncGenerator[ObjectBlock, None]:
        first = 1
        async with aclosing(in_thread(self._items)) as batches:
            async for items in batches:
                yield ObjectBlock(first=first, items=items, header=self._header)
                first += len(items)


class AsyncItems:
    """An async iterable, gathered into blocks."""

    notes: Sequence[str] = ()
    sheet = ""

    def __init__(self, items: AsyncIterable[object], *, columns: Mapping[str, str]) -> None:
        self.description = "the list"
        self.columns = columns
        self._items = items

    async def blocks(self) -> AsyncGenerator[ObjectBlock, None]:
        iterator = aiter(self._items)
        gathered: list[object] = []
        first = 1
        try:
            async for item in iterator:
                gathered.append(item)
                if len(gathered) == BLOCK_ROWS:
                    yield ObjectBlock(first=first, items=gathered)
                    first += BLOCK_ROWS
                    gathered = []
                    await next_turn()
            if gathered:
                yield ObjectBlock(first=first, items=gathered)
        finally:
            if isinstance(iterator, types.AsyncGeneratorType):
                await iterator.aclose()


async def in_thread(
    items: Iterable[T], size: int = BLOCK_ROWS, *, alone: bool = False
) -> AsyncGenerator[list[T], None]:
    """*items* in lists of up to *size*, pulled in one thread of its own, and closed in it.

    *alone*: nobody else who says so is pulled meanwhile, so they must wait for nothing but a disk.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="keebai-source")
    pulling = _Pulling(items, size)
    try:
        while not pulling.over:
            async with reading() if alone else contextlib.nullcontext():
                pulled = await _run(thread, pulling.pull)
            if pulled:
                yield pulled
    finally:
        if not pulling.over:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await _run(thread, pulling.close)
        thread.shutdown(wait=False)


def tied_to_its_thread(items: object) -> bool:
    """Whether *items* is an object of SQLite, or a generator or a result that holds one."""
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is None:
        return False
    held: list[object] = [items, getattr(items, "cursor", None)]
    if isinstance(items, types.GeneratorType):
        held.extend(items.gi_frame.f_locals.values() if items.gi_frame else ())
    return any(isinstance(thing, sqlite3.Cursor | sqlite3.Connection) for thing in held)


class _Pulling(Generic[T]):
    """*items*, so many at a time; all of it in one thread, which costs as much to change to as a block."""

    def __init__(self, items: Iterable[T], size: int) -> None:
        self.over = False
        self._items = items
        self._size = size
        self._iterator: Iterator[T] | None = None

    def pull(self) -> list[T]:
        """The next ones; fewer at the end."""
        if self._iterator is None:
            self._iterator = iter(self._items)
        pulled = _pulled(self._iterator, self._size)
        self.over = len(pulled) < self._size
        return pulled

    def close(self) -> None:
        _close(self._iterator)


def _pulled(iterator: Iterator[T], size: int) -> list[T]:
    """The next *size* items; fewer at the end, none after it."""
    return list(itertools.islice(iterator, size))


def _pulled_for_a_while(iterator: Iterator[object], size: int) -> list[object]:
    """Up to *size* items, fewer when they take longer than PULL_SECONDS; none at the end."""
    until = time.monotonic() + PULL_SECONDS
    items: list[object] = []
    for item in iterator:
        items.append(item)
        if len(items) == size or time.monotonic() > until:
            break
    return items


def _close(iterator: Iterator[T] | None) -> None:
    if isinstance(iterator, types.GeneratorType):
        iterator.close()


async def _run(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)
