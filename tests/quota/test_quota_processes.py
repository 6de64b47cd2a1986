"""Programs that share a token through a store, some of them killed: the real thing, against a sandbox."""

import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
import redis
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.throttle import Window
from tests.quota.benches import RedisServer

ROOT = Path(__file__).parents[2]

# 100 at 0 s, 1.5 s and 3 s; then the longer window is full, and the next 100 leave at 5 s.
MINUTE, HOUR = 1.5, 5.0
SECONDS = 7.1
POSSIBLE = 400

QUICK_START = 1.5
"""Seconds in which a program starts on a machine that can make 100 requests in MINUTE beside the sandbox."""


def emptied(server: RedisServer) -> str:
    """Where nobody has said a limit yet."""
    with redis.Redis(port=server.port) as client:
        client.flushall()
    return server.url


async def start(stack: AsyncExitStack, *arguments: str) -> Process:
    process = await stack.enter_async_context(
        await anyio.open_process(
            [sys.executable, "-m", "tests.quota.spender", *arguments], cwd=ROOT, stderr=None
        )
    )
    stack.callback(lambda: process.kill() if process.returncode is None else None)
    return process


async def ready(process: Process) -> None:
    assert process.stdout is not None
    assert (await TextReceiveStream(process.stdout).receive()).strip() == "ready"


async def begin(process: Process) -> None:
    assert process.stdin is not None
    await process.stdin.send(b"go\n")


async def slowness(stack: AsyncExitStack, where: str) -> float:
    """By how much the whole story has to be longer, because others keep this machine busy: 1 if it is not."""
    began = time.monotonic()
    await ready(await start(stack, "http://127.0.0.1:9", where, "1/1s", "0", "0"))
    return round(max(1.0, (time.monotonic() - began) / QUICK_START), 1)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_four_programs_spend_all_of_the_quota_and_never_too_much(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = f"sqlite:{tmp_path / 'quota.db'}"
    if kind == "redis":
        where = emptied(request.getfixturevalue("redis_server"))
    async with AsyncExitStack() as stack:
        slower = await slowness(stack, f"sqlite:{tmp_path / 'nobody.db'}")
        windows = (Window("minute", 100, MINUTE * slower), Window("hour", 300, HOUR * slower))
        sandbox = await stack.enter_async_context(Sandbox(windows=windows, tokens=(DEFAULT_TOKEN,)))
        quota = ",".join(f"{window.limit}/{window.per:.2f}s" for window in windows)
        given = (sandbox.url, where, quota, str(SECONDS * slower))
        holder = await start(stack, *given, "2")
        spenders = [await start(stack, *given, "0") for _ in range(4)]
        for process in (holder, *spenders):
            await ready(process)
        await begin(holder)
        await anyio.sleep(0.2 * slower)
        for spender in spenders:
            await begin(spender)
        await anyio.sleep(slower)
        holder.kill()  # with two places in its hands: they are spent, as nobody knows better
        spenders[0].kill()  # among a hundred waiters
        for spender in spenders[1:]:
            assert await spender.wait() == 0

        requests = sum(sandbox.traffic.requests.values())
        assert sum(sandbox.traffic.throttled.values()) == 0
        assert all(sandbox.traffic.most[window.name] <= window.limit for window in windows)
        assert requests >= 0.95 * POSSIBLE
