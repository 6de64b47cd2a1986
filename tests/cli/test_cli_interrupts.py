"""A person changes their mind: at the question, at the first Ctrl-C, at the second."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import pytest
from anyio.abc import Process

from keebai_async.cli.interrupts import TWICE_WITHIN
from keebai_async.clock import ManualClock
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell, read_all

PROMO = ("--template", "promo", "--language", "es")
ROWS = "to,nombre,codigo\n" + "\n".join(f"+54911555501{n:02},Ana,A{n}" for n in range(20))


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not holds():  # noqa: ASYNC110 - another process makes it true
            await anyio.sleep(0.01)


@asynccontextmanager
async def launching(shell: Shell, *options: str) -> AsyncIterator[Process]:
    people = shell.write("people.csv", ROWS)
    command = shell.command("launch", people, *PROMO, "--yes", "--json", *options)
    async with await anyio.open_process(
        command, cwd=shell.folder, env=shell.environment, stderr=subprocess.STDOUT
    ) as process:
        yield process


async def until_it_stops(process: Process) -> None:
    """Until it has heeded a first signal."""
    assert process.stdout is not None
    words = b""
    with anyio.fail_after(60):
        while b"stopping: waiting" not in words:
            words += await process.stdout.receive()


async def press_twice(process: Process) -> None:
    """Ctrl-C, and once it was heeded, and a key that bounces is out of the question, Ctrl-C again."""
    process.send_signal(signal.SIGINT)
    await until_it_stops(process)
    assert process.returncode is None
    await anyio.sleep(2 * TWICE_WITHIN)
    process.send_signal(signal.SIGINT)


async def end_of(process: Process) -> tuple[int, str]:
    assert process.stdout is not None
    with anyio.fail_after(60):
        words = b"".join([piece async for piece in process.stdout]).decode()
        return await process.wait(), words


def campaign_in(words: str) -> str:
    found = re.search(r"keebai-async resume ([\w-]+)", words)
    assert found is not None, words
    return found[1]


async def test_ctrl_c_during_delivery_stops_with_code_130_and_resume_follows_it_to_the_end(
    make_shell: MakeShell,
) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        async with launching(shell) as process:
            await until(lambda: sandbox.traffic.requests["GET /messages/bulk/{broadcast_id}"] > 0)
            process.send_signal(signal.SIGINT)
            code, words = await end_of(process)
        await clock.advance(60.0)
        resumed = await shell.call("resume", campaign_in(words), "--yes", "--json")

    assert code == 130
    assert resumed.code == 0, resumed.err
    assert resumed.objects[-1]["sent"] == 20
    assert len(sandbox.ledger) == 1


async def test_sigterm_waits_for_the_submit_in_flight_and_knows_what_became_of_it(
    make_shell: MakeShell,
) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=5.0), nth=1)
        async with launching(shell) as process:
            await until(lambda: len(sandbox.ledger) == 1)
            process.send_signal(signal.SIGTERM)
            await until_it_stops(process)
            await clock.advance(10.0)
            code, words = await end_of(process)

    assert code == 130
    assert '"unknown":0' in words
    assert '"accepted":20' in words


async def test_a_second_ctrl_c_leaves_at_once_and_the_chunk_in_flight_is_unknown(
    make_shell: MakeShell,
) -> None:
    async with Sandbox(clock=ManualClock()) as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/bulk", faults.Hang(), nth=1)
        async with launching(shell) as process:
            await until(lambda: len(sandbox.ledger) == 1)
            await press_twice(process)
            code, words = await end_of(process)
        shown = await shell.call("reconcile", campaign_in(words))
        resumed = await shell.call("resume", campaign_in(words), "--yes", "--json")

    assert code == 130
    wait = "--resend in (10[0-5]|[1-9]?[0-9]) s at the earliest"
    assert re.search(f"{wait}: until then it may still arrive", shown.out)
    assert resumed.code == 6
    assert resumed.objects[-1]["unknown"] == 20
    assert len(sandbox.ledger) == 1


async def test_no_at_the_question_is_code_3_and_nothing_is_submitted(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ended = await shell.answer("n\n", "launch", clients, *PROMO)

    assert ended.code == 3
    assert "Send to 3 people?" in ended.err
    assert "3" in ended.out
    assert sandbox.ledger.total == 0


async def test_yes_at_the_question_sends(shell: Shell, sandbox: Sandbox, clients: str) -> None:
    ended = await shell.answer("y\n", "launch", clients, *PROMO)

    assert ended.code == 0
    assert sandbox.ledger.total == 3


async def test_ctrl_c_at_the_question_is_code_130_and_nothing_is_submitted(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ours, theirs = pty.openpty()
    command = shell.command("launch", clients, *PROMO)
    with anyio.fail_after(60):
        async with await anyio.open_process(
            command, cwd=shell.folder, env=shell.environment, stdin=theirs, stderr=theirs
        ) as process:
            words = b""
            while b"[y/N]" not in words:
                words += await anyio.to_thread.run_sync(os.read, ours, 4096)
            process.send_signal(signal.SIGINT)
            code = await process.wait()
    os.close(theirs)
    told: list[bytes] = [words]
    read_all(ours, told, "")
    os.close(ours)

    assert code == 130
    assert sandbox.ledger.total == 0
    *_, question, kept, last = b"".join(told).decode().split("\r\n")[:-1]
    assert question.endswith("Send to 3 people? [y/N] ")
    assert question.count("Send to") == 1
    assert re.fullmatch(r"the plan is kept: keebai-async launch [a-z0-9-]+", kept)
    assert last == "interrupted"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_planning_is_code_130_and_a_word(
    make_shell: MakeShell, sent: signal.Signals
) -> None:
    async with Sandbox() as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("GET /templates", faults.Hang(), nth=1)
        async with launching(shell) as process:
            await until(lambda: bool(sandbox.faults.given))
            process.send_signal(sent)
            code, words = await end_of(process)

    assert (code, words) == (130, "interrupted\n")
    assert sandbox.ledger.total == 0


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM])
async def test_a_signal_waits_for_the_submit_in_flight(make_shell: MakeShell, sent: signal.Signals) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=5.0), nth=1)
        async with launching(shell) as process:
            await until(lambda: len(sandbox.ledger) == 1)
            process.send_signal(sent)
            process.send_signal(signal.SIGTERM)  # who passes signals on often sends two
            await until_it_stops(process)
            await clock.advance(10.0)
            code, words = await end_of(process)

    assert code == 130
    assert '"unknown":0' in words


async def test_nohup_outlives_the_terminal(make_shell: MakeShell, clients: str) -> None:
    async with Sandbox(speed=100.0) as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=100.0), nth=1)
        command = ["nohup", *shell.command("launch", clients, *PROMO, "--yes")]
        async with await anyio.open_process(command, cwd=shell.folder, env=shell.environment) as process:
            await until(lambda: len(sandbox.ledger) == 1)
            process.send_signal(signal.SIGHUP)
            code, _ = await end_of(process)

    assert code == 0


STRUCK = """
import os, runpy, sys
def strike(frame, event, argument, name=sys.argv[1], number=int(sys.argv[2])):
    if event == "call" and frame.f_code.co_name == name:
        sys.setprofile(None)
        os.kill(os.getpid(), number)
del sys.argv[1:3]
sys.setprofile(strike)
runpy.run_module("keebai_async", run_name="__main__", alter_sys=True)
"""
"""The command, which gets a signal when a function of that name is called for the first time."""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("function", ["_main", "open_output", "make_context", "parse_args"])
async def test_a_signal_before_the_work_has_begun_says_so(
    shell: Shell, function: str, sent: signal.Signals
) -> None:
    command = [sys.executable, "-c", STRUCK, function, str(int(sent)), "list"]

    with anyio.fail_after(60):
        ended = await anyio.run_process(command, cwd=shell.folder, env=shell.environment, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"interrupted\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("function", ["close_output"])
async def test_a_signal_after_the_work_changes_nothing(
    shell: Shell, function: str, sent: signal.Signals
) -> None:
    command = [sys.executable, "-c", STRUCK, function, str(int(sent)), "templates", "--json"]

    with anyio.fail_after(60):
        ended = await anyio.run_process(command, cwd=shell.folder, env=shell.environment, check=False)

    assert ended.returncode == 0
    assert b"promo" in ended.stdout
    assert b"interrupted" not in ended.stderr


TEXT = ("text", "--to", "+5491155550101", "--text", "Hola")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_a_text_on_its_way_is_waited_for(make_shell: MakeShell, sent: signal.Signals) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/text", faults.Late(seconds=5.0), nth=1)
        async with await anyio.open_process(
            shell.command(*TEXT), cwd=shell.folder, env=shell.environment, stderr=subprocess.STDOUT
        ) as process:
            await until(lambda: bool(sandbox.faults.given))
            process.send_signal(sent)
            await until_it_stops(process)
            await clock.advance(10.0)
            code, words = await end_of(process)

    assert code == 0
    assert "accepted: " in words


async def test_a_text_that_is_left_on_its_way_is_code_6_and_a_line(make_shell: MakeShell) -> None:
    async with Sandbox() as sandbox:
        shell = make_shell(sandbox)
        sandbox.faults.on("POST /messages/text", faults.Hang(), nth=1)
        async with await anyio.open_process(
            shell.command(*TEXT), cwd=shell.folder, env=shell.environment, stderr=subprocess.STDOUT
        ) as process:
            await until(lambda: bool(sandbox.faults.given))
            await press_twice(process)
            code, words = await end_of(process)

    assert code == 6
    assert "it may have been accepted or not" in words
