"""A broadcast that is scheduled for later is left alone until then, and is not called stuck."""

import pytest

from keebai_async.clock import ManualClock
from keebai_async.model.progress import Progress
from keebai_async.polling.planner import PollPlanner
from keebai_async.polling.waiter import Waiter


def test_a_held_broadcast_is_not_looked_at_before_its_time_nor_called_stuck() -> None:
    plan = PollPlanner(stuck_after=900.0)
    plan.add("a", recipients=0, sender="a", now=0.0)
    plan.saw("a", done=0, total=0, final=False, now=1.0)
    plan.hold("a", 5_000.0)

    look = plan.next(1.0)
    assert look is not None
    assert look.at >= 5_000.0
    assert plan.stuck(4_999.0) == []


def test_the_time_before_it_began_does_not_make_a_broadcast_look_slow() -> None:
    plan = PollPlanner()
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

    def waits(seconds: float) -> bool:
        return looks[-1] == "later" and seconds < 600

    def progress(seconds: float) -> Progress:
        sent = 0 if waits(seconds) else 100
        return Progress(broadcast_id=looks[-1], total=100, sent=sent, final=sent == 100)

    waiter = Waiter(
        look,
        progress,
        quiet=lambda seconds: 600 - seconds if waits(seconds) else 0.0,
        forward=lambda seen, _: seen,
        clock=clock,
        apart=apart,
    )
    async with clock.running():
        ends = [round(seconds) async for seconds in waiter.watch(["later", "now"])]
    assert (ends[1] < 60) is apart
    assert sorted(set(looks)) == ["later", "now"]
