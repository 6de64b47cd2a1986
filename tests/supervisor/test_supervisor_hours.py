"""Processes are killed while hours begin and end: nothing leaves early, nobody gets it twice."""

import random
import time
from pathlib import Path
from typing import Final

import anyio
import pytest
from msgspec.structs import replace

from keebai_async import Hours, Keebai, PlanOptions
from keebai_async.model.chunk import ChunkState
from keebai_async.model.hours import is_inside
from keebai_async.model.plan import Pace
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox
from keebai_async.zones import zones_of
from tests.crash.nursery import Nursery
from tests.supervisor.test_supervisor_killed import all_over, worker
from tests.supervisor.worker import Place, SharedClock

SPEED: Final = 300.0
MINUTE: Final = 60.0
HOUR: Final = 3_600.0
HOURS: Final = Hours.parse("12:05-20:00", "UTC")
PACE: Final = Pace(people=2, per=5 * MINUTE)
PEOPLE: Final = 16
BORDERS: Final = (-MINUTE, 7.8 * HOUR, 24 * HOUR - MINUTE, 31.8 * HOUR)
"""Seconds from noon at which processes begin to be killed: before they open, before they close."""


@pytest.mark.timeout(600)  # seventeen processes begin, one after the other
@pytest.mark.parametrize("seed", [1, 2])
async def test_hours_hold_whenever_processes_are_killed(
    nurseries: tuple[Nursery, Nursery], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    clock = SharedClock(SPEED, time.time())
    async with Sandbox(clock=clock) as sandbox:
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
            clock=clock,
            limiter=OpenGate(),
        ) as keebai:
            people = [{"to": f"+54911{n:08}", "nombre": "Ana", "codigo": "C"} for n in range(PEOPLE)]
            options = PlanOptions(chunk_size=1, hours=HOURS, pace=PACE)
            plan = await keebai.campaigns.launch(people, template="promo", language="es", options=options)
            for border in BORDERS:
                clock.noon = time.time() - border / SPEED
                for _ in range(2):
                    place = replace(place, noon=clock.noon)
                    async with worker(nurseries[0], place), worker(nurseries[1], place):
                        await anyio.sleep(chance.uniform(0.1, 0.8))
            clock.noon = time.time() - 48.1 * HOUR / SPEED
            async with worker(nurseries[0], replace(place, noon=clock.noon)):
                with anyio.fail_after(400.0):
                    while not await all_over(keebai):  # noqa: ASYNC110 - of other processes
                        await anyio.sleep(0.1)
            report = await keebai.campaigns.status(plan.campaign_id)
            chunks = await keebai.journal.chunks(plan.campaign_id)

        zones = zones_of("UTC")
        for submission in sandbox.ledger.submissions:
            assert submission.at % (24 * HOUR) >= HOURS.first
        accepted = [chunk for chunk in chunks if chunk.state is ChunkState.ACCEPTED]
        assert all(is_inside(HOURS, zones, chunk.submitted_at or 0.0) for chunk in accepted)
        times = sandbox.ledger.times_messaged()
        assert max(times.values()) == 1
        assert report.accepted + report.unknown == PEOPLE
        assert report.accepted <= len(times) <= PEOPLE
        left = sorted(chunk.submitted_at or 0.0 for chunk in chunks)
        for first in left:
            assert sum(first <= at < first + PACE.per for at in left) <= PACE.people
