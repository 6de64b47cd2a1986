"""What a process keeps in memory: as long as it matters, and no longer."""

import gc

from keebai_async.clock import ManualClock
from keebai_async.quota import shared
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.shared import shared_limiter
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Quota

SLOW = [LaneWindow(quota=Quota(1_000, 7_200.0), per=7_200.0, most=1_000)]
QUOTAS = (Quota(3, 60.0),)


def idle(store: MemoryStore) -> bool:
    return store.idle


async def spend(
    store: MemoryStore, *, pause: float | None = None, left: tuple[tuple[Quota, int], ...] = ()
) -> None:
    place = await store.take(SLOW)
    assert isinstance(place, HeldPlace)
    await store.settle(place, SLOW, Word(ending=Ending.ANSWERED, grace=30.0, pause=pause, left=left))


async def test_a_store_is_idle_when_nothing_is_under_way_counted_or_paused() -> None:
    clock = ManualClock(0.0)
    store = MemoryStore(clock)
    assert idle(store)
    place = await store.take(SLOW)
    assert isinstance(place, HeldPlace)
    assert not idle(store)
    await store.settle(place, SLOW, Word(ending=Ending.UNSENT, grace=30.0))
    assert idle(store)
    await spend(store)
    await clock.advance(7_199.0)
    assert not idle(store)  # its window is longer than an hour
    await clock.advance(1.0)
    assert idle(store)


async def test_a_pause_and_what_others_spent_keep_a_store_from_being_idle() -> None:
    clock = ManualClock(0.0)
    paused, shared_with_others = MemoryStore(clock), MemoryStore(clock)
    await spend(paused, pause=20_000.0)
    await spend(shared_with_others, left=((SLOW[0].quota, 5),))
    shared_with_others._books.ended.clear()
    assert not idle(shared_with_others)
    await clock.advance(7_201.0)

    assert idle(shared_with_others)
    assert not idle(paused)


async def test_old_spending_is_forgotten_on_the_way() -> None:
    clock = ManualClock(0.0)
    store = MemoryStore(clock)
    for _ in range(600):
        await spend(store)
        await clock.advance(60.0)

    assert len(store._books.ended) <= 120 + 128


async def test_what_a_token_spent_outlives_its_clients_and_goes_when_it_no_longer_counts() -> None:
    clock = ManualClock(0.0)
    limiter = shared_limiter("outlives", QUOTAS, clock)
    assert shared_limiter("outlives", QUOTAS, clock) is limiter
    async with limiter.place(Lane.SUBMIT) as place:
        place.settle(Ending.ANSWERED)
    del limiter, place
    gc.collect()

    shared_limiter("another", QUOTAS, clock)
    assert await shared_limiter("outlives", QUOTAS, clock).spent() == ((QUOTAS[0], 1),)
    gc.collect()
    await clock.advance(3_700.0)
    shared_limiter("another", QUOTAS, clock)
    gc.collect()
    assert ("outlives", clock) not in shared._spending
    assert ("another", clock) in shared._spending
