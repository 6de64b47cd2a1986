"""What a limiter tells those who share it: each of his own waits and places."""

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.observe import Record
from keebai_async.observe.quota_records import QuotaSpent, QuotaWaited, QuotaWaitExpected
from keebai_async.quota.gate import Ending, Gate, Lane, OpenGate, TellingGate
from keebai_async.quota.limiter import Margin, RateLimiter, Reserves
from keebai_async.quota.store import HeldPlace
from keebai_async.quota.window import LaneWindow, Quota
from tests.quota.benches import Bench

TWO, FIVE = Quota(2, 60.0), Quota(5, 3_600.0)


def limiter_on(clock: ManualClock) -> RateLimiter:
    return RateLimiter(
        (TWO, FIVE),
        clock=clock,
        margin=Margin(seconds=0.0, drift=0.0),
        reserves=Reserves(submit=0.0, poll=0.0),
    )


async def spend(gate: Gate, *, pause: float | None = None) -> None:
    async with gate.place(Lane.SUBMIT) as place:
        place.settle(Ending.ANSWERED, pause=pause)


async def test_each_place_tells_what_is_spent_by_now_to_who_took_it() -> None:
    told: list[Record] = []
    limiter = limiter_on(ManualClock())
    await spend(limiter.observed(lambda _: None))
    assert told == []
    await spend(limiter.observed(told.append, account="5f1e77aa"))
    assert told == [
        QuotaSpent(window=60.0, limit=2, spent=2, account="5f1e77aa"),
        QuotaSpent(window=3_600.0, limit=5, spent=2, account="5f1e77aa"),
    ]


async def test_a_wait_is_told_when_it_begins_and_when_it_ends() -> None:
    told: list[Record] = []
    clock = ManualClock()
    gate = limiter_on(clock).observed(told.append)
    await spend(gate)
    await spend(gate)
    told.clear()
    async with clock.running():
        await spend(gate)
    assert told[0] == QuotaWaitExpected(
        lane="submit", seconds=60.0, reason="the quota of 2/60s is spent", window=60.0, limit=2
    )
    assert told[-1] == QuotaWaited(lane="submit", seconds=60.0, got=True, window=60.0)
    assert len(told) == 4


async def test_a_wait_for_the_end_of_a_pause_names_no_window() -> None:
    told: list[Record] = []
    clock = ManualClock()
    gate = limiter_on(clock).observed(told.append)
    await spend(gate, pause=20.0)
    told.clear()
    async with clock.running():
        await spend(gate)
    assert told[0] == QuotaWaitExpected(lane="submit", seconds=20.0, reason="the service asked for a pause")
    assert told[-1] == QuotaWaited(lane="submit", seconds=20.0, got=True, paused=True)


@pytest.mark.parametrize("behind", [False, True])
async def test_a_wait_that_is_given_up_is_told_without_a_place(behind: bool) -> None:
    told: list[Record] = []
    clock = ManualClock()
    limiter = limiter_on(clock)
    await spend(limiter)
    await spend(limiter)
    async with anyio.create_task_group() as tasks:
        if behind:
            tasks.start_soon(spend, limiter)
            await clock.advance(1.0)
        tasks.start_soon(spend, limiter.observed(told.append))
        await clock.advance(7.0)
        tasks.cancel_scope.cancel()
    waited = told[-1]
    assert isinstance(waited, QuotaWaited)
    assert (waited.got, waited.seconds) == (False, 7.0)
    assert waited.window == (None if behind else 60.0)
    assert len(told) == (1 if behind else 2)


def test_a_gate_of_somebody_elses_needs_to_tell_nothing() -> None:
    assert isinstance(limiter_on(ManualClock()), TellingGate)
    assert not isinstance(OpenGate(), TellingGate)


async def test_every_store_says_how_much_is_spent_in_each_window(bench: Bench) -> None:
    windows = [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in (TWO, FIVE)]
    store = bench.open("a")
    first = await store.take(windows)
    second = await store.take(windows)
    assert isinstance(first, HeldPlace)
    assert isinstance(second, HeldPlace)
    assert (first.spent, second.spent) == ((1, 1), (2, 2))
