"""Whether `work` is well: it looked at its journal a short time ago. For the probes of containers."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import InvalidInput

WELL_FOR: Final = 30.0
"""Seconds since the last look, from which on something is wrong: its database is away for as long, say."""

_PORT: Final = re.compile(r"(?:(?P<host>\[[^]]*\]|[^:/\\]*):)?(?P<port>[0-9]{1,5})")


class WorkHealth(msgspec.Struct, frozen=True, kw_only=True):
    """*looked* is how many seconds ago the journal was last looked at; None if it never was."""

    ok: bool
    running: int
    looked: float | None


class LastLook(msgspec.Struct):
    """When the journal was last looked at, and how many campaigns ran then."""

    clock: Clock = SYSTEM_CLOCK
    at: float | None = None
    running: int = 0

    def looked(self, running: int) -> None:
        self.at, self.running = self.clock.now(), running

    def health(self) -> WorkHealth:
        ago = None if self.at is None else self.clock.now() - self.at
        return WorkHealth(ok=ago is not None and ago < WELL_FOR, running=self.running, looked=ago)


class HealthPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the health can be asked for: at a port of *host* (all addresses, if it is empty), or a *file*."""

    host: str = ""
    port: int = 0
    file: Path | None = None


def health_place(given: str) -> HealthPlace:
    """`8080`, `127.0.0.1:8080` or a path. Raises InvalidInput."""
    found = _PORT.fullmatch(given)
    if found is None:
        return HealthPlace(file=Path(given))
    port = int(found["port"])
    if not 0 < port < 65_536:
        raise InvalidInput("a port is between 1 and 65535", field="--health", value=given)
    return HealthPlace(host=(found["host"] or "").strip("[]"), port=port)


@asynccontextmanager
async def answering(last: LastLook, place: HealthPlace | None) -> AsyncIterator[None]:
    """Inside, the health can be asked for at a port: 200 if it is well, 503 if not. Raises OSError."""
    if place is None or place.file is not None:
        yield
        return

    async def answer(_: web.BaseRequest) -> web.Response:
        now = last.health()
        body = msgspec.json.encode(now)
        return web.Response(status=200 if now.ok else 503, body=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer), handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, place.host or None, place.port, shutdown_timeout=0.0).start()
        yield
    finally:
        await runner.cleanup()


def touch(place: HealthPlace | None) -> None:
    """Let the time of the file be that of the last look. One that cannot be written grows old."""
    if place is not None and place.file is not None:
        with suppress(OSError):
            place.file.touch()
