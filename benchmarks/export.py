"""Writing people to files, measured beside planning them: the same list, in one process, in turn.

    python benchmarks/export.py [--people 1000000] [--rounds 3] [--only csv,excel,jsonl,xlsx,rejects]

Each round plans the list into a journal on disk, exports everybody in each form, and plans the export again;
a list of which every second row is rejected is planned, its rejects are written, and planned again. Printed
are the median and the spread in microseconds a row, how many times as long as the planning of this list the
export takes, and how much the peak of the memory grew with it. Before the clock starts, an export of 20,000
people is planned and must have the fingerprint of the first plan.
"""

import argparse
import gc
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
from plan import TEMPLATE, number, planning

from keebai_async.cli.people_files import write_people, write_rejects
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import Plan
from keebai_async.model.sender import Sender
from keebai_async.planning.plan import make_plan
from keebai_async.sources import open_source

FORMS = {"csv": "people.csv", "excel": "excel.csv", "jsonl": "people.jsonl", "xlsx": "people.xlsx"}
GOAL = 4.0
"""Times the planning of the same list, for CSV and JSON Lines."""


def write_list(path: Path, count: int, *, bad: bool = False) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("to,nombre,saldo,meta_order\n")
        for n in range(count):
            value = "" if bad and n % 2 else f"$ {n}.50"
            file.write(f"{number(n)},María José {n},{value},A-{n}\n")
    return path


async def kept_plan(source: Path, journal: SqliteJournal, campaign: str) -> Plan:
    return await make_plan(
        open_source(source),
        campaign_id=campaign,
        name=campaign,
        template=TEMPLATE,
        sender=Sender(phone_number_id="1"),
        service="keebai",
        largest_chunk=5_000,
        journal=journal,
        created_at=0.0,
    )


def chunks_of(journal: SqliteJournal, plan: Plan) -> Callable[[], AsyncIterator[tuple[Chunk, bytes]]]:
    async def chunks() -> AsyncIterator[tuple[Chunk, bytes]]:
        for place, recipients in enumerate(plan.chunks, start=1):
            items = await journal.items(plan.campaign_id, place)
            yield Chunk(number=place, recipients=recipients, state=ChunkState.PLANNED), items

    return chunks


async def timed(work: Awaitable[object], count: int) -> float:
    gc.collect()
    start = time.perf_counter()
    await work
    return (time.perf_counter() - start) / count * 1e6


def peak() -> float:
    """Of the memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def one_round(folder: Path, count: int, forms: set[str], taken: dict[str, list[float]]) -> None:
    def note(name: str, value: float) -> None:
        taken.setdefault(name, []).append(value)

    journal = SqliteJournal(folder / "journal.db")
    people, bad = folder / "list.csv", folder / "bad.csv"
    campaign = f"promo-{len(taken.get('plan', ()))}"
    note("plan", await timed(kept_plan(people, journal, campaign), count))
    plan = (await journal.load(campaign)).plan
    for form in (each for each in FORMS if each in forms):
        path, before = folder / FORMS[form], peak()
        writing = write_people(path, chunks_of(journal, plan), excel=form == "excel")
        note(f"export {form}", await timed(writing, count))
        note(f"MB more while exporting {form}", peak() - before)
        note(f"plan the {form} again", await timed(planning(str(path)), count))
    if "rejects" in forms:
        note("plan, half of it bad", await timed(kept_plan(bad, journal, f"{campaign}-bad"), count))
        path = folder / "rejects.csv"
        writing = write_rejects(path, lambda: journal.rejections(f"{campaign}-bad"))
        note("write the rejects (a reject)", await timed(writing, count // 2))
    await journal.purge(campaign, unfinished=True)
    await journal.aclose()


async def check(folder: Path) -> None:
    """Raises AssertionError unless an export of each form is planned as the list was."""
    journal = SqliteJournal(folder / "check.db")
    plan = await kept_plan(write_list(folder / "check.csv", 20_000), journal, "check")
    for form, name in FORMS.items():
        path = folder / f"check-{name}"
        await write_people(path, chunks_of(journal, plan), excel=form == "excel")
        again = await planning(str(path))
        assert again.fingerprint == plan.fingerprint, f"{form} is read back as other people"
    await journal.aclose()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--people", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", default="csv,excel,jsonl,xlsx,rejects")
    chosen = arguments.parse_args()
    forms = set(chosen.only.split(","))
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        anyio.run(check, folder)
        write_list(folder / "list.csv", chosen.people)
        write_list(folder / "bad.csv", chosen.people, bad=True)
        for _ in range(chosen.rounds):
            anyio.run(one_round, folder, chosen.people, forms, taken)
    print(f"{chosen.people:,} people, {chosen.rounds} rounds, us a row: median (least to most)")
    for name, times in taken.items():
        print(f"  {name:<34}{statistics.median(times):8.2f}   ({min(times):.2f} to {max(times):.2f})")
    for form in ("csv", "jsonl"):
        if exports := taken.get(f"export {form}"):
            ratio = statistics.median(a / b for a, b in zip(exports, taken["plan"], strict=True))
            missed = "" if ratio <= GOAL else ": MISSED"
            print(f"  export {form} / plan: {ratio:.2f}, goal <= {GOAL}{missed}")


if __name__ == "__main__":
    main()
