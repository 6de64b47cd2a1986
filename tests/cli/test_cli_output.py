"""Who reads what a command prints, and whether, decides nothing about who is messaged."""

import os
import subprocess
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

LAUNCH = ("launch", "clients.csv", "--template", "promo", "--language", "es", "--name", "Promo", "--yes")


async def ends_with(shell: Shell, line: str) -> tuple[int, str]:
    """The code and the words of a line of a shell."""
    with anyio.fail_after(60):
        done = await anyio.run_process(
            ["bash", "-c", line],
            cwd=shell.folder,
            env=shell.environment,
            check=False,
            stderr=subprocess.STDOUT,
        )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    "where",
    [
        "2>/dev/null | head -1 >/dev/null",
        "--json 2>/dev/null | head -1 >/dev/null",
        "2>&1 >/dev/null | head -1 >/dev/null",
        ">/dev/full 2>/dev/full",
        "--json >/dev/full 2>/dev/full",
        ">&- 2>&- <&-",
    ],
)
async def test_output_that_nobody_takes_stops_no_campaign(
    shell: Shell, sandbox: Sandbox, clients: str, where: str
) -> None:
    command = " ".join(shell.command(*LAUNCH))

    code, words = await ends_with(shell, f"set -o pipefail; {command} {where}")
    status = await shell.call("status", "--json")

    assert (code, words) == (0, "")
    assert status.objects[0]["state"] == "finished"
    assert sandbox.ledger.total == 3


async def test_a_full_disk_behind_stdout_is_told_on_stderr(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    code, words = await ends_with(shell, f"{' '.join(shell.command(*LAUNCH))} 2>&1 >/dev/full")

    assert code == 0
    assert "what was printed on stdout is not complete: No space left on device" in words


@pytest.mark.parametrize("code_page", ["cp1252", "ascii", "utf-8"])
async def test_a_name_that_the_code_page_does_not_have_is_shown_with_replacements(
    shell: Shell, sandbox: Sandbox, code_page: str
) -> None:
    shell.write("clients.csv", "to,nombre,codigo\n+5491155550101,李雷,A1\n")
    shell.environment |= {"PYTHONIOENCODING": code_page, "TERM": "dumb"}

    ended = await shell.run(*LAUNCH[:-2], "李", "--yes")
    told = await shell.run("status", "--json")

    assert ended.code == 0, ended.err
    assert sandbox.ledger.total == 1
    assert told.objects[0]["name"] == "李"


async def test_a_reader_who_does_not_read_holds_no_campaign_up_and_gets_all_of_it_later(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ours, theirs = os.pipe()
    fill(theirs)
    async with await anyio.open_process(
        shell.command(*LAUNCH), cwd=shell.folder, env=shell.environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        await until(lambda: finished(shell))
        words = await anyio.to_thread.run_sync(read_to_end, ours)
        code = await process.wait()

    assert code == 0
    assert b"accepted" in words


def fill(pipe: int) -> None:
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, bytes(4_096))
    except BlockingIOError:
        os.set_blocking(pipe, True)


def read_to_end(pipe: int) -> bytes:
    with open(pipe, "rb") as file:
        return file.read()


async def finished(shell: Shell) -> bool:
    status = await shell.call("status", "--json")
    return bool(status.objects) and status.objects[0]["state"] == "finished"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(30):
        while not await holds():  # noqa: ASYNC110 - another process makes it true
            await anyio.sleep(0.1)
