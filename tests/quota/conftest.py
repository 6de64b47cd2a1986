"""The stores that a contract is held against."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from keebai_async.clock import ManualClock
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.postgres import PostgresStore
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import Store
from keebai_async.storage.postgres_address import postgres_address
from tests.postgres_server import PostgresServer
from tests.quota.benches import LONGEST, Bench, RedisServer, turn_back


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs redis-server: install it, or the quota in Redis is not tested")
        pytest.skip("no redis-server on this machine: the quota in Redis is not tested here")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def clock() -> ManualClock:
    """Time that stands still until a test turns it."""
    return ManualClock(0.0)


@pytest.fixture(params=["memory", "sqlite", "redis", "postgres"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    made: list[Store] = []
    clock = ManualClock(0.0)
    memories: dict[str, Store] = {}

    def opened(store: Store) -> Store:
        made.append(store)
        return store

    if request.param == "memory":
        yield Bench(
            kind="memory",
            open=lambda key: memories.setdefault(key, MemoryStore(clock)),
            advance=clock.advance,
        )
    elif request.param == "sqlite":
        path = tmp_path / "quota.db"
        yield Bench(
            kind="sqlite",
            open=lambda key: opened(SqliteStore(path, key, clock=clock, longest=LONGEST)),
            advance=clock.advance,
        )
    elif request.param == "postgres":
        database: PostgresServer = request.getfixturevalue("postgres")
        address = postgres_address(database.schema())

        async def pass_by(seconds: float) -> None:
            """The server's clock cannot be turned on, so what is added to it is."""
            await clock.advance(seconds)
            database.do(f"UPDATE {address.schema}.quota_tokens SET ahead = ahead + {seconds}")  # noqa: S608

        first = opened(PostgresStore(address, "", clock=clock))
        await first.limits()  # so that the tables are there
        yield Bench(
            kind="postgres",
            open=lambda key: opened(PostgresStore(address, key, clock=clock, longest=LONGEST)),
            advance=pass_by,
        )
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        run = uuid.uuid4().hex

        async def advance(seconds: float) -> None:
            await clock.advance(seconds)
            turn_back(server, run, seconds)

        yield Bench(
            kind="redis",
            open=lambda key: opened(RedisStore(server.url, run + key, clock=clock, longest=LONGEST)),
            advance=advance,
        )
    for store in made:
        await store.aclose()
