"""A place that is waited for only so long: who cannot have it in time is told so at once."""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import Margin, RateLimiter, Reserves
from keebai_async.quota.limits import Limits
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.store import HeldPlace, Store, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait

ONE = Quota(1, 60.0)


def limiter_on(clock: ManualClock, quota: Quota = ONE, *, store: Store | None = None) -> RateLimiter:
    return RateLimiter(
        (quota,),
        clock=clock,
        store=store,
        margin=Margin(seconds=0.0, drift=0.0),
        reserves=Reserves(submit=0.0, poll=0.0),
    )


async def within(limiter: RateLimiter, seconds: float, lane: Lane = Lane.SUBMIT) -> Wait | None:
    """Spend a place that comes in *seconds*; else how long it would take."""
    async with limiter.place_within(lane, seconds) as place:
        if isinstance(place, Wait):
            return place
        place.settle(Ending.ANSWERED)
        return None


@pytest.mark.parametrize(
    ("seconds", "answer", "at"), [(60.0, None, 60.0), (59.9, Wait(seconds=60.0, quota=ONE), 0.0)]
)
async def test_a_place_that_comes_in_time_is_waited_for_and_a_later_one_is_not(
    clock: ManualClock, seconds: float, answer: Wait | None, at: float
) -> None:
    limiter = limiter_on(clock)
    assert await within(limiter, 0.0) is None  # there is one, so it costs no wait

    async with clock.running():
        assert await within(limiter, seconds) == answer

    assert clock.now() == at


async def test_who_was_told_how_long_it_takes_spent_nothing_and_stands_in_no_line(clock: ManualClock) -> None:
    limiter = limiter_on(clock)
    await within(limiter, 0.0)

    for _ in range(3):
        assert await within(limiter, 1.0) == Wait(seconds=60.0, quota=ONE)


@pytest.mark.parametrize(
    ("seconds", "told_at", "takes"), [(59.9, 0.0, 120.0), (60.0, 60.0, 60.0), (119.9, 60.0, 60.0)]
)
async def test_who_stands_behind_others_is_told_as_soon_as_it_is_certain(
    clock: ManualClock, seconds: float, told_at: float, takes: float
) -> None:
    """The first in line goes after 60 s. Who would wait as long may hope, and hears of another 60 s then."""
    limiter = limiter_on(clock)
    await within(limiter, 0.0)
    told: list[tuple[float, Wait | None]] = []

    async def second() -> None:
        answer = await within(limiter, seconds)
        told.append((clock.now(), answer))

    async with clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(within, limiter, 60.0)
        await clock.sleep(0.0)
        tasks.start_soon(second)

    ((at, answer),) = told
    assert answer is not None
    assert (at, answer.seconds) == (told_at, takes)


@pytest.mark.parametrize(("given_back", "at"), [(4.5, 4.5), (20.0, 10.0)])
async def test_while_a_place_may_be_given_back_it_is_hoped_for_until_patience_ends(
    clock: ManualClock, given_back: float, at: float
) -> None:
    limiter = limiter_on(clock)
    ends: list[tuple[float, bool]] = []

    async def hope(lane: Lane) -> None:
        answer = await within(limiter, 10.0, lane)
        ends.append((clock.now(), answer is None))

    async with clock.running(), anyio.create_task_group() as tasks, limiter.place(Lane.SUBMIT) as place:
        tasks.start_soon(hope, Lane.INTERACTIVE)
        tasks.start_soon(hope, Lane.POLL)
        await clock.sleep(given_back)
        place.settle(Ending.UNSENT)

    assert ends[0] == (at, given_back < 10.0)
    assert ends[1][1] is False


async def test_the_last_second_of_patience_is_waited_as_well(clock: ManualClock) -> None:
    limiter = limiter_on(clock)
    async with clock.running(), anyio.create_task_group() as tasks, limiter.place(Lane.SUBMIT):
        tasks.start_soon(within, limiter, 10.0)
        await clock.sleep(0.0)
        assert await within(limiter, 0.8) is not None
        assert clock.now() == 0.8


async def test_who_hears_of_other_limits_asks_again_at_once(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    limiter = limiter_on(clock, Quota(5, 60.0), store=store)
    await within(limiter, 0.0)
    await limiter_on(clock, store=store).set_limits((Quota(3, 60.0),))

    assert await within(limiter, 0.0) is None
    assert limiter.quotas == (Quota(3, 60.0),)


async def test_who_says_nothing_of_it_keeps_to_the_smaller_quota_it_came_with(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    limiter = limiter_on(clock, Quota(1, 60.0), store=store)
    await limiter_on(clock, Quota(9, 60.0), store=store).set_limits((Quota(9, 60.0),))

    assert await within(limiter, 0.0) is None
    assert await within(limiter, 0.0) == Wait(seconds=60.0, quota=Quota(1, 60.0))


class Told(MemoryStore):
    """Notes when it is asked for a place; *meanwhile* happens before it answers."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.asked: list[float] = []
        self.closed = False
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def aclose(self) -> None:
        self.closed = True

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        self.asked.append(self.clock.now())
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().take(windows, version)


async def test_behind_a_store_that_does_not_answer_patience_ends_as_well(clock: ManualClock) -> None:
    store = Told(clock)
    limiter = limiter_on(clock, Quota(9, 60.0), store=store)
    await within(limiter, 0.0)
    store.meanwhile = lambda: clock.sleep(20.0)

    async with clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(within, limiter, 30.0)
        await clock.sleep(1.0)
        answer = await within(limiter, 10.0)
        ended = clock.now()

    assert (answer, ended) == (Wait(seconds=0.0), 11.0)  # there were places, and nobody to give one


class Elsewhere:
    """A store that others share: the same places, and not a MemoryStore."""

    def __init__(self, clock: ManualClock) -> None:
        self.told = Told(clock)
        self.take = self.told.take
        self.settle = self.told.settle
        self.forecast = self.told.forecast
        self.spent = self.told.spent
        self.agree = self.told.agree
        self.limits = self.told.limits
        self.aclose = self.told.aclose


async def test_a_store_that_others_share_is_asked_again_every_two_seconds(clock: ManualClock) -> None:
    store = Elsewhere(clock)
    limiter = limiter_on(clock, Quota(1, 5.0), store=store)
    async with clock.running():
        await within(limiter, 0.0)
        await within(limiter, 5.0)

    assert store.told.asked == [0.0, 0.0, 2.0, 4.0, 5.0]


async def test_a_store_of_this_process_alone_is_asked_again_when_the_wait_is_over(clock: ManualClock) -> None:
    store = Told(clock)
    limiter = limiter_on(clock, Quota(1, 5.0), store=store)
    async with clock.running():
        await within(limiter, 0.0)
        await within(limiter, 5.0)

    assert store.asked == [0.0, 0.0, 5.0]


async def test_a_store_that_forgot_what_was_set_on_purpose_hears_it_again_as_such(clock: ManualClock) -> None:
    store = Elsewhere(clock)
    limiter = limiter_on(clock, Quota(5, 60.0), store=store)
    await limiter.set_limits((Quota(9, 3_600.0), Quota(3, 60.0)))

    store.told._limits = None
    await within(limiter, 0.0)

    kept = await store.limits()
    assert isinstance(kept, Limits)
    assert (kept.quotas, kept.on_purpose) == ((Quota(3, 60.0), Quota(9, 3_600.0)), True)


async def test_a_limiter_that_is_closed_closes_its_store(clock: ManualClock) -> None:
    store = Told(clock)
    await limiter_on(clock, store=store).aclose()

    assert store.closed


async def test_what_is_spent_is_said_for_each_quota_that_holds(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    limiter = limiter_on(clock, Quota(5, 60.0), store=store)
    assert await limiter.spent() == ((Quota(5, 60.0), 0),)

    await within(limiter, 0.0)
    async with limiter_on(clock, Quota(3, 60.0), store=store).place(Lane.POLL):
        assert await limiter.spent() == ((Quota(3, 60.0), 2),)


async def test_an_unanswered_request_counts_for_thirty_seconds_more(clock: ManualClock) -> None:
    words: list[Word] = []

    class Heard(MemoryStore):
        async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
            words.append(word)
            return await super().settle(held, windows, word)

    async with limiter_on(clock, store=Heard(clock)).place(Lane.SUBMIT):
        pass

    assert words == [Word(ending=Ending.UNANSWERED, grace=30.0)]
