"""Campaigns and receivers are killed at any instant: what was accepted is proven, nobody gets it twice."""

import os
import random
import signal
import sys
from pathlib import Path

import anyio
import pytest

from keebai_async.model.chunk import ChunkState
from keebai_async.sandbox import faults
from keebai_async.webhooks import Spool
from tests.crash.nursery import Nursery
from tests.crash.truth import found_in_portal
from tests.crash.world import BULK, World, lose_replies, take_time, world
from tests.webhooks.ports import free_port
from tests.webhooks.receiving import PATH
from tests.webhooks.storm import Receiver, Tally, until

KILLS = 3


@pytest.mark.parametrize(("marks", "seed"), [("data", 0), ("data", 1), ("data", 2), ("none", 0)])
async def test_what_was_accepted_is_proven_by_its_marks_whatever_is_killed(
    nursery: Nursery, tmp_path: Path, marks: str, seed: int
) -> None:
    chance = random.Random(f"{marks}{seed}")
    async with world(nursery, tmp_path / "journal.db") as here:
        here.sandbox.webhooks.switches.marks = "data" if marks == "data" else "none"
        here.sandbox.webhooks.switches.disable_after = None
        *lost, never_arrived = chance.sample(range(1, 16), k=4)
        lose_replies(here, *lost)
        here.sandbox.faults.on(BULK, faults.ResetBeforeReading(), nth=never_arrived)
        take_time(here)
        async with here.client() as keebai:
            campaign = await here.campaign(keebai)
        port, spool = free_port(), tmp_path / "spool.db"
        one = here.sandbox.subscribe(f"http://127.0.0.1:{port}{PATH}")
        receiver = Receiver(
            [sys.executable, "-m", "tests.webhooks.recording", str(spool), str(here.path), str(port)],
            os.environ | {"KEEBAI_WEBHOOK_SECRET": one.secret},
            tmp_path / "said",
            Tally(),
        )
        await receiver.start()
        try:
            for _ in range(KILLS):
                async with nursery.life(here.task(campaign)) as life:
                    await life.until_it_began()
                    await anyio.sleep(chance.random() * 0.15)  # no wait: the instant is what is tried out
                    if chance.random() < 0.5:
                        await receiver.strike(signal.SIGKILL)
                    life.kill()
                    await life.end()
                await receiver.strike(signal.SIGKILL)
                await receiver.start()
            await live(nursery, here, campaign)
            await until(lambda: not here.sandbox.webhooks.waiting)
            await worked_off(spool)
            await receiver.strike(signal.SIGTERM)
        finally:
            receiver.leave()
        unknown = {chunk.number for chunk in (await here.truth()).chunks(ChunkState.UNKNOWN)}
        await live(nursery, here, campaign)  # follows what was proven since
        account = await here.truth()

    assert {chunk.number for chunk in account.chunks(ChunkState.UNKNOWN)} == unknown
    arrived = {
        chunk.number
        for chunk in account.chunks(ChunkState.UNKNOWN)
        if found_in_portal(account, chunk, here.sandbox)
    }
    report = account.report
    assert (report.unsent, report.pending, report.on_the_way) == (0, 0, 0)
    if marks == "data":
        assert arrived == set()
        assert report.accepted == here.sandbox.ledger.total
    else:
        assert arrived
    assert not any(chunk.twice_at for chunk in report.chunks)


async def live(nursery: Nursery, here: World, campaign: str) -> None:
    async with nursery.life(here.task(campaign)) as life:
        await life.end()
    assert (life.gone, life.error) == (0, None)


async def worked_off(path: Path) -> None:
    spool = Spool(path)
    while await spool.count():  # noqa: ASYNC110 - it is worked off in another process
        await anyio.sleep(0.02)
    await spool.aclose()
