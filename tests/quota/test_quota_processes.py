"""Programs that share a token through a store, some of them killed: the real thing, against a sandbox."""

import sys
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
WINDOWS = (Window("minute", 100, 1.5), Window("hour", 300, 5.0))
QUOTA = "100/1.5s,300/5s"
ENOUGH = 380
"""Requests: more than the longer window holds, and nearly all of the next 100 after them."""

PATIENCE = 120.0
"""Seconds for something that must come, however busy the machine is."""


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


async def says(process: Process, *words: str) -> None:
    """Return when it has said *words*, and nothing else."""
    assert process.stdout is not None
    lines, said = TextReceiveStream(process.stdout), ""
    with anyio.fail_after(PATIENCE):
        while said.count("\n") < len(words):
            said += await lines.receive()
    assert tuple(said.split()) == words


async def begin(process: Process) -> None:
    assert process.stdin is not None
    await process.stdin.send(b"go\n")


async def end(process: Process) -> None:
    assert process.stdin is not None
    await process.stdin.send(b"end\n")
    assert await process.wait() == 0


def made(sandbox: Sandbox) -> int:
    return sum(sandbox.traffic.requests.values())


async def until_made(sandbox: Sandbox, requests: int) -> None:
    with anyio.fail_after(PATIENCE):
        while made(sandbox) < requests:  # noqa: ASYNC110 - other processes make them
            await anyio.sleep(0.02)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_four_programs_spend_all_of_the_quota_and_never_too_much(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = f"sqlite:{tmp_path / 'quota.db'}"
    if kind == "redis":
        where = emptied(request.getfixturevalue("redis_server"))
    async with Sandbox(windows=WINDOWS, tokens=(DEFAULT_TOKEN,)) as sandbox, AsyncExitStack() as stack:
        given = (sandbox.url, where, QUOTA)
        holder = await start(stack, *given, "2")
        spenders = [await start(stack, *given, "0") for _ in range(4)]
        for process in (holder, *spenders):
            await says(process, "ready")
        await begin(holder)
        await says(holder, "holds", "holds")
        for spender in spenders:
            await begin(spender)
        await until_made(sandbox, 98)
        holder.kill()  # with two places in its hands: they are spent, as nobody knows better
        spenders[0].kill()  # among a hundred waiters
        await until_made(sandbox, ENOUGH)
        for spender in spenders[1:]:
            await end(spender)

        assert sum(sandbox.traffic.throttled.values()) == 0
        assert all(sandbox.traffic.most[window.name] <= window.limit for window in WINDOWS)
