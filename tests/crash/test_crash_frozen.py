"""A holder that is frozen between intent and bytes, taken over, and awake again: nobody gets it twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy
from keebai_async.model.report import Report
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox
from keebai_async.storage import process

PEOPLE = [{"to": f"+549{1_100_000_000 + one}", "nombre": "Ana", "codigo": "M-7"} for one in range(10)]


@pytest.mark.skipif(os.name != "posix", reason="nobody can be frozen here")
@pytest.mark.parametrize("instant", ["intent", "on_connection_create_end", "on_request_headers_sent"])
async def test_a_holder_that_wakes_after_its_chunk_was_sent_again_sends_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, instant: str
) -> None:
    monkeypatch.setattr(process, "STALE", 1.0)
    with Sandbox() as sandbox:
        async with Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=path
        ) as keebai:
            plan = await keebai.campaigns.plan(
                PEOPLE, template="promo", language="es", name="Promo", options=PlanOptions(chunk_size=10)
            )
            words = (sandbox.url, sandbox.token, str(path), plan.campaign_id, instant)
            with subprocess.Popen(  # noqa: ASYNC220 - it is there for as long as this test
                [sys.executable, "-m", "tests.crash.frozen", *words], stdout=subprocess.PIPE, text=True
            ) as holder:
                try:
                    await _until_stopped(holder.pid)
                    report = await _settled(keebai, plan.campaign_id)
                finally:
                    holder.send_signal(signal.SIGCONT)
                said, _ = await anyio.to_thread.run_sync(holder.communicate)

    assert report.accepted == len(PEOPLE)
    assert "lost the lease" in said
    assert sandbox.ledger.times_messaged() == {person["to"]: 1 for person in PEOPLE}


async def _until_stopped(pid: int) -> None:
    with anyio.fail_after(60):
        while "T (stopped)" not in await anyio.Path(f"/proc/{pid}/status").read_text():  # noqa: ASYNC110
            await anyio.sleep(0.05)


async def _settled(keebai: Keebai, campaign: str) -> Report:
    """Take it over when it has been silent for long enough, send the lost chunk again, and finish."""
    with anyio.fail_after(60):
        while True:
            try:
                await keebai.campaigns.reconcile(campaign, 1, resend=True)
                break
            except CampaignBusy:
                await anyio.sleep(0.2)
    async with keebai.campaigns.resume(campaign) as run:
        return await run.report()
