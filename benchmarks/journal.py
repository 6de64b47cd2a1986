"""What it costs to write things down first: planning, one move, a launch on disk against one in memory; and
to compare people with those whom an earlier campaign reached.

    python benchmarks/journal.py [--people 1000000] [--rounds 7] [--folder DIR]

The same move in SQLite, in memory and in PostgreSQL, where that is on this machine: one that makes sure of
its disk with each commit, as it does by itself. And what a supervisor's look costs, one a second, where a
thousand campaigns are wanted and none of them is to run: held, waiting for a person, or for their time. A
thousand others, which nobody wants, are in the same journal.

Absolute times depend on the disk; the ratios are what to look at. The floor of one move is a bare commit
of as many bytes on the same disk: of SQLite in the same journal mode, or of the same PostgreSQL.
"""

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import msgspec
import psycopg

from keebai_async.client import Keebai
from keebai_async.journal import moving
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.open import open_journal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Recipient
from keebai_async.model.sender import Sender
from keebai_async.model.want import Want
from keebai_async.planning.reached_people import reached_before
from keebai_async.quota.limiter import RateLimiter
from keebai_async.sandbox import Sandbox, Window
from tests.postgres_server import PostgresServer, postgres_programs

CHUNK = 5_000
IDLE, LOOKS = 1_000, 100
MOVES = 100
SPEED = 1_000.0
"""How many times as fast as real time the sandbox delivers: what the journal costs must not drown in it."""


def say(words: str) -> None:
    sys.stdout.write(words + "\n")


def people(number: int, recipients: int) -> bytes:
    """A chunk like a marketing team's: a number, a name, a code, an amount, an order."""
    first = number * CHUNK
    return msgspec.json.encode(
        [
            Recipient(
                to=f"+54911{row * 7919 % 100_000_000:08}",
                variables={
                    "nombre": f"Cliente {row * 31 % 9973}",
                    "codigo": f"{row * 2654435761 % 2**32:08X}",
                    "monto": f"{row % 90_000}.{row % 100:02}",
                },
                meta_data={"order": f"A-{row}"},
            )
            for row in range(first, first + recipients)
        ]
    )


def plan_of(campaign_id: str, chunks: tuple[int, ...]) -> Plan:
    ready = sum(chunks)
    return Plan(
        campaign_id=campaign_id,
        name=campaign_id,
        template="promo",
        language="es",
        sender=Sender(phone_number_id="1"),
        created_at=0.0,
        read=ready,
        ready=ready,
        duplicates=0,
        rejected=0,
        suppressed=0,
        chunks=chunks,
    )


async def planning(folder: Path, count: int) -> None:
    chunks = tuple([CHUNK] * (count // CHUNK))
    journal = SqliteJournal(folder / "plan.db")
    spent, size, longest = 0.0, 0, 0.0
    for number in range(1, len(chunks) + 1):
        items = people(number, CHUNK)
        size += len(items)
        begun = time.perf_counter()
        await journal.add_chunk("plan", number, CHUNK, items)
        longest = max(longest, time.perf_counter() - begun)
        spent += time.perf_counter() - begun
    begun = time.perf_counter()
    await journal.freeze(plan_of("plan", chunks))
    frozen = time.perf_counter() - begun
    begun = time.perf_counter()
    await journal.load("plan")
    loaded = time.perf_counter() - begun
    begun = time.perf_counter()
    await journal.items("plan", 1)
    read = time.perf_counter() - begun
    await journal.aclose()
    on_disk = (folder / "plan.db").stat().st_size
    say(f"planning {count:,} people into the journal: {spent:.2f} s, {spent / count * 1e6:.2f} us each")
    say(f"  one chunk at the longest {longest * 1e3:.1f} ms, the freeze {frozen * 1e3:.1f} ms")
    say(f"  loading it {loaded * 1e3:.1f} ms, the people of one chunk {read * 1e3:.1f} ms")
    say(f"  {on_disk / count:.1f} bytes each on disk, {size / count:.1f} as JSON ({size / on_disk:.1f} to 1)")


def commits(path: Path, times: int) -> list[float]:
    """The floor: one row of a move's size, one commit, nothing else."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS moves (id INTEGER PRIMARY KEY, move BLOB)")
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO moves (move) VALUES (?)", (b"x" * 80,))
        connection.execute("COMMIT")
        took.append(time.perf_counter() - begun)
    connection.close()
    return took


async def records(journal: Journal, campaign_id: str, times: int) -> list[float]:
    await journal.freeze(await draft(journal, campaign_id, times // 2, 1))
    took = []
    for number in range(1, times // 2 + 1):
        for move in (
            Submit(number=number, step=1, at=1.0),
            Accept(number=number, step=2, accepted=1, broadcast_id="66aa00112233445566778899"),
        ):
            begun = time.perf_counter()
            await journal.record(campaign_id, move)
            took.append(time.perf_counter() - begun)
    return took


async def draft(journal: Journal, campaign_id: str, chunks: int, recipients: int) -> Plan:
    for number in range(1, chunks + 1):
        await journal.add_chunk(campaign_id, number, recipients, people(number, recipients))
    return plan_of(campaign_id, (recipients,) * chunks)


def postgres_commits(address: str, times: int) -> list[float]:
    """The same in PostgreSQL, in one trip there and back."""
    took = []
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, move BYTEA)")
        for _ in range(times):
            begun = time.perf_counter()
            connection.execute("INSERT INTO bare (move) VALUES (%s)", (b"x" * 80,))
            took.append(time.perf_counter() - begun)
    return took


class Place(msgspec.Struct, frozen=True):
    """A *journal*, and what makes bare commits where it keeps its moves."""

    name: str
    journal: Journal
    floor: Callable[[int], list[float]] | None = None


@asynccontextmanager
async def places(folder: Path) -> AsyncIterator[list[Place]]:
    """Each of them empty; PostgreSQL, if it is on this machine, as it is set up by itself."""
    async with AsyncExitStack() as opened:

        def keep(name: str, journal: Journal, floor: Callable[[int], list[float]] | None = None) -> Place:
            opened.push_async_callback(journal.aclose)
            return Place(name, journal, floor)

        kept = [
            keep("SQLite", SqliteJournal(folder / "moves.db"), partial(commits, folder / "floor.db")),
            keep("memory", MemoryJournal()),
        ]
        if (programs := postgres_programs()) is None:
            say("PostgreSQL: not measured, there is none on this machine")
        else:
            server = PostgresServer(programs, settings=())
            opened.callback(server.remove)
            server.make()
            floor = partial(postgres_commits, server.address)
            kept.append(keep("PostgreSQL", open_journal(server.schema()), floor))
        yield kept


async def one_move(kept: list[Place], rounds: int) -> None:
    """All of them in turns, each with its floor."""
    costs: dict[str, list[float]] = {place.name: [] for place in kept}
    floors: dict[str, list[float]] = {place.name: [] for place in kept}
    silent: dict[str, list[float]] = {place.name: [] for place in kept}
    for turn in range(rounds):
        for place in kept:
            if place.floor is not None:
                floors[place.name].append(statistics.median(place.floor(MOVES)))
            with telling_nothing():
                silent[place.name].append(
                    statistics.median(await records(place.journal, f"silent-{turn}", MOVES))
                )
            took = await records(place.journal, f"moves-{turn}", MOVES)
            costs[place.name].append(statistics.median(took))
    for name, found in costs.items():
        say(f"one record() in {name}: {us(found)}")
        if floors[name]:
            say(f"  a bare commit {us(floors[name])}, ratio {ratio(found, floors[name])}")
        say(f"  to one that tells no event, ratio {ratio(found, silent[name])}")
    if "PostgreSQL" in costs:
        say(f"  in PostgreSQL / in SQLite: {ratio(costs['PostgreSQL'], costs['SQLite'])}")


def us(found: list[float]) -> str:
    middle = statistics.median(found)
    return f"{middle * 1e6:.0f} us ({min(found) * 1e6:.0f} to {max(found) * 1e6:.0f})"


def ratio(ours: list[float], theirs: list[float]) -> str:
    found = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


async def compared(folder: Path, count: int) -> None:
    """Whom of *count* people another campaign of as many reached: every other one is the same person."""
    chunks = tuple([CHUNK] * (count // CHUNK))
    journal = SqliteJournal(folder / "reached.db")
    for campaign_id, shift in (("earlier", 0), ("later", count // CHUNK // 2)):
        for number in range(1, len(chunks) + 1):
            await journal.add_chunk(campaign_id, number, CHUNK, people(number + shift, CHUNK))
        await journal.freeze(plan_of(campaign_id, chunks))
    for number in range(1, len(chunks) + 1):
        await journal.record("earlier", Submit(number=number, step=1, at=1.0))
        taken = Accept(number=number, step=2, accepted=CHUNK, broadcast_id=f"66aa{number:020}")
        await journal.record("earlier", taken)
    later = await journal.load("later")
    begun = time.process_time()
    (reached,) = await reached_before(later, journal, now=2.0)
    took = time.process_time() - begun
    assert reached.people == sum(chunks) // 2, reached
    await journal.aclose()
    say(f"comparing {count:,} people with a campaign of as many, half of them the same:")
    say(f"  {took:.1f} s of the processor, {took / count * 1e6:.1f} us each")


async def idle(place: Place) -> None:
    """A thousand campaigns that are wanted, all of them held: the dearest, since each is read."""
    journal = place.journal
    for number in range(IDLE):
        await journal.freeze(await draft(journal, f"idle-{number}", 1, 1))
        await journal.want(Want(campaign_id=f"idle-{number}", at=0.0, held=True))
        await journal.freeze(await draft(journal, f"unwanted-{number}", 1, 1))
    looks, begun = [], time.process_time()
    for _ in range(LOOKS):
        since = time.perf_counter()
        wanted = await journal.wanted()
        looks.append(time.perf_counter() - since)
        assert {want.campaign_id for want in wanted} == {f"idle-{number}" for number in range(IDLE)}
    processor = (time.process_time() - begun) / LOOKS
    say(f"one look of a supervisor at {IDLE:,} idle campaigns in {place.name}: {ms(looks)}")
    say(f"  {processor * 1e3:.1f} ms of the processor: {processor * 100:.2f} % of one at a look a second")
    async with Keebai("kbai_pk_" + "0" * 64, phone_number_id="1", journal=journal) as keebai:
        looks.clear()
        for _ in range(LOOKS):
            since = time.perf_counter()
            assert len(await keebai.campaigns.wanted()) == IDLE
            looks.append(time.perf_counter() - since)
        say(f"  campaigns.wanted(): {ms(looks)}")


def ms(found: list[float]) -> str:
    return f"{statistics.median(found) * 1e3:.1f} ms"


@contextmanager
def telling_nothing() -> Iterator[None]:
    """Moves, inside `with`, as they would be if the journal kept no events."""
    tell_move: object = getattr(moving, "tell_move")  # noqa: B009 - as below
    setattr(moving, "tell_move", lambda *_, **__: 0)  # noqa: B010 - it is a function
    try:
        yield
    finally:
        setattr(moving, "tell_move", tell_move)  # noqa: B010


async def moves(folder: Path, rounds: int) -> None:
    async with places(folder) as kept:
        await one_move(kept, rounds)
        for place in kept:
            await idle(place)


async def launch(sandbox: Sandbox, journal: Journal, turn: int) -> float:
    """A whole campaign of 50,000 through the client: planned, submitted, followed to its end."""
    everybody = (
        {"to": f"+549{1_100_000_000 + at}", "nombre": "Ana", "codigo": "M-7"}
        for at in range(turn * 10 * CHUNK, (turn + 1) * 10 * CHUNK)  # others each time: none is reached twice
    )
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        clock=sandbox.clock,
        journal=journal,
        limiter=RateLimiter(clock=sandbox.clock),
    ) as keebai:
        begun = time.perf_counter()
        report = await keebai.campaigns.run(
            everybody, template="promo", language="es", name=f"Promo {turn} {type(journal).__name__}"
        )
        took = time.perf_counter() - begun
    assert report.state == "finished", report
    return took


async def launches(folder: Path, rounds: int) -> None:
    disk, memory = SqliteJournal(folder / "launch.db"), MemoryJournal()
    took: dict[str, list[float]] = {"disk": [], "memory": []}
    windows = (Window("minute", 10_000, 60.0),)  # the sandbox sees all rounds in one of its hours
    async with Sandbox(speed=SPEED, windows=windows) as sandbox:
        for turn in range(rounds):
            took["disk"].append(await launch(sandbox, disk, turn))
            took["memory"].append(await launch(sandbox, memory, turn))
    await disk.aclose()
    on_disk, in_memory = (statistics.median(took[kind]) for kind in ("disk", "memory"))
    say(f"a launch of 50,000 on a sandbox {SPEED:g} times as fast as real time, delivery included:")
    say(f"  {on_disk:.2f} s with the journal on disk, {in_memory:.2f} s in memory")
    say(f"  ratio {ratio(took['disk'], took['memory'])}; goal at most 1.3")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--people", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    chosen = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keebai-journal-", dir=chosen.folder))
    steps: list[Callable[[], None]] = [
        lambda: asyncio.run(planning(folder, chosen.people)),
        lambda: asyncio.run(compared(folder, chosen.people)),
        lambda: asyncio.run(moves(folder, chosen.rounds)),
        lambda: asyncio.run(launches(folder, chosen.rounds)),
    ]
    try:
        for step in steps:
            step()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
