"""A few rounds of the storm (`python -m tests.crash.storm`): nobody twice, nobody lost."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery
from tests.crash.storm import Tally, storm, telling
from tests.crash.storm_of_machines import StormTally, storm_of_machines
from tests.postgres_server import PostgresServer


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


def test_a_storm_says_how_far_it_is_while_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    tally, told = StormTally(campaigns=7, ended=5), threading.Semaphore(0)
    tally.events.update({"kill": 2, "freeze": 1})

    def so_far() -> str:
        told.release()
        return tally.so_far()

    with telling(so_far, every=0.0):
        assert all(told.acquire() for _ in range(3))

    said = capsys.readouterr().out.splitlines()
    assert len(said) >= 3
    assert said[0].startswith("0 s: 3 events, 2 kills, 5 of 7 campaigns ended, carried on 0 times")


@pytest.mark.timeout(600)  # half a minute on a machine of its own
@pytest.mark.timeout(400)
async def test_machines_that_share_a_journal_message_everybody_once_whatever_strikes(
    postgres: PostgresServer,
) -> None:
    tally = StormTally()

    await storm_of_machines(postgres, events=5, seed=3, people=640, tally=tally)

    assert tally.wrong == []
    assert (tally.twice, tally.lost, tally.accepted_but_not_at_the_server) == (0, 0, 0)
    assert (tally.over_quota, tally.unknown_beyond_the_rule) == (0, 0)
    assert tally.messaged + tally.unknown - tally.unknown_at_the_server == tally.people
