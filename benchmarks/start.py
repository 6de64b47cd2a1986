"""How long the command takes to start: its help and its looks, beside an empty Typer program.

`python benchmarks/start.py [--rounds 15]`. The empty program has two commands with an option each, which do
nothing. It is asked for its help beside our help, and one of its commands is run beside `list` and `status`,
which look at a journal of three campaigns and at the quota of a token. Programs run in turns. What is
counted is the time of the processor, of which others on the machine change little; each ratio is that of the
medians, with those of single turns as its spread. The goal is 1.2 for each.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio

from keebai_async.client import Keebai
from keebai_async.sandbox.keebai.server import Sandbox

GOAL: Final = 1.2
EMPTY: Final = '''
import typer

app = typer.Typer(add_completion=False)


@app.command()
def look(name: str | None = None, json: bool = False) -> None:
    """Do nothing."""


@app.command()
def other(name: str | None = None, json: bool = False) -> None:
    """Do nothing else."""


app()
'''


def seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Of the processor, for one run to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def three_campaigns(journal: Path) -> None:
    async with Sandbox() as sandbox, keebai_of(sandbox, journal) as keebai:
        for number in range(3):
            people = [{"to": f"+54911555501{each:02}", "nombre": "Ana", "codigo": "A"} for each in range(20)]
            await keebai.campaigns.plan(people, template="promo", language="es", name=f"Promo {number}")


def keebai_of(sandbox: Sandbox, journal: Path) -> Keebai:
    return Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=journal,
        limiter="memory:",
    )


def compare(folder: Path, rounds: int) -> bool:
    empty = folder / "empty.py"
    empty.write_text(EMPTY, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEEBAI_")} | {
        "KEEBAI_API_TOKEN": "kbai_pk_of_nobody",
        "KEEBAI_JOURNAL": str(folder / "campaigns.db"),
        "XDG_STATE_HOME": str(folder),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    nothing = [sys.executable, str(empty)]
    ours = [sys.executable, "-m", "keebai_async"]
    pairs = {
        "--help": ([*ours, "--help"], [*nothing, "--help"]),
        "list": ([*ours, "list"], [*nothing, "look"]),
        "status": ([*ours, "status"], [*nothing, "look"]),
        "status CAMPAIGN": ([*ours, "status", "last"], [*nothing, "look", "--name", "last"]),
    }
    good = True
    for what, (mine, other) in pairs.items():
        turns = [(seconds(mine, environment), seconds(other, environment)) for _ in range(rounds + 1)][1:]
        took, beside = (statistics.median(column) for column in zip(*turns, strict=True))
        ratios = sorted(one / two for one, two in turns)
        print(
            f"{what:<16}{took * 1e3:6.0f} ms beside {beside * 1e3:.0f} ms:"
            f" {took / beside:.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
        good &= took / beside <= GOAL
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        anyio.run(three_campaigns, folder / "campaigns.db")
        good = compare(folder, rounds)
    print(f"the goal of {GOAL} is {'met' if good else 'missed'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
