"""One thread that works off what it is given, in order: the event loop never waits for a disk."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

from keebai_async.loops import running_loop
from keebai_async.storage.process import OneProcess

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LONGEST_JOB: Final = 30.0
"""Seconds of real time that one piece of work may take before its disk counts as gone."""


_SLICES: Final = 30


class UnderWay(Protocol[T_co]):
    """A piece of work that was handed over."""

    async def result(self) -> T_co:
        """Wait for its end; raises what it raised."""
        ...


class Runner(Protocol):
    """Does pieces of work one after another, in the order they come."""

    async def run(self, work: Callable[[], T]) -> T:
        """Have *work* done, and give what it gives.

        Cancelled before the work was handed over, nothing is done. Cancelled later, the work is waited
        for all the same: half-known writes are what this library exists to avoid.
        """
        ...

    def hand_over(self, work: Callable[[], T]) -> UnderWay[T]:
        """Have *work* done after all that was handed over before; its end is waited for with `result`."""
        ...

    async def aclose(self, last: Callable[[], None]) -> None:
        """Do *last* after all else, if anything was ever done."""


class _Piece(Protocol):
    is_last: bool

    def do(self) -> None: ...


class Worker:
    """A Runner with a thread of its own, for work that may wait for a disk or a network.

    *beat* is called about every *period* seconds in between, from the same thread, and not behind the *last*
    piece of `aclose`, whose end it would undo. The thread starts with the first piece of work, and after
    `aclose` with the next one. It is a daemon: work that was awaited is
    done, and a process that ends without `aclose` must not hang for it. Several event loops may use it, but
    only one process: in a fork, `run` and `hand_over` raise Misused and `aclose` does nothing.

    A piece that is not done within LONGEST_JOB raises what *late* makes of those seconds; if it had not
    begun, it never will. Time for which the whole process was frozen does not count.
    """

    def __init__(
        self,
        name: str,
        *,
        late: Callable[[float], Exception],
        beat: Callable[[], None] | None = None,
        period: float = 10.0,
    ) -> None:
        self._name = name
        self._late = late
        self._beat = beat
        self._period = period
        self._starting = threading.Lock()
        self._inbox: SimpleQueue[_Piece | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._process = OneProcess(f"the {name}")

    async def run(self, work: Callable[[], T]) -> T:
        await anyio.lowlevel.checkpoint_if_cancelled()
        return await self.hand_over(work).result()

    def hand_over(self, work: Callable[[], T]) -> "Job[T]":
        return self._hand_over(Job(work, self._late))

    def _hand_over(self, job: "Job[T]") -> "Job[T]":
        if self._thread is not None:
            self._process.check()  # before the lock, which may have been held when the process was forked
        with self._starting:
            self._inbox.put(job)
            if self._thread is None:
                self._process.opened()
                self._thread = threading.Thread(
                    target=self._serve, args=(self._inbox,), name=self._name, daemon=True
                )
                self._thread.start()
        return job

    async def aclose(self, last: Callable[[], None]) -> None:
        if self._thread is None or self._process.forked:
            return
        try:
            with anyio.CancelScope(shield=True):
                await self._hand_over(Job(last, self._late, is_last=True)).result()
        finally:
            with self._starting:
                self._inbox.put(None)
                # What comes later gets a thread and an inbox of its own: this one may be stuck.
                self._thread, self._inbox = None, SimpleQueue()

    def _serve(self, inbox: "SimpleQueue[_Piece | None]") -> None:
        due = time.monotonic() + self._period
        beat = self._beat
        while True:
            with suppress(Empty):
                wait = None if beat is None else max(0.0, due - time.monotonic())
                job = inbox.get(timeout=wait)
                if job is None:
                    return
                beat = None if job.is_last else self._beat
                job.do()
            if beat is not None and time.monotonic() >= due:
                beat()
                due = time.monotonic() + self._period


class Job(Generic[T]):
    """A piece of work on its way to the thread and back to its event loop. *is_last* is that of a close."""

    def __init__(
        self, work: Callable[[], T], late: Callable[[float], Exception], *, is_last: bool = False
    ) -> None:
        self.is_last = is_last
        self._work = work
        self._late = late
        self._loop = running_loop()
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
        await self._done()
        if self._error is not None:
            raise self._error
        return self._given[0]

    async def _done(self) -> None:
        cancelled: asyncio.CancelledError | None = None
        # In slices: a process that was frozen wakes at the end of one, and its thread only then.
        for _ in range(_SLICES):
            with anyio.move_on_after(LONGEST_JOB / _SLICES, shield=True) as patience:
                while not self._landed.is_set():
                    try:
                        await self._landed.wait()
                    except asyncio.CancelledError as error:
                        if patience.cancel_called:
                            raise
                        cancelled = error  # Task.cancel(), which no shield keeps out
            if self._landed.is_set():
                break
        if not self._landed.is_set():
            self._begun.acquire(blocking=False)
            raise self._late(LONGEST_JOB)
        if cancelled is not None:
            raise cancelled


class InPlace:
    """A Runner without a thread, for work that waits for nothing: it is done where it is asked for."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def hand_over(self, work: Callable[[], T]) -> "Landed[T]":
        return Landed(work)

    async def aclose(self, last: Callable[[], None]) -> None:
        last()


class Landed(Generic[T]):
    """A piece of work that is done already; what went wrong with it is told when it is asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._given: list[T] = []
        self._error: Exception | None = None
        try:
            self._given.append(work())
        except Exception as error:
            self._error = error

    async def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._given[0]
