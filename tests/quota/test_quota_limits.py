"""Who shares a token shares its limits: the smallest holds for all, until somebody changes it on purpose."""

from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.observe import Record
from keebai_async.observe.quota_records import SmallerQuotaHolds
from keebai_async.quota.gate import Ending, Gate, Lane
from keebai_async.quota.limiter import Margin, RateLimiter, Reserves
from keebai_async.quota.limits import Limits, agreed, held_to, smallest
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import HeldPlace, Store
from keebai_async.quota.window import LaneWindow, Quota
from tests.quota.benches import Bench, remove
from tests.quota.test_quota_exactness import most_in_any

SMALL, LARGE = (Quota(2, 60.0), Quota(9, 3_600.0)), (Quota(4, 60.0), Quota(9, 3_600.0))

SomeQuotas = st.dictionaries(st.sampled_from([5.0, 20.0, 60.0]), st.integers(1, 6), min_size=1).map(
    lambda limits: tuple(Quota(limits[per], per) for per in sorted(limits))
)


def limiter_on(store: Store, clock: ManualClock, *quotas: Quota, yields: bool = False) -> RateLimiter:
    return RateLimiter(
        quotas,
        store=store,
        clock=clock,
        margin=Margin(seconds=0.0, drift=0.0),
        reserves=Reserves(submit=0.0, poll=0.0),
        yields=yields,
    )


async def go(gate: Gate, times: int = 1) -> None:
    for _ in range(times):
        async with gate.place(Lane.SUBMIT) as place:
            place.settle(Ending.ANSWERED)


async def ask(clock: ManualClock, *gates: Gate) -> None:
    """Go through *gates*, as far as nobody has to wait for time to pass."""
    gone = False

    async def go_through() -> None:
        nonlocal gone
        for gate in gates:
            await go(gate)
        gone = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_through)
        while not (gone or clock._sleepers):  # noqa: ASYNC110 - it may be in the store's thread
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()


@settings(max_examples=60, deadline=None)
@given(st.lists(SomeQuotas, min_size=2, max_size=4), st.lists(st.integers(0, 3), min_size=4, max_size=30))
def test_however_many_come_with_whatever_quota_the_smallest_of_each_window_holds(
    quotas: list[tuple[Quota, ...]], turns: list[int]
) -> None:
    clock, left = ManualClock(0.0), list[float]()
    store = MemoryStore(clock)
    clients = [limiter_on(store, clock, *some) for some in quotas]

    async def spend() -> None:
        async with clock.running():
            for client in clients:  # each has come, so all are held to what holds
                await go(client, 0)
                await client._agree(lambda _: None)
            for turn in turns:
                async with clients[turn % len(clients)].place(Lane.SUBMIT) as place:
                    left.append(clock.now())
                    place.settle(Ending.ANSWERED)

    anyio.run(spend)
    for quota in smallest(*quotas):
        assert most_in_any(left, quota.per) <= quota.limit


@given(st.lists(SomeQuotas, min_size=1, max_size=5), st.randoms())
def test_it_does_not_matter_in_which_order_they_come(quotas: list[tuple[Quota, ...]], order: object) -> None:
    kept: Limits | None = None
    for some in quotas:
        kept = agreed(kept, Limits(quotas=some))
    assert kept is not None
    assert kept.quotas == smallest(*quotas)
    assert held_to(quotas[0], kept, yields=True) == kept.quotas


async def test_who_comes_with_more_is_told_once_and_held_to_less() -> None:
    clock, told = ManualClock(), list[Record]()
    store = MemoryStore(clock)
    await go(limiter_on(store, clock, *SMALL).observed(told.append))  # who comes with the smaller one is not
    larger = limiter_on(store, clock, *LARGE)
    async with clock.running():
        await go(larger.observed(told.append), 3)
        store._limits = None  # a store that forgot them hears of them again, and nobody else
        await go(larger.observed(told.append))

    assert larger.quotas == SMALL
    assert clock.now() == ManualClock().now() + 120.0
    assert [record for record in told if isinstance(record, SmallerQuotaHolds)] == [
        SmallerQuotaHolds(own="4/60s,9/3600s", holds="2/60s,9/3600s")
    ]


async def test_who_was_first_is_held_to_less_from_when_somebody_comes_with_it(bench: Bench) -> None:
    clock = ManualClock()
    first, second = (limiter_on(bench.open("a"), clock, *quotas) for quotas in (LARGE, SMALL))
    await go(first)
    assert first.quotas == LARGE
    await go(second)
    await ask(clock, first)
    assert first.quotas == SMALL


async def test_what_is_set_on_purpose_holds_and_who_goes_by_less_keeps_to_that_by_itself(
    bench: Bench,
) -> None:
    clock, wanted = ManualClock(), (Quota(8, 60.0),)
    small, guess = (limiter_on(bench.open("a"), clock, *SMALL, yields=yields) for yields in (False, True))
    await go(small)
    await limiter_on(bench.open("a"), clock, Quota(8, 60.0)).set_limits(wanted)
    await go(guess)
    await go(small, 0)
    assert guess.quotas == wanted
    assert await small.holding() == (Quota(2, 60.0), Quota(9, 3_600.0))
    kept = await bench.open("a").limits()
    assert kept is not None
    assert (kept.quotas, kept.on_purpose) == (wanted, True)
    assert await bench.open("b").limits() is None


async def test_a_place_is_given_only_to_who_knows_the_limits_that_hold(bench: Bench) -> None:
    windows = [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in LARGE]
    store = bench.open("a")
    kept = await store.agree(Limits(quotas=LARGE))
    assert isinstance(await store.take(windows, kept.version), HeldPlace)
    assert (await store.agree(Limits(quotas=LARGE))).version == kept.version
    lower = await bench.open("a").agree(Limits(quotas=SMALL))
    assert lower.quotas == SMALL
    assert await store.take(windows, kept.version) is None
    assert isinstance(await store.take(windows, lower.version), HeldPlace)


async def test_a_store_that_lost_its_memory_hears_the_limits_again(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "quota.db"
    one, two = (SqliteStore(path, "a", clock=clock) for _ in range(2))
    await go(limiter_on(two, clock, *SMALL))
    larger = limiter_on(one, clock, *LARGE)
    await go(larger)
    remove(tmp_path, "quota.db*")
    await ask(clock, larger)

    kept = await one.limits()
    assert kept is not None
    assert kept.quotas == SMALL
    for store in (one, two):
        await store.aclose()


@pytest.mark.parametrize("replaced", [(Quota(1, 60.0),), (Quota(100, 60.0),)])
async def test_what_was_set_on_purpose_is_not_undone_by_those_who_run(replaced: tuple[Quota, ...]) -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    guess = limiter_on(store, clock, *SMALL, yields=True)
    await go(guess)
    for wanted in ((Quota(50, 60.0),), replaced):
        await guess.set_limits(wanted)
        other = limiter_on(store, clock, *SMALL, yields=True)
        await ask(clock, other, guess)
        assert other.quotas == guess.quotas == wanted
