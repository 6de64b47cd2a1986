"""The rows of a query at an address: read and nothing else, some at a time, its password in no text."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from keebai_async.errors import UnusableSource
from keebai_async.sources.query import QueryRows, rows_of_query
from tests.planning.made import planned
from tests.planning.test_planning_results import IN_DUCKDB, IN_POSTGRES, IN_SQLITE, PEOPLE, check
from tests.postgres_server import PostgresServer

PEOPLE_TABLE = "CREATE TABLE people AS SELECT '+5491150000000' AS \"to\", 'Ana' AS nombre, 0 AS saldo"
SECRET = "s3cret%40word"


@pytest.fixture
def file_of_sqlite(tmp_path: Path) -> Path:
    path = tmp_path / "some people.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(PEOPLE_TABLE)
    return path


@pytest.fixture
def file_of_duckdb(tmp_path: Path) -> Path:
    path = tmp_path / "people.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(PEOPLE_TABLE)
    return path


async def test_people_from_postgresql(postgres: PostgresServer) -> None:
    await check(QueryRows(postgres.address, f"{IN_POSTGRES};\n"))


async def test_people_from_sqlite(file_of_sqlite: Path) -> None:
    await check(QueryRows(f"sqlite:{file_of_sqlite}", IN_SQLITE))
    await check(QueryRows(f"sqlite:///{file_of_sqlite}", IN_SQLITE))


async def test_people_from_duckdb(file_of_duckdb: Path) -> None:
    await check(QueryRows(f"duckdb:{file_of_duckdb}", IN_DUCKDB))


async def test_people_from_any_database_of_sqlalchemy(postgres: PostgresServer) -> None:
    url = postgres.address.replace("postgresql://", "postgresql+psycopg://", 1)
    await check(QueryRows(url, IN_POSTGRES))


async def test_a_plan_of_a_query_says_so(file_of_sqlite: Path) -> None:
    made = await planned(QueryRows(f"sqlite:{file_of_sqlite}", "SELECT * FROM people"))

    assert (made.plan.source, made.plan.first_row, made.plan.last_row) == ("the query", 1, 1)


def test_a_query_of_millions_of_rows_is_read_some_at_a_time(postgres: PostgresServer) -> None:
    endless = 'SELECT generate_series(1, 2000000000) AS "to"'

    rows = rows_of_query(postgres.address, endless)
    first = list(islice(rows, 3))
    assert isinstance(rows, Iterator)
    rows.close()  # type: ignore[attr-defined]  # it is a generator

    assert first == [{"to": 1}, {"to": 2}, {"to": 3}]
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keebai-async'"
    while postgres.ask(ours) != [
        (0,)
    ]:  # the server ends the process of a connection a moment after it is closed
        time.sleep(0.01)


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM kept RETURNING 1) SELECT * FROM gone",
        "DELETE FROM kept",
        "SELECT 1; COMMIT; DELETE FROM kept",
        "SELECT 1; COMMIT; BEGIN; DELETE FROM kept; COMMIT",
        "SELECT nextval('numbers')",
    ],
)
def test_nothing_is_written_to_postgresql(postgres: PostgresServer, query: str) -> None:
    postgres.do(
        "DROP TABLE IF EXISTS kept",
        "DROP SEQUENCE IF EXISTS numbers",
        "CREATE TABLE kept AS SELECT 1",
        "CREATE SEQUENCE numbers",
    )

    with pytest.raises(UnusableSource):
        list(rows_of_query(postgres.address, query))

    assert postgres.ask("SELECT count(*) FROM kept") == [(1,)]


@pytest.mark.parametrize(
    "query", ["DELETE FROM kept", "DELETE FROM kept RETURNING 1", "WITH gone AS (DELETE FROM kept) SELECT 1"]
)
def test_what_a_query_writes_through_sqlalchemy_is_rolled_back(postgres: PostgresServer, query: str) -> None:
    postgres.do("DROP TABLE IF EXISTS kept", "CREATE TABLE kept AS SELECT 1")
    url = postgres.address.replace("postgresql://", "postgresql+psycopg://", 1)

    with suppress(UnusableSource):
        list(rows_of_query(url, query))

    assert postgres.ask("SELECT count(*) FROM kept") == [(1,)]


@pytest.mark.parametrize(
    "query", ["DELETE FROM people", "CREATE TABLE other (x)", "SELECT 1; DELETE FROM people"]
)
def test_nothing_is_written_to_sqlite_or_duckdb(
    file_of_sqlite: Path, file_of_duckdb: Path, query: str
) -> None:
    for url in (f"sqlite:{file_of_sqlite}", f"duckdb:{file_of_duckdb}"):
        with pytest.raises(UnusableSource):
            list(rows_of_query(url, query))
        assert len(list(rows_of_query(url, "SELECT * FROM people"))) == 1


def test_no_text_has_the_password(postgres: PostgresServer) -> None:
    with_password = postgres.address.replace("keebai@", f"nobody:{SECRET}@")
    urls = [
        with_password,
        with_password.replace("postgresql:", "postgresql+psycopg:"),
        f"postgresql://nobody@127.0.0.1:{postgres.port}/nowhere?password={SECRET}",
        f"postgresql://nobody:{SECRET}@[::1/broken",
        f"mysql+nodriver://nobody:{SECRET}@127.0.0.1/db",
        f"oracle://nobody:{SECRET}@127.0.0.1/db",
        f"nothing:{SECRET}",
        f"what://nobody:{SECRET}@127.0.0.1/db",
    ]
    for url in urls:
        with pytest.raises(UnusableSource) as caught:
            list(rows_of_query(url, "SELECT * FROM nowhere"))
        told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value}"
        assert SECRET not in told
        assert "s3cret@word" not in told
        assert "\n" not in f"{caught.value}"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEC 1", "syntax error"),
        ('SELECT 1 AS "to", 2 AS "to"', "to"),
        ("", "gives no rows"),
    ],
)
def test_what_is_wrong_with_a_query_is_one_line(file_of_sqlite: Path, query: str, words: str) -> None:
    with pytest.raises(UnusableSource, match=words):
        list(rows_of_query(f"sqlite:{file_of_sqlite}", query))


def test_a_database_that_is_not_there_is_one_line_and_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"

    with pytest.raises(UnusableSource, match=f"{missing}: unable to open database file"):
        list(rows_of_query(f"sqlite:{missing}", "SELECT 1"))
    with pytest.raises(UnusableSource, match="missing"):
        list(rows_of_query(f"duckdb:{missing}", "SELECT 1"))
    with pytest.raises(UnusableSource, match="a database is named as"):
        list(rows_of_query("people.csv", "SELECT 1"))

    assert not missing.exists()


async def test_a_query_is_read_in_one_thread_that_is_not_the_loop_s(file_of_sqlite: Path) -> None:
    threads: set[int] = set()

    class Watched(QueryRows):
        def __iter__(self) -> Iterator[dict[str, object]]:
            for row in super().__iter__():
                threads.add(threading.get_ident())
                yield row

    made = await planned(Watched(f"sqlite:{file_of_sqlite}", IN_SQLITE))

    assert made.plan.ready == PEOPLE
    assert len(threads) == 1
    assert threading.get_ident() not in threads
