"""A database that was locked or away and is back again: the same process goes on, by itself."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, JournalUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Submit
from keebai_async.model.plan import Pace
from keebai_async.storage import thread
from tests.journal.journal_kit import keep, plan_of

SUBMIT = Submit(number=1, step=1, at=1.0)


@pytest.fixture
async def journal(path: Path, clock: ManualClock) -> AsyncIterator[SqliteJournal]:
    kept = SqliteJournal(path, clock=clock, patience=0.02, heartbeat=0.02)
    await keep(kept, plan_of())
    yield kept
    await kept.aclose()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes all the time."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def away(path: Path) -> Iterator[None]:
    """The file is not there."""
    path.rename(path.with_name("elsewhere.db"))
    try:
        yield
    finally:
        path.with_name("elsewhere.db").rename(path)


Trouble = Callable[[Path], AbstractContextManager[None]]
TROUBLES = pytest.mark.parametrize("trouble", [locked, away])


async def meet(trouble: Trouble, path: Path, journal: SqliteJournal, stack: ExitStack) -> None:
    """Run the campaign into *trouble*, which goes on until *stack* ends: nothing can be given back."""
    with pytest.raises(JournalUnusable):  # noqa: PT012 - the trouble comes in the middle of the run
        async with journal.lease("promo"):
            stack.enter_context(trouble(path))
            await journal.record("promo", SUBMIT)


async def run(journal: SqliteJournal) -> None:
    async with journal.lease("promo"):
        await journal.recover("promo")
        await journal.record("promo", SUBMIT)


@TROUBLES
async def test_a_run_that_ended_for_it_is_made_again_by_the_same_process(
    path: Path, journal: SqliteJournal, trouble: Trouble
) -> None:
    """It was once told that it ran the campaign itself, until it was restarted."""
    with ExitStack() as stack:
        await meet(trouble, path, journal, stack)

    await run(journal)
    assert (await journal.load("promo")).chunks[0].state is ChunkState.SUBMITTING


@TROUBLES
async def test_another_journal_of_the_same_process_may_run_it_too(
    path: Path, journal: SqliteJournal, trouble: Trouble
) -> None:
    with ExitStack() as stack:
        await meet(trouble, path, journal, stack)

    other = SqliteJournal(path)
    await run(other)
    await other.aclose()


def leases(path: Path) -> int:
    with closing(sqlite3.connect(path)) as hand:
        found: tuple[int] = hand.execute("SELECT count(*) FROM leases").fetchone()
        return found[0]


async def until_no_lease_is_left(path: Path) -> None:
    with anyio.fail_after(60):
        while leases(path):  # noqa: ASYNC110 - a thread removes it, and has nobody to tell
            await anyio.sleep(0.01)


@TROUBLES
async def test_for_other_processes_it_is_free_with_the_next_heartbeat(
    path: Path, journal: SqliteJournal, trouble: Trouble
) -> None:
    with ExitStack() as stack:
        await meet(trouble, path, journal, stack)
    await until_no_lease_is_left(path)
    await journal.load("promo")  # and what is removed is not missed


@TROUBLES
async def test_a_lease_is_kept_through_a_short_trouble(
    path: Path, journal: SqliteJournal, trouble: Trouble
) -> None:
    other = SqliteJournal(path)
    async with journal.lease("promo"):
        with trouble(path):
            with pytest.raises(JournalUnusable):
                await journal.record("promo", SUBMIT)
            await anyio.sleep(0.1)  # heartbeats fail too
        with pytest.raises(CampaignBusy):
            await run(other)
        await journal.record("promo", SUBMIT)
    await other.aclose()


async def test_a_lease_that_was_written_after_it_was_given_up_is_nobodys(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(path, clock=clock, heartbeat=0.02)
    await keep(journal, plan_of())
    with locked(path):
        monkeypatch.setattr(thread, "LONGEST_JOB", 0.1)
        with pytest.raises(JournalUnusable, match="took longer"):
            await run(journal)
        monkeypatch.undo()
    await journal.load("promo")  # behind the lease, which is written after all
    await until_no_lease_is_left(path)

    await run(journal)
    await journal.aclose()


async def test_an_intent_that_was_written_after_it_was_given_up_needs_no_room_beside_itself(
    path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for again it was told that it has no room, which says that nothing was written."""
    journal = SqliteJournal(path, clock=clock)
    await keep(journal, plan_of(chunks=(1,)))
    with locked(path):
        monkeypatch.setattr(thread, "LONGEST_JOB", 0.1)
        with pytest.raises(JournalUnusable, match="took longer"):
            await journal.submit_within("promo", SUBMIT, Pace(people=1, per=60.0))
        monkeypatch.undo()

    again = await journal.submit_within("promo", SUBMIT, Pace(people=1, per=60.0))

    assert again is not None
    assert (again.state, again.attempts) == (ChunkState.SUBMITTING, 1)
    await journal.aclose()


async def test_a_plan_that_could_not_be_discarded_is_swept_by_the_next_who_opens(
    path: Path, journal: SqliteJournal
) -> None:
    await journal.add_chunk("other", 1, 2, b"[1,2]")
    await journal.campaigns()  # behind the chunk
    with locked(path), pytest.raises(JournalUnusable):
        await journal.discard("other")
    await journal.aclose()

    with closing(sqlite3.connect(path)) as hand:
        assert hand.execute("SELECT id FROM campaigns").fetchall() == [("promo",)]
