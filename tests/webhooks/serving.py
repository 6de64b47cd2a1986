"""The real `webhooks serve`, in a process of its own."""

import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from tests.webhooks.kit import PROJECT, SECRET


class Served:
    """One that receives at *url*."""

    def __init__(self, process: Process, said: TextReceiveStream) -> None:
        self.process = process
        self.said = ""
        self._stderr = said

    @property
    def url(self) -> str:
        return next(word for word in self.said.split() if word.startswith("http://")).rstrip(";")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    async def end(self) -> int:
        """Tell it to end, and give its exit code; what it *said* is known then."""
        self.process.send_signal(signal.SIGTERM)
        await self.listen()
        return await self.process.wait()

    def lift_limit(self) -> None:
        """Let its files grow again."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    async def listen(self, until: str | None = None) -> None:
        """Return when it said *until*, or is gone."""
        while until is None or until not in self.said:
            try:
                self.said += await self._stderr.receive()
            except anyio.EndOfStream:
                return


@asynccontextmanager
async def serving(
    folder: Path, *options: str, port: int = 0, secret: str = SECRET, limit: int | None = None
) -> AsyncIterator[Served]:
    """`webhooks serve` with the journal `campaigns.db` in *folder*; killed in the end if it still runs.

    None of its files may grow beyond *limit* bytes: to SQLite the disk is full then.
    """
    known = {name: value for name, value in os.environ.items() if not name.startswith("KEEBAI_")}
    known |= {"PYTHONPATH": str(PROJECT), "KEEBAI_WEBHOOK_SECRET": secret}
    command = ["webhooks", "serve", "--port", str(port), "--journal", str(folder / "campaigns.db"), *options]
    async with await anyio.open_process(
        [sys.executable, "-m", "keebai_async", *command], cwd=folder, env=known
    ) as process:
        assert process.stderr is not None
        served = Served(process, TextReceiveStream(process.stderr))
        try:
            await served.listen(until="Ctrl-C")
            if limit is not None:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            yield served
        finally:
            if process.returncode is None:
                process.kill()
