"""The journals that keep the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keebai_async.clock import ManualClock
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.postgres_tables import PostgresJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.storage.postgres_address import postgres_address
from tests.journal.json_tables import JsonJournal, JsonServer
from tests.postgres_server import PostgresServer


@pytest.fixture
def clock() -> ManualClock:
    """Time that stands still until a test turns it."""
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(params=["memory", "sqlite", "json", "postgres"])
async def journal(request: pytest.FixtureRequest, path: Path, clock: ManualClock) -> AsyncIterator[Journal]:
    kept: Journal
    if request.param == "memory":
        kept = MemoryJournal(clock=clock)
    elif request.param == "json":
        kept = JsonJournal(JsonServer(), clock=clock)
    elif request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        kept = PostgresJournal(postgres_address(server.schema()), clock=clock)
    else:
        kept = SqliteJournal(path, clock=clock)
    yield kept
    await kept.aclose()
