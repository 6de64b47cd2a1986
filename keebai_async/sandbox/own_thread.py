"""An async context manager on a thread of its own: for programs that have no event loop, or another one."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager


class OwnThread:
    """Enters *manager* in an event loop of its own, and leaves it there.

    The thread is a daemon: a program that forgets to stop it can still end.
    """

    def __init__(self, manager: AbstractAsyncContextManager[object], *, name: str) -> None:
        self._manager = manager
        self._leave: Future[Callable[[], object]] = Future()
        self._left: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Return when *manager* is entered. Raises what entering it raises."""
        self._thread.start()
        self._leave.result()

    def stop(self) -> None:
        """Leave *manager*, and return when the thread has ended. Raises what leaving it raises."""
        self._leave.result()()
        self._thread.join()
        self._left.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._stay())
        except BaseException as error:
            told = self._left if self._leave.done() else self._leave
            told.set_exception(error)
        else:
            self._left.set_result(None)

    async def _stay(self) -> None:
        loop, leaving = asyncio.get_running_loop(), asyncio.Event()
        async with self._manager:
            self._leave.set_result(lambda: loop.call_soon_threadsafe(leaving.set))
            await leaving.wait()
