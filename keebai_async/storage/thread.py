"""One thread that works off what it is given, in order: the event loop never waits for a disk."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

import anyio
import anyio.lowlevel

from keebai_async.errors import JournalUnusable, Misused

T = TypeVar("T")

GRACE: Final = 30.0
"""Seconds of real time that one piece of work may take before the disk counts as gone."""


class Worker:
    """Does pieces of work one after another, and *beat* about every *period* seconds in between.

    The thread starts with the first piece. It is a daemon: work that was awaited is done, and a process
    that ends without `aclose` must not hang for it.
    """

    def __init__(self, *, beat: Callable[[], None], period: float) -> None:
        self._beat = beat
        self._period = period
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Have *work* done, and give what it gives.

        Cancelled before the work was handed over, nothing is done. Cancelled later, the work is waited
        for all the same: half-known writes are what this library exists to avoid.

        Raises:
            JournalUnusable: it was not done within GRACE; if it had not begun, it never will.
            Misused: the worker is closed.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        return await self.hand_over(work).result()

    def hand_over(self, work: Callable[[], T]) -> "Job[T]":
        """Have *work* done after all that was handed over before; its end is waited for with `result`.

        Raises:
            Misused: the worker is closed.
        """
        if self._closed:
            raise Misused("this journal is closed")
        job = Job(work)
        self._inbox.put(job.do)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="keebai journal", daemon=True)
            self._thread.start()
        return job

    async def aclose(self, last: Callable[[], None]) -> None:
        """Do *last* after all else, if anything was ever done, and end the thread."""
        if self._closed:
            return
        try:
            if self._thread is not None:
                with anyio.CancelScope(shield=True):
                    await self.run(last)
        finally:
            self._closed = True
            self._inbox.put(None)

    def _serve(self) -> None:
        due = time.monotonic() + self._period
        while True:
            with suppress(Empty):
                job = self._inbox.get(timeout=max(0.0, due - time.monotonic()))
                if job is None:
                    return
                job()
            if time.monotonic() >= due:
                self._beat()
                due = time.monotonic() + self._period


class Job(Generic[T]):
    """A piece of work on its way."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._landed = asyncio.Event()
        self._begun = threading.Lock()
        self._given: list[T] = []
        self._error: BaseException | None = None

    def do(self) -> None:
        if not self._begun.acquire(blocking=False):
            return  # given up before its turn came
        try:
            self._given.append(self._work())
        except BaseException as error:  # it belongs to the task that waits for it
            self._error = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._landed.set)

    async def result(self) -> T:
        """Wait for the end, as `Worker.run` does."""
        await self._done()
        if self._error is not None:
            raise self._error
        return self._given[0]

    async def _done(self) -> None:
        cancelled: asyncio.CancelledError | None = None
        with anyio.move_on_after(GRACE, shield=True) as patience:
            while not self._landed.is_set():
                try:
                    await self._landed.wait()
                except asyncio.CancelledError as error:
                    if patience.cancel_called:
                        raise
                    cancelled = error  # Task.cancel(), which no shield keeps out
        if not self._landed.is_set():
            self._begun.acquire(blocking=False)
            raise JournalUnusable(f"the journal took longer than {GRACE:g} s for one line: is its disk gone?")
        if cancelled is not None:
            raise cancelled
