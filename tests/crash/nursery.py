"""Starts Lives, listens to them and ends them, from the event loop in which their sandbox answers."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from tests.crash.child import Said

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds in which something must be heard of a Life; in a run that is well it is one or two."""


class Life:
    """One process that runs a campaign, as it is seen from outside."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.began: str | None = None
        self.ended: str | None = None
        self.stopped_by: str | None = None
        self.error: str | None = None
        self.gone: int | None = None

    @property
    def killed(self) -> bool:
        return self.gone == -signal.SIGKILL

    def kill(self) -> None:
        """End it now, unless it has ended by itself."""
        if self.gone is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def until_it_began(self) -> None:
        """Return when it runs its campaign, or is gone."""
        while self.began is None and self.gone is None:
            await self._listen()

    async def end(self) -> None:
        """Return when it is gone."""
        while self.gone is None:
            await self._listen()

    async def _listen(self) -> None:
        said = await self._nursery.hear()
        self.began = said.began or self.began
        self.ended = said.ended or self.ended
        self.stopped_by = said.stopped_by or self.stopped_by
        self.error = said.error or self.error
        self.gone = self.gone if said.gone is None else said.gone


class Nursery:
    """The process that forks Lives, one at a time; it leads a group of its own, which ends with it."""

    def __init__(self, module: str = "tests.crash.child") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    @asynccontextmanager
    async def life(self, task: msgspec.Struct) -> AsyncIterator[Life]:
        """A process that lives *task*; it is gone when this ends."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(task) + b"\n")
        with anyio.CancelScope(shield=True):  # nobody would end one who is not known of
            born = await self.hear()
        assert born.pid is not None
        life = Life(self, born.pid)
        try:
            yield life
        finally:
            life.kill()
            with anyio.CancelScope(shield=True):
                await life.end()

    async def hear(self) -> Said:
        return msgspec.json.decode(await anyio.to_thread.run_sync(self._readline), type=Said)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _readline(self) -> bytes:
        assert self._process.stdout is not None
        heard, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        if not heard:  # a thread that reads cannot be cancelled
            raise TimeoutError(f"no Life said anything for {PATIENCE} seconds")
        return self._process.stdout.readline()
