"""The same promise across restarts: what one process spent, the next one knows, however the first ended."""

import tempfile
from pathlib import Path

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.quota.gate import Lane
from keebai_async.quota.limiter import RateLimiter, Reserves
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.window import Quota
from tests.quota.test_quota_exactness import Quotas, Served, Step, Steps, most_in_any, serve

LONGEST = 50.0
"""Seconds after which a place that nobody ends is given back: longer than any request here takes."""


async def live(
    steps: list[Step], limiter: RateLimiter, clock: ManualClock, served: Served, orphans: int
) -> None:
    """One process: it serves *steps*, and dies with *orphans* requests on their way."""
    await serve(steps, limiter, clock, served)
    async with clock.running():
        for _ in range(orphans):
            await limiter.place(Lane.INTERACTIVE).__aenter__()
            served.counted.append(clock.now() + LONGEST / 2)
    await limiter.aclose()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(Steps.map(lambda steps: steps[:8]), st.integers(0, 2)), min_size=2, max_size=3), Quotas
)
def test_no_window_of_the_server_holds_more_than_the_limit_across_restarts(
    lives: list[tuple[list[Step], int]], quotas: tuple[Quota, ...]
) -> None:
    clock, served = ManualClock(0.0), Served()
    with tempfile.TemporaryDirectory() as folder:
        for steps, orphans in lives:
            store = SqliteStore(Path(folder) / "quota.db", "token", clock=clock, longest=LONGEST)
            limiter = RateLimiter(
                quotas, store=store, clock=clock, reserves=Reserves(submit=0, poll=0), grace=20.0
            )
            anyio.run(live, steps, limiter, clock, served, orphans)

    assert served.finished == sum(len(steps) for steps, _ in lives)
    for quota in quotas:
        assert most_in_any(served.counted, quota.per) <= quota.limit
