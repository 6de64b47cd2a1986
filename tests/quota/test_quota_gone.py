"""When the store is gone, lost its memory, or its machine was restarted."""

import asyncio
import logging
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest
import redis

from keebai_async.clock import ManualClock
from keebai_async.errors import QuotaUnusable
from keebai_async.quota.gate import Ending, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait
from keebai_async.storage.machine_clock import ClockReading, mark
from tests.quota.benches import RedisServer, remove, turn_back

ANSWERED = Word(ending=Ending.ANSWERED, grace=30.0)
EIGHT = [LaneWindow(quota=Quota(8, 60.0), per=60.0, most=8)]


@pytest.fixture
async def server(redis_server: RedisServer) -> AsyncIterator[RedisServer]:
    """A Redis that has forgotten all tests before this one, and runs again after it."""
    redis_server.stop()
    redis_server.start()
    yield redis_server
    redis_server.stop()
    redis_server.start()


async def spend(store: RedisStore | SqliteStore, times: int) -> None:
    for _ in range(times):
        place = await store.take(EIGHT)
        assert isinstance(place, HeldPlace)
        await store.settle(place, EIGHT, ANSWERED)


async def test_without_redis_nothing_leaves_and_it_is_said_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisStore(server.url, "a", clock=ManualClock())
    await spend(store, 1)
    server.stop()
    for _ in range(3):
        with pytest.raises(QuotaUnusable, match="cannot reach the Redis"):
            await store.take(EIGHT)
    assert [record.levelname for record in caplog.records] == ["WARNING"]

    server.start()
    assert isinstance(await store.take(EIGHT), Wait)  # it lost its memory, and others may have spent
    turn_back(server, "a", 61.0)
    await spend(store, 8)
    assert [record.getMessage() for record in caplog.records] == ["quota store gone", "quota store forgot"]
    await store.aclose()


async def test_without_redis_a_process_may_go_on_with_its_share(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="keebai_async")
    clock = ManualClock()
    store = RedisStore(server.url, "a", clock=clock, local_when_gone=True, share=0.5)
    await spend(store, 3)
    server.stop()
    await spend(store, 1)  # half of eight is four, three of which are spent

    assert isinstance(await store.take(EIGHT), Wait)
    await clock.advance(6.0)
    assert isinstance(await store.take(EIGHT), Wait)
    server.start()
    await clock.advance(6.0)
    assert isinstance(await store.take(EIGHT), Wait)
    assert await store.spent(EIGHT) == (9,)  # one of its share, three before, and five that others may have
    await clock.advance(61.0)
    turn_back(server, "a", 61.0)
    await spend(store, 8)
    assert isinstance(await store.take(EIGHT), Wait)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    await store.aclose()


async def test_everything_in_redis_expires_but_no_pause_before_it_is_over(server: RedisServer) -> None:
    store = RedisStore(server.url, "a", clock=ManualClock())
    assert isinstance(await store.take(EIGHT), HeldPlace)
    with redis.Redis(port=server.port) as client:
        lives = {key.decode().rsplit(":", 1)[1]: client.ttl(key) for key in client.scan_iter()}
        assert 0 < lives["held"] <= 7_350  # twice an hour, and a request
        assert 7_000_000 < lives["head"] <= 7_776_000  # 90 days: it has the limits, and shows a loss
        place = await store.take(EIGHT)
        assert isinstance(place, HeldPlace)
        await store.settle(place, EIGHT, Word(ending=Ending.ANSWERED, grace=30.0, pause=50_000.0))
        kept = {key: client.ttl(key) for key in client.scan_iter()}
    assert len(kept) == 3
    assert min(kept.values()) > 50_000
    await store.aclose()


async def test_a_place_asked_for_again_after_a_lost_answer_is_the_same_place(server: RedisServer) -> None:
    one = [LaneWindow(quota=Quota(1, 60.0), per=60.0, most=1)]
    store = RedisStore(server.url, "a", clock=ManualClock())
    first = await store._take("the-same", one)
    again = await store._take("the-same", one)
    assert isinstance(first, HeldPlace)
    assert isinstance(again, HeldPlace)
    assert (again.id, again.taken) == (first.id, first.taken)
    assert await store.spent(one) == (1,)
    await store.aclose()


async def test_a_redis_that_lost_its_memory_is_told_by_everybody_what_they_spent(server: RedisServer) -> None:
    one, two = (RedisStore(server.url, "a", clock=ManualClock()) for _ in range(2))
    await spend(one, 3)
    await spend(two, 2)
    under_way = await two.take(EIGHT)
    assert isinstance(under_way, HeldPlace)
    server.stop()
    server.start()

    for store in (one, two):
        wait = await store.take(EIGHT)
        assert isinstance(wait, Wait)
        assert wait.loose  # who comes back may know better
    with redis.Redis(port=server.port) as client:
        assert client.zcard("keebai:{a}:ended") == 5
        assert client.zcard("keebai:{a}:held") == 1
    assert await one.spent(EIGHT) == (8,)  # six, and two that a third one may have spent
    turn_back(server, "a", 61.0)
    await spend(one, 7)  # all but the one that is under way
    for store in (one, two):
        await store.aclose()


async def test_a_place_whose_end_redis_did_not_hear_of_is_entered_when_it_is_back(
    server: RedisServer,
) -> None:
    store = RedisStore(server.url, "a", clock=ManualClock())
    place = await store.take(EIGHT)
    assert isinstance(place, HeldPlace)
    server.stop()
    await store.settle(place, EIGHT, ANSWERED)
    server.start()

    assert isinstance(await store.take(EIGHT), Wait)
    turn_back(server, "a", 61.0)
    await spend(store, 8)  # nothing is under way any more
    await store.aclose()


async def test_keys_expire_by_themselves(server: RedisServer) -> None:
    import redis

    store = RedisStore(server.url, "a", clock=ManualClock())
    await store.settle(await held(store), EIGHT, Word(ending=Ending.ANSWERED, grace=30.0, pause=50.0))
    await store.aclose()
    with redis.Redis(port=server.port) as client:
        lives = [client.ttl(key) for key in client.scan_iter("keebai:*") if not key.endswith(b":head")]

    assert lives
    assert all(0 < life < 10_000 for life in lives)


async def held(store: RedisStore | SqliteStore) -> HeldPlace:
    place = await store.take(EIGHT)
    assert isinstance(place, HeldPlace)
    return place


async def test_machines_whose_clocks_differ_by_minutes_agree_on_one_redis(server: RedisServer) -> None:
    early = RedisStore(server.url, "a", clock=ManualClock(0.0))
    late = RedisStore(server.url, "a", clock=ManualClock(900.0))
    await spend(early, 4)
    await spend(late, 4)

    for store in (early, late):
        wait = await store.take(EIGHT)
        assert isinstance(wait, Wait)
        assert 55.0 < wait.seconds <= 60.0
        await store.aclose()


def store_in(folder: Path, clock: ManualClock, boot: str = "first") -> SqliteStore:
    return SqliteStore(folder / "sub" / "quota.db", "a", clock=clock, boot=boot)


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        store = store_in(tmp_path, ManualClock())
        await spend(store, 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "sub").iterdir()}
        await store.aclose()
    finally:
        os.umask(previous)

    assert modes
    assert set(modes.values()) == {0o600}


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    store = store_in(tmp_path, ManualClock())
    await spend(store, 1)
    await store.aclose()
    (tmp_path / "sub" / "quota.db").chmod(0o644)

    again = store_in(tmp_path, ManualClock())
    await spend(again, 1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "sub").iterdir()}
    await again.aclose()

    assert len(modes) == 3, "the log beside it too"
    assert set(modes.values()) == {0o600}


async def test_the_spending_survives_its_process(tmp_path: Path) -> None:
    clock = ManualClock()
    store = store_in(tmp_path, clock)
    await spend(store, 8)
    await store.aclose()
    await clock.advance(20.0)

    again = store_in(tmp_path, clock)
    wait = await again.take(EIGHT)
    assert isinstance(wait, Wait)
    assert wait.seconds == 40.0
    await again.aclose()


@pytest.mark.parametrize(("wall", "left"), [(1_790_000_000.0 + 25.0, 35.0), (1_600_000_000.0, 60.0)])
async def test_the_spending_survives_a_restart_of_the_machine(
    tmp_path: Path, wall: float, left: float
) -> None:
    """By the wall clock; and if that went back, as if no time had passed."""
    store = store_in(tmp_path, ManualClock(0.0))
    await spend(store, 8)
    await store.aclose()

    class Restarted(ManualClock):
        def wall(self) -> float:
            return wall + self.now() - 3.0

    again = store_in(tmp_path, Restarted(3.0), boot="second")
    wait = await again.take(EIGHT)
    assert isinstance(wait, Wait)
    assert wait.seconds == left
    await again.aclose()


def test_a_wall_clock_that_is_set_changes_nothing_while_the_machine_runs() -> None:
    class Jumping(ManualClock):
        def wall(self) -> float:
            return 5.0

    clock = Jumping(130.0)
    last = ClockReading(at=1_000.0, steady=100.0, wall=9_999.0, boot="one")

    assert mark(last, clock, "one").at == 1_030.0


async def test_a_file_that_is_no_database_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "quota.db").write_bytes(b"people,of,a,campaign\n" * 500)
    store = store_in(tmp_path, ManualClock())

    with pytest.raises(QuotaUnusable, match=r"quota\.db"):
        await store.take(EIGHT)
    await store.aclose()


@pytest.mark.parametrize("what", ["quota.db", "quota.db-wal", "quota.db-shm", "quota.db*"])
async def test_a_file_that_is_removed_is_made_again_and_told_what_was_spent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    clock = ManualClock()
    store = store_in(tmp_path, clock)
    await spend(store, 7)
    under_way = await held(store)
    path = tmp_path / "sub" / "quota.db"
    remove(path.parent, what)

    assert isinstance(await store.take(EIGHT), Wait)
    assert await store.spent(EIGHT) == (8,)
    await store.settle(under_way, EIGHT, ANSWERED)
    assert [record.getMessage() for record in caplog.records] == ["quota store forgot"]
    await clock.advance(61.0)
    await spend(store, 8)
    assert isinstance(await store.take(EIGHT), Wait)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await store.aclose()


async def test_a_file_that_another_program_keeps_locked_is_said_and_used_again_afterwards(
    tmp_path: Path,
) -> None:
    path = tmp_path / "quota.db"
    store = SqliteStore(path, "a", clock=ManualClock(), patience=0.05)
    await spend(store, 7)
    with another_writer(path), pytest.raises(QuotaUnusable, match="keeps it locked"):
        await store.take(EIGHT)

    await spend(store, 1)
    assert isinstance(await store.take(EIGHT), Wait)
    await store.aclose()


@contextmanager
def another_writer(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_a_place_that_is_settled_after_the_store_was_closed_is_entered(tmp_path: Path) -> None:
    store = store_in(tmp_path, ManualClock())
    place = await held(store)
    await store.aclose()

    assert not await store.settle(place, EIGHT, ANSWERED)

    assert await store.spent(EIGHT) == (1,)
    await spend(store, 7)
    wait = await store.take(EIGHT)
    assert isinstance(wait, Wait)
    assert not wait.loose
    await store.aclose()


async def test_a_place_that_is_taken_for_a_cancelled_task_is_given_back(tmp_path: Path) -> None:
    store = store_in(tmp_path, ManualClock())
    await spend(store, 1)
    with another_writer(tmp_path / "sub" / "quota.db"):
        task = asyncio.ensure_future(store.take(EIGHT))
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.spent(EIGHT) == (1,)
    await store.aclose()


async def test_an_ending_is_entered_although_its_task_is_cancelled(tmp_path: Path) -> None:
    store = store_in(tmp_path, ManualClock())
    place = await held(store)
    with another_writer(tmp_path / "sub" / "quota.db"):
        task = asyncio.ensure_future(store.settle(place, EIGHT, ANSWERED))
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await task
    await spend(store, 7)
    wait = await store.take(EIGHT)
    assert isinstance(wait, Wait)
    assert not wait.loose  # nothing is under way any more
    await store.aclose()


def test_one_store_serves_one_event_loop_after_the_other(tmp_path: Path) -> None:
    store = store_in(tmp_path, ManualClock())
    for _ in range(2):
        asyncio.run(spend(store, 4))
    assert asyncio.run(store.spent(EIGHT)) == (8,)
    asyncio.run(store.aclose())


async def test_a_place_that_cannot_be_settled_lapses_and_its_request_is_not_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_in(tmp_path, ManualClock())
    limiter = RateLimiter((Quota(8, 60.0),), store=store)
    async with limiter.place(Lane.SUBMIT) as place:
        with sqlite3.connect(tmp_path / "sub" / "quota.db") as other:
            other.execute("DROP TABLE place")
        other.close()
        place.settle(Ending.ANSWERED)

    assert [record.message for record in caplog.records] == ["place not settled"]
    await store.aclose()


@pytest.mark.parametrize("native", [True, False])
async def test_a_take_that_is_cancelled_leaves_no_place(tmp_path: Path, native: bool) -> None:
    store = store_in(tmp_path, ManualClock())
    limiter = RateLimiter((Quota(8, 60.0),), store=store)

    async def ask_for_ever() -> None:
        while True:
            async with limiter.place(Lane.INTERACTIVE) as place:
                place.settle(Ending.UNSENT)

    for turns in range(40):
        if native:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask_for_ever(), turns / 9_000 + 0.0001)
        else:
            with anyio.move_on_after(turns / 9_000):
                await ask_for_ever()

    await spend(store, 8)
    await store.aclose()
