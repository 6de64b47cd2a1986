"""The real command in a process of its own, beside a sandbox."""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from keebai_async.sandbox.server import Sandbox

PEOPLE = [
    {"to": "+5491155550101", "nombre": "Lucía", "codigo": "A1"},
    {"to": "+5491155550102", "nombre": "Bruno", "codigo": "A2"},
    {"to": "+5215555550103", "nombre": "Ximena", "codigo": "A3"},
]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """A user's terminal: a folder, an environment, and the command in it."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KEEBAI_")},
            "KEEBAI_BASE_URL": sandbox.url,
            "KEEBAI_API_TOKEN": sandbox.token,
            "KEEBAI_PHONE_NUMBER_ID": sandbox.phone_number_id,
            "KEEBAI_JOURNAL": str(folder / "journal.db"),
            "KEEBAI_POLL_FLOOR": "0.05",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "keebai_async", *arguments]

    async def run(self, *arguments: str) -> Ended:
        with anyio.fail_after(60):
            done = await anyio.run_process(
                self.command(*arguments), cwd=self.folder, env=self.environment, check=False
            )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return name


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
        *(f"{one['to']},{one['nombre']},{one['codigo']},Rosario" for one in PEOPLE),
        "+541155550101,Lucía otra vez,A4,Rosario",
        "nada,Nadie,A5,Rosario",
    ]
    return shell.write("clients.csv", "\n".join(rows) + "\n")
