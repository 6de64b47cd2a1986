"""One plan at a time on the event loop.

A plan works for a millisecond or two, then gives the loop to others. But in each round the loop runs all who
are ready before it looks for more: of twenty plans at once all work, one after the other, and a request of a
web app waits for twenty of them. So those who work on lists take turns: in a round of the loop only one of
them works, and who comes later waits for a round of their own, in the order in which they came.

A turn is no lock: nobody gives it back, and who is cancelled in it leaves nothing behind. It ends with the
round. So a plan that waits for a disk keeps nobody waiting.

Threads that read a file hold the interpreter while they make texts of it, and the loop waits 5 ms for each of
them. So of our own readers one works at a time. Not so of the generators of a program: one may wait for what
another plan does.
"""

import asyncio
import time
from collections import deque
from typing import Final
from weakref import WeakKeyDictionary

FREE_ROUNDS: Final = 2
"""Rounds that pass between two turns.

In the first the loop finds whose timer is over and whose socket can be read, and wakes their tasks; in the
second these work. It finds them behind those who were waiting for that round, so if the next turn were given
in the first, it would begin before them.
"""

TURN: Final = 0.001
"""Seconds that rows or short blocks may take before others have their turn."""

_Task = asyncio.Task[object]


async def turn() -> None:
    """Wait for a round of the loop in which nobody else works on a list; not at all if this one is ours."""
    await _turns_of_loop().take()


async def next_turn() -> None:
    """Give the loop to others, and wait for the next round in which nobody else works on a list."""
    await _turns_of_loop().take_another()


class TimedTurns:
    """For what is done row by row, or block by block: a turn is over when it was long enough, by the clock.

    To ask whether it is `due` costs little beside a row; to end it for each would cost more.
    """

    def __init__(self) -> None:
        self._until = time.monotonic() + TURN

    @property
    def due(self) -> bool:
        return time.monotonic() > self._until

    async def next(self) -> None:
        await next_turn()
        self._until = time.monotonic() + TURN

    async def go_on(self) -> None:
        """In the turn that is ours, or in the next one if it was long enough."""
        await (self.next() if self.due else turn())


def reading() -> asyncio.Lock:
    """Held by who reads a file in a thread."""
    return _turns_of_loop().reading


class _LoopTurns:
    """Whose round of one loop it is. The loop itself is not kept here, or it would never be gone."""

    def __init__(self) -> None:
        self.reading = asyncio.Lock()
        self._free = True
        self._whose: _Task | None = None
        self._waiting: deque[tuple[_Task | None, asyncio.Future[None]]] = deque()

    async def take(self) -> None:
        task: _Task | None = asyncio.current_task()
        if self._whose is task:
            return
        if self._free:
            self._begin(task)
        else:
            await self._wait(task)

    async def take_another(self) -> None:
        """Take one that is not this, if this is ours."""
        if self._free:
            self._free = False
            asyncio.get_running_loop().call_soon(self._rest, 0)
        await self._wait(asyncio.current_task())

    async def _wait(self, task: _Task | None) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((task, waiter))
        await waiter

    def _begin(self, task: _Task | None) -> None:
        self._free = False
        self._whose = task
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """Runs in the next round."""
        self._whose = None
        self._rest(FREE_ROUNDS)

    def _rest(self, rounds: int) -> None:
        """Let so many rounds pass. Who is woken then works in the one behind them."""
        if rounds:
            asyncio.get_running_loop().call_soon(self._rest, rounds - 1)
            return
        while self._waiting:
            task, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._begin(task)
                return
        self._free = True


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopTurns] = WeakKeyDictionary()


def _turns_of_loop() -> _LoopTurns:
    loop = asyncio.get_running_loop()
    found = _turns.get(loop)
    if found is None:
        found = _turns[loop] = _LoopTurns()
    return found
