"""The real command beside a sandbox."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

PEOPLE = (
    ("+5491155550101", "Lucía", "A1"),
    ("+5491155550102", "Bruno", "A2"),
    ("+5215555550103", "Ximena", "A3"),
)

MakeShell = Callable[[Sandbox], Shell]


@pytest.fixture
def make_shell(tmp_path: Path) -> MakeShell:
    return lambda sandbox: Shell(tmp_path, sandbox)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
def shell(make_shell: MakeShell, sandbox: Sandbox) -> Shell:
    return make_shell(sandbox)


@pytest.fixture
def clients(shell: Shell) -> str:
    """Three people in order, one of them twice, and one without a number."""
    rows = [
        "to,nombre,codigo,ciudad",
        *(f"{','.join(person)},Rosario" for person in PEOPLE),
        "+541155550101,Lucía otra vez,A4,Rosario",
        "nada,Nadie,A5,Rosario",
    ]
    return shell.write("clients.csv", "\n".join(rows) + "\n")
