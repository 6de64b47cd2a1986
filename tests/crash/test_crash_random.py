"""Killed a hundred times at any instant, campaigns still message nobody twice and lose nobody."""

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from keebai_async.sandbox.faults import AnyFault, FaultPlan
from tests.crash.nursery import Life, Nursery
from tests.crash.world import BRIEF, World, lose_replies, take_time, world

KILLS = 5
"""In each of the stories below; together they are more than a hundred."""


class Doom(FaultPlan):
    """Kills the process that sent the nth request from now on, as it arrives."""

    def __init__(self) -> None:
        super().__init__()
        self._left = 0
        self._pid = 0

    def strike(self, pid: int, *, nth: int) -> None:
        self._pid, self._left = pid, nth

    def next(self, route: str) -> AnyFault | None:
        self._left -= 1
        if self._left == 0:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        return super().next(route)


async def on_a_request(life: Life, doom: Doom, chance: random.Random) -> None:
    doom.strike(life.pid, nth=chance.randint(1, 12))
    await life.end()


async def after_a_while(life: Life, doom: Doom, chance: random.Random) -> None:
    await life.until_it_began()
    await anyio.sleep(chance.random() * 0.12)  # not a wait for anything: the instant is what is tried out
    life.kill()
    await life.end()


async def soon_after_its_birth(life: Life, doom: Doom, chance: random.Random) -> None:
    await anyio.sleep(chance.random() * 0.06)
    life.kill()
    await life.end()


WAYS = (on_a_request, after_a_while, soon_after_its_birth)


@pytest.mark.parametrize("seed", range(21))
async def test_a_campaign_that_is_killed_again_and_again_ends_with_everyone_accounted_for(
    nursery: Nursery, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    kills = campaigns = 0
    while kills < KILLS:
        campaigns += 1
        assert campaigns <= 2 * KILLS, "it is not killed often enough"
        async with world(nursery, tmp_path / f"{campaigns}.db") as here:
            here.sandbox.faults = doom = Doom()
            lose_replies(here, *chance.sample(range(1, 30), k=2))
            take_time(here, chance.choice((0.001, BRIEF, 0.01)))
            while kills < KILLS and not await _over(here):
                async with here.life() as life:
                    await chance.choice(WAYS)(life, doom, chance)
                kills += life.killed
                assert life.killed or (life.gone, life.error) == (0, None)
            await here.end()
            await here.settle()


async def _over(here: World) -> bool:
    account = await here.account()
    return account is not None and account.report.unsent == account.report.pending == 0
