"""A sandbox, a journal in a file and a client, on time that runs by itself."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from keebai_async import Keebai
from keebai_async.clock import ManualClock
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.sandbox import Sandbox
from tests.crash.nursery import Nursery
from tests.supervisor.kit import client


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def journal(clock: ManualClock, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "k.db", clock=clock)
    yield journal
    await journal.aclose()


@pytest.fixture
async def keebai(sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal) -> AsyncIterator[Keebai]:
    async with client(sandbox, clock, journal) as keebai:
        yield keebai


@pytest.fixture(scope="session")
def nurseries() -> Iterator[tuple[Nursery, Nursery]]:
    """Two processes, each of which forks one that supervises at a time."""
    first, second = Nursery("tests.supervisor.worker"), Nursery("tests.supervisor.worker")
    yield first, second
    first.close()
    second.close()
