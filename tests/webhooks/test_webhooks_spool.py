"""What was answered is on disk: after kills, full disks and slow ones; and is worked off once."""

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import SpoolUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.storage.turn import Turn
from keebai_async.webhooks import MessageRead, OtherEvent, Spool, WebhookReceiver, WebhookSecrets
from tests.webhooks.kit import PROJECT, SECRET, delivery


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    made = Spool(tmp_path / "webhooks.db", clock=ManualClock())
    yield made
    await made.aclose()


def receiver_of(spool: Spool) -> WebhookReceiver:
    return WebhookReceiver(spool, secrets=WebhookSecrets(SECRET))


async def test_what_was_put_in_is_there_for_who_opens_it_next(spool: Spool) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(spool.put, delivery(number))

    reader = Spool(spool.path)
    taken = await reader.take()
    assert {each.body for each in taken} == {delivery(number) for number in range(200)}
    assert [each.id for each in taken] == sorted(each.id for each in taken)
    await reader.aclose()


async def test_what_comes_while_the_disk_is_busy_shares_one_write(spool: Spool) -> None:
    await spool.put(b"first")
    busy = sqlite3.connect(spool.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(spool.put, delivery(number))
        while not spool._waiting:  # the first is on its way to the thread, the others wait for it
            await anyio.lowlevel.checkpoint()
        busy.execute("COMMIT")
    busy.close()

    frames = (spool.path.stat().st_size, (spool.path.parent / "webhooks.db-wal").stat().st_size)
    assert await spool.count() == 101
    assert frames[1] < 40 * 4_120  # a page or two for each of the three writes, not for each delivery


async def test_the_loop_is_free_while_the_disk_is_stuck(spool: Spool) -> None:
    await spool.put(b"first")
    busy = sqlite3.connect(spool.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    turns = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spool.put, b"second")
        for _ in range(1_000):
            await anyio.lowlevel.checkpoint()
            turns += 1
        assert await_count(spool) == 1  # it waits, and the loop went round meanwhile
        busy.execute("COMMIT")
    busy.close()
    assert (turns, await spool.count()) == (1_000, 2)


def await_count(spool: Spool) -> int:
    with sqlite3.connect(spool.path) as look:
        found: tuple[int] = look.execute("SELECT count(*) FROM spool").fetchone()
    look.close()
    return found[0]


async def test_more_than_fits_is_not_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "webhooks.db", most_waiting=1_000)

    with pytest.raises(SpoolUnusable, match="too slow, or stuck"):
        await spool.put(b"x" * 1_001)
    await spool.put(b"x" * 1_000)
    assert await spool.count() == 1
    await spool.aclose()


async def test_some_of_the_disk_is_left_for_the_journal(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    spool = Spool(tmp_path / "webhooks.db", leave_free=2 * free)

    with pytest.raises(SpoolUnusable, match="the journal needs room: free some space"):
        await spool.put(b"{}")
    assert await spool.count() == 0
    await spool.aclose()


async def test_a_spool_that_cannot_be_written_says_so_and_works_again_afterwards(
    tmp_path: Path,
) -> None:
    path = tmp_path / "webhooks.db"
    path.mkdir()
    spool = Spool(path)

    for _ in range(2):
        with pytest.raises(SpoolUnusable, match="it is a folder"):
            await spool.put(b"{}")
    path.rmdir()
    await spool.put(b"{}")
    assert await spool.count() == 1
    await spool.aclose()


async def test_one_who_is_cancelled_takes_nobody_along(spool: Spool) -> None:
    await spool.put(b"first")
    busy = sqlite3.connect(spool.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    puts = [asyncio.ensure_future(spool.put(delivery(number))) for number in range(10)]
    await anyio.lowlevel.checkpoint()
    puts[0].cancel()
    puts[5].cancel()
    busy.execute("COMMIT")
    busy.close()

    done = await asyncio.gather(*puts, return_exceptions=True)
    assert [one for place, one in enumerate(done) if place not in (0, 5)] == [None] * 8
    await spool.put(b"last")
    assert {delivery(number) for number in (1, 2, 3, 4, 6, 7, 8, 9)} <= {
        one.body for one in await spool.take()
    }


async def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "campaigns.db")
    await journal.campaigns()
    await journal.aclose()
    before = (tmp_path / "campaigns.db").read_bytes()
    spool = Spool(tmp_path / "campaigns.db")

    with pytest.raises(SpoolUnusable, match="another kind"):
        await spool.put(b"{}")
    await spool.aclose()
    assert (tmp_path / "campaigns.db").read_bytes() == before


async def test_only_its_owner_reads_it(spool: Spool) -> None:
    await spool.put(b"{}")

    for file in spool.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_events_come_in_order_and_once_and_nothing_is_left(spool: Spool) -> None:
    for number in (1, 2, 1, 3, 2):
        await spool.put(delivery(number))
    receiver = receiver_of(spool)

    found = [event async for event in first(receiver, 3)]

    assert [event.id for event in found] == ["evt_1", "evt_2", "evt_3"]
    assert all(isinstance(event, MessageRead) for event in found)
    assert await spool.count() == 0


async def first(receiver: WebhookReceiver, count: int) -> AsyncIterator[MessageRead | OtherEvent]:
    """The first *count* events, worked off."""
    await receiver.spool.put(b"the end")
    async for event in receiver.events(limit=2):
        if isinstance(event, OtherEvent) and event.body == b"the end":
            break
        assert isinstance(event, MessageRead | OtherEvent)
        yield event
        count -= 1
    assert count == 0
    left = await receiver.spool.take()
    await receiver.spool.done([one.id for one in left])


async def test_what_was_not_worked_off_comes_again_and_what_was_does_not(spool: Spool) -> None:
    for number in range(6):
        await spool.put(delivery(number))
    seen: list[list[str]] = []

    for _ in range(2):  # each dies with its second batch in hand
        async for batch in receiver_of(spool).batches(limit=2):
            seen.append([event.id for event in batch])
            if len(seen) % 2 == 0:
                break

    assert seen == [["evt_0", "evt_1"], ["evt_2", "evt_3"], ["evt_2", "evt_3"], ["evt_4", "evt_5"]]
    assert await spool.count() == 2


async def test_a_repeat_is_known_for_seven_days_after_a_restart_too(tmp_path: Path) -> None:
    clock = ManualClock()
    path = tmp_path / "webhooks.db"

    async def told() -> bool:
        """Whether the same delivery, come once more, is an event."""
        spool = Spool(path, clock=clock)
        await spool.put(delivery(1))
        await spool.put(delivery(int(clock.now())))
        found = False
        async for batch in receiver_of(spool).batches(limit=2):
            found = any(event.id == "evt_1" for event in batch)
            await spool.done([one.id for one in await spool.take()], [])
            break
        await spool.aclose()
        return found

    spool = Spool(path, clock=clock)
    await spool.put(delivery(1))
    async for event in receiver_of(spool).events():
        assert event.id == "evt_1"
        await spool.put(delivery(2))
        if await spool.count() == 2:
            break
    await spool.done([one.id for one in await spool.take()], [_key("evt_1")])
    await spool.aclose()

    assert not await told()
    await clock.advance(6 * 86_400)
    assert not await told()
    await clock.advance(8 * 86_400)
    forgetting = Spool(path, clock=clock)
    await forgetting.done([], [_key("evt_x")])
    await forgetting.aclose()
    assert await told()


def _key(name: str) -> int:
    from keebai_async.webhooks.receiver import _number_of

    return _number_of(name)


async def test_what_nobody_understands_is_kept_apart_the_newest_thousand(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keebai_async.webhooks.spool.MOST_OTHERS", 3)
    for number in range(5):
        await spool.put(b"odd %d" % number)
    await spool.put(delivery(1))

    async for event in receiver_of(spool).events(limit=2):
        if isinstance(event, MessageRead):
            break
    assert [each.body for each in await spool.others()] == [b"odd 1", b"odd 2", b"odd 3"]


async def test_what_nobody_understands_is_forgotten_after_seven_days(tmp_path: Path) -> None:
    clock = ManualClock()
    spool = Spool(tmp_path / "w.db", clock=clock)
    await spool.put(b"odd")
    await spool.done([1], others=await spool.take())
    assert len(await spool.others()) == 1

    await clock.advance(9 * 86_400)
    await spool.done([])
    assert await spool.others() == []
    await spool.aclose()


async def test_what_another_process_puts_in_is_found(tmp_path: Path) -> None:
    clock = ManualClock()
    here, there = Spool(tmp_path / "w.db", clock=clock), Spool(tmp_path / "w.db", clock=clock)
    found: list[str] = []

    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            async for event in receiver_of(here).events():
                found.append(event.id)
                tasks.cancel_scope.cancel()

        async with clock.running():
            tasks.start_soon(work)
            await there.put(delivery(7))
            await anyio.sleep_forever()

    assert found == ["evt_7"]
    await here.aclose()
    await there.aclose()


async def test_one_at_a_time_works_it_off_and_the_next_when_that_one_ends(tmp_path: Path) -> None:
    clock = ManualClock()
    here, there = Spool(tmp_path / "w.db", clock=clock), Spool(tmp_path / "w.db", clock=clock)
    await there.put(delivery(1))
    await there.put(delivery(2))
    ours, theirs = here.batches(limit=1), there.batches(limit=1)
    assert len(await anext(ours)) == 1

    async with anyio.create_task_group() as tasks, clock.running():
        found: list[int] = []

        async def take() -> None:
            found.append(len(await anext(theirs)))
            tasks.cancel_scope.cancel()

        tasks.start_soon(take)
        while clock.now() < 5:
            await anyio.lowlevel.checkpoint()
        assert found == []
        await here.aclose()  # or its process is killed
        await anyio.sleep_forever()

    assert found == [1]
    await there.aclose()


def test_a_turn_is_free_again_when_the_process_that_had_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "turn"
    program = (
        "import sys, pathlib; from keebai_async.storage.turn import Turn;"
        f"turn = Turn(pathlib.Path({str(path)!r})); print(turn.take(), flush=True); sys.stdin.read()"
    )
    turn = Turn(path)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert not turn.take()
        process.kill()
    assert turn.take()
    assert not Turn(path).take()
    turn.give_back()
    assert Turn(path).take()


async def test_threads_end_with_the_spool(spool: Spool) -> None:
    await spool.put(b"{}")
    assert "webhook spool" in {thread.name for thread in threading.enumerate()}

    await spool.aclose()
    await spool.aclose()
    for thread in threading.enumerate():
        if thread.name == "webhook spool":
            thread.join(timeout=10)
            assert not thread.is_alive()
