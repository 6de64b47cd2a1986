"""Watcher: looks at broadcasts when a PollPlan says so, a few at once, until all are final."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio
import msgspec
from anyio.abc import TaskGroup

from keebai_async.clock import SYSTEM_CLOCK, Clock, wait_for
from keebai_async.errors import QuotaUnusable, RequestError
from keebai_async.polling.planner import PollPlan, Stuck

T = TypeVar("T")

Failed = RequestError | QuotaUnusable
"""How a look may fail; any other exception of it is the program's mistake."""

AT_ONCE = 4  # looks under way: one that hangs until its timeout must not hold up the others


class Gauge(msgspec.Struct, frozen=True):
    """How far a broadcast is: *done* of *total* messages, *final* if no more will change.

    *quiet* are seconds from now in which nothing will move, because it is scheduled for later.
    """

    done: int
    total: int
    final: bool
    quiet: float = 0.0


class Watcher(Generic[T]):
    """Follows broadcasts, as an async iterator inside `async with`.

    It yields `(broadcast_id, what look gave)` for each look, `(broadcast_id, Failed)` for one that
    failed (it is made again, later and later) and `(broadcast_id, Stuck)` for one that does not move. It
    ends when it was closed and every broadcast is final or forgotten.

    Any other exception of *look* or *gauge* ends it, and comes out of `async with` in a group.
    """

    def __init__(
        self,
        look: Callable[[str], Awaitable[T]],
        gauge: Callable[[T], Gauge],
        *,
        plan: PollPlan | None = None,
        clock: Clock = SYSTEM_CLOCK,
        at_once: int = AT_ONCE,
    ) -> None:
        self._look = look
        self._gauge = gauge
        self._plan = PollPlan() if plan is None else plan
        self._clock = clock
        self._slots = at_once
        self._closed = False
        self._news = anyio.Event()
        self._send, self._receive = anyio.create_memory_object_stream[tuple[str, T | Failed | Stuck]](
            math.inf
        )
        self._tasks: TaskGroup | None = None

    def add(self, broadcast_id: str, *, recipients: int, sender: str) -> None:
        """Begin to follow a broadcast that *sender* accepted just now."""
        self._plan.add(broadcast_id, recipients=recipients, sender=sender, now=self._clock.now())
        self._wake()

    def forget(self, broadcast_id: str) -> None:
        """Follow it no longer, finished or not."""
        self._plan.forget(broadcast_id)
        self._wake()

    def close(self) -> None:
        """No more broadcasts will be added: end when those that are known are final."""
        self._closed = True
        self._wake()

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._run, self._tasks)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        tasks, self._tasks = self._tasks, None
        try:
            if tasks is None:
                return None
            tasks.cancel_scope.cancel()
            if isinstance(error, anyio.get_cancelled_exc_class()):
                return await tasks.__aexit__(kind, error, trace)
            # What the caller's own block raised comes out as it is, not wrapped in a group of ours.
            await tasks.__aexit__(None, None, None)
            return None
        finally:
            self._send.close()
            self._receive.close()

    def __aiter__(self) -> AsyncIterator[tuple[str, T | Failed | Stuck]]:
        return self._receive

    async def _run(self, tasks: TaskGroup) -> None:
        with self._send:
            while len(self._plan) or not self._closed:
                self._news = anyio.Event()
                look = self._plan.next(self._clock.now()) if self._slots else None
                if look is None:
                    await self._news.wait()
                elif (early := look.at - self._clock.now()) > 0:
                    await wait_for(self._clock, self._news, early)
                else:
                    self._slots -= 1
                    tasks.start_soon(self._once, look.broadcast_id)

    async def _once(self, broadcast_id: str) -> None:
        try:
            seen = await self._look(broadcast_id)
        except (RequestError, QuotaUnusable) as error:
            self._plan.missed(broadcast_id, self._clock.now())
            self._tell(broadcast_id, error)
        else:
            gauge, now = self._gauge(seen), self._clock.now()
            self._plan.saw(broadcast_id, done=gauge.done, total=gauge.total, final=gauge.final, now=now)
            if gauge.quiet > 0:
                self._plan.hold(broadcast_id, now + gauge.quiet)
            self._tell(broadcast_id, seen)
        self._slots += 1
        for stuck in self._plan.stuck(self._clock.now()):
            self._tell(stuck.broadcast_id, stuck)
        self._wake()

    def _tell(self, broadcast_id: str, news: T | Failed | Stuck) -> None:
        # A look that was forgotten meanwhile may come back when all is over.
        if self._send.statistics().open_send_streams:
            self._send.send_nowait((broadcast_id, news))

    def _wake(self) -> None:
        self._news.set()
