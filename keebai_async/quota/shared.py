"""One limiter for all clients of a process that use the same token at the same base URL."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.observe import TO_LOG, Observer
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.limits import Limits
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.store import HeldPlace, Store, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait

_Key = tuple[str, Clock]

_lock = threading.Lock()
_stores: WeakValueDictionary[_Key, MemoryStore] = WeakValueDictionary()
_limiters: WeakValueDictionary[tuple[_Key, tuple[Quota, ...], bool], RateLimiter] = WeakValueDictionary()
_spending: dict[_Key, MemoryStore] = {}  # held here while it matters, even if no client is left
_in_files: dict[tuple[int, str, Path, tuple[Quota, ...], bool], RateLimiter] = {}
"""Those of this process by its number: a fork has others."""


def shared_limiter(
    key: str, quotas: Sequence[Quota], clock: Clock = SYSTEM_CLOCK, *, yields: bool = False
) -> RateLimiter:
    """The limiter of *key* (a hash of base URL and token) in this process, made on first use.

    It outlives its clients, event loops and threads for as long as something that they spent still
    counts. Two callers with different *quotas* wait in lines of their own, on the same spending, and the
    smaller quota holds for both. *yields* is as in RateLimiter.
    """
    name = (key, clock)
    with _lock:
        for other, store in list(_spending.items()):
            if other != name and store.idle:
                del _spending[other]
        store = _stores.get(name) or MemoryStore(clock)
        _stores[name] = _spending[name] = store
        own = (name, tuple(quotas), yields)
        limiter = _limiters.get(own)
        if limiter is None:
            limiter = _limiters[own] = RateLimiter(quotas, store=store, clock=clock, yields=yields)
        return limiter


def machine_limiter(
    key: str, quotas: Sequence[Quota], path: Path, *, yields: bool = False, observer: Observer = TO_LOG
) -> RateLimiter:
    """The same for all processes of this machine, which share the SQLite file *path*. It is never closed."""
    name = (os.getpid(), key, path, tuple(quotas), yields)
    with _lock:
        limiter = _in_files.get(name)
        if limiter is None:
            store = _FileOfLater(path, key, observer)
            limiter = _in_files[name] = RateLimiter(quotas, store=store, yields=yields)
        return limiter


class _FileOfLater:
    """The store in a file, which is opened with the first request: it brings SQLite along."""

    def __init__(self, path: Path, key: str, observer: Observer) -> None:
        self._make = path, key, observer
        self._opening = threading.Lock()
        self._opened: Store | None = None

    def _store(self) -> Store:
        from keebai_async.quota.sqlite import SqliteStore

        with self._opening:
            if self._opened is None:
                path, key, observer = self._make
                self._opened = SqliteStore(path, key, observer=observer)
            return self._opened

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        return await self._store().take(windows, version)

    async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        return await self._store().settle(held, windows, word)

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        return await self._store().forecast(windows, ahead)

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        return await self._store().spent(windows)

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        return await self._store().agree(said, replace=replace)

    async def limits(self) -> Limits | None:
        return await self._store().limits()

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
