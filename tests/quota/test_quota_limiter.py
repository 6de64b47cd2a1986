"""RateLimiter: order, cancellation, pauses, sharing."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.quota.gate import Allowance, Ending, Lane
from keebai_async.quota.limiter import Margin, RateLimiter, Reserves
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.shared import shared_limiter
from keebai_async.quota.store import HeldPlace
from keebai_async.quota.window import LaneWindow, Quota, Wait

EXACT = Margin(seconds=0.0, drift=0.0)
ALL = Reserves(submit=0.0, poll=0.0)


def limiter_of(clock: ManualClock, *quotas: Quota, reserves: Reserves = ALL) -> RateLimiter:
    return RateLimiter(quotas, clock=clock, margin=EXACT, reserves=reserves)


async def go(
    limiter: RateLimiter,
    lane: Lane = Lane.SUBMIT,
    ending: Ending | None = Ending.ANSWERED,
    *,
    left: tuple[Allowance, ...] = (),
    pause: float | None = None,
) -> None:
    async with limiter.place(lane) as place:
        if ending is not None:
            place.settle(ending, allowances=left, pause=pause)


async def test_the_third_of_two_waits_for_exactly_one_window(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(2, 60.0))
    async with clock.running():
        for _ in range(3):
            await go(limiter)

    assert clock.now() == 60.0


async def test_without_a_word_windows_are_widened_for_late_timers_and_unequal_clocks(
    clock: ManualClock,
) -> None:
    limiter = RateLimiter((Quota(1, 1_000.0),), clock=clock)
    async with clock.running():
        await go(limiter, Lane.INTERACTIVE)
        await go(limiter, Lane.INTERACTIVE)

    assert clock.now() == pytest.approx(1_000.0 + 0.2 + 0.05)
    for lane in Lane:
        wait = await RateLimiter((Quota(1, 60.0),), store=limiter.store, clock=clock).forecast(lane)
        assert wait is not None
        assert wait.seconds == pytest.approx(60.0 + 0.012 + 0.05)


def test_who_names_no_quotas_gets_those_that_no_service_is_below() -> None:
    assert RateLimiter().quotas == (Quota(60, 60.0), Quota(1_000, 3_600.0))
    assert RateLimiter().quotas == KEEBAI_QUOTAS


async def test_the_time_of_a_request_counts_from_its_reply(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    async with clock.running():
        async with limiter.place(Lane.SUBMIT) as place:
            await clock.sleep(25.0)
            place.settle(Ending.ANSWERED)
        await go(limiter)

    assert clock.now() == 85.0


@pytest.mark.parametrize(("ending", "waited"), [(Ending.UNSENT, 0.0), (Ending.ANSWERED, 60.0), (None, 90.0)])
async def test_what_a_request_costs_depends_on_its_ending(
    clock: ManualClock, ending: Ending | None, waited: float
) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    async with clock.running():
        await go(limiter, ending=ending)
        await go(limiter)

    assert clock.now() == waited


async def test_higher_lanes_go_first_and_inside_a_lane_the_first_to_come(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 10.0))
    order: list[tuple[Lane, int]] = []

    async def one(lane: Lane, number: int) -> None:
        await go(limiter, lane)
        order.append((lane, number))

    async with anyio.create_task_group() as tasks:
        await go(limiter)
        for number in range(3):
            for lane in (Lane.POLL, Lane.SUBMIT, Lane.INTERACTIVE):
                tasks.start_soon(one, lane, number)
        await anyio.wait_all_tasks_blocked()
        await clock.advance(90.0)

    assert order == [(lane, number) for lane in Lane for number in range(3)]


@pytest.mark.parametrize(
    ("quota", "shares"), [(Quota(60, 60.0), (55, 3, 2)), (Quota(1_000, 3_600.0), (917, 50, 33))]
)
async def test_lower_lanes_leave_a_reserve_to_higher_ones(
    clock: ManualClock, quota: Quota, shares: tuple[int, int, int]
) -> None:
    limiter = RateLimiter((quota,), clock=clock, margin=EXACT)
    taken = dict.fromkeys((Lane.POLL, Lane.SUBMIT, Lane.INTERACTIVE), 0)
    for lane in taken:
        while await limiter.forecast(lane) is None:
            await go(limiter, lane)
            taken[lane] += 1

    assert tuple(taken.values()) == shares


async def test_a_tiny_quota_has_no_reserve(clock: ManualClock) -> None:
    limiter = RateLimiter((Quota(1, 60.0),), clock=clock, margin=EXACT)

    await go(limiter, Lane.POLL)

    assert await limiter.forecast(Lane.INTERACTIVE) == Wait(seconds=60.0, quota=Quota(1, 60.0))


async def test_a_cancelled_waiter_leaves_no_trace(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    await go(limiter)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(go, limiter)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert await limiter.forecast(Lane.POLL) == Wait(seconds=60.0, quota=Quota(1, 60.0))
    async with clock.running():
        await go(limiter)

    assert clock.now() == 60.0


async def test_cancelling_the_head_of_the_line_lets_the_next_one_go_in_time(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    done: list[float] = []

    async def one() -> None:
        await go(limiter, Lane.POLL)
        done.append(clock.now())

    async def head() -> None:
        with doomed:
            await go(limiter)

    doomed = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        await go(limiter)
        tasks.start_soon(head)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(one)
        await clock.advance(30.0)
        doomed.cancel()
        await clock.advance(30.0)

    assert done == [60.0]


async def test_a_place_given_back_goes_to_the_head_of_the_line_at_once(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    async with clock.running(), anyio.create_task_group() as tasks, limiter.place(Lane.SUBMIT) as place:
        tasks.start_soon(go, limiter)
        await clock.sleep(7.25)
        place.settle(Ending.UNSENT)

    assert clock.now() == 7.25


async def test_a_forecast_ends_while_requests_under_way_fill_the_window(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    async with limiter.place(Lane.SUBMIT):
        wait = await limiter.forecast(Lane.SUBMIT)

    assert wait == Wait(seconds=60.0, quota=Quota(1, 60.0), loose=True)


async def test_a_forecast_counts_those_who_wait_in_the_same_lane_and_above(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    await go(limiter)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go, limiter, Lane.SUBMIT)
        await anyio.wait_all_tasks_blocked()
        waits = [await limiter.forecast(lane) for lane in Lane]
        tasks.cancel_scope.cancel()

    assert [wait.seconds for wait in waits if wait] == [60.0, 120.0, 120.0]


async def test_a_place_left_with_an_error_is_settled_all_the_same(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))

    async def fails() -> None:
        async with limiter.place(Lane.SUBMIT) as place:
            place.settle(Ending.ANSWERED)
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        await fails()

    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0, quota=Quota(1, 60.0))


async def test_the_shortest_window_comes_first_in_whatever_order_they_are_given(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1000, 3600.0), Quota(60, 60.0))
    await go(limiter, pause=0)

    assert limiter.quotas == (Quota(60, 60.0), Quota(1000, 3600.0))
    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0)


async def test_even_a_reserve_of_everything_leaves_a_lane_one_place(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(5, 60.0), reserves=Reserves(submit=1.0, poll=1.0))

    assert await limiter.forecast(Lane.POLL) is None


async def test_a_listener_is_told_as_long_as_it_listens(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    told: list[float] = []
    async with clock.running():
        with limiter.listening(lambda _, wait: told.append(wait.seconds)):
            await go(limiter)
            await go(limiter)
        await go(limiter)

    assert told == [60.0]


class ScriptedStore(MemoryStore):
    """Gives the answers it was made with, then places; *asked* is when it was asked."""

    def __init__(self, clock: ManualClock, *answers: Wait) -> None:
        super().__init__(clock)
        self.clock = clock
        self.answers = list(answers)
        self.asked: list[float] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait:
        self.asked.append(self.clock.now())
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return self.answers.pop(0) if self.answers else HeldPlace("place", self.clock.now())


async def test_a_wait_is_told_again_only_if_it_grows_or_another_window_binds(clock: ManualClock) -> None:
    minute, hour = Quota(60, 60.0), Quota(1000, 3600.0)
    script = [(10.0, minute), (10.0, minute), (5.0, minute), (5.0, hour), (4.0, hour), (8.0, hour)]
    store = ScriptedStore(clock, *(Wait(seconds=seconds, quota=quota) for seconds, quota in script))
    limiter, told = RateLimiter((minute, hour), store=store, clock=clock), list[Wait]()
    limiter.on_wait = lambda _, wait: told.append(wait)
    async with clock.running():
        await go(limiter)

    assert [(wait.seconds, wait.quota) for wait in told] == [(10.0, minute), (5.0, hour), (8.0, hour)]


async def test_who_may_go_sooner_looks_again_every_second(clock: ManualClock) -> None:
    store = ScriptedStore(clock, Wait(seconds=60.0, loose=True), Wait(seconds=0.5, loose=True))
    async with clock.running():
        await go(RateLimiter((Quota(1, 60.0),), store=store, clock=clock))

    assert store.asked == [0.0, 1.0, 1.5]


async def test_news_that_comes_while_the_store_is_asked_is_not_slept_on(clock: ManualClock) -> None:
    store = ScriptedStore(clock)
    limiter = RateLimiter((Quota(9, 60.0),), store=store, clock=clock)
    async with limiter.place(Lane.SUBMIT) as first:

        async def gives_back() -> None:
            first.settle(Ending.UNSENT)
            await limiter._settle(Lane.SUBMIT, HeldPlace("place", 0.0), Ending.UNSENT, (), None)

        store.answers, store.meanwhile = [Wait(seconds=1_000.0)], gives_back
        with anyio.fail_after(60):
            await go(limiter)

    assert (store.asked, clock.now()) == ([0.0, 0.0, 0.0], 0.0)


async def test_a_waiter_is_told_how_long_and_why(clock: ManualClock) -> None:
    told: list[tuple[Lane, Wait]] = []
    limiter = limiter_of(clock, Quota(2, 60.0), Quota(3, 3600.0))
    limiter.on_wait = lambda lane, wait: told.append((lane, wait))
    async with clock.running():
        for _ in range(4):
            await go(limiter, Lane.POLL)

    assert told == [
        (Lane.POLL, Wait(seconds=60.0, quota=Quota(2, 60.0))),
        (Lane.POLL, Wait(seconds=3540.0, quota=Quota(3, 3600.0))),
    ]
    assert str(told[1][1]) == "3540 s: the quota of 3/3600s is spent"


async def test_a_429_pauses_everybody_for_as_long_as_it_says(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(60, 60.0))
    await go(limiter, pause=1234.0)

    for lane in Lane:
        assert await limiter.forecast(lane) == Wait(seconds=1234.0)
    async with clock.running():
        await go(limiter, Lane.INTERACTIVE)
    assert clock.now() == 1234.0


async def test_a_429_that_does_not_say_pauses_longer_each_time(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(60, 60.0), Quota(1000, 3600.0))
    left: list[float] = []
    async with clock.running():
        for _ in range(9):
            async with limiter.place(Lane.SUBMIT) as place:
                left.append(clock.now())
                place.settle(Ending.ANSWERED, pause=0)
    pauses = [later - sooner for sooner, later in pairwise(left)]

    assert pauses == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]


async def test_an_answer_makes_the_next_pause_short_again(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(60, 60.0))
    async with clock.running():
        await go(limiter, pause=0)
        await go(limiter, pause=0)
        await go(limiter)
        await go(limiter, pause=0)

    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0)


async def test_refusals_of_one_burst_are_one_refusal(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(60, 60.0), Quota(1000, 3600.0))
    async with anyio.create_task_group() as tasks:

        async def late(seconds: float) -> None:
            async with limiter.place(Lane.SUBMIT) as place:
                await clock.sleep(seconds)
                place.settle(Ending.ANSWERED, pause=0)

        for seconds in (1.0, 2.0, 3.0):
            tasks.start_soon(late, seconds)
        await clock.advance(3.0)

    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0)


async def test_after_a_pause_one_request_goes_alone_until_it_is_answered(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(60, 60.0))
    left: list[float] = []

    async def one() -> None:
        async with limiter.place(Lane.SUBMIT) as place:
            left.append(clock.now())
            await clock.sleep(5.0)
            place.settle(Ending.ANSWERED)

    await go(limiter, pause=100.0)
    async with clock.running(), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)

    assert left == [100.0, 105.0, 105.0, 105.0]


async def test_what_others_spent_is_taken_over_and_ages_out(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(10, 60.0))
    await go(limiter, left=(Allowance(limit=10, remaining=2),))
    await go(limiter)
    await go(limiter)

    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0, quota=Quota(10, 60.0))
    await clock.advance(60.0)
    assert await limiter.forecast(Lane.SUBMIT) is None


async def test_a_generous_reply_gives_nothing_away(clock: ManualClock) -> None:
    limiter = limiter_of(clock, Quota(1, 60.0))
    await go(limiter, left=(Allowance(limit=1, remaining=1),))

    assert await limiter.forecast(Lane.SUBMIT) == Wait(seconds=60.0, quota=Quota(1, 60.0))


def test_clients_of_one_token_share_their_spending_across_event_loops(clock: ManualClock) -> None:
    def spend(key: str) -> Wait | None:
        async def main() -> Wait | None:
            limiter = shared_limiter(key, (Quota(1, 60.0),), clock)
            wait = await limiter.forecast(Lane.SUBMIT)
            await go(limiter, Lane.SUBMIT) if wait is None else None
            return wait

        return anyio.run(main)

    assert spend("a") is None
    again = spend("a")
    assert again is not None
    assert again.quota == Quota(1, 60.0)
    assert spend("b") is None


async def test_two_event_loops_in_two_threads_never_spend_more_than_one(clock: ManualClock) -> None:
    taken: list[str] = []

    def other(name: str) -> None:
        async def main() -> None:
            limiter = shared_limiter("threads", (Quota(100, 60.0),), clock)
            async with anyio.create_task_group() as tasks:

                async def one() -> None:
                    async with limiter.place(Lane.SUBMIT) as place:
                        taken.append(name)
                        place.settle(Ending.ANSWERED)

                for _ in range(80):
                    tasks.start_soon(one)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()

        anyio.run(main)

    async with anyio.create_task_group() as threads:
        threads.start_soon(anyio.to_thread.run_sync, other, "one")
        threads.start_soon(anyio.to_thread.run_sync, other, "two")

    assert len(taken) == 97  # the lane of submits leaves 3 of 100
