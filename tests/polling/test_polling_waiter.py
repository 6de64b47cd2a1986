"""Waiting without tasks: a failure that may pass is waited out, any other one comes out."""

import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import NotFound, RequestError, ServerFailed, TimedOut
from keebai_async.model.progress import Progress
from keebai_async.polling.planner import Stuck
from keebai_async.polling.waiter import LONGEST_SILENCE, Waiter


class Broadcast:
    """One of 10 people that is delivered at *until*; read before *back*, it gives *error*."""

    def __init__(self, *, until: float = 0.0, back: float = 0.0, error: RequestError | None = None) -> None:
        self.clock = ManualClock(0.0)
        self.until = until
        self.back = back
        self.error = error
        self.looks = 0

    async def look(self, broadcast_id: str) -> int:
        self.looks += 1
        if self.error is not None and self.clock.now() < self.back:
            raise self.error
        return 10 if self.clock.now() >= self.until else 0

    def waiter(self) -> Waiter[int]:
        def progress(done: int) -> Progress:
            return Progress(broadcast_id="b", total=10, sent=done, final=done >= 10)

        return Waiter(self.look, progress, forward=lambda seen, last: max(seen, last or 0), clock=self.clock)

    async def watch(self, stuck: list[Stuck] | None = None) -> list[int]:
        async with self.clock.running():
            heard = [] if stuck is None else stuck
            return [seen async for seen in self.waiter().watch(["b"], on_stuck=heard.append)]

    async def wait(self, timeout: float | None = None) -> int:
        async with self.clock.running():
            return await self.waiter().wait("b", path="/b", words=lambda done: f"{done} out", timeout=timeout)


AWAY = ServerFailed("503", method="GET", path="/", status=503)
GONE = NotFound("404", method="GET", path="/", status=404)


async def test_a_service_that_is_away_for_a_while_is_waited_for() -> None:
    assert await Broadcast(error=AWAY, back=1_800.0).watch() == [10]


async def test_a_service_that_never_comes_back_is_an_error_in_the_end() -> None:
    broadcast = Broadcast(error=AWAY, back=1e9)

    with pytest.raises(ServerFailed):
        await broadcast.watch()

    assert broadcast.clock.now() >= LONGEST_SILENCE
    assert broadcast.looks < 30


async def test_a_broadcast_that_does_not_exist_is_an_error_at_once() -> None:
    broadcast = Broadcast(error=GONE, back=1e9)

    with pytest.raises(NotFound):
        await broadcast.wait()

    assert broadcast.looks == 1


async def test_a_wait_that_takes_too_long_says_where_the_broadcast_stood() -> None:
    with pytest.raises(TimedOut, match="not final after 60 s: 0 out"):
        await Broadcast(until=90.0).wait(timeout=60.0)


async def test_a_broadcast_that_does_not_move_is_told_and_waited_for_all_the_same() -> None:
    stuck: list[Stuck] = []
    assert await Broadcast(until=2_000.0).watch(stuck) == [0, 10]
    assert [one.broadcast_id for one in stuck] == ["b"]
