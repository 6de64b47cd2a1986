"""Spending kept in this process: shared by its tasks, its threads and its successive event loops."""

import itertools
import threading
from collections.abc import Sequence

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.quota.books import Books
from keebai_async.quota.limits import Limits, renewed
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Wait

_FORGET_EVERY = 128


class MemoryStore:
    """A store that ends with the process. Safe to use from several threads; no method of it waits."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._books = Books()
        self._limits: Limits | None = None
        self._longest = 3_600.0

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        return self.take_now(windows, version)

    def take_now(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        with self._lock:
            if version and (self._limits is None or version != self._limits.version):
                return None
            return self._books.take(str(next(self._ids)), windows, self._clock.now())

    async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        with self._lock:
            now = self._clock.now()
            settled = self._books.settle(held, windows, word, now)
            if windows[-1].per > self._longest:
                self._longest = windows[-1].per
            if len(self._books.ended) % _FORGET_EVERY == 0:
                self._books.forget(self._longest, now)
            return settled.sooner

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        with self._lock:
            return self._books.forecast(windows, ahead, self._clock.now())

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        with self._lock:
            return self._books.spent(windows, self._clock.now())

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        with self._lock:
            version = f"memory {next(self._ids)}"
            self._limits = renewed(self._limits, said, replace=replace, version=version)
            return self._limits

    async def limits(self) -> Limits | None:
        with self._lock:
            return self._limits

    async def aclose(self) -> None:
        return None

    @property
    def idle(self) -> bool:
        """Nothing is under way, counted or paused: to forget this store is to lose nothing."""
        with self._lock:
            books = self._books
            books.forget(self._longest, self._clock.now())
            return not (books.held or books.ended or books.others or books.pause.proving)
