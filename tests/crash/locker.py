"""A process that is stopped while it holds the write lock of the journal that it is given."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

PROJECT = Path(__file__).parents[2]


@asynccontextmanager
async def stopped_while_it_writes(path: Path) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """It holds the lock inside `async with`, and then it is killed."""
    command = [sys.executable, "-m", "tests.crash.locker", str(path)]
    with subprocess.Popen(command, cwd=PROJECT) as process:  # noqa: ASYNC220 - it is there for as long as this
        try:
            await until_stopped(process.pid)
            yield process
        finally:
            process.kill()


async def until_stopped(pid: int) -> None:
    with anyio.fail_after(60):
        while "T (stopped)" not in await anyio.Path(f"/proc/{pid}/status").read_text():  # noqa: ASYNC110
            await anyio.sleep(0.02)


if __name__ == "__main__":
    database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30.0)
    database.execute("BEGIN IMMEDIATE")
    os.kill(os.getpid(), signal.SIGSTOP)
    signal.pause()
