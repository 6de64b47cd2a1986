"""How long planning holds the event loop: the gaps of a heartbeat, beside an idle loop.

    python benchmarks/stall.py [--people 50000] [--rounds 7] [--long 1000000]

A heartbeat that sleeps 1 ms runs while the list is planned in the same loop; the longest time between
two beats is what another request of a web app would have waited. An idle loop has gaps too: it is
measured in the same rounds for as long. "At once" are plans of a part of the list each, which together are as
long as it.

Then long lists as CSV, once each: clean, with bad rows, half duplicates, beside as many opt-outs. Printed are
their gaps at the median, at 99 and 99.9 % and the longest. Other programs on the machine make gaps, too; what
we had of one is at most what all threads of this process worked in it. That is printed beside it, and is what
the goal is about; so is what the loop's own thread worked.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent))
from plan import HEADER, Nowhere, goal, number, people, planning, write

from keebai_async.planning.options import PlanOptions

AT_ONCE = 20
KINDS = ("clean", "1 % bad", "30 % bad", "half duplicates", "as many opt-outs")


class Beats:
    """Gaps between two beats of a heart, in milliseconds.

    Of each, *ours* is what the process can have had of it at most, *worked* what the heart's thread worked.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.ours: list[float] = []
        self.worked: list[float] = []

    async def heart(self) -> None:
        last, all_threads, own = time.perf_counter(), time.process_time(), time.thread_time()
        while True:
            await anyio.sleep(0.001)
            now, all_now, mine = time.perf_counter(), time.process_time(), time.thread_time()
            self.gaps.append((now - last) * 1e3)
            self.ours.append(min(now - last, all_now - all_threads) * 1e3)
            self.worked.append((mine - own) * 1e3)
            last, all_threads, own = now, all_now, mine


async def beats_while(work: Callable[[], Awaitable[object]]) -> tuple[Beats, float]:
    """The beats while *work* runs, and how many milliseconds it took."""
    beats = Beats()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beats.heart)
        await anyio.sleep(0.01)
        start = time.perf_counter()
        await work()
        taken = time.perf_counter() - start
        await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    return beats, taken * 1e3


async def longest_gap(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """The longest gap while *work* runs and how long it took, in milliseconds."""
    beats, taken = await beats_while(work)
    return max(beats.gaps), taken


def row(kind: str, n: int) -> str:
    """A row of a long list."""
    to, nombre = number(n), f"María José {n}"
    if kind == "1 % bad" and n % 100 == 17:
        to = "011 15-5555-1111"
    elif kind == "30 % bad" and n % 10 < 3:
        nombre = ""
    elif kind == "half duplicates":
        to = number(n // 2)
    return f"{to},{nombre},$ {n}.50,A-{n}\n"


async def long_lists(count: int, folder: Path) -> None:
    print(f"gaps of a 1 ms heartbeat, {count:,} people, in ms: median, 99 %, 99.9 %, longest")
    for kind in KINDS:
        path, options = folder / "long.csv", PlanOptions()
        with path.open("w", encoding="utf-8") as file:
            file.write(",".join(HEADER) + "\n")
            file.writelines(row(kind, n) for n in range(count))
        if kind == "as many opt-outs":
            out = folder / "out.csv"
            with out.open("w") as file:
                file.write("to\n")
                file.writelines(f"{number(2 * n)}\n" for n in range(count))
            options = PlanOptions(suppress=[out])
        gc.collect()
        beats, _ = await beats_while(partial(planning, path, options=options))
        print(
            f"  {kind:<18}{at_shares(beats.gaps)}; of these ours at most {at_shares(beats.ours)};"
            f" the loop's thread {at_shares(beats.worked)}"
        )
        goal("99.9 % of ours", at_share(beats.ours, 0.999), most=10.0)


def at_share(found: list[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]


def at_shares(found: list[float]) -> str:
    return " ".join(f"{at_share(found, share):6.1f}" for share in (0.5, 0.99, 0.999, 1.0))


async def at_once(source: Path) -> None:
    """The same list planned by many at once, which share a journal, as the requests of a web app do."""
    journal = Nowhere()
    async with anyio.create_task_group() as plans:
        for _ in range(AT_ONCE):
            plans.start_soon(planning, source, journal)


async def measure(rounds: int, count: int, folder: Path) -> None:
    rows, dirty = people(count, dirty=False), people(count, dirty=True)
    jsonl, table = folder / "people.jsonl", folder / "people.csv"
    write(rows, jsonl, table)
    part = folder / "part.csv"
    write(rows[: count // AT_ONCE], folder / "part.jsonl", part)
    seconds = 0.1
    rivals: dict[str, Callable[[], Awaitable[object]]] = {
        "dicts": lambda: planning(rows),
        "dirty dicts": lambda: planning(dirty),
        "generator": lambda: planning(row for row in rows),
        "JSON Lines": lambda: planning(jsonl),
        "CSV": lambda: planning(table),
        f"{AT_ONCE} at once": lambda: at_once(part),
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
    goal(
        "many at once / one (CSV)",
        statistics.median(gaps[f"{AT_ONCE} at once"]) / statistics.median(gaps["CSV"]),
        most=1.5,
    )
    goal("dicts / idle", statistics.median(gaps["dicts"]) / statistics.median(gaps["idle loop"]), most=2.0)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=50_000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--long", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(measure, chosen.rounds, chosen.people, Path(folder))
        if chosen.long:
            anyio.run(long_lists, chosen.long, Path(folder))


if __name__ == "__main__":
    main()
