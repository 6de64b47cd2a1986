"""What the journal on disk promises beyond the contract: who may read it, who may write, when it stops."""

# ruff: noqa: ASYNC240 - these tests look at files, and nothing else runs in their loop

import asyncio
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest
from msgspec.structs import replace

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, InvalidInput, JournalUnusable, Misused
from keebai_async.journal import drafts, schema
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.open import open_journal
from keebai_async.journal.sqlite_tables import USE, SqliteJournal
from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.storage import process, thread
from keebai_async.storage.sqlite_file import SqliteFile
from tests.journal.journal_kit import keep, people, plan_of, rejection

PROJECT = Path(__file__).parents[2]
WRITTEN_BY_0_1 = Path(__file__).with_name("written_by_0_1")
SUBMIT = Submit(number=1, step=1, at=1.0)


@pytest.fixture
async def journal(path: Path, clock: ManualClock) -> AsyncIterator[SqliteJournal]:
    kept = SqliteJournal(path, clock=clock)
    yield kept
    await kept.aclose()


def files(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if each.name.startswith(path.name))


# Who may read it


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_its_files_and_its_new_folder_are_for_their_owner_only(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "new" / "journal.db"
    before = os.umask(umask)
    try:
        journal = SqliteJournal(path)
        await keep(journal, plan_of())
        await journal.record("promo", SUBMIT)
    finally:
        os.umask(before)

    assert [each.name for each in files(path)] == ["journal.db", "journal.db-shm", "journal.db-wal"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files(path)} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.aclose()


async def test_an_empty_file_that_was_left_ready_is_closed_to_others(path: Path) -> None:
    path.touch(mode=0o644)
    journal = SqliteJournal(path)
    assert await journal.campaigns() == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await journal.aclose()


async def test_nothing_of_purged_people_is_left_in_the_files(journal: SqliteJournal, path: Path) -> None:
    items = people(1, 300)
    await journal.add_chunk("promo", 1, 300, items)
    await journal.add_rejections("promo", [rejection(row) for row in range(50)])
    await journal.freeze(plan_of(chunks=(300,), rejected=50))
    packed = zlib.compress(items, 1)
    traces = [packed[:60], packed[-60:], b"+541199", b"Hola Lucio"]
    before = b"".join(each.read_bytes() for each in files(path))
    assert all(trace in before for trace in traces)

    await journal.purge("promo", unfinished=True)

    after = b"".join(each.read_bytes() for each in files(path))
    assert not [trace for trace in traces if trace in after]


async def test_discarding_a_plan_overwrites_its_people(journal: SqliteJournal, path: Path) -> None:
    await journal.add_chunk("promo", 1, 300, people(1, 300))
    await journal.discard("promo")
    await journal.aclose()
    assert zlib.compress(people(1, 300), 1)[-60:] not in path.read_bytes()


# What cannot be used is said in one line, and nothing is kept by halves


async def unusable(
    path: Path, words: str, use: Callable[[SqliteJournal], Awaitable[object]] | None = None
) -> None:
    journal = SqliteJournal(path, patience=0.05)
    with pytest.raises(JournalUnusable, match=words) as caught:
        await (journal.campaigns() if use is None else use(journal))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    await journal.aclose()


async def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    await unusable(tmp_path, "it is a folder")


async def test_a_path_through_a_file_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    await unusable(tmp_path / "file" / "journal.db", "Not a directory")


@pytest.mark.parametrize(
    "content", [b"to,name\n+5491155555555,Ana\n" * 50, b"SQLite format 3\x00" + b"\xff" * 5_000]
)
async def test_garbage_is_no_journal(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    await unusable(path, "it is not a journal|it is damaged")
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    await unusable(path, "another program")


async def test_a_file_from_a_newer_version_is_refused(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    await unusable(path, "newer version of this program .format 99, this one knows 3.: update")


async def test_an_older_file_is_brought_forward_in_one_piece(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    older = sqlite3.connect(path, isolation_level=None)

    broken = (*schema.MIGRATIONS, ("ALTER TABLE campaigns ADD COLUMN tag TEXT", "SELECT nonsense"))
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(older, str(path), migrations=broken)
    columns = [row[1] for row in older.execute("PRAGMA table_info (campaigns)")]
    assert "tag" not in columns
    assert older.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)

    forward = (*schema.MIGRATIONS, ("ALTER TABLE campaigns ADD COLUMN tag TEXT DEFAULT 'none'",))
    schema.migrate(older, str(path), migrations=forward)
    schema.migrate(older, str(path), migrations=forward)
    assert older.execute("SELECT id, tag FROM campaigns").fetchall() == [("promo", "none")]
    assert older.execute("PRAGMA user_version").fetchone() == (len(forward),)
    older.close()


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
async def test_a_file_that_was_cut_off_is_refused(path: Path, journal: SqliteJournal, part: float) -> None:
    await keep(journal, plan_of(chunks=(500, 500)))
    await journal.aclose()
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * part))
    await unusable(path, "it is damaged")


async def test_people_who_were_changed_in_the_file_are_not_sent(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    hand = sqlite3.connect(path)
    hand.execute("UPDATE items SET packed = ? WHERE number = 1", (zlib.compress(people(9, 2)),))
    hand.execute("UPDATE items SET packed = x'00' WHERE number = 2")
    hand.commit()
    hand.close()
    await unusable(path, "not those that were planned", lambda journal: journal.items("promo", 1))
    await unusable(path, "it is damaged", lambda journal: journal.items("promo", 2))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE chunks SET state = 'planned' WHERE number = 1",  # it would be sent twice
        "UPDATE chunks SET state = 'sent' WHERE number = 1",
        "UPDATE chunks SET recipients = 1 WHERE number = 1",
        "DELETE FROM moves WHERE step = 1",
        "DELETE FROM moves",
        "DELETE FROM chunks WHERE number = 1",
        "UPDATE moves SET move = x'7b7d'",
    ],
)
async def test_chunks_that_are_not_where_their_moves_lead_are_damage(
    path: Path, journal: SqliteJournal, change: str
) -> None:
    await keep(journal, plan_of())
    await journal.record("promo", SUBMIT)
    await journal.record("promo", Accept(number=1, step=2, accepted=2, broadcast_id="b"))
    await journal.aclose()
    hand = sqlite3.connect(path)
    hand.execute(change)
    hand.commit()
    hand.close()
    await unusable(path, "it is damaged", lambda journal: journal.load("promo"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE campaigns SET stopped_by = 'solar flare'",
        "UPDATE campaigns SET state = 'postponed'",
        "UPDATE chunks SET state = 'scheduled' WHERE number = 1",
    ],
)
async def test_a_word_that_this_version_does_not_know_is_damage_or_of_a_newer_one(
    path: Path, journal: SqliteJournal, change: str
) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    hand = sqlite3.connect(path)
    hand.execute(change)
    hand.commit()
    hand.close()
    uses: list[Callable[[SqliteJournal], Awaitable[object]]] = [
        lambda journal: journal.load("promo"),
        lambda journal: journal.campaigns(),
        lambda journal: journal.record("promo", SUBMIT),
    ]
    for use in uses:
        await unusable(path, "it is damaged, or a newer version of this program wrote it: ", use)


async def test_counters_may_be_told_by_anybody_while_it_runs(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    other = SqliteJournal(path)
    async with journal.lease("promo"):
        await journal.record("promo", SUBMIT)
        await other.progress("promo", 1, sent=2, failed=0, final=True)
        mine = await journal.progress("promo", 1, sent=1, failed=0, final=False)
        assert (mine.sent, mine.final) == (2, True)
        accept = Accept(number=1, step=2, accepted=2, broadcast_id="b")
        assert (await journal.record("promo", accept)).final
    await other.aclose()


async def test_a_file_that_another_program_keeps_locked(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await unusable(path, "keeps it locked", lambda journal: journal.record("promo", SUBMIT))
    assert (await journal.load("promo")).chunks[0].state is ChunkState.PLANNED  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    await journal.record("promo", SUBMIT)


async def test_a_file_that_may_only_be_read(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    with path.open("r+b") as file:
        file.seek(18)  # "file format write version": who finds 3 there may only read, even root
        file.write(b"\x03")
    await unusable(path, "may not be written", lambda journal: journal.record("promo", SUBMIT))


async def test_a_file_that_is_removed_while_in_use_takes_nothing_more(
    path: Path, journal: SqliteJournal
) -> None:
    await keep(journal, plan_of())
    path.unlink()
    with pytest.raises(JournalUnusable, match="removed or replaced"):
        await journal.record("promo", SUBMIT)


FILL = """
import resource, sys, anyio
from keebai_async.model.lifecycle import Submit, TakeBack
from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import USE, SqliteJournal
async def main():
    journal = SqliteJournal(sys.argv[1])
    await journal.load("promo")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    step = 0
    try:
        while True:
            step += 1
            back = TakeBack(number=1, step=step, reason="x" * 900)
            await journal.record("promo", Submit(number=1, step=step, at=1.0) if step % 2 else back)
            print(step, flush=True)
    except JournalUnusable as error:
        print(error, flush=True)
anyio.run(main)
"""


@pytest.mark.parametrize("limit", [30_000, 100_000, 300_000])
async def test_a_full_disk_stops_the_writing_and_loses_nothing(
    path: Path, journal: SqliteJournal, limit: int
) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    *told, last = run_child(FILL, str(path), str(limit))

    assert last.startswith(f"the journal {path}: the disk ")
    again = SqliteJournal(path)
    chunk = (await again.load("promo")).chunks[0]
    assert chunk.step in {len(told), len(told) + 1}
    await again.record("promo", next_of(chunk.step))
    await again.aclose()


def next_of(step: int) -> Submit | Accept:
    if step % 2:
        return Accept(number=1, step=step + 1, accepted=2, broadcast_id="b")
    return Submit(number=1, step=step + 1, at=1.0)


def run_child(program: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.splitlines()


FORBIDDEN = """
import os, sys, anyio
from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import USE, SqliteJournal
async def look(path):
    journal = SqliteJournal(path)
    try:
        await journal.campaigns()
    finally:
        await journal.aclose()
async def main():
    await look(sys.argv[2])  # all is imported while this process may read it
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        await look(sys.argv[1])
    except JournalUnusable as error:
        print(error)
anyio.run(main)
"""


async def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    (line,) = run_child(FORBIDDEN, str(folder / "journal.db"), str(tmp_path / "open.db"))
    assert str(folder) in line
    assert "Permission denied" in line


# Who may write it


async def test_two_open_journals_see_what_the_other_has_written(path: Path, journal: SqliteJournal) -> None:
    other = SqliteJournal(path)
    await keep(journal, plan_of())
    await other.record("promo", SUBMIT)
    assert (await journal.load("promo")).chunks[0].state is ChunkState.SUBMITTING
    await other.aclose()


async def test_many_may_make_the_file_at_once(path: Path) -> None:
    journals = [SqliteJournal(path) for _ in range(8)]
    async with anyio.create_task_group() as tasks:
        for number, each in enumerate(journals):
            tasks.start_soon(keep, each, plan_of(f"promo-{number}"))
    for each in journals:
        assert len(await each.campaigns()) == 8
        await each.aclose()


@pytest.mark.parametrize("statements", [1, 2, 3])
def test_a_file_that_another_makes_while_one_looks_at_it_is_no_stranger_s(
    path: Path, statements: int
) -> None:
    class Overtaken(sqlite3.Connection):
        left = statements

        def execute(self, sql: str, /) -> sqlite3.Cursor:  # type: ignore[override]  # all that is asked here
            self.left -= 1
            if self.left == 0:
                other = sqlite3.connect(path, isolation_level=None)
                schema.migrate(other, str(path))
                other.close()
            return super().execute(sql)

    connection = sqlite3.connect(path, isolation_level=None, factory=Overtaken)
    schema.migrate(connection, str(path))

    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    connection.close()


async def test_nobody_writes_to_a_campaign_that_another_journal_runs(
    path: Path, journal: SqliteJournal
) -> None:
    await keep(journal, plan_of())
    other = SqliteJournal(path)
    async with journal.lease("promo"):
        writes: list[Callable[[], Awaitable[object]]] = [
            lambda: other.record("promo", SUBMIT),
            lambda: other.set_state("promo", CampaignState.STOPPED),
            lambda: other.recover("promo"),
            lambda: other.purge("promo", unfinished=True),
        ]
        for write in writes:
            with pytest.raises(CampaignBusy, match="is being run by process"):
                await write()
        assert await other.ask("promo", Wish.STOP)
        assert await other.asked("promo") is None
        assert await journal.asked("promo") is Wish.STOP
        await journal.record("promo", SUBMIT)
    await other.aclose()


async def test_a_lease_of_a_closed_journal_is_free(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    other = SqliteJournal(path)
    async with other.lease("promo"):
        await other.aclose()
        async with journal.lease("promo"):
            pass


def move_away(path: Path, *, heartbeat: float) -> None:
    """Make all leases look as if a process of another machine held them."""
    hand = sqlite3.connect(path)
    hand.execute(
        "UPDATE leases SET heartbeat = ?, process = json_set(process, '$.place', 'elsewhere', '$.pid', 4711)",
        (heartbeat,),
    )
    hand.commit()
    hand.close()


async def test_who_lost_its_lease_notices_before_it_submits(
    path: Path, journal: SqliteJournal, clock: ManualClock
) -> None:
    await keep(journal, plan_of())
    other = SqliteJournal(path, clock=clock)
    async with journal.lease("promo"):
        move_away(path, heartbeat=clock.wall() - process.STALE - 1)
        async with other.lease("promo"):
            with pytest.raises(CampaignBusy, match="is being run"):
                await journal.record("promo", SUBMIT)
        with pytest.raises(CampaignBusy, match="was taken over"):
            await journal.record("promo", SUBMIT)
    assert (await journal.load("promo")).chunks[0].state is ChunkState.PLANNED
    await other.aclose()


async def test_who_lost_its_lease_does_not_give_back_that_of_the_one_who_took_it_over(
    path: Path, clock: ManualClock
) -> None:
    journal, other, third = [SqliteJournal(path, clock=clock) for _ in range(3)]
    await keep(journal, plan_of())
    async with AsyncExitStack() as stack:
        async with journal.lease("promo"):
            move_away(path, heartbeat=clock.wall() - process.STALE - 1)
            await stack.enter_async_context(other.lease("promo"))
        with pytest.raises(CampaignBusy):
            async with third.lease("promo"):
                pytest.fail("two have the lease")
        await other.record("promo", SUBMIT)
    for each in (journal, other, third):
        await each.aclose()


async def test_a_lease_from_another_machine_lives_as_long_as_its_heart_beats(
    path: Path, journal: SqliteJournal, clock: ManualClock
) -> None:
    await keep(journal, plan_of())
    other = SqliteJournal(path, clock=clock)
    async with other.lease("promo"):
        move_away(path, heartbeat=clock.wall() - process.STALE + 1)
        with pytest.raises(CampaignBusy, match="process 4711"):
            async with journal.lease("promo"):
                pytest.fail("it is alive")
        await clock.advance(2)
        async with journal.lease("promo"):
            pass
    await other.aclose()


async def test_a_lease_beats_by_itself(path: Path, clock: ManualClock) -> None:
    journal = SqliteJournal(path, clock=clock, heartbeat=0.01)
    await keep(journal, plan_of())
    hand = sqlite3.connect(path)
    async with journal.lease("promo"):
        await clock.advance(33)
        with anyio.fail_after(60):
            # A thread writes it, and has nobody to tell.
            while hand.execute("SELECT heartbeat FROM leases").fetchall() != [(clock.wall(),)]:  # noqa: ASYNC110
                await anyio.sleep(0.005)
    assert hand.execute("SELECT * FROM leases").fetchall() == []
    hand.close()
    await journal.aclose()


def test_a_process_is_alive_while_it_is_the_one_that_started() -> None:
    me = process.this_process()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    replace = msgspec.structs.replace
    long_ago, now = process.STALE + 1, 0.0

    assert process.alive(me, silent_for=long_ago)  # the machine slept; it is well
    assert not process.alive(replace(me, pid=child.pid), silent_for=now)
    assert not process.alive(replace(me, born="1"), silent_for=now)  # its pid was given to another
    elsewhere = replace(me, place="another container")
    assert process.alive(elsewhere, silent_for=now)
    assert not process.alive(elsewhere, silent_for=long_ago)
    undated = replace(me, born="")
    assert process.alive(undated, silent_for=now)
    assert not process.alive(undated, silent_for=long_ago)
    assert not process.alive(replace(undated, pid=child.pid), silent_for=now)


# Plans that were never frozen


async def test_a_plan_in_the_making_is_left_alone_for_a_day(
    path: Path, journal: SqliteJournal, clock: ManualClock
) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.campaigns()  # behind the chunk, which is written while its caller goes on
    hand = sqlite3.connect(path)

    for seconds, left in ((0, 1), (drafts.TOO_OLD - 1, 1), (2, 0)):
        await clock.advance(seconds)
        visitor = SqliteJournal(path, clock=clock)
        await visitor.campaigns()
        await visitor.aclose()
        assert hand.execute("SELECT count(*) FROM items").fetchone() == (left,)
    hand.close()


async def test_two_do_not_make_one_plan(path: Path, journal: SqliteJournal, clock: ManualClock) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.campaigns()  # behind the chunk, which is written while its caller goes on
    other = SqliteJournal(path, clock=clock)
    uses: list[Callable[[], Awaitable[object]]] = [
        lambda: other.add_chunk("promo", 2, 3, b"[]"),
        lambda: other.discard("promo"),
    ]
    for use in uses:
        with pytest.raises(CampaignBusy):
            await use()
    await other.aclose()
    await journal.freeze(plan_of(chunks=(2,)))


async def test_a_chunk_that_could_not_be_kept_is_told_before_its_plan_is_frozen(
    path: Path, journal: SqliteJournal
) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    path.rename(path.with_name("moved.db"))
    with pytest.raises(JournalUnusable):  # noqa: PT012 - the first may still have been written
        await journal.add_chunk("promo", 2, 3, people(2, 3))
        await journal.freeze(plan_of())
    with pytest.raises(JournalUnusable):
        await journal.freeze(plan_of())
    path.with_name("moved.db").rename(path)

    await journal.discard("promo")
    await keep(journal, plan_of())


async def test_closing_removes_a_plan_in_the_making(path: Path, journal: SqliteJournal) -> None:
    await keep(journal, plan_of("kept"))
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.aclose()

    hand = sqlite3.connect(path)
    assert hand.execute("SELECT id FROM campaigns").fetchall() == [("kept",)]
    assert hand.execute("SELECT DISTINCT campaign_id FROM items").fetchall() == [("kept",)]
    hand.close()


# Loops and threads


async def test_a_closed_journal_says_so(journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    with pytest.raises(Misused, match="closed"):
        await journal.load("promo")


def test_one_journal_serves_one_loop_after_the_other(path: Path) -> None:
    journal = SqliteJournal(path)
    asyncio.run(keep(journal, plan_of()))
    assert asyncio.run(journal.record("promo", SUBMIT)).state is ChunkState.SUBMITTING
    asyncio.run(journal.aclose())


def test_a_process_that_does_not_close_ends_and_loses_nothing(path: Path) -> None:
    program = (
        "import sys, anyio\n"
        "from keebai_async.journal.sqlite_tables import SqliteJournal\n"
        "from tests.journal.journal_kit import keep, plan_of\n"
        "anyio.run(keep, SqliteJournal(sys.argv[1]), plan_of())\n"
    )
    assert run_child(program, str(path)) == []
    assert asyncio.run(SqliteJournal(path).load("promo")).plan == plan_of()


@pytest.fixture
async def stuck(path: Path, journal: SqliteJournal) -> AsyncIterator[sqlite3.Connection]:
    """Another program's transaction, in which every write of the journal hangs until it ends."""
    await keep(journal, plan_of())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    if other.in_transaction:
        other.execute("ROLLBACK")
    other.close()


async def test_cancelled_by_a_scope_in_the_middle_a_write_is_finished_and_known(
    journal: SqliteJournal, stuck: sqlite3.Connection
) -> None:
    known: list[ChunkState] = []

    async def write() -> None:
        known.append((await journal.record("promo", SUBMIT)).state)
        await anyio.lowlevel.checkpoint()
        pytest.fail("the cancellation was lost")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        stuck.execute("ROLLBACK")

    assert known == [ChunkState.SUBMITTING]
    assert await journal.moves("promo") == (SUBMIT,)


async def test_cancelled_by_its_task_in_the_middle_a_write_is_finished_first(
    journal: SqliteJournal, stuck: sqlite3.Connection
) -> None:
    writer = asyncio.ensure_future(journal.record("promo", SUBMIT))
    await anyio.wait_all_tasks_blocked()
    for _ in range(3):
        writer.cancel()
        await asyncio.sleep(0)
    assert not writer.done()
    stuck.execute("ROLLBACK")

    with pytest.raises(asyncio.CancelledError):
        await writer
    assert await journal.moves("promo") == (SUBMIT,)


async def test_a_timeout_in_the_middle_of_a_write_comes_after_it(
    journal: SqliteJournal, stuck: sqlite3.Connection
) -> None:
    asyncio.get_running_loop().call_later(0.05, stuck.execute, "ROLLBACK")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await journal.record("promo", SUBMIT)
    assert await journal.moves("promo") == (SUBMIT,)
    await anyio.lowlevel.checkpoint()  # and nothing of the cancellation is left over


async def test_cancelled_before_it_a_write_is_not_made(journal: SqliteJournal) -> None:
    await keep(journal, plan_of())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await journal.record("promo", SUBMIT)
    assert await journal.moves("promo") == ()


async def test_a_lease_that_was_got_while_cancelled_is_given_back(
    path: Path, journal: SqliteJournal, stuck: sqlite3.Connection
) -> None:
    async def run() -> None:
        async with journal.lease("promo"):
            await anyio.sleep_forever()

    runner = asyncio.ensure_future(run())
    await anyio.wait_all_tasks_blocked()
    runner.cancel()
    stuck.execute("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await runner
    async with journal.lease("promo"):
        pass


async def test_a_disk_that_hangs_is_given_up_and_what_had_not_begun_never_happens(
    journal: SqliteJournal, stuck: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "LONGEST_JOB", 0.1)

    async def write(move: Submit) -> None:
        with pytest.raises(JournalUnusable, match="took longer"):
            await journal.record("promo", move)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write, SUBMIT)
        tasks.start_soon(write, Submit(number=2, step=1, at=1.0))
    monkeypatch.undo()
    stuck.execute("ROLLBACK")

    started = await journal.load("promo")
    assert started.chunks[1].state is ChunkState.PLANNED


# Its name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sqlite:/data/k.db", "/data/k.db"),
        ("sqlite:///data/k.db", "/data/k.db"),
        ("sqlite:////data/k.db", "/data/k.db"),
        ("sqlite:k.db", "k.db"),
        ("k.db", "k.db"),
        ("/data/with:colon.db", "/data/with:colon.db"),
        ("C:\\k.db", "C:\\k.db"),
        ("~/k.db", str(Path.home() / "k.db")),
    ],
)
def test_a_journal_has_a_name(name: str, expected: str) -> None:
    journal = open_journal(name)
    assert isinstance(journal, SqliteJournal)
    assert str(journal.path) == expected


def test_a_journal_without_a_disk_has_a_name_too() -> None:
    assert isinstance(open_journal("memory:"), MemoryJournal)


@pytest.mark.parametrize("name", ["", "sqlite:", "mysql://host/db"])
def test_a_name_that_leads_nowhere_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        open_journal(name)


def rows_and_room(path: Path) -> tuple[int, int]:
    """How many rows of people and plans are in a file, and how many pages it has."""
    with closing(sqlite3.connect(path)) as file:
        tables = ("campaigns", "chunks", "items", "rejections", "leases")
        rows = sum(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # noqa: S608
        return rows, file.execute("PRAGMA page_count").fetchone()[0]


async def some_of_a_plan(journal: SqliteJournal, campaign_id: str) -> None:
    """A megabyte of a plan in the making, which nothing packs."""
    for number in range(1, 11):
        await journal.add_chunk(campaign_id, number, 1, random.Random(number).randbytes(100_000))


async def test_a_plan_that_fails_leaves_neither_people_nor_their_room(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    await journal.campaigns()
    nothing, empty = rows_and_room(path)
    await some_of_a_plan(journal, "promo")
    assert rows_and_room(path)[1] > empty + 200

    await journal.discard("promo")

    assert rows_and_room(path) == (nothing, empty)
    assert path.with_name("journal.db-wal").stat().st_size == 0
    await journal.aclose()


async def test_a_plan_that_was_not_ended_leaves_no_room_behind_when_the_journal_is_closed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    await journal.campaigns()
    before = rows_and_room(path)
    await some_of_a_plan(journal, "promo")

    await journal.aclose()

    assert rows_and_room(path) == before


async def test_the_plan_of_a_process_that_died_leaves_no_room_behind_at_the_next_open(tmp_path: Path) -> None:
    path = tmp_path / "half_planned.db"
    for file in WRITTEN_BY_0_1.glob("half_planned.db*"):
        shutil.copyfile(file, tmp_path / file.name)
    empty = SqliteJournal(tmp_path / "empty.db")
    await empty.campaigns()
    journal = SqliteJournal(path)

    assert await journal.campaigns() == []

    assert rows_and_room(path) == rows_and_room(tmp_path / "empty.db")
    await journal.aclose()
    await empty.aclose()


def test_a_file_that_goes_away_while_it_is_opened_leaves_no_connection_behind(path: Path) -> None:
    opened: list[sqlite3.Connection] = []

    def migrate(connection: sqlite3.Connection, name: str) -> None:
        USE.migrate(connection, name)
        opened.append(connection)
        path.unlink()

    file = SqliteFile(path, replace(USE, migrate=migrate))
    with pytest.raises(JournalUnusable, match="No such file"), file.reading():
        raise AssertionError

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
