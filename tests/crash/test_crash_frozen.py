"""A holder that is frozen between intent and bytes, taken over, and awake again: nobody gets it twice."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy
from keebai_async.model import lost
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox
from tests.postgres_server import PostgresServer

PEOPLE = [{"to": f"+549{1_100_000_000 + one}", "nombre": "Ana", "codigo": "M-7"} for one in range(10)]


pytestmark = pytest.mark.skipif(os.name != "posix", reason="nobody can be frozen here")


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, path: Path) -> str:
    """The name of a journal."""
    if request.param == "sqlite":
        return str(path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.schema()


@pytest.mark.parametrize("instant", ["intent", "on_connection_create_end", "on_request_headers_sent"])
async def test_a_holder_that_wakes_after_its_chunk_was_sent_again_sends_nothing(
    where: str, monkeypatch: pytest.MonkeyPatch, instant: str
) -> None:
    monkeypatch.setattr(lost, "_MAY_STILL_ARRIVE", {})
    monkeypatch.setattr(lost, "LATE_ARRIVAL", 0.0)  # the ledger shows everything at once
    with Sandbox() as sandbox:
        async with Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=where
        ) as keebai:
            plan = await keebai.campaigns.plan(
                PEOPLE, template="promo", language="es", name="Promo", options=PlanOptions(chunk_size=10)
            )
            words = (sandbox.url, sandbox.token, where, plan.campaign_id, instant)
            async with frozen(*words) as holder:
                report = await _settled(keebai, plan.campaign_id)
                said = await woken(holder)

    assert report.accepted == len(PEOPLE)
    assert "lost the lease" in said
    assert sandbox.ledger.times_messaged() == {person["to"]: 1 for person in PEOPLE}


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_holder_that_wakes_with_an_answer_gives_it_as_evidence_and_submits_nothing_more(
    where: str, goes_on: bool
) -> None:
    """Its people were unknown to who took the campaign over, although somebody knew."""
    with Sandbox() as sandbox:
        async with Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=where
        ) as keebai:
            options = PlanOptions(chunk_size=5)
            plan = await keebai.campaigns.plan(
                PEOPLE, template="promo", language="es", name="Promo", options=options
            )
            words = (sandbox.url, sandbox.token, where, plan.campaign_id, "answer")
            async with frozen(*words) as holder:
                taken_over = await _taken_over(keebai, plan.campaign_id)
                assert taken_over.unknown > 0
                said = await woken(holder)
            known = await keebai.campaigns.status(plan.campaign_id)
            if goes_on:
                async with keebai.campaigns.resume(plan.campaign_id) as run:
                    known = await run.report()

    assert "lost the lease" in said
    assert known.unknown == 0
    assert known.accepted == sandbox.ledger.total == len(PEOPLE)
    assert known.state == "finished" if goes_on else known.stopped_by is Cause.SETTLED
    assert sandbox.ledger.times_messaged() == {person["to"]: 1 for person in PEOPLE}


@asynccontextmanager
async def frozen(*words: str) -> AsyncIterator[subprocess.Popen[str]]:
    """A holder that stopped itself."""
    with subprocess.Popen(  # noqa: ASYNC220 - it is there for as long as this test
        [sys.executable, "-m", "tests.crash.frozen", *words], stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            await _until_stopped(holder.pid)
            yield holder
        finally:
            holder.send_signal(signal.SIGCONT)


async def woken(holder: subprocess.Popen[str]) -> str:
    """What it says when it has gone on to its end."""
    holder.send_signal(signal.SIGCONT)
    said, _ = await anyio.to_thread.run_sync(holder.communicate)
    return said


async def _taken_over(keebai: Keebai, campaign: str) -> Report:
    """Run it to the end as soon as its holder was silent for long enough."""
    with anyio.fail_after(60):
        while True:
            try:
                async with keebai.campaigns.resume(campaign) as run:
                    return await run.report()
            except CampaignBusy:
                await anyio.sleep(0.2)


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
