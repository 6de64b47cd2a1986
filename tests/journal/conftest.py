"""The journals that keep the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keebai_async.clock import ManualClock
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from tests.journal.json_tables import JsonJournal, JsonServer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(params=["memory", "sqlite", "json"])
async def journal(request: pytest.FixtureRequest, path: Path, clock: ManualClock) -> AsyncIterator[Journal]:
    kept = journal_of(request.param, path, clock)
    yield kept
    await kept.aclose()


def journal_of(kind: str, path: Path, clock: ManualClock) -> Journal:
    if kind == "memory":
        return MemoryJournal(clock=clock)
    if kind == "json":
        return JsonJournal(JsonServer(), clock=clock)
    return SqliteJournal(path, clock=clock)
