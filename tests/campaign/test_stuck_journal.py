"""A journal whose disk hangs, or that writes and cannot say so: what is known does not become unknown."""

import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from keebai_async.campaign.chunks import Chunks
from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox, faults
from keebai_async.storage import thread
from tests.campaign.planning import freeze
from tests.campaign.test_sandbox_campaigns import BULK, people

HANGS = 0.1
"""Seconds of real time after which a write counts as late."""


@contextmanager
def hanging(path: Path) -> Iterator[None]:
    """Another program's transaction, in which every write of the journal hangs until it ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    clock = ManualClock()
    async with clock.running():
        yield clock


@pytest.fixture
async def journal(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "j.db", clock=clock)
    yield journal
    await journal.aclose()


async def opened(journal: SqliteJournal, clock: ManualClock) -> Chunks:
    plan = await freeze(journal, 6, size=2)
    return Chunks(await journal.load(plan.campaign_id), journal=journal, clock=clock)


async def on_disk(journal: SqliteJournal, chunks: Chunks) -> dict[int, ChunkState]:
    return {chunk.number: chunk.state for chunk in await journal.chunks(chunks.plan.campaign_id)}


async def test_answers_that_wait_behind_a_write_that_hangs_are_written_when_it_ends(
    journal: SqliteJournal, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot of the machine freezes its disk for a minute: of all that waits only the first has begun."""
    chunks = await opened(journal, clock)
    for number in (1, 2, 3):
        await chunks.submit(number)
    monkeypatch.setattr(thread, "LONGEST_JOB", HANGS)

    async def accept(number: int) -> None:
        await chunks.accept(number, accepted=2, broadcast_id=f"b{number}")

    async with anyio.create_task_group() as tasks:
        with hanging(tmp_path / "j.db"):
            for number in (1, 2, 3):
                tasks.start_soon(accept, number)
            await anyio.sleep(3 * HANGS)

    assert set((await on_disk(journal, chunks)).values()) == {ChunkState.ACCEPTED}
    assert {chunk.broadcast_id for chunk in chunks} == {"b1", "b2", "b3"}


async def test_an_intent_that_is_written_too_late_is_taken_back_since_nothing_left(
    journal: SqliteJournal, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = await opened(journal, clock)
    monkeypatch.setattr(thread, "LONGEST_JOB", HANGS)

    async def submit() -> None:
        with pytest.raises(JournalUnusable, match="took longer"):
            await chunks.submit(1)

    async with anyio.create_task_group() as tasks:
        with hanging(tmp_path / "j.db"):
            tasks.start_soon(submit)
            await anyio.sleep(3 * HANGS)

    assert await on_disk(journal, chunks) == dict.fromkeys((1, 2, 3), ChunkState.PLANNED)
    await chunks.submit(1)
    assert (await on_disk(journal, chunks))[1] is ChunkState.SUBMITTING


async def test_a_cut_of_which_nobody_heard_that_it_was_written_is_made_once(
    journal: SqliteJournal, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = await opened(journal, clock)
    await chunks.submit(1)
    people = await chunks.people(1)
    monkeypatch.setattr(thread, "LONGEST_JOB", HANGS)
    made: list[Chunk] = []

    async def cut() -> None:
        others = [*people[1:], *await chunks.people(2)]
        made.extend(await chunks.recut(1, "bad", keep=people[:1], rest=2, into=[others]))

    async with anyio.create_task_group() as tasks:
        with hanging(tmp_path / "j.db"):
            tasks.start_soon(cut)
            await anyio.sleep(3 * HANGS)

    assert await on_disk(journal, chunks) == {
        1: ChunkState.REFUSED,
        2: ChunkState.REFUSED,
        3: ChunkState.PLANNED,
        4: ChunkState.PLANNED,
    }
    assert tuple(chunks) == await journal.chunks(chunks.plan.campaign_id)
    assert [chunk.number for chunk in made] == [4]


# A whole campaign, whose disk hangs at random instants

PEOPLE = 120
LATE = 0.1
"""Seconds after which the service answers a submit."""


async def hang_now_and_then(path: Path, chance: random.Random) -> None:
    for _ in range(3):
        await anyio.sleep(chance.random() * 4 * LATE)
        with suppress(sqlite3.OperationalError), hanging(path):
            await anyio.sleep(chance.choice([LATE, 3 * LATE, 7 * LATE]))


@pytest.mark.parametrize("seed", range(4))
async def test_nobody_is_unknown_or_messaged_twice_whenever_the_disk_of_a_campaign_hangs(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, path = random.Random(seed), tmp_path / "j.db"
    with Sandbox(delivery_rate=5_000) as sandbox:
        sandbox.faults.on(BULK, faults.Late(seconds=LATE), times=None)
        sandbox.faults.on(BULK, faults.Status(status=429, accepted=False), nth=chance.randint(1, 9))
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            journal=path,
            limiter=OpenGate(),
        ) as keebai:
            options = PlanOptions(chunk_size=10)
            plan = await keebai.campaigns.plan(
                people(PEOPLE), template="promo", language="es", name="Promo", options=options
            )
            with monkeypatch.context() as hangs:
                hangs.setattr(thread, "LONGEST_JOB", 2 * LATE)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(hang_now_and_then, path, chance)
                    with suppress(JournalUnusable):
                        async with keebai.campaigns.start(plan) as run:
                            await run.report()
            async with keebai.campaigns.resume(plan.campaign_id) as run:
                report = await run.report()

    assert (report.state, report.accepted, report.unknown) == ("finished", PEOPLE, 0)
    assert set(sandbox.ledger.times_messaged().values()) == {1}
