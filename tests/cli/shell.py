"""A user's terminal: the real command, in this process or in one of its own."""

import io
import json
import os
import pty
import sqlite3
import sys
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from keebai_async.cli import app
from keebai_async.sandbox.keebai.server import Sandbox

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


def read_all(terminal: int, told: list[bytes], words: str) -> None:
    """Until nobody has the other end of *terminal* any more. What is not read would hold its writer up.

    *words* are typed when a question stands there.
    """
    asked = False
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            told.append(piece)
            if not asked and b"".join(told).endswith((b"/N] ", b"): ")):
                asked = True
                os.write(terminal, words.encode())


class Shell:
    """A user's terminal: a folder, an environment, and the command in it."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KEEBAI_")},
            "PYTHONPATH": str(ROOT),
            "KEEBAI_BASE_URL": sandbox.url,
            "KEEBAI_API_TOKEN": sandbox.token,
            "KEEBAI_PHONE_NUMBER_ID": sandbox.phone_number_id,
            "KEEBAI_JOURNAL": str(folder / "journal.db"),
            "KEEBAI_POLL_FLOOR": "0.05",
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "keebai_async", *arguments]

    async def run(self, *arguments: str) -> Ended:
        """The command in a process of its own, as a user starts it."""
        with anyio.fail_after(60):
            done = await anyio.run_process(
                self.command(*arguments), cwd=self.folder, env=self.environment, check=False
            )
        return Ended(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    async def answer(self, words: str, *arguments: str, early: str = "") -> Ended:
        """The same on a terminal, where *words* are typed when something is asked, and *early* at once.

        What is told there comes back as `err`.
        """
        ours, theirs = pty.openpty()
        told: list[bytes] = []
        os.write(ours, early.encode())
        async with (
            await anyio.open_process(
                self.command(*arguments), cwd=self.folder, env=self.environment, stdin=theirs, stderr=theirs
            ) as process,
            anyio.create_task_group() as tasks,
        ):
            os.close(theirs)
            tasks.start_soon(anyio.to_thread.run_sync, partial(read_all, ours, told, words))
            assert process.stdout is not None
            out = b"".join([piece async for piece in process.stdout])
            code = await process.wait()
        os.close(ours)
        return Ended(code, out.decode(), b"".join(told).decode())

    async def call(self, *arguments: str) -> Ended:
        """The same inside this process, which is faster: for all but signals, pipes and questions.

        The command gets a loop of its own in a thread, where no signal arrives.
        """
        with pytest.MonkeyPatch.context() as patched:
            for name in os.environ:
                patched.delenv(name)
            for name, value in self.environment.items():
                patched.setenv(name, value)
            patched.chdir(self.folder)
            patched.setattr(sys, "stdin", io.StringIO())
            with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
                code = await anyio.to_thread.run_sync(app.run, arguments)
        return Ended(code, out.getvalue(), err.getvalue())

    def write(self, name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return name


def let_pass(journal: Path, seconds: float) -> None:
    """Let everything that was submitted have left *seconds* earlier."""
    with closing(sqlite3.connect(journal)) as database, database:
        earlier = "UPDATE chunks SET submitted_at = submitted_at - ?, lost_at = lost_at - ?"
        database.execute(earlier, (seconds, seconds))
        for row, body in database.execute("SELECT id, move FROM moves").fetchall():
            move = json.loads(body)
            if "at" in move:
                move["at"] -= seconds
                database.execute("UPDATE moves SET move = ? WHERE id = ?", (json.dumps(move).encode(), row))
