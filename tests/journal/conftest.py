"""The journals that keep the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keebai_async.clock import ManualClock
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.sqlite_tables import SqliteJournal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(params=["memory", "sqlite"])
async def journal(request: pytest.FixtureRequest, path: Path, clock: ManualClock) -> AsyncIterator[Journal]:
    kept: Journal = (
        MemoryJournal(clock=clock) if request.param == "memory" else SqliteJournal(path, clock=clock)
    )
    yield kept
    await kept.aclose()
