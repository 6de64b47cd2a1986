"""One process that forks the others, for all tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(autouse=True)
def nothing_arrives_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look into the ledger shows everything: the sandbox has answered, or cut, each request by then."""
    monkeypatch.setattr("keebai_async.model.lost._MAY_STILL_ARRIVE", {})
    monkeypatch.setattr("keebai_async.model.lost.LATE_ARRIVAL", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"
