"""Each command has help, stands in the manual, and is there without its extra in one line at most."""

from pathlib import Path

import pytest

from keebai_async.cli.app import COMMANDS
from keebai_async.cli.exit_codes import Exit
from tests.cli.shell import Shell

ROOT = Path(__file__).parents[2]
NAMES = [command.__name__.rstrip("_") for command in COMMANDS]
MANUAL = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
async def test_a_command_has_help_and_stands_in_the_manual(shell: Shell, name: str) -> None:
    ended = await shell.call(name, "--help")

    assert ended.code == 0
    assert "Usage: keebai-async " + name in ended.out
    assert any(line.startswith("|") and f"`{name}" in line for line in MANUAL.splitlines())


def test_the_manual_has_every_exit_code() -> None:
    rows = [line.split("|")[1].strip() for line in MANUAL.splitlines() if line.startswith("|")]

    assert {str(int(code)) for code in Exit} <= set(rows)
