"""What the quota costs: one take and settle in memory, in a SQLite file and in Redis, and on a small request.

`python benchmarks/quota.py [--quick]` needs `redis-server` for its part on Redis, and says so if it is not
there. Times are medians of rounds with their spread. The last line is the goal: a small request through the
whole client takes at most 1.3 times as long as through aiohttp alone, in the same process and turn by turn.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import anyio

from keebai_async.client import Keebai
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import Store
from keebai_async.quota.window import Quota
from keebai_async.sandbox.keebai.catalogue import SandboxToken, own_token
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.throttle import Window

WIDE = (Quota(1_000_000, 60.0), Quota(1_000_000, 3_600.0))
GOAL = 1.3


async def one_take(limiter: RateLimiter) -> None:
    async with limiter.place(Lane.INTERACTIVE) as place:
        place.settle(Ending.ANSWERED)


async def timed(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Microseconds for one of *times* runs, one after another."""
    started = time.perf_counter()
    for _ in range(times):
        await work()
    return (time.perf_counter() - started) / times * 1e6


async def takes(name: str, store: Store | None, rounds: int, times: int) -> None:
    limiter = RateLimiter(WIDE, store=store)
    # As full as an hour of the real quota makes it.
    await timed(lambda: one_take(limiter), 1_000)
    found = sorted([await timed(lambda: one_take(limiter), times) for _ in range(rounds)])
    median = statistics.median(found)
    spread = f"{found[0]:.1f} to {found[-1]:.1f}"
    print(f"{name:8} {median:9.1f} us a take ({spread}), {1e6 / median:9,.0f} takes a second")
    await limiter.aclose()


@contextmanager
def redis_url(folder: str) -> Iterator[str | None]:
    """A Redis of our own, for as long as the block lasts."""
    if shutil.which("redis-server") is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()


async def small_request(rounds: int, times: int) -> float:
    """How many times as long as aiohttp alone the whole client takes for GET /me, p50."""
    windows = (Window("minute", 1_000_000, 60.0), Window("hour", 1_000_000, 3_600.0))
    # A token of its own: the limiter would take what it did not send for somebody else's spending.
    other = SandboxToken(secret="kbai_pk_" + "6b" * 32)
    async with Sandbox(windows=windows, tokens=(own_token(), other)) as sandbox:
        headers = {"Authorization": f"Bearer {other.secret}"}
        quotas = (Quota(1_000_000, 60.0), Quota(1_000_000, 3_600.0))
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            Keebai(sandbox.token, base_url=sandbox.url, phone_number_id="1", quotas=quotas) as client,
        ):

            async def alone() -> None:
                async with session.get(f"{sandbox.url}/me") as reply:
                    await reply.json()

            await timed(alone, times)
            await timed(client.me, times)
            ratios: list[float] = []
            for _ in range(rounds):
                mine, theirs = [], []
                for _ in range(times):
                    theirs.append(await timed(alone, 1))
                    mine.append(await timed(client.me, 1))
                ratios.append(statistics.median(mine) / statistics.median(theirs))
    ratios.sort()
    ratio = statistics.median(ratios)
    print(
        f"whole client / aiohttp alone, p50: {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), goal {GOAL}"
    )
    return ratio


async def main(rounds: int, times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        await takes("memory", None, rounds, 20 * times)
        await takes("sqlite", SqliteStore(Path(folder) / "quota.db", "bench"), rounds, times)
        with redis_url(folder) as url:
            if url is None:
                print("redis     not measured: no redis-server on this machine")
            else:
                await takes("redis", RedisStore(url, "bench"), rounds, times)
    return int(await small_request(rounds, times) > GOAL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    sys.exit(anyio.run(main, 3 if quick else 9, 50 if quick else 200))
