"""A quota in PostgreSQL that loses rows, restarts or leaps is told again, and nobody goes over meanwhile."""

import time

import anyio
import anyio.to_thread
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput, QuotaUnusable
from keebai_async.observe.quota_records import QuotaStoreForgot
from keebai_async.quota.gate import Ending
from keebai_async.quota.postgres import PostgresStore
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.stores import open_store
from keebai_async.quota.window import LaneWindow, Quota, Wait
from keebai_async.storage.postgres_address import PostgresAddress, postgres_address
from tests.postgres_server import PostgresServer

QUOTAS = (Quota(3, 60.0), Quota(10, 600.0))
WINDOWS = [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in QUOTAS]
ANSWERED = Word(ending=Ending.ANSWERED, grace=30.0)


@pytest.fixture
def address(postgres: PostgresServer) -> PostgresAddress:
    return postgres_address(postgres.schema())


async def spend(store: PostgresStore, times: int = 1) -> None:
    for _ in range(times):
        place = await store.take(WINDOWS)
        assert isinstance(place, HeldPlace), place
        await store.settle(place, WINDOWS, ANSWERED)


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM {schema}.quota_places",
        "TRUNCATE {schema}.quota_tokens, {schema}.quota_places, {schema}.quota_others",
        "UPDATE {schema}.quota_tokens SET seq = 1",
        "DELETE FROM {schema}.quota_tokens",
    ],
)
async def test_what_is_lost_is_told_again_by_all_who_spent_it(
    postgres: PostgresServer, address: PostgresAddress, loss: str
) -> None:
    told: list[object] = []
    mine = PostgresStore(address, "a", observer=told.append)
    other = PostgresStore(address, "a", observer=told.append)
    await spend(mine, 2)
    await spend(other, 1)

    postgres.do(loss.format(schema=address.schema))

    for store in (mine, other, mine):
        assert isinstance(await store.take(WINDOWS), Wait)
    assert any(isinstance(record, QuotaStoreForgot) for record in told)
    await mine.aclose()
    await other.aclose()


async def test_what_others_may_have_spent_counts_although_they_do_not_come_back(
    postgres: PostgresServer, address: PostgresAddress
) -> None:
    mine, gone = PostgresStore(address, "a"), PostgresStore(address, "a")
    await spend(gone, 2)
    await gone.aclose()
    await spend(mine, 1)

    postgres.do(f"TRUNCATE {address.schema}.quota_tokens, {address.schema}.quota_places")

    assert isinstance(await mine.take(WINDOWS), Wait)
    await mine.aclose()


async def test_a_server_whose_clock_leaps_ahead_forgets_nothing(
    postgres: PostgresServer, address: PostgresAddress
) -> None:
    put_back = 0.0
    store = PostgresStore(address, "a", steady=lambda: time.monotonic() - put_back)
    await spend(store, 3)
    put_back = 1_000.0  # seen from here, that is what a leap of the server's clock looks like
    assert isinstance(await store.take(WINDOWS), Wait)
    ahead = postgres.ask(f"SELECT ahead < -900, leaps FROM {address.schema}.quota_tokens")  # noqa: S608
    assert ahead == [(True, 1)]
    await store.aclose()


async def test_a_server_that_restarts_is_waited_for(
    postgres: PostgresServer, address: PostgresAddress
) -> None:
    store = PostgresStore(address, "a")
    await spend(store, 1)
    postgres.stop()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(spend, store)
        await anyio.to_thread.run_sync(postgres.start)
    assert (await store.spent(WINDOWS))[0] == 2
    await store.aclose()


async def test_a_server_that_crashed_may_have_lost_a_moment_and_then_nobody_goes_over(
    postgres: PostgresServer, address: PostgresAddress
) -> None:
    store = PostgresStore(address, "a")
    await spend(store, 3)
    await anyio.to_thread.run_sync(lambda: postgres.restart(kill=True))
    assert isinstance(await store.take(WINDOWS), Wait)
    await store.aclose()


async def test_a_server_that_stays_away_lets_nothing_leave(
    postgres: PostgresServer, address: PostgresAddress
) -> None:
    store = PostgresStore(address, "a", patience=0.1)
    await spend(store, 1)
    postgres.stop()
    try:
        with pytest.raises(QuotaUnusable, match="cannot be reached"):
            await store.take(WINDOWS)
    finally:
        postgres.start()
    await spend(store, 1)
    assert (await store.spent(WINDOWS))[0] == 2
    await store.aclose()


async def test_what_counts_no_more_is_removed(postgres: PostgresServer, address: PostgresAddress) -> None:
    clock = ManualClock()
    store = PostgresStore(address, "a", clock=clock)
    wide = [LaneWindow(quota=Quota(1_000, 60.0), per=60.0, most=1_000)]

    async def many() -> None:
        for _ in range(64):
            place = await store.take(wide)
            assert isinstance(place, HeldPlace)
            await store.settle(place, wide, ANSWERED)

    await many()
    postgres.do(f"UPDATE {address.schema}.quota_tokens SET ahead = ahead + 4000")  # noqa: S608
    await clock.advance(4_000.0)
    await many()

    count = f"SELECT count(*) FROM {address.schema}.quota_places"  # noqa: S608
    assert postgres.ask(count) == [(64,)]
    assert await store.spent(wide) == (64,)
    await store.aclose()


@pytest.mark.parametrize("url", ["postgresql:", "postgresql://hidden-word@db/x?schema=A"])
def test_an_address_that_cannot_be_one_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        open_store(url, key="k")
    assert "hidden-word" not in str(told.value)
