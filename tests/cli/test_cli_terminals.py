"""The terminal goes away without a SIGHUP, signals are blocked, the command is process 1 of a container."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import anyio
import pytest
from anyio.abc import Process

from keebai_async.clock import ManualClock
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_interrupts import PROMO, ROWS, end_of, until

LAUNCH = ("launch", "people.csv", *PROMO, "--yes")


class Terminal:
    """A terminal that can be closed, with the command on it that nobody tells of that."""

    def __init__(self, shell: Shell, command: Sequence[str], *, talks: bool) -> None:
        self._ours, theirs = pty.openpty()
        with (shell.folder / "out").open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=shell.folder,
                env=shell.environment,
                stdin=theirs,
                stdout=out,
                stderr=theirs if talks else out,
                start_new_session=True,  # so its session has no terminal, and no SIGHUP of one
            )
        os.close(theirs)

    def close(self) -> None:
        os.close(self._ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    async def end(self) -> int:
        with anyio.fail_after(30):
            while (code := self.process.poll()) is None:  # noqa: ASYNC110 - another process makes it true
                await anyio.sleep(0.01)
        return code


def state_in(shell: Shell, listed: str) -> tuple[object, ...]:
    campaign = json.loads(listed.splitlines()[0])
    return campaign["state"], campaign["accepted"], campaign["unknown"]


@pytest.mark.parametrize("talks", [True, False], ids=["with something to say", "in silence"])
async def test_a_terminal_that_is_closed_stops_a_campaign_in_good_order(
    make_shell: MakeShell, talks: bool
) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        shell.write("people.csv", ROWS)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=5.0), nth=1)
        with Terminal(shell, shell.command(*LAUNCH), talks=talks) as terminal:
            await until(lambda: len(sandbox.ledger) == 1)
            terminal.close()
            await anyio.sleep(0.3)
            assert terminal.process.poll() is None, "it waits for the answer"
            await clock.advance(10.0)
            code = await terminal.end()
        listed = await shell.call("list", "--json")

    assert code == 130
    assert state_in(shell, listed.out) == ("stopped", 20, 0)


async def test_a_terminal_that_is_closed_while_it_plans_ends_it(make_shell: MakeShell) -> None:
    async with Sandbox() as sandbox:
        shell = make_shell(sandbox)
        shell.write("people.csv", ROWS)
        sandbox.faults.on("GET /templates", faults.Hang(), nth=1)
        with Terminal(shell, shell.command(*LAUNCH), talks=False) as terminal:
            await until(lambda: bool(sandbox.faults.given))
            terminal.close()
            code = await terminal.end()

    assert (code, (shell.folder / "out").read_text()) == (130, "interrupted\n")
    assert sandbox.ledger.total == 0


async def test_nohup_outlives_a_terminal_that_is_closed(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0) as sandbox:
        shell = make_shell(sandbox)
        shell.write("people.csv", ROWS)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=100.0), nth=1)
        with Terminal(shell, ["nohup", *shell.command(*LAUNCH)], talks=False) as terminal:
            await until(lambda: len(sandbox.ledger) == 1)
            terminal.close()
            code = await terminal.end()

    assert code == 0


BLOCKED = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
os.execv(sys.argv[1], sys.argv[1:])
"""


def as_process_1(command: list[str]) -> list[str]:
    """*command* as the first process of a namespace of its own; where that is forbidden, as it stands."""
    alone = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
    if shutil.which(alone[0]) is None:
        return command
    tried = subprocess.run([*alone, "true"], capture_output=True, check=False)
    return command if tried.returncode else [*alone, *command]


def inmost(process: Process) -> int:
    """The process itself, or the one that `unshare` forked."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    words = children.read_text().split() if children.exists() else []
    return int(words[0]) if words else process.pid


async def signalled(
    shell: Shell,
    command: list[str],
    sent: signal.Signals,
    moment: Callable[[], bool],
    clock: ManualClock | None = None,
) -> tuple[int, str]:
    """Run *command*, send it a signal at a *moment*, let time go on, and see how it ends."""
    async with await anyio.open_process(
        command, cwd=shell.folder, env=shell.environment, stderr=subprocess.STDOUT
    ) as process:
        await until(moment)
        os.kill(inmost(process), sent)
        if clock is not None:
            await anyio.sleep(0.3)
            await clock.advance(10.0)
        return await end_of(process)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("started", ["blocked", "process 1"])
async def test_a_signal_is_heard_however_the_command_was_started(
    make_shell: MakeShell, started: str, sent: signal.Signals
) -> None:
    clock = ManualClock()
    async with Sandbox(clock=clock) as sandbox:
        shell = make_shell(sandbox)
        shell.write("people.csv", ROWS)
        sandbox.faults.on("GET /templates", faults.Hang(), nth=1)
        sandbox.faults.on("POST /messages/bulk", faults.Late(seconds=5.0), nth=1)
        command = shell.command(*LAUNCH, "--json")
        command = [sys.executable, "-c", BLOCKED, *command] if started == "blocked" else as_process_1(command)
        planning = await signalled(shell, command, sent, lambda: bool(sandbox.faults.given))
        sending = await signalled(shell, command, sent, lambda: len(sandbox.ledger) == 1, clock)

    assert planning == (130, "interrupted\n")
    assert sending[0] == 130
    assert '"accepted":20' in sending[1]
    assert '"unknown":0' in sending[1]
