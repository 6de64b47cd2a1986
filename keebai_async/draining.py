"""Drain: what is under way has to come to its end before the thing that it uses is closed.

The naive way closes at once: the answers of requests that left are then never read, and what became of
thousands of people is unknown although it was about to be known. Here who works with a client, or with a
journal, says so for as long as it does; who closes asks all of them to stop, and waits.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import anyio
import msgspec

from keebai_async.errors import Misused
from keebai_async.loops import running_loop

T = TypeVar("T")

Begin = Callable[[], Coroutine[object, object, T]]


class _Activity(msgspec.Struct, frozen=True, eq=False):
    stop: Callable[[], None] | None
    seconds: float
    loop: asyncio.AbstractEventLoop
    over: anyio.Event


class _WhoWaits(msgspec.Struct, frozen=True, eq=False):
    stop: Callable[[], None]
    loop: asyncio.AbstractEventLoop


class Drain:
    """Those who use one client, or one journal."""

    def __init__(self) -> None:
        self.closed = False
        self._what = "client"
        self._inside: set[_Activity] = set()
        self._waiting: set[_WhoWaits] = set()

    def check(self) -> None:
        """Raise Misused once it is closed."""
        if self.closed:
            raise Misused(f"this {self._what} is closed: open another one")

    @contextmanager
    def inside(self, *, seconds: float, stop: Callable[[], None] | None = None) -> Iterator[None]:
        """Be waited for inside `with`.

        *stop* is called when somebody closes: it lets nothing more leave, and does not block. *seconds* is
        how long what is under way may take from then on.
        """
        one = _Activity(stop=stop, seconds=seconds, loop=running_loop(), over=anyio.Event())
        self._inside.add(one)
        try:
            yield
        finally:
            self._inside.discard(one)
            one.over.set()

    @contextmanager
    def waiting(self, stop: Callable[[], None]) -> Iterator[None]:
        """Wait, inside `with`, for something before which nothing leaves: `close` calls *stop* at once.

        Who does so is not waited for.
        """
        one = _WhoWaits(stop=stop, loop=running_loop())
        self._waiting.add(one)
        try:
            yield
        finally:
            self._waiting.discard(one)

    async def close(self, what: str = "client") -> None:
        """Let nobody in any more, let nobody wait, and `drain`. *what* it is, is said to who comes later."""
        self.closed, self._what = True, what
        for one in list(self._waiting):
            if one.loop is running_loop():
                one.stop()
        await self.drain()

    async def drain(self) -> None:
        """Ask all who are inside now, in this event loop, to stop, and wait until they are out.

        Not longer than the longest of their *seconds*. A cancellation does not end the wait, and is raised
        after it.
        """
        inside = [one for one in self._inside if one.loop is running_loop()]
        for one in inside:
            if one.stop is not None:
                one.stop()
        cancelled: asyncio.CancelledError | None = None
        with anyio.move_on_after(max((one.seconds for one in inside), default=0.0), shield=True) as patience:
            for one in inside:
                while not one.over.is_set():
                    try:
                        await one.over.wait()
                    except asyncio.CancelledError as error:
                        if patience.cancel_called:
                            raise
                        cancelled = error  # Task.cancel(), which no shield keeps out
        if cancelled is not None:
            raise cancelled


_USERS: Final[WeakKeyDictionary[object, Drain]] = WeakKeyDictionary()


def drain_of(thing: object) -> Drain:
    """The Drain of a client, or of something that several clients may share, such as a journal."""
    return _USERS.setdefault(thing, Drain())


def share_drain(thing: object, other: object) -> None:
    """Let *other*, such as a copy of a client, have the Drain of *thing*."""
    _USERS[other] = drain_of(thing)


@contextmanager
def quiet_if_never_begun(work: Begin[T], *, told: bool = True) -> Iterator[Begin[T]]:
    """What to give, inside `with`, to a task group that ends there, in the place of *work*; for one task.

    The naive way gives *work* itself. Cancelled by `Task.cancel()` before its first step, which no shield
    keeps out, it is a coroutine that nobody ever awaited: Python warns of it, no `finally` in it is reached,
    and its parent goes on as if it had come to its end.

    Raises CancelledError after the task group, if it never began; not if that is not to be *told*.
    """
    coroutine = work()

    @wraps(work)  # its task is called after it
    def begin() -> Coroutine[object, object, T]:
        return coroutine

    try:
        yield begin
        if told and _never_begun(coroutine):
            raise asyncio.CancelledError("cancelled before it began")
    finally:
        if _never_begun(coroutine):
            coroutine.close()


def _never_begun(coroutine: Coroutine[object, object, object]) -> bool:
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


def out_of_reach() -> None:
    """Take the current task, which has a parent that waits for it, out of `asyncio.all_tasks()`.

    When a program ends, `asyncio.run` and web servers call `cancel()` on every task that they find there,
    and no shield keeps that out. The parent is found as before, and stops its child in good order.

    It is one of the calls that "Extending asyncio" in the documentation of Python describes.
    """
    task = asyncio.current_task()
    if task is not None:
        asyncio._unregister_task(task)
