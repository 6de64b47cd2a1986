"""A broadcast that is scheduled for later is left alone until then, and is not called stuck."""

import pytest

from keebai_async.clock import ManualClock
from keebai_async.polling.planner import PollPlan
from keebai_async.polling.waiter import Follower
from keebai_async.polling.watcher import Gauge


def test_a_held_broadcast_is_not_looked_at_before_its_time_nor_called_stuck() -> None:
    plan = PollPlan(stuck_after=900.0)
    plan.add("a", recipients=0, sender="a", now=0.0)
    plan.saw("a", done=0, total=0, final=False, now=1.0)
    plan.hold("a", 5_000.0)

    look = plan.next(1.0)
    assert look is not None
    assert look.at >= 5_000.0
    assert plan.stuck(4_999.0) == []


def test_the_time_before_it_began_does_not_make_a_broadcast_look_slow() -> None:
    plan = PollPlan()
    plan.add("a", recipients=0, sender="a", now=0.0)
    plan.saw("a", done=0, total=0, final=False, now=1.0)
    plan.hold("a", 5_000.0)
    plan.saw("a", done=0, total=2_000, final=False, now=5_000.0)
    plan.saw("a", done=800, total=2_000, final=False, now=5_010.0)

    look = plan.next(5_010.0)
    assert look is not None
    assert look.at <= 5_030.0


@pytest.mark.parametrize("apart", [False, True])
async def test_with_apart_one_that_waits_does_not_hold_up_another(apart: bool) -> None:
    clock = ManualClock()
    start = clock.now()
    looks: list[str] = []

    async def look(broadcast_id: str) -> float:
        looks.append(broadcast_id)
        return clock.now() - start

    def gauge(seconds: float) -> Gauge:
        waiting = looks[-1] == "later" and seconds < 600
        return Gauge(
            done=0 if waiting else 100,
            total=100,
            final=not waiting,
            quiet=600 - seconds if waiting else 0.0,
        )

    follower = Follower(look, gauge, forward=lambda seen, _: seen, clock=clock, apart=apart)
    async with clock.running():
        ends = [round(seconds) async for seconds in follower.watch(["later", "now"])]
    assert (ends[1] < 60) is apart
    assert sorted(set(looks)) == ["later", "now"]
