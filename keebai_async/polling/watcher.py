"""Watcher: looks at broadcasts when a PollPlanner says so, a few at once, until all are final."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from keebai_async.clock import SYSTEM_CLOCK, Clock, wait_for
from keebai_async.errors import QuotaUnusable, RequestError
from keebai_async.model.progress import Progress
from keebai_async.polling.planner import PollPlanner, Stuck

Failed = RequestError | QuotaUnusable
"""How a look may fail; any other exception of it is the program's mistake."""

Seen = Progress | Failed | Stuck
"""What the watcher tells of one broadcast."""

AT_ONCE = 4  # looks under way: one that hangs until its timeout must not hold up the others


class Watcher:
    """Follows broadcasts, as an async iterator inside `async with`.

    It yields `(broadcast_id, Progress)` for each look, `(broadcast_id, Failed)` for one that
    failed (it is made again, later and later) and `(broadcast_id, Stuck)` for one that does not move. It
    ends when it was closed and every broadcast is final or forgotten.

    Any other exception of *look* ends it, and comes out of `async with` in a group.
    """

    def __init__(
        self,
        look: Callable[[str], Awaitable[Progress]],
        *,
        planner: PollPlanner | None = None,
        clock: Clock = SYSTEM_CLOCK,
        at_once: int = AT_ONCE,
    ) -> None:
        self._look = look
        self._planner = PollPlanner() if planner is None else planner
        self._clock = clock
        self._free = at_once
        self._closed = False
        self._news = anyio.Event()
        self._tasks: TaskGroup | None = None
        self.next_look: float | None = None
        """When the next look is due, as Unix time to a tenth of a second; None while none is planned."""

    def add(self, broadcast_id: str, *, recipients: int, sender: str, age: float = 0.0) -> None:
        """Begin to follow a broadcast that *sender* accepted *age* seconds ago."""
        self._planner.add(broadcast_id, recipients=recipients, sender=sender, now=self._clock.now(), age=age)
        self._wake()

    def rate(self, sender: str) -> float | None:
        """Messages a second that *sender* was seen delivering; None if it was not."""
        return self._planner.rate(sender)

    def told(self, broadcast_id: str, people: int) -> None:
        """Webhooks told, by now, of so many *people* of a broadcast."""
        self._planner.told(broadcast_id, people=people, now=self._clock.now())
        self._wake()

    def forget(self, broadcast_id: str) -> None:
        """Follow it no longer, finished or not."""
        self._planner.forget(broadcast_id)
        self._wake()

    def close(self) -> None:
        """No more broadcasts will be added: end when those that are known are final."""
        self._closed = True
        self._wake()

    async def __aenter__(self) -> Self:
        self._send, self._receive = anyio.create_memory_object_stream[tuple[str, Seen]](math.inf)
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

    def __aiter__(self) -> AsyncIterator[tuple[str, Seen]]:
        return self._receive

    async def _run(self, tasks: TaskGroup) -> None:
        with self._send:
            while len(self._planner) or not self._closed:
                self._news = anyio.Event()
                look = self._planner.next(self._clock.now()) if self._free else None
                self.next_look = None if look is None else self._unix(look.at)
                if look is None:
                    await self._news.wait()
                elif (early := look.at - self._clock.now()) > 0:
                    await wait_for(self._clock, self._news, early)
                else:
                    self._free -= 1
                    tasks.start_soon(self._once, look.broadcast_id)

    def _unix(self, at: float) -> float:
        return round(self._clock.wall() + at - self._clock.now(), 1)

    async def _once(self, broadcast_id: str) -> None:
        try:
            seen = await self._look(broadcast_id)
        except (RequestError, QuotaUnusable) as error:
            self._planner.missed(broadcast_id, self._clock.now())
            self._tell(broadcast_id, error)
        else:
            self._planner.saw_progress(broadcast_id, seen, self._clock.now())
            self._tell(broadcast_id, seen)
        self._free += 1
        for stuck in self._planner.stuck(self._clock.now()):
            self._tell(stuck.broadcast_id, stuck)
        self._wake()

    def _tell(self, broadcast_id: str, news: Seen) -> None:
        # A look that was forgotten meanwhile may come back when all is over.
        if self._send.statistics().open_send_streams:
            self._send.send_nowait((broadcast_id, news))

    def _wake(self) -> None:
        self._news.set()
