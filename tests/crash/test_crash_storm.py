"""A few rounds of the storm (`python -m tests.crash.storm`): nobody twice, nobody lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery
from tests.crash.storm import Tally, storm


@pytest.fixture(scope="module")
def actors() -> Iterator[Nursery]:
    nursery = Nursery("tests.crash.actor")
    yield nursery
    nursery.close()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_strikes_whole_processes_the_journal_is_the_ledger(
    actors: Nursery, tmp_path: Path, seed: int
) -> None:
    tally = Tally()

    await storm(actors, tmp_path, seed=seed, tally=tally, strikes=4)

    assert tally.wrong == []
    assert (tally.twice, tally.lost, tally.unknown_beyond_the_rule) == (0, 0, 0)
    assert tally.messaged == tally.people - 2, "two numbers are malformed"
    assert tally.strikes.total() == 4
