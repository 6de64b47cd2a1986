"""How long planning holds the event loop: the longest gap of a heartbeat, beside an idle loop.

    python benchmarks/stall.py [--people 50000] [--rounds 7]

A heartbeat that sleeps 1 ms runs while the list is planned in the same loop; the longest time between
two beats is what another request of a web app would have waited. An idle loop has gaps too: it is
measured in the same rounds for as long.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent))
from plan import goal, people, planning, write


async def longest_gap(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """The longest gap while *work* runs and how long it took, in milliseconds."""
    gaps: list[float] = []

    async def heart() -> None:
        last = time.perf_counter()
        while True:
            await anyio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heart)
        await anyio.sleep(0.01)
        start = time.perf_counter()
        await work()
        taken = time.perf_counter() - start
        await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    return max(gaps) * 1e3, taken * 1e3


async def measure(rounds: int, count: int, folder: Path) -> None:
    rows, dirty = people(count, dirty=False), people(count, dirty=True)
    jsonl, table = folder / "people.jsonl", folder / "people.csv"
    write(rows, jsonl, table)
    seconds = 0.1
    rivals: dict[str, Callable[[], Awaitable[object]]] = {
        "dicts": lambda: planning(rows),
        "dirty dicts": lambda: planning(dirty),
        "generator": lambda: planning(row for row in rows),
        "JSON Lines": lambda: planning(jsonl),
        "CSV": lambda: planning(table),
        "idle loop": lambda: anyio.sleep(seconds),
    }
    gaps: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, work in rivals.items():
            gc.collect()
            gap, taken = await longest_gap(work)
            seconds = taken / 1e3 if name == "dicts" else seconds
            gaps[name].append(gap)
    print(f"longest gap of a 1 ms heartbeat, {count:,} people, median of {rounds} rounds, in ms")
    for name, found in gaps.items():
        print(f"  {name:<14}{statistics.median(found):7.2f}   ({min(found):.2f} to {max(found):.2f})")
    goal("dicts / idle", statistics.median(gaps["dicts"]) / statistics.median(gaps["idle loop"]), most=2.0)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=50_000)
    arguments.add_argument("--rounds", type=int, default=7)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(measure, chosen.rounds, chosen.people, Path(folder))


if __name__ == "__main__":
    main()
