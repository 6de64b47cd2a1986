"""A place without a wait: where the spending is in memory, there is room, and nobody waits for it."""

from pathlib import Path

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.observe import Record
from keebai_async.observe.quota_records import QuotaSpent
from keebai_async.quota.gate import Ending, Lane, PromptGate
from keebai_async.quota.limiter import Margin, RateLimiter
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import Store
from keebai_async.quota.window import Quota

TWO = Quota(2, 60.0)


def limiter_on(clock: ManualClock, store: Store | None = None) -> RateLimiter:
    return RateLimiter((TWO,), store=store, clock=clock, margin=Margin(seconds=0.0, drift=0.0))


def prompt(limiter: RateLimiter, heard: list[Record] | None = None) -> PromptGate:
    gate = limiter.observed(([] if heard is None else heard).append, account="5f1e77aa")
    assert isinstance(gate, PromptGate)
    return gate


async def agreed(clock: ManualClock, store: Store | None = None) -> RateLimiter:
    limiter = limiter_on(clock, store)
    await limiter.set_limits((TWO,))
    return limiter


async def test_it_counts_and_is_told_as_one_that_was_waited_for(clock: ManualClock) -> None:
    limiter, heard = await agreed(clock), list[Record]()
    gate = prompt(limiter, heard)

    first, second, third = (gate.place_now(Lane.INTERACTIVE) for _ in range(3))

    assert first is not None
    assert second is not None
    assert third is None
    assert await limiter.spent() == ((TWO, 2),)
    assert heard == [QuotaSpent(window=60.0, limit=2, spent=n, account="5f1e77aa") for n in (1, 2)]
    first.settle(Ending.UNSENT)
    await first.leave()
    second.settle(Ending.ANSWERED)
    await second.leave()
    assert await limiter.spent() == ((TWO, 1),)
    await clock.advance(60.0)
    assert await limiter.spent() == ((TWO, 0),)


async def test_it_is_left_once(clock: ManualClock) -> None:
    limiter = await agreed(clock)
    place = prompt(limiter).place_now(Lane.SUBMIT)
    assert place is not None
    for ending in (Ending.UNSENT, Ending.ANSWERED):
        place.settle(ending)
        await place.leave()
    assert await limiter.spent() == ((TWO, 0),)


async def test_there_is_none_before_it_is_agreed_which_quota_holds(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    limiter = limiter_on(clock, store)
    assert prompt(limiter).place_now(Lane.SUBMIT) is None

    await limiter.set_limits((TWO,))
    await limiter_on(clock, store).set_limits((Quota(1, 60.0),))

    assert prompt(limiter).place_now(Lane.SUBMIT) is None  # it has to hear of the smaller one first
    async with limiter.place(Lane.SUBMIT) as place:
        place.settle(Ending.UNSENT)
    assert limiter.quotas == (Quota(1, 60.0),)
    assert prompt(limiter).place_now(Lane.SUBMIT) is not None
    assert prompt(limiter).place_now(Lane.SUBMIT) is None


async def test_there_is_none_in_a_pause(clock: ManualClock) -> None:
    limiter = await agreed(clock)
    async with limiter.place(Lane.SUBMIT) as place:
        place.settle(Ending.ANSWERED, pause=10.0)
    assert prompt(limiter).place_now(Lane.SUBMIT) is None
    await clock.advance(10.0)
    assert prompt(limiter).place_now(Lane.SUBMIT) is not None


async def test_there_is_none_for_who_comes_after_somebody_who_waits(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    other, own = limiter_on(clock, store), await agreed(clock, store)

    async def wait() -> None:
        async with own.place(Lane.INTERACTIVE) as place:
            assert prompt(own).place_now(Lane.INTERACTIVE) is None  # it was the last one
            place.settle(Ending.ANSWERED)

    async with clock.running(), anyio.create_task_group() as tasks:
        async with other.place(Lane.SUBMIT), other.place(Lane.SUBMIT) as last:
            tasks.start_soon(wait)
            await clock.sleep(0.1)
            last.settle(Ending.UNSENT)
        assert prompt(own).place_now(Lane.INTERACTIVE) is None


async def test_there_is_none_where_a_file_must_be_asked(clock: ManualClock, tmp_path: Path) -> None:
    limiter = await agreed(clock, SqliteStore(tmp_path / "quota.db", "key", clock=clock, boot="one"))
    assert prompt(limiter).place_now(Lane.SUBMIT) is None
    assert await limiter.spent() == ((TWO, 0),)
    await limiter.aclose()


@pytest.mark.parametrize("loops", [1, 2])
def test_it_belongs_to_the_line_of_its_event_loop(loops: int) -> None:
    clock = ManualClock()
    limiter = limiter_on(clock)

    async def once() -> None:
        async with limiter.place(Lane.SUBMIT) as place:
            place.settle(Ending.UNSENT)
        place_now = prompt(limiter).place_now(Lane.SUBMIT)
        assert place_now is not None
        place_now.settle(Ending.UNSENT)
        await place_now.leave()

    for _ in range(loops):
        anyio.run(once)
