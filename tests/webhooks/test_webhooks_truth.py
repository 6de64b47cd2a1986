"""A sandbox tells receivers that are killed what became of everybody: the journal knows the truth."""

import random
import signal
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox, WebhookSwitches
from keebai_async.webhooks import FateRecorder, WebhookReceiver, WebhookSecrets, record_fates
from tests.webhooks.kit import receiving
from tests.webhooks.people import client, known, people, truth
from tests.webhooks.ports import free_port
from tests.webhooks.receiving import PATH

PEOPLE = 500


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for happens in other processes
        await anyio.sleep(0.01)


@pytest.mark.parametrize("door", ["asgi", "aiohttp"])
async def test_everybody_s_fate_is_the_sandbox_s_truth_whoever_is_killed(door: str, tmp_path: Path) -> None:
    chance, spool = random.Random(door), tmp_path / "webhooks.db"
    switches = WebhookSwitches(
        dialect="mixed", capped=0.5, failed_first=0.1, duplicates=0.2, disorder=60.0, disable_after=None
    )
    async with (
        Sandbox(speed=1_000.0, failing=0.1, webhooks=switches) as box,
        client(box, tmp_path / "campaigns.db") as keebai,
    ):
        port = free_port()
        one = box.subscribe(f"http://127.0.0.1:{port}{PATH}")
        recorder = FateRecorder(keebai.journal)
        reading = WebhookReceiver(spool, secrets=WebhookSecrets(one.secret))
        plan = await keebai.campaigns.plan(
            people(PEOPLE), template="promo", language="es", name="Promo", options=PlanOptions(chunk_size=100)
        )
        enough = chance.randint(1, 300)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(record_fates, reading, recorder)
            with receiving(door, spool, port, one.secret) as (process, _):
                async with keebai.campaigns.start(plan) as run:
                    await until(lambda: box.webhooks.answers["204"] > enough)
                    process.send_signal(signal.SIGKILL)
                    report = await run.report()
            with receiving(door, spool, port, one.secret):
                await until(lambda: not box.webhooks.waiting)
            while await reading.spool.count():  # noqa: ASYNC110 - it is worked off in a thread
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        counts = await keebai.campaigns.fates(plan.campaign_id)
        assert await known(keebai, plan.campaign_id) == truth(box)
        await reading.aclose()
    assert one.is_active
    assert (counts.failed, counts.delivered + counts.read) == (report.failed, report.sent)
    assert recorder.counts["unassigned"] == 0
    assert recorder.counts["new"] > PEOPLE
    assert set(counts.codes) == {131026, 131049}
