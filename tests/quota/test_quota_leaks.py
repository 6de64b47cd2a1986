"""No place is ever lost: after any number of windows there are as many as at first, no fewer and no more."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from keebai_async.clock import ManualClock
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import HeldPlace, Store, Word
from keebai_async.quota.window import LaneWindow, Quota
from tests.quota.benches import LONGEST, Bench

QUOTA = Quota(12, 60.0)
WINDOWS = [LaneWindow(quota=QUOTA, per=QUOTA.per, most=QUOTA.limit)]
GRACE = 30.0


async def all_there_are(store: Store, other: Store) -> list[HeldPlace]:
    """Every place that is free now, taken by both in turn."""
    taken: list[HeldPlace] = []
    while isinstance(place := await (store, other)[len(taken) % 2].take(WINDOWS), HeldPlace):
        taken.append(place)
    return taken


async def test_however_places_end_as_many_are_there_again_in_each_later_window(bench: Bench) -> None:
    chance, one, two = random.Random(1), bench.open("a"), bench.open("a")
    endings: list[Ending | None] = [*Ending]
    if bench.kind != "memory":  # which dies with its process
        endings.append(None)
    for _ in range(15):
        assert await one.spent(WINDOWS) == (0,)
        places, back = await all_there_are(one, two), 0
        assert len(places) == QUOTA.limit
        for number, place in enumerate(places):
            ending = chance.choice(endings)
            if ending is not None:  # else its process died with it
                word = Word(ending=ending, grace=GRACE)
                await (one, two)[number % 2].settle(place, WINDOWS, word)
            back += ending is Ending.UNSENT
        again = await all_there_are(one, two)
        assert len(again) == back
        for number, place in enumerate(again):
            await (one, two)[number % 2].settle(place, WINDOWS, Word(ending=Ending.ANSWERED, grace=GRACE))
        await bench.advance(LONGEST + QUOTA.per + GRACE)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("seed", range(2))
async def test_whoever_gives_up_while_programs_wait_for_a_place_all_of_each_window_is_used(
    kind: str, seed: int, tmp_path: Path
) -> None:
    """Four programs, each with more tasks than there are places; nothing lapses while this lasts."""
    clock, chance = ManualClock(0.0), random.Random(seed)
    memory = MemoryStore(clock)

    def program() -> RateLimiter:
        file = SqliteStore(tmp_path / "quota.db", "a", clock=clock, longest=1e9)
        return RateLimiter([QUOTA], store=memory if kind == "memory" else file, clock=clock, grace=GRACE)

    programs = [program() for _ in range(4)]
    for _ in range(10):
        for each in programs:
            assert await each.store.spent(WINDOWS) == (0,)
        await one_window(programs, clock, chance)
        await clock.advance(QUOTA.per + GRACE + 1.0)
        which = chance.randrange(len(programs))
        await programs[which].aclose()
        programs[which] = program()
    for each in programs:
        await each.aclose()


async def one_window(programs: list[RateLimiter], clock: ManualClock, chance: random.Random) -> None:
    """Everybody asks, some give up on the way or with a place in hand; in the end all places are taken."""
    taken: list[RateLimiter] = []
    askers: list[asyncio.Task[None] | None] = []

    async def ask(limiter: RateLimiter, scope: anyio.CancelScope, ends: Callable[[], bool]) -> None:
        askers.append(asyncio.current_task())
        with scope:
            async with limiter.place(Lane.INTERACTIVE) as place:
                taken.append(limiter)
                if not ends():
                    await anyio.sleep_forever()
                place.settle(Ending.ANSWERED)

    scopes = [anyio.CancelScope() for _ in range(2 * QUOTA.limit)]
    async with anyio.create_task_group() as tasks:
        for number, scope in enumerate(scopes):
            tasks.start_soon(ask, programs[number % 4], scope, lambda: chance.random() < 0.7)
        for _ in range(chance.randrange(60)):
            await anyio.lowlevel.checkpoint()
        for number in chance.sample(range(len(askers)), min(len(askers), QUOTA.limit // 2)):
            task = askers[number]
            if number % 2 and task is not None:
                task.cancel()  # as some web frameworks do
            else:
                scopes[number].cancel()
        for _ in range(25):  # who was told that a place may be given back asks again after a second
            for each in programs:
                await each.store.spent(WINDOWS)
            await clock.advance(0.5)
        assert len(taken) == QUOTA.limit
        assert await programs[0].store.spent(WINDOWS) == (QUOTA.limit,)
        tasks.cancel_scope.cancel()
