"""What a command imports: a look little, a campaign everything before its first request."""

import re
import sys

import anyio
import pytest

from keebai_async.cli.exit_codes import Exit
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

ENGINE = {
    "aiohttp",
    "pydantic",
    "rich.console",
    "keebai_async.campaign.run",
    "keebai_async.campaign_planning",
    "keebai_async.campaigns",
    "keebai_async.planning.plan",
    "keebai_async.sources.opening",
}

NOTING = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("keebai_async.") and "keebai_async.transport.wire" in sys.modules:
            print("late:", name, file=sys.stderr)

sys.meta_path.insert(0, Finder())
from keebai_async.__main__ import main
sys.exit(main())
"""
"""Runs the command, and tells what of ours is imported once there has been a request."""


async def imported_by(shell: Shell, *words: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "keebai_async", *words]
    done = await anyio.run_process(command, cwd=shell.folder, env=shell.environment)
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr.decode(), re.MULTILINE))


@pytest.mark.parametrize("words", [("list",), ("status",), ("status", "last", "--json")], ids=" ".join)
async def test_a_look_imports_nothing_that_plans_or_sends(
    shell: Shell, clients: str, words: tuple[str, ...]
) -> None:
    await shell.call("plan", clients, "--template", "promo", "--language", "es")

    imported = await imported_by(shell, *words)

    assert "keebai_async.campaign_looks" in imported
    assert not imported & ENGINE


async def test_the_help_imports_no_command(shell: Shell) -> None:
    imported = await imported_by(shell, "--help")

    assert "keebai_async.cli.command_table" in imported
    assert not {name for name in imported if name.startswith("keebai_async.cli.commands.")}


async def test_a_campaign_imports_nothing_of_ours_once_it_has_begun(
    shell: Shell, clients: str, sandbox: Sandbox
) -> None:
    """Somebody may put another version in its place meanwhile."""
    planned = await shell.call("plan", clients, "--template", "promo", "--language", "es", "--json")
    sandbox.faults.on("POST /messages/bulk", faults.Reset())
    words = ["launch", str(planned.objects[0]["campaign_id"]), "--yes"]

    with anyio.fail_after(60):
        done = await anyio.run_process(
            [sys.executable, "-c", NOTING, *words], cwd=shell.folder, env=shell.environment, check=False
        )

    assert done.returncode == Exit.UNKNOWN
    assert re.findall("late: (.*)", done.stderr.decode()) == []
