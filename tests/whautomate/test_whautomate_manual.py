"""The manual's words on Whautomate: its example runs, its commands and variables exist."""

import os
import re
import sys
from pathlib import Path

import anyio
import pytest
import typer

from keebai_async.cli.whautomate.commands import app
from keebai_async.sandbox import WhautomateSandbox
from keebai_async.whautomate import settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


async def test_the_example_runs_and_creates_one_broadcast() -> None:
    example = re.findall(r"^```py\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[0]
    async with WhautomateSandbox(speed=100.0) as box:
        result = await anyio.run_process(
            [sys.executable, "-c", example],
            env={
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "error",
                "WHAUTOMATE_API_KEY": box.key,
                "WHAUTOMATE_API_HOST": box.url,
                "WHAUTOMATE_POLL_FLOOR": "0.1",
                "PATH": os.defpath,
            },
            check=False,
        )
    assert result.stderr.decode() == ""
    assert result.returncode == 0
    assert b" 2 sent, " in result.stdout or b" 1 sent, " in result.stdout
    assert len(box.ledger.broadcasts) == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_command_stands_in_the_manual(name: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `whautomate ")]
    assert any(re.search(rf"`(whautomate )?{name}\b", row) for row in rows)


@pytest.mark.parametrize(
    "name",
    [
        *settings.WHAUTOMATE_KEY_VARIABLES,
        settings.WHAUTOMATE_HOST_VARIABLE,
        settings.WHAUTOMATE_QUOTA_VARIABLE,
        settings.WHAUTOMATE_QUOTA_STORE_VARIABLE,
        settings.WHAUTOMATE_POLL_FLOOR_VARIABLE,
    ],
)
def test_each_variable_stands_in_the_manual(name: str) -> None:
    assert f"| `{name}` |" in README
