"""Following without tasks: what passes is waited out, what does not comes out."""

import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import ServerFailed
from keebai_async.polling.following import PATIENCE, follow
from keebai_async.polling.planner import PollPlan
from keebai_async.polling.watcher import Gauge


def gauge(done: int) -> Gauge:
    return Gauge(done, 10, done >= 10)


async def test_a_service_that_is_away_for_a_while_is_waited_for() -> None:
    clock = ManualClock(0.0)

    async def look(broadcast_id: str) -> int:
        if clock.now() < 1_800:
            raise ServerFailed("503", method="GET", path="/", status=503)
        return 10

    async with clock.running():
        seen = [done async for _, done in follow(look, gauge, ["b"], plan=PollPlan(), clock=clock)]

    assert seen == [10]


async def test_a_service_that_never_comes_back_is_an_error_in_the_end() -> None:
    clock = ManualClock(0.0)
    looks = 0

    async def look(broadcast_id: str) -> int:
        nonlocal looks
        looks += 1
        raise ServerFailed("503", method="GET", path="/", status=503)

    async with clock.running():
        with pytest.raises(ServerFailed):
            async for _ in follow(look, gauge, ["b"], plan=PollPlan(), clock=clock):
                pass

    assert clock.now() >= PATIENCE
    assert looks < 30
