"""A disk that is full, a journal that is damaged or lost its log: one line, and nobody messaged unwritten."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import ChunkAccepted
from tests.crash.nursery import Life, Nursery
from tests.crash.world import take_time, world


def said_in_one_line(life: Life) -> bool:
    return (
        life.gone == 1
        and life.error is not None
        and life.error.startswith("JournalUnusable: ")
        and "\n" not in life.error
    )


@pytest.mark.parametrize(
    "point",
    [
        "before submit",
        "after submit",
        "verdict seen",
        "before accept",
        "after accept",
        "before recut",
        "before progress",
        "leased",
    ],
)
@pytest.mark.parametrize("nth", [1, 4])
async def test_on_a_full_disk_nothing_is_submitted_that_is_not_written_down(
    nursery: Nursery, path: Path, point: str, nth: int
) -> None:
    if point == "leased" and nth > 1:
        point = "under way"
    async with world(nursery, path) as here:
        take_time(here)

        full = await here.live(point=point, nth=nth, room=0)

        assert said_in_one_line(full)
        await here.truth()
        await here.end()
        await here.settle()


@pytest.mark.parametrize("point", ["after submit", "verdict seen", "after accept", "after recut"])
async def test_a_journal_that_lost_the_log_beside_it_has_forgotten_nobody(
    nursery: Nursery, path: Path, point: str
) -> None:
    """Who copies a journal after a crash copies one file, and resumes from it."""
    async with world(nursery, path) as here:
        take_time(here)
        assert (await here.live(point=point, nth=3)).killed

        remove_log(path)
        await here.look_again()  # a move that was not told yet may be gone, and its request never left

        await here.end()
        await here.settle()


def damage(path: Path, whole: bytes, chance: random.Random) -> None:
    """Write nonsense into the journal somewhere behind its first line."""
    at = chance.randrange(100, len(whole) - 64)
    path.write_bytes(whole[:at] + chance.randbytes(64) + whole[at + 64 :])
    remove_log(path)


def whole_file(path: Path) -> bytes:
    """All that a journal holds, in one file."""
    with closing(sqlite3.connect(path)) as hand:
        hand.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def remove_log(path: Path) -> None:
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def replace(path: Path) -> Path:
    """Put an empty file in the place of a journal, and say where the journal is."""
    away = path.rename(path.with_suffix(".away"))
    path.write_bytes(b"")
    return away


def put_back(path: Path, away: Path) -> None:
    remove_log(path)
    away.replace(path)


@pytest.mark.parametrize("seed", range(10))
async def test_a_journal_that_is_damaged_between_two_runs_messages_nobody_twice(
    nursery: Nursery, path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with world(nursery, path) as here:
        take_time(here)
        assert (await here.live(point="after accept", nth=5)).killed
        damage(path, whole_file(path), chance)

        life = await here.live_damaged()

        assert said_in_one_line(life) or (life.gone, life.error) == (0, None)
        assert here.sandbox.ledger.repeated() == {}


async def test_a_journal_that_is_replaced_while_a_campaign_runs_stops_it(
    nursery: Nursery, path: Path
) -> None:
    async with world(nursery, path) as here:
        take_time(here, 0.02)
        async with here.life() as life:
            await life.until_it_began()
            away = replace(path)
            await life.end()
            put_back(path, away)

        assert said_in_one_line(life)
        account = await here.end()
        assert len(account.chunks(ChunkState.UNKNOWN)) <= 4
        await here.settle()


@pytest.mark.parametrize("away", [True, False], ids=["away", "locked"])
async def test_a_journal_that_comes_back_is_resumed_by_the_same_process(path: Path, *, away: bool) -> None:
    """It was once told that it ran the campaign itself, until it was restarted."""
    async with world(None, path, people=200) as here:
        journal = SqliteJournal(path, patience=0.05)
        async with here.client(journal=journal) as keebai:
            campaign = await here.campaign(keebai)
            with ExitStack() as trouble:
                with pytest.raises(JournalUnusable):
                    await run_into(trouble, keebai, campaign, moved(path) if away else locked(path))
                submitted = here.sandbox.ledger.total
            await here.truth()

            async with keebai.campaigns.resume(campaign) as run:
                report = await run.report()
        await journal.aclose()

        assert (report.unsent, report.pending) == (0, 0)
        assert here.sandbox.ledger.total > submitted
        await here.settle()


async def run_into(
    trouble: ExitStack, keebai: Keebai, campaign: str, what: AbstractContextManager[None]
) -> None:
    """Run a campaign, and let *what* begin when the first chunk is accepted; it ends with *trouble*."""
    async with keebai.campaigns.resume(campaign) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted):
                trouble.enter_context(what)
                break
        await run.report()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def moved(path: Path) -> Iterator[None]:
    away = path.rename(path.with_suffix(".away"))
    yield
    away.rename(path)
