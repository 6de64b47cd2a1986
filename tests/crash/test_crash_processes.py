"""Several processes and one campaign: who runs it, who may say what to it, and how it is told to stop."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

from keebai_async.client import Keebai
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from tests.cli.shell import Shell
from tests.cli.test_cli_interrupts import press_twice
from tests.crash.nursery import Nursery
from tests.crash.world import BULK, World, take_time, world

SLOW = 3.0
"""Seconds for an answer: until then four requests have left, and a signal was heeded, on any machine."""


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a sandbox and another process tell nobody
        await anyio.sleep(0.002)


async def until_state(here: World, state: CampaignState) -> None:
    while (account := await here.account()) is None or account.started.state is not state:  # noqa: ASYNC110
        await anyio.sleep(0.01)


async def until_nothing_is_on_its_way(here: World) -> None:
    while (await here.truth()).chunks(ChunkState.SUBMITTING):  # noqa: ASYNC110
        await anyio.sleep(0.01)


async def planned(here: World) -> str:
    """A campaign that is planned, of people whom the service takes."""
    here.sandbox.malformed.clear()
    async with here.client() as keebai:
        return await here.campaign(keebai)


async def finish(here: World) -> None:
    """Run it to its end, and look up what is unknown: everybody once."""
    here.sandbox.faults.clear()
    await here.run_here()
    await here.settle_all()


async def test_a_second_process_is_told_in_one_sentence_who_runs_the_campaign(
    nursery: Nursery, path: Path
) -> None:
    async with world(nursery, path) as here:
        campaign = await planned(here)
        take_time(here, 100 * SLOW)
        async with here.life() as life:
            await life.until_it_began()
            second = await Shell(path.parent, here.sandbox).run("resume", campaign, "--yes")
            assert life.gone is None
            life.kill()

        assert second.code == 2
        (line,) = second.err.splitlines()
        assert f"campaign {campaign} is being run by process {life.pid} on " in line
        await finish(here)


async def test_another_process_pauses_resumes_and_stops_a_campaign_through_the_journal(
    nursery: Nursery, path: Path
) -> None:
    async with world(nursery, path) as here:
        campaign = await planned(here)
        take_time(here, SLOW)
        async with here.life() as life, here.client() as keebai:
            await life.until_it_began()
            assert await keebai.campaigns.pause(campaign)
            await until_state(here, CampaignState.PAUSED)
            await until_nothing_is_on_its_way(here)  # what was let go before may arrive later
            submitted = here.sandbox.traffic.requests[BULK]
            await anyio.sleep(0.5)
            assert here.sandbox.traffic.requests[BULK] == submitted

            assert await keebai.campaigns.unpause(campaign)
            await until(lambda: here.sandbox.traffic.requests[BULK] > submitted)

            assert await keebai.campaigns.stop(campaign)
            await life.end()

            assert (life.ended, life.stopped_by) == ("stopped", "interrupted")
            assert not await keebai.campaigns.pause(campaign)
        account = await here.truth()
        assert account.chunks(ChunkState.SUBMITTING, ChunkState.UNKNOWN) == []
        assert account.report.unsent > 0
        await finish(here)


@asynccontextmanager
async def command(here: World, *arguments: str) -> AsyncIterator[Process]:
    """The real command, killed at the end if it still runs."""
    shell = Shell(here.path.parent, here.sandbox)
    process = await anyio.open_process(
        shell.command(*arguments, "--yes", "--json"),
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def end_of(process: Process) -> tuple[int, str]:
    assert process.stdout is not None
    words = b"".join([piece async for piece in process.stdout]).decode()
    return await process.wait(), words


@pytest.mark.parametrize(
    ("verb", "sign"), [("launch", signal.SIGINT), ("resume", signal.SIGTERM)], ids=["launch", "resume"]
)
async def test_the_first_signal_submits_nothing_more_and_waits_for_what_is_on_its_way(
    path: Path, verb: str, sign: signal.Signals
) -> None:
    async with world(None, path) as here:
        campaign = await planned(here)
        take_time(here, SLOW)
        async with command(here, verb, campaign) as process:
            await until(lambda: here.sandbox.traffic.requests[BULK] == 4)
            process.send_signal(sign)
            code, words = await end_of(process)

        assert code == 130
        assert f"keebai-async resume {campaign}" in words
        assert here.sandbox.traffic.requests[BULK] == 4
        account = await here.truth()
        assert (account.report.accepted, account.report.unsent) == (80, 220)
        await finish(here)


async def test_a_second_ctrl_c_leaves_at_once_and_what_was_on_its_way_is_unknown(path: Path) -> None:
    async with world(None, path) as here:
        campaign = await planned(here)
        take_time(here, 100 * SLOW)
        async with command(here, "launch", campaign) as process:
            await until(lambda: here.sandbox.traffic.requests[BULK] == 4)
            await press_twice(process)
            code, words = await end_of(process)

        assert code == 130
        assert f"keebai-async resume {campaign}" in words
        assert len((await here.truth()).chunks(ChunkState.SUBMITTING)) == 4
        here.sandbox.faults.clear()
        account = await here.run_here()
        assert len(account.chunks(ChunkState.UNKNOWN)) == 4
        await finish(here)


async def serve(keebai: Keebai, campaign: str) -> None:
    """What a web app does in a request or a background task."""
    async with keebai.campaigns.resume(campaign) as run:
        await run.report()


@pytest.mark.parametrize("times", [1, 3])
async def test_a_web_app_that_cancels_its_task_has_written_down_what_was_on_its_way(
    path: Path, times: int
) -> None:
    async with world(None, path) as here:
        campaign = await planned(here)
        take_time(here, SLOW)
        async with here.client() as keebai:
            task = asyncio.create_task(serve(keebai, campaign))
            await until(lambda: here.sandbox.traffic.requests[BULK] == 4)
            for _ in range(times):
                task.cancel()
                await anyio.sleep(0.02)
            with pytest.raises(asyncio.CancelledError):
                await task

        account = await here.truth()
        assert here.sandbox.traffic.requests[BULK] == 4
        assert (account.report.state, account.report.accepted, account.report.unsent) == ("stopped", 80, 220)
        await finish(here)


async def test_a_web_app_whose_task_group_is_cancelled_comes_back_with_everything_written_down(
    path: Path,
) -> None:
    """The task group once followed an exception that was its own context, and the event loop stood still."""
    async with world(None, path) as here:
        campaign = await planned(here)
        take_time(here, SLOW)
        async with here.client() as keebai:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(serve, keebai, campaign)
                    await until(lambda: here.sandbox.traffic.requests[BULK] == 4)
                    scope.cancel()

        account = await here.truth()
        assert (account.report.accepted, account.report.unsent) == (80, 220)
        await finish(here)
