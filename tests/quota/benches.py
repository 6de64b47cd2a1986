"""A real Redis on a free port, and every kind of store behind one face."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import redis

from keebai_async.quota.store import Store

LONGEST = 100.0  # seconds after which a place lapses, in the tests


class RedisServer:
    """A Redis without persistence that tests may stop and start."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        with redis.Redis(port=self.port) as client:
            while True:
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
                assert time.monotonic() < deadline, "redis-server does not come up"
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Bench(msgspec.Struct, kw_only=True):
    """*open* gives a store of the named token, as another process would; *advance* lets time pass for all."""

    kind: str
    open: Callable[[str], Store]
    advance: Callable[[float], Awaitable[None]]


def turn_back(server: RedisServer, run: str, seconds: float) -> None:
    """Redis's own clock cannot be turned on, so everything it holds is made older."""
    with redis.Redis(port=server.port, decode_responses=True) as client:
        for key in client.scan_iter(f"keebai:{{{run}*"):
            if key.endswith(":head"):
                for field in ("until", "born"):
                    if (at := client.hget(key, field)) is not None:
                        client.hset(key, field, str(float(at) - seconds))
            else:
                for member in client.zrange(key, 0, -1):
                    client.zincrby(key, -seconds, member)


def remove(folder: Path, pattern: str) -> None:
    """Delete the files of *folder* that look like *pattern*, as somebody may while they are in use."""
    for file in folder.glob(pattern):
        file.unlink(missing_ok=True)  # SQLite takes some of them away by itself
