"""How long a server was there for those who are silent: added up over its starts."""

from keebai_async.journal.postgres_tables import PostgresTablesDatabase
from keebai_async.storage.postgres_address import postgres_address
from keebai_async.storage.process import Process
from keebai_async.storage.server_life import ServerLife

ELSEWHERE = Process(pid=7, born="x", host="other", place="another machine", user="ana")


def test_a_server_that_nobody_has_seen_was_never_there() -> None:
    assert ServerLife().ran_for(60.0) == 0.0


def test_a_server_was_there_since_its_start() -> None:
    life = ServerLife()
    life.seen(1_000.0, up=2.0)
    life.seen(1_005.0, up=7.0)

    assert life.ran_for(60.0) == 7.0
    assert life.ran_for(4.0) == 4.0


def test_the_seconds_before_a_restart_count_until_it_was_last_seen() -> None:
    life = ServerLife()
    life.seen(1_000.0, up=100.0)
    life.seen(1_004.0, up=1.5)

    assert life.ran_for(6.0) == 2.0 + 1.5
    assert life.ran_for(3.0) == 1.5


def test_of_thousands_of_starts_the_last_ones_are_remembered() -> None:
    life = ServerLife()
    for start in range(5_000):
        life.seen(start * 10.0 + 1.0, up=1.0)

    assert life.ran_for(1_000_000.0) == 20.0
    assert life.ran_for(40.0) == 4.0


def test_a_server_that_starts_again_and_again_keeps_no_campaign_of_the_dead_back() -> None:
    """Before, each start gave everybody three seconds more."""
    database = PostgresTablesDatabase(postgres_address("postgresql://db/shop"))

    def lives(at: float, *, up: float) -> bool:
        """Whether somebody who was last heard at 0 s counts as running."""
        database._life.seen(1_000.0 + at, up=up)
        return database.alive(ELSEWHERE, silent_for=at, lasts=6.0)

    assert lives(2.0, up=500.0)
    assert lives(4.0, up=0.5)
    assert lives(5.9, up=2.4)
    assert not lives(7.0, up=0.2), "2 s, 2.4 s and 0.2 s it could say that it lives"


def test_who_had_no_server_to_speak_to_has_three_seconds_to_do_so() -> None:
    database = PostgresTablesDatabase(postgres_address("postgresql://db/shop"))
    database._life.seen(1_000.0, up=500.0)
    database._life.seen(1_060.0, up=2.9)
    assert database.alive(ELSEWHERE, silent_for=60.0, lasts=6.0)

    database._life.seen(1_060.2, up=3.1)
    assert not database.alive(ELSEWHERE, silent_for=60.2, lasts=6.0)
