"""A list beside as many opt-outs in the journal: what they cost a plan, and the loop it is made in.

    python benchmarks/optouts.py [--people 1000000]

The opt-outs are in an SQLite journal, half of them people of the list. Printed are the time of the processor
for a plan without them, for one with the same people in a file of `--suppress`, for their import and for a
plan beside them; what one look and one word take; how much the file holds for each; and the gaps of a 1 ms
heartbeat meanwhile, with what the loop's own thread worked.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

sys.path.insert(0, str(Path(__file__).parent))
from plan import HEADER, Nowhere, goal, number, planning
from stall import at_share, at_shares, beats_while

from keebai_async.clock import SYSTEM_CLOCK
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.identity import identity
from keebai_async.model.opt_outs import ConsentWord, OptOut, OptOutSource
from keebai_async.opt_outs import OptOuts
from keebai_async.planning.options import PlanOptions

TIMES = 50


class Beside(Nowhere):
    """Keeps nothing of a plan; its opt-outs are those of a journal on disk."""

    def __init__(self, journal: SqliteJournal) -> None:
        super().__init__()
        self._kept = journal

    async def opt_out_changes(self) -> tuple[int, ...]:
        return await self._kept.opt_out_changes()

    async def opt_out_pages(self, numbers: Sequence[int]) -> dict[int, bytes]:
        return await self._kept.opt_out_pages(numbers)

    async def opted_out(self, keys: Sequence[int]) -> tuple[OptOut, ...]:
        return await self._kept.opted_out(keys)


async def watched(name: str, work: Callable[[], Awaitable[object]]) -> float:
    """Seconds of the processor that *work* took; its gaps are printed."""
    gc.collect()
    start = time.process_time()
    beats, _ = await beats_while(work)
    taken = time.process_time() - start
    print(f"  {name:<24}{taken:7.2f} s   {at_shares(beats.gaps)}   ({at_shares(beats.worked)})")
    goal("99.9 %", at_share(beats.gaps, 0.999), most=10.0)
    return taken


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("campaigns.db*"))


async def measure(count: int, folder: Path) -> None:
    table, out = folder / "people.csv", folder / "out.csv"
    with table.open("w", encoding="utf-8") as rows:
        rows.write(",".join(HEADER) + "\n")
        rows.writelines(f"{number(n)},María José {n},$ {n}.50,A-{n}\n" for n in range(count))
    out.write_text("to\n" + "".join(f"{number(2 * n)}\n" for n in range(count)))
    journal = SqliteJournal(folder / "campaigns.db")
    opt_outs = OptOuts(lambda: journal, SYSTEM_CLOCK)
    print(
        f"{count:,} people, {count:,} opt-outs: processor; gaps in ms at 50, 99, 99.9 %, longest (own work)"
    )
    await watched("plan without", lambda: planning(table))
    file = await watched("plan with --suppress", lambda: planning(table, options=PlanOptions(suppress=[out])))
    await watched("import", lambda: opt_outs.import_file(out))
    beside = await watched("plan beside them", lambda: planning(table, Beside(journal)))
    goal("beside them, against --suppress", beside / file, most=1.5)
    size = await anyio.to_thread.run_sync(on_disk, folder)
    print(f"  on disk: {size / count:.1f} bytes each, with what the log still holds")
    looks, words = [], []
    for n in range(TIMES):
        start = time.perf_counter()
        await journal.opted_out([identity(number(n))])
        looks.append(time.perf_counter() - start)
        word = ConsentWord(key=identity(number(n)), stop=True, source=OptOutSource.WORD, at=float(n + 1))
        start = time.perf_counter()
        await journal.say([word])
        words.append(time.perf_counter() - start)
    look, kept = statistics.median(looks), statistics.median(words)
    print(f"  one look {look * 1e3:.2f} ms, one word {kept * 1e3:.2f} ms")
    await journal.aclose()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(measure, arguments.parse_args().people, Path(folder))


if __name__ == "__main__":
    main()
