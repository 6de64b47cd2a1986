"""A store that loses its memory while processes run is told again, and nobody goes over meanwhile."""

import random
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.errors import QuotaUnusable
from keebai_async.quota.gate import Ending
from keebai_async.quota.pause import NEVER
from keebai_async.quota.recollection import OtherClock, Recollection
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import HeldPlace, Store, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.throttle import Window
from tests.quota.benches import RedisServer, remove, turn_back
from tests.quota.test_quota_exactness import most_in_any
from tests.quota.test_quota_processes import begin, emptied, end, made, says, start, until_made

ANSWERED = Word(ending=Ending.ANSWERED, grace=30.0)
QUOTAS = (Quota(3, 60.0), Quota(10, 600.0))
WINDOWS = [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in QUOTAS]


async def spend(store: Store, times: int = 1) -> None:
    for _ in range(times):
        place = await store.take(WINDOWS)
        assert isinstance(place, HeldPlace), place
        await store.settle(place, WINDOWS, ANSWERED)


# What happens: somebody asks, time passes, the file goes, somebody dies.
Happenings = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3)),
        st.tuples(st.just("pass"), st.sampled_from([0.5, 5.0, 25.0, 61.0, 300.0])),
        st.tuples(st.just("lose"), st.sampled_from(["quota.db", "quota.db-wal", "quota.db*"])),
        st.tuples(st.just("old copy"), st.just(0)),
        st.tuples(st.just("die"), st.integers(0, 3)),
    ),
    min_size=10,
    max_size=50,
)


@settings(max_examples=20, deadline=None)
@given(Happenings)
def test_whatever_is_lost_and_when_no_window_of_the_server_holds_more_than_the_limit(
    happenings: list[tuple[str, float]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        left = anyio.run(live, happenings, Path(folder))
    for quota in QUOTAS:
        assert most_in_any(left, quota.per) <= quota.limit


async def live(happenings: list[tuple[str, float]], folder: Path) -> list[float]:
    clock, left, path = ManualClock(0.0), list[float](), folder / "quota.db"
    stores = [SqliteStore(path, "a", clock=clock) for _ in range(4)]
    living = dict(enumerate(stores))

    async def ask(store: SqliteStore) -> None:
        place = await store.take(WINDOWS)
        if isinstance(place, HeldPlace):
            left.append(clock.now())
            await store.settle(place, WINDOWS, ANSWERED)

    for store in stores:  # who comes for the first time after a loss cannot know of it
        await ask(store)
        await clock.advance(61.0)
    for what, much in happenings:
        if what == "pass":
            await clock.advance(much)
        elif what == "lose":
            remove(folder, str(much))
            await come_back(living.values())
        elif what == "old copy":
            put_back(path)
            await come_back(living.values())
        elif what == "die":
            living.pop(int(much), None)
        elif int(much) in living:
            await ask(living[int(much)])
    for store in stores:
        await store.aclose()
    return left


async def come_back(living: Iterable[SqliteStore]) -> None:
    """Who waits, or spent something in the last hour, looks at the store every two seconds."""
    for store in living:
        await store.spent(WINDOWS)


def put_back(path: Path) -> None:
    """Put the copy in place of the file that somebody made before, and make one for the next time."""
    copy = path.with_name("copy")
    if copy.exists():
        remove(path.parent, "quota.db*")
        copy.replace(path)
    elif path.exists():
        shutil.copy(path, copy)


@pytest.mark.parametrize("what", ["all", "one key", "an old copy", "a leap of its clock"])
async def test_a_redis_that_lost_something_lets_nobody_go_over(redis_server: RedisServer, what: str) -> None:
    time = ManualClock()
    stores = [RedisStore(redis_server.url, what, clock=ManualClock(), steady=time.now) for _ in range(2)]
    with redis.Redis(port=redis_server.port) as client:
        await spend(stores[0])
        copy = {key: client.dump(key) for key in client.scan_iter(f"keebai:{{{what}}}*")}
        await spend(stores[1], 2)
        if what == "all":
            client.flushall()
        elif what == "one key":
            client.delete(f"keebai:{{{what}}}:ended")
        elif what == "an old copy":
            client.flushall()
            for key, value in copy.items():
                client.restore(key, 3_600_000, value)
        else:
            turn_back(redis_server, what, 3_000.0)  # everything is older there by the time it leapt
            for store in stores:
                store._time_there._low -= 3_000.0
                store._time_there._high -= 3_000.0

    for store in (*reversed(stores), *stores):  # the first one knows no later than the copy
        wait = await store.take(WINDOWS)
        assert isinstance(wait, Wait)
        assert wait.seconds > 50.0
    turn_back(redis_server, what, 61.0)
    await spend(stores[0], 3)
    assert isinstance(await stores[1].take(WINDOWS), Wait)
    for store in stores:
        await store.aclose()


async def test_a_redis_whose_clock_was_put_back_holds_nobody_up_for_that_long(
    redis_server: RedisServer,
) -> None:
    store = RedisStore(redis_server.url, "back", clock=ManualClock())
    await spend(store, 3)
    turn_back(redis_server, "back", -3_000.0)
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        last = client.hget("keebai:{back}:head", "last")
        assert last is not None
        client.hset("keebai:{back}:head", "last", str(float(last) + 3_000.0))
    wait = await store.take(WINDOWS)
    assert isinstance(wait, Wait)
    assert 50.0 < wait.seconds <= 60.5
    await store.aclose()


async def test_a_file_that_was_overwritten_is_put_aside_by_who_remembers(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "quota.db"
    store = SqliteStore(path, "a", clock=clock)
    await spend(store, 3)
    await store.aclose()
    path.write_bytes(b"people,of,a,campaign\n" * 500)

    assert isinstance(await store.take(WINDOWS), Wait)
    assert (tmp_path / "quota.db.lost").read_bytes().startswith(b"people")
    await clock.advance(61.0)
    await spend(store, 3)
    await store.aclose()

    path.write_bytes(b"people,of,a,campaign\n" * 500)
    stranger = SqliteStore(path, "a", clock=clock)
    with pytest.raises(QuotaUnusable, match="does not keep a quota"):
        await stranger.take(WINDOWS)
    await stranger.aclose()


def test_how_much_all_can_have_spent_is_bounded_by_what_the_shortest_window_lets_through() -> None:
    own = Recollection()
    assert own.most(WINDOWS, 0.0) == (-1, -1)
    own.took("a", WINDOWS, (2, 5), 100.0)
    assert own.most(WINDOWS, 100.0) == (3, 8)
    assert own.most(WINDOWS, 159.0) == (3, 8)
    assert own.most(WINDOWS, 161.0) == (3, 10)
    assert own.most(WINDOWS, 5_000.0) == (3, 10)


def test_a_leap_of_a_clock_is_told_from_answers_that_are_late() -> None:
    clock = OtherClock()
    assert clock.leapt(0.0, 1.0, 5_000.5) == 0.0
    assert clock.leapt(10.0, 15.0, 5_014.9) == 0.0  # the request was under way for long
    assert clock.leapt(20.0, 20.1, 5_020.0) == 0.0
    assert clock.leapt(30.0, 30.1, 8_630.0) > 3_599.0
    assert clock.leapt(40.0, 40.1, 8_640.0) == 0.0
    assert clock.leapt(50.0, 50.1, 5_050.0) == 0.0  # back: the server sees that itself
    assert NEVER < 0


# As in test_quota_processes: the true throttler, which shuts the token out at the first request too many.
WINDOWS_OF_SANDBOX = (Window("minute", 40, 1.0), Window("hour", 300, 4.0))
QUOTA = "40/1s,300/4s"


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_programs_whose_store_is_lost_again_and_again_are_never_throttled(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(7)
    server: RedisServer | None = request.getfixturevalue("redis_server") if kind == "redis" else None
    where = f"sqlite:{tmp_path / 'quota.db'}" if server is None else emptied(server)
    async with (
        Sandbox(windows=WINDOWS_OF_SANDBOX, tokens=(DEFAULT_TOKEN,)) as sandbox,
        AsyncExitStack() as stack,
    ):
        spenders = [await start(stack, sandbox.url, where, QUOTA, "0") for _ in range(3)]
        for process in spenders:
            await says(process, "ready")
        for process in spenders:
            await begin(process)
        for _ in range(3):
            await anyio.sleep(chance.uniform(0.9, 1.6))  # no wait: the instant is what is tried out
            if server is None:
                remove(tmp_path, chance.choice(["quota.db", "quota.db-wal", "quota.db*"]))
            else:
                with redis.Redis(port=server.port) as client:
                    client.flushall()
        await until_made(sandbox, max(40, made(sandbox) + 1))  # they go on after the last loss
        for process in spenders:
            await end(process)

        assert sum(sandbox.traffic.throttled.values()) == 0


def test_what_was_taken_alone_is_no_witness_of_a_loss() -> None:
    own = Recollection()
    own.took("a", WINDOWS, (1, 1), 100.0)
    assert own.last_held(0.0) == "a"
    own.took_alone("b", 110.0)
    assert (own.last_held(0.0), own.last_ended(0.0)) == ("", "")
    own.settled("a", 120.0)
    assert (own.last_ended(0.0), own.last_ended(120.0)) == ("a", "")
    own.settled("b", None)
    own.forget(130.0)
    assert (own.ended, own.held, own.alone) == ({}, {}, set())
