"""A sandbox tells receivers that are killed what became of everybody: the journal knows the truth."""

import random
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import pytest

from keebai_async.client import Keebai
from keebai_async.model.marks import mark_in
from keebai_async.model.recipient import Recipient
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox, WebhookSwitches
from keebai_async.webhooks import FateRecorder, WebhookReceiver, WebhookSecrets, record_fates
from tests.webhooks.kit import receiving
from tests.webhooks.receiving import PATH

PEOPLE = 500


def people() -> list[Recipient]:
    return [
        Recipient(to=f"+549115{number:07d}", variables={"nombre": "Ana", "codigo": f"{number}"})
        for number in range(PEOPLE)
    ]


def client(box: Sandbox, journal: Path) -> Keebai:
    return Keebai(
        box.token,
        base_url=box.url,
        phone_number_id=box.phone_number_id,
        journal=journal,
        limiter="memory:",
        clock=box.clock,
    )


async def known(keebai: Keebai, campaign_id: str) -> dict[str, tuple[str, int]]:
    """The fate and the code of each number, found by its mark."""
    fates = {number: each async for number, each in keebai.journal.fates(campaign_id)}
    found = {}
    for chunk in (await keebai.journal.load(campaign_id)).chunks:
        items = await keebai.journal.items(campaign_id, chunk.number)
        for person in msgspec.json.decode(items, type=list[Recipient]):
            mark = mark_in(person.meta_data)
            assert mark is not None
            state = fates[mark.chunk].state(mark.place)
            found[person.to] = (state.fate.name.lower(), state.code)
    return found


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
            people(), template="promo", language="es", name="Promo", options=PlanOptions(chunk_size=100)
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
        truth = {number: (one.fate, one.code) for number, one in box.webhooks.truth.items()}
        counts = await keebai.campaigns.fates(plan.campaign_id)
        assert await known(keebai, plan.campaign_id) == truth
        await reading.aclose()
    assert one.is_active
    assert (counts.failed, counts.delivered + counts.read) == (report.failed, report.sent)
    assert recorder.counts["unassigned"] == 0
    assert recorder.counts["new"] > PEOPLE
    assert set(counts.codes) == {131026, 131049}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
