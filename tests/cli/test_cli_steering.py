"""Two terminals: one runs a campaign, the other pauses it, lets it go on, stops it, looks on."""

import signal

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.cli.test_cli_interrupts import end_of, launching, until

READ = "GET /messages/bulk/{broadcast_id}"


def patient(shell: Shell) -> Shell:
    """One that does not spend its quota on reads while a test takes its time."""
    shell.environment["KEEBAI_POLL_FLOOR"] = "0.5"
    return shell


async def running(shell: Shell) -> str:
    """The id of the campaign that runs now."""
    with anyio.fail_after(30):
        while True:
            for line in (await shell.call("list", "--json")).objects:
                if line["state"] == "running":
                    return str(line["campaign_id"])


async def test_a_campaign_is_paused_and_let_go_on_from_another_terminal(make_shell: MakeShell) -> None:
    async with Sandbox(clock=ManualClock()) as sandbox:  # its delivery never ends
        shell = patient(make_shell(sandbox))
        async with launching(shell, "--pace", "10/1h") as process:
            campaign = await running(shell)
            second = await shell.call("resume", campaign, "--yes")
            paused = await shell.call("pause", campaign)
            seen = await shell.call("status", campaign, "--json")
            resumed = await shell.call("resume", campaign, "--yes")
            process.send_signal(signal.SIGINT)
            code, words = await end_of(process)

    assert second.code == 2
    assert f"being run by process {process.pid}" in second.err
    assert paused.code == 0, paused.err
    assert f"keebai-async resume {campaign}" in paused.err
    assert seen.objects[0]["state"] == "paused"
    assert resumed.code == 0, resumed.err
    assert "running" in resumed.err
    assert code == 130, words
    assert len(sandbox.ledger) == 1


async def test_a_campaign_is_stopped_from_another_terminal_and_resumed_later(make_shell: MakeShell) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = patient(make_shell(sandbox))
        async with launching(shell) as process:
            await until(lambda: sandbox.traffic.requests[READ] > 0)
            campaign = await running(shell)
            stopped = await shell.call("stop", campaign)
            code, words = await end_of(process)
        await clock.advance(60.0)
        resumed = await shell.call("resume", campaign, "--yes", "--json")

    assert stopped.code == 0, stopped.err
    assert code == 130, words
    assert f"keebai-async resume {campaign}" in words
    assert resumed.code == 0, resumed.err
    assert resumed.objects[-1]["sent"] == 20


async def test_looking_on_ends_when_the_process_is_killed_and_says_so(make_shell: MakeShell) -> None:
    async with Sandbox(clock=ManualClock()) as sandbox:
        shell = patient(make_shell(sandbox))
        async with launching(shell) as process:
            await until(lambda: sandbox.traffic.requests[READ] > 0)
            campaign = await running(shell)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            watched = await shell.call("watch", campaign, "--json")

    assert watched.code == 1
    assert "process that ran it is gone" in watched.err
    assert f"keebai-async resume {campaign}" in watched.err


@pytest.mark.parametrize("command", ["pause", "stop"])
async def test_there_is_nothing_to_ask_of_a_campaign_that_nobody_runs(
    shell: Shell, clients: str, command: str
) -> None:
    campaign = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))

    asked = await shell.call(command, campaign)

    assert asked.code == 2
    assert "no process runs" in asked.err
    assert "planned" in asked.err


async def test_purged_people_are_gone_and_the_counts_stay(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    finished = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))
    planned = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))

    asked = await shell.call("purge")
    refused = await shell.call("purge", planned, "--yes")
    purged = await shell.call("purge", "--yes")
    again = await shell.call("purge", "--yes")
    forced = await shell.call("purge", planned, "--unfinished", "--yes")
    status = await shell.call("status", finished, "--json")
    exported = await shell.call("export", planned, "unsent.csv", "--unsent")

    assert asked.code == 2
    assert "--yes" in asked.err
    assert refused.code == 2
    assert "unsent" in refused.err
    warned, removed = purged.err.splitlines()
    assert (purged.code, removed) == (0, f"its people are removed: {finished}")
    assert "nobody is warned any more if they get the same again: 3 people" in warned
    assert (again.code, again.err) == (0, "nothing to remove: no finished campaign has people left\n")
    assert forced.code == 0
    assert (status.objects[0]["sent"], status.objects[0]["read"]) == (3, 5)
    assert exported.code == 2
    assert "purged" in exported.err
    assert not (shell.folder / "unsent.csv").exists()
    kept = b"".join(path.read_bytes() for path in shell.folder.glob("journal.db*"))
    assert not any(number.encode() in kept for number in sandbox.ledger.times_messaged())
