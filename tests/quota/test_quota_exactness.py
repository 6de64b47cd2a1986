"""The promise: whatever becomes of requests on the way, the server never counts one too many."""

from itertools import count, pairwise

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import Margin, RateLimiter, Reserves
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.window import Quota

EXACT = Margin(seconds=0.0, drift=0.0)

Eighths = st.integers(0, 160).map(lambda eighths: eighths / 8)  # exact in binary: no rounding to hide behind


class Step(msgspec.Struct, frozen=True):
    """A request that comes *after* the one before, and what happens to it."""

    after: float
    lane: Lane
    there: float
    back: float
    ending: Ending
    cancelled_after: float | None
    pause: float | None


Steps = st.lists(
    st.builds(
        Step,
        after=st.one_of(st.just(0.0), Eighths),
        lane=st.sampled_from(Lane),
        there=Eighths,
        back=Eighths,
        ending=st.sampled_from([Ending.ANSWERED, Ending.ANSWERED, Ending.UNSENT, Ending.UNANSWERED]),
        cancelled_after=st.one_of(st.none(), st.none(), Eighths),
        pause=st.one_of(st.none(), st.none(), st.none(), st.sampled_from([0.0, 3.5, 30.0])),
    ),
    min_size=1,
    max_size=25,
)
Quotas = st.sampled_from(
    [(Quota(1, 10.0),), (Quota(3, 10.0),), (Quota(2, 5.0), Quota(5, 30.0)), (Quota(24, 60.0),)]
)


class Served(msgspec.Struct, kw_only=True):
    """What the server saw, and when each waiter was let go."""

    counted: list[float] = []
    pauses: list[tuple[float, float]] = []
    left: list[tuple[float, Lane, int]] = []
    finished: int = 0


async def serve(steps: list[Step], limiter: RateLimiter, clock: ManualClock, served: Served) -> None:
    arrivals = count()

    async def one(step: Step) -> None:
        came = next(arrivals)
        async with limiter.place(step.lane) as place:
            served.left.append((clock.now(), step.lane, came))
            if step.ending is Ending.UNSENT:
                place.settle(Ending.UNSENT)
                return
            # It is on its way now: even if we give up, the server may read it until the grace is over.
            served.counted.append(clock.now() + step.there)
            if step.ending is Ending.UNANSWERED:
                await clock.sleep(min(step.there, step.back))
                return
            await clock.sleep(step.there + step.back)
            if step.pause is not None:
                served.pauses.append((clock.now(), step.pause))
            place.settle(Ending.ANSWERED, pause=step.pause)

    async def cancellable(step: Step) -> None:
        if step.cancelled_after is None:
            await one(step)
        else:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one, step)
                await clock.sleep(step.cancelled_after)
                tasks.cancel_scope.cancel()
        served.finished += 1

    async with clock.running(), anyio.create_task_group() as tasks:
        for step in steps:
            if step.after:
                await clock.sleep(step.after)
            tasks.start_soon(cancellable, step)


def most_in_any(counted: list[float], per: float) -> int:
    return max((sum(at - per < other <= at for other in counted) for at in counted), default=0)


@settings(max_examples=60, deadline=None)
@given(Steps, Quotas)
def test_no_window_of_the_server_ever_holds_more_than_the_limit(
    steps: list[Step], quotas: tuple[Quota, ...]
) -> None:
    clock, served = ManualClock(0.0), Served()
    # A cancelled request was at most 20 s on its way.
    limiter = RateLimiter(quotas, clock=clock, margin=EXACT, reserves=Reserves(submit=0, poll=0), grace=20.0)

    anyio.run(serve, steps, limiter, clock, served)

    assert served.finished == len(steps)
    for quota in quotas:
        assert most_in_any(served.counted, quota.per) <= quota.limit


@settings(max_examples=40, deadline=None)
@given(Steps)
def test_nobody_leaves_during_a_pause(steps: list[Step]) -> None:
    clock, served = ManualClock(0.0), Served()
    limiter = RateLimiter((Quota(3, 10.0),), clock=clock, margin=EXACT)

    anyio.run(serve, steps, limiter, clock, served)

    for began, asked in served.pauses:
        assert not [at for at, _, _ in served.left if began < at < began + (asked or 10.0)]


@settings(max_examples=40, deadline=None)
@given(Steps)
def test_inside_a_lane_nobody_is_overtaken(steps: list[Step]) -> None:
    clock, served = ManualClock(0.0), Served()
    limiter = RateLimiter((Quota(2, 10.0),), clock=clock, margin=EXACT)

    anyio.run(serve, steps, limiter, clock, served)

    for lane in Lane:
        order = [came for _, which, came in served.left if which is lane]
        assert order == sorted(order)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(Eighths, Eighths), min_size=1, max_size=20), st.integers(1, 4))
def test_nobody_waits_longer_than_the_exact_minimum(arrivals: list[tuple[float, float]], limit: int) -> None:
    quota, clock, served = Quota(limit, 10.0), ManualClock(0.0), Served()
    steps = [Step(after, Lane.SUBMIT, took, 0.0, Ending.ANSWERED, None, None) for after, took in arrivals]
    limiter = RateLimiter((quota,), clock=clock, margin=EXACT, reserves=Reserves(submit=0, poll=0))

    anyio.run(serve, steps, limiter, clock, served)

    # Worked out by hand, for one line and no cancellation: the k-th to leave needs a place that is free.
    came = 0.0
    left: list[float] = []
    free: list[float] = []
    for after, took in arrivals:
        came += after
        at = max([came, *left[-1:]])
        if len(free) >= limit:
            at = max(at, sorted(free)[len(free) - limit])
        left.append(at)
        free.append(at + took + quota.per)
    assert [at for at, _, _ in served.left] == left


async def test_what_reaches_the_server_after_we_gave_it_up_is_counted() -> None:
    quota, clock, served = Quota(1, 10.0), ManualClock(0.0), Served()
    limiter = RateLimiter((quota,), clock=clock, margin=EXACT, grace=20.0)
    late = Step(0.0, Lane.SUBMIT, 19.5, 1.0, Ending.UNANSWERED, None, None)
    cancelled = Step(0.0, Lane.SUBMIT, 15.0, 20.0, Ending.ANSWERED, 31.5, None)
    prompt = Step(1.0, Lane.SUBMIT, 0.0, 0.0, Ending.ANSWERED, None, None)

    await serve([late, cancelled, prompt], limiter, clock, served)

    # Given up at 1 s and at 31.5 s, when the second was on its way for half a second.
    assert [at for at, _, _ in served.left] == [0.0, 31.0, 61.5]
    assert most_in_any(served.counted, quota.per) == 1


async def test_the_whole_quota_is_used_while_there_is_demand() -> None:
    clock = ManualClock(0.0)
    limiter = RateLimiter((Quota(6, 60.0), Quota(20, 600.0)), clock=clock, margin=EXACT)
    times: list[float] = []
    async with clock.running():
        for _ in range(40):
            async with limiter.place(Lane.INTERACTIVE) as place:
                times.append(clock.now())
                place.settle(Ending.ANSWERED)

    assert times[:20] == [60.0 * (number // 6) for number in range(20)]
    assert times[20:] == [at + 600.0 for at in times[:20]]
    assert all(earlier <= later for earlier, later in pairwise(times))


@pytest.mark.parametrize("requests", [10_000])
async def test_what_no_longer_counts_is_forgotten(requests: int) -> None:
    clock = ManualClock(0.0)
    store = MemoryStore(clock)
    limiter = RateLimiter((Quota(100, 60.0),), store=store, clock=clock, margin=EXACT)
    for _ in range(requests // 97):
        for _ in range(97):
            async with limiter.place(Lane.SUBMIT) as place:
                place.settle(Ending.ANSWERED)
        await clock.advance(60.0)

    assert len(store._books.ended) <= 97 * 60 + 256
    assert not store.idle
    await clock.advance(3_600.0)
    assert store.idle
