"""Processes that supervise one journal are killed again and again: others carry on, nobody gets it twice."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from keebai_async import CampaignState, Cause, Keebai, PlanOptions
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox
from tests.crash.nursery import Nursery
from tests.supervisor.worker import Place

SPEED = 200.0
CAMPAIGNS, PEOPLE, SIZE = 4, 60, 5


@asynccontextmanager
async def worker(nursery: Nursery, place: Place) -> AsyncIterator[None]:
    async with nursery.life(place) as life:
        await life.until_it_began()
        assert life.gone is None
        yield


async def all_over(keebai: Keebai) -> bool:
    """Nothing is left that a program can do."""
    return all(
        each.state is CampaignState.FINISHED
        or (each.state is CampaignState.STOPPED and each.stopped_by is Cause.UNKNOWN)
        for each in await keebai.campaigns.list()
    )


@pytest.mark.timeout(600)  # thirteen processes begin, one after the other
@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_processes_are_followed_by_others_and_nobody_is_sent_to_twice(
    nurseries: tuple[Nursery, Nursery], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with Sandbox(speed=SPEED) as sandbox:
        place = Place(
            journal=str(tmp_path / "k.db"),
            url=sandbox.url,
            token=sandbox.token,
            sender=sandbox.phone_number_id,
            speed=SPEED,
        )
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            journal=place.journal,
            limiter=OpenGate(),
        ) as keebai:
            for each in range(CAMPAIGNS):
                rows = [
                    {"to": f"+54911{each:02}{n:06}", "nombre": "Ana", "codigo": "C"} for n in range(PEOPLE)
                ]
                await keebai.campaigns.launch(
                    rows,
                    template="promo",
                    language="es",
                    name=f"campaign {each}",
                    options=PlanOptions(chunk_size=SIZE),
                )
            for _ in range(6):
                async with worker(nurseries[0], place), worker(nurseries[1], place):
                    await anyio.sleep(chance.uniform(0.05, 0.5))
            async with worker(nurseries[0], place):
                with anyio.fail_after(400.0):
                    while not await all_over(keebai):  # noqa: ASYNC110 - of other processes
                        await anyio.sleep(0.1)
            reports = await keebai.campaigns.list()
        times = sandbox.ledger.times_messaged()
        assert max(times.values()) == 1
        people = CAMPAIGNS * PEOPLE
        unknown = sum(report.unknown for report in reports)
        accepted = sum(report.accepted for report in reports)
        assert accepted + unknown == people
        assert accepted <= len(times) <= people
