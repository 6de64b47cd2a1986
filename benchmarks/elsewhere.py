"""A sandbox in a process of its own, so that what it does is not counted here."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from keebai_async.sandbox.keebai.catalogue import own_token
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.throttle import Window

WIDE = 1_000_000
"""Requests in each window: more than are made here."""


class Place(msgspec.Struct):
    """Where the sandbox is, and who we are to it: by the first of the *tokens*, or each client by its own."""

    url: str
    tokens: list[str]
    phone_number_id: str

    @property
    def token(self) -> str:
        return self.tokens[0]


async def _serve(speed: float, tokens: int, windows: tuple[Window, ...]) -> None:
    own = tuple(own_token() for _ in range(tokens))
    async with Sandbox(speed=speed, windows=windows, tokens=own) as sandbox:
        place = Place(sandbox.url, [token.secret for token in own], sandbox.phone_number_id)
        print(msgspec.json.encode(place).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def sandbox_elsewhere(
    *, speed: float = 1.0, tokens: int = 1, windows: tuple[float, ...] = (60.0, 3_600.0)
) -> Iterator[Place]:
    """A sandbox *speed* times as fast as real time, with wide *windows* of so many seconds."""
    command = [sys.executable, __file__, str(speed), str(tokens), *map(str, windows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield msgspec.json.decode(process.stdout.readline(), type=Place)
        process.stdin.close()


if __name__ == "__main__":
    _, _speed, _tokens, *_windows = sys.argv
    _wide = tuple(Window(f"{float(per):g}s", WIDE, float(per)) for per in _windows)
    asyncio.run(_serve(float(_speed), int(_tokens), _wide))
