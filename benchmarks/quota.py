"""What the quota costs: a take and settle in each store, with an hour empty and full, and a small request.

    python benchmarks/quota.py [--quick] [--small]

It needs `redis-server` and PostgreSQL for their parts, and says so if they are not there. Printed are medians
with their spread, and ratios of what ran in turns. The goals: with 10,000 spent a take costs at most twice
what it costs in an empty hour; of four processes at once 99 of 100 takes have ended within 50 ms; a small
request through the whole client takes at most 1.25 times as long as through aiohttp alone.

That request is GET /me of a sandbox in another process, its answer read as JSON, in this process and turn by
turn. What the client costs is told beside the store, with the quota in memory; and for each other store with
what its place costs by itself, measured in the same turns.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

import aiohttp
import anyio

sys.path.insert(0, str(Path(__file__).parent))
from elsewhere import WIDE as MANY
from elsewhere import Place, sandbox_elsewhere

from keebai_async.client import Keebai
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.store import Store
from keebai_async.quota.stores import open_store
from keebai_async.quota.window import Quota
from tests.postgres_server import PostgresServer, postgres_programs

WIDE = (Quota(MANY, 60.0), Quota(MANY, 3_600.0))
GOAL = 1.25
FULL = 10_000
TWICE = 2.0
PROCESSES = 4
LONGEST = 0.05

Work = Callable[[], Awaitable[object]]


async def one_take(limiter: RateLimiter) -> None:
    async with limiter.place(Lane.INTERACTIVE) as place:
        place.settle(Ending.ANSWERED)


async def timed(work: Work, times: int) -> float:
    """Microseconds for one of *times* runs, one after another."""
    started = time.perf_counter()
    for _ in range(times):
        await work()
    return (time.perf_counter() - started) / times * 1e6


async def in_turns(works: Mapping[str, Work], times: int) -> dict[str, float]:
    """The median of each, in microseconds, when they take turns."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            took[name].append(await timed(work, 1))
    return {name: statistics.median(found) for name, found in took.items()}


def spread(found: list[float], places: int = 2) -> str:
    """The median, and the least and the most of them."""
    least, most = min(found), max(found)
    return f"{statistics.median(found):.{places}f} ({least:.{places}f} to {most:.{places}f})"


async def takes(name: str, store_of: Callable[[str], Store], rounds: int, times: int) -> bool:
    """Print what a take costs in an empty and in a full hour; says whether that is at most twice as much."""
    full = RateLimiter(WIDE, store=store_of("full"))
    await timed(partial(one_take, full), FULL)
    medians: list[dict[str, float]] = []
    for turn in range(rounds):
        empty = RateLimiter(WIDE, store=store_of(f"empty {turn}"))
        await timed(partial(one_take, empty), 5)
        medians.append(
            await in_turns({"empty": partial(one_take, empty), "full": partial(one_take, full)}, times)
        )
        await empty.aclose()
    await full.aclose()
    for which, words in (("empty", "nothing spent"), ("full", f"{FULL:,} spent")):
        print(f"{name:9} {words:14} {spread([found[which] for found in medians], 1)} us a take and settle")
    ratios = [found["full"] / found["empty"] for found in medians]
    print(f"{name:9} full / empty {spread(ratios)}, goal at most {TWICE}")
    return statistics.median(ratios) <= TWICE


async def spend_beside_others(url: str, times: int) -> None:
    """What one of several processes does: take places, one after another, and print how long each took."""
    limiter = RateLimiter(WIDE, store=open_store(url, key="bench"))
    await timed(partial(one_take, limiter), 3)
    print("ready", flush=True)
    sys.stdin.readline()
    print(*[await timed(partial(one_take, limiter), 1) for _ in range(times)])
    await limiter.aclose()


def beside_others(name: str, url: str, times: int) -> bool:
    """Four processes at once on one store; says whether 99 of 100 takes are quick."""
    command = [sys.executable, __file__, "--beside", url, str(times)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    took: list[float] = []
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        said, _ = child.communicate()
        took += [float(word) / 1e6 for word in said.split()]
    took.sort()
    slow = took[int(0.99 * len(took))]
    print(
        f"{name:9} {PROCESSES} processes: p50 {took[len(took) // 2] * 1e3:.1f} ms, p99 {slow * 1e3:.1f} ms,"
        f" longest {took[-1] * 1e3:.1f} ms, goal p99 at most {LONGEST * 1e3:.0f} ms"
    )
    return slow <= LONGEST


@contextmanager
def postgres_url() -> Iterator[str | None]:
    """A PostgreSQL of our own, as it is set up by itself: what is committed is on its disk."""
    programs = postgres_programs()
    if programs is None:
        yield None
        return
    server = PostgresServer(programs, settings=("max_connections=40",))
    try:
        server.make()
        yield server.schema()
    finally:
        server.remove()


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


async def small_requests(
    place: Place, urls: Mapping[str, str], rounds: int, times: int
) -> dict[str, list[dict[str, float]]]:
    """For each store and round the medians of aiohttp alone, the place alone, and the whole client."""
    found: dict[str, list[dict[str, float]]] = {}
    async with AsyncExitStack() as opened:
        mine, *others = place.tokens
        headers = {"Authorization": f"Bearer {mine}"}
        session = await opened.enter_async_context(aiohttp.ClientSession(headers=headers))

        async def alone() -> None:
            async with session.get(f"{place.url}/me") as reply:
                reply.raise_for_status()
                await reply.json()

        works: dict[str, dict[str, Work]] = {}
        for token, (name, url) in zip(others, urls.items(), strict=False):
            # A token of its own: a limiter would take what it did not send for somebody else's spending.
            client = await opened.enter_async_context(
                Keebai(token, base_url=place.url, phone_number_id="1", quotas=WIDE, limiter=url)
            )
            limiter = RateLimiter(WIDE, store=store_at(url, "place alone"))
            opened.push_async_callback(limiter.aclose)
            works[name] = {"alone": alone, "place": partial(one_take, limiter), "whole": client.me}
            await in_turns(works[name], 20)
        for _ in range(rounds):
            for name, each in works.items():
                found.setdefault(name, []).append(await in_turns(each, times))
    return found


def tell_small_requests(found: Mapping[str, list[dict[str, float]]]) -> bool:
    """Print what they cost; says whether the client itself, beside the store, costs little."""
    for name, medians in found.items():
        whole = [each["whole"] / each["alone"] for each in medians]
        goal = f", goal at most {GOAL}" if name == "memory" else ""
        print(f"{name:9} whole client / aiohttp alone, p50: {spread(whole)}{goal}")
        beside = [each["whole"] - each["alone"] - each["place"] for each in medians]
        print(
            f"{name:9}   us: aiohttp {spread([each['alone'] for each in medians], 0)},"
            f" the place {spread([each['place'] for each in medians], 0)}, the rest of the client"
            f" {spread(beside, 0)}"
        )
    return statistics.median(each["whole"] / each["alone"] for each in found["memory"]) <= GOAL


async def main(rounds: int, times: int, *, small: bool) -> int:
    held: list[bool] = []
    with tempfile.TemporaryDirectory() as folder, redis_url(folder) as redis, postgres_url() as postgres:
        urls = {"memory": "memory:", "sqlite": f"sqlite:{folder}/quota.db"}
        for name, url in (("redis", redis), ("postgres", postgres)):
            if url is None:
                print(f"{name:9} not measured: there is none on this machine")
            else:
                urls[name] = url
        for name, url in () if small else urls.items():
            held.append(await takes(name, partial(store_at, url), rounds, times))
            if name != "memory":
                held.append(beside_others(name, url, 2 * times))
        with sandbox_elsewhere(tokens=1 + len(urls)) as place:
            held.append(tell_small_requests(await small_requests(place, urls, rounds, times)))
    return int(not all(held))


def store_at(url: str, key: str) -> Store:
    return MemoryStore() if url == "memory:" else open_store(url, key=key)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--small", action="store_true", help="only the small request")
    parser.add_argument("--beside", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.beside:
        anyio.run(spend_beside_others, given.beside[0], int(given.beside[1]))
        sys.exit(0)
    rounds_times = (3, 50) if given.quick else (9, 200)
    sys.exit(anyio.run(partial(main, *rounds_times, small=given.small)))
