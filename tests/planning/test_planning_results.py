"""Results of databases and tables of Arrow are people, in whatever way a program has them."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import duckdb
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from keebai_async.errors import UnusableSource
from tests.planning.made import planned
from tests.postgres_server import PostgresServer

PEOPLE = 1_000
QUERY = "SELECT '+54911' || (50000000 + i) AS \"to\", 'Ana' AS nombre, i AS saldo FROM {numbers}"
IN_DUCKDB = QUERY.format(numbers=f"range({PEOPLE}) t(i)")
IN_POSTGRES = QUERY.format(numbers=f"generate_series(0, {PEOPLE - 1}) AS t(i)")
IN_SQLITE = (
    f"WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < {PEOPLE - 1}) "  # noqa: S608
    + QUERY.format(numbers="t")
)


async def check(people: object) -> None:
    made = await planned(people)  # type: ignore[arg-type]
    assert made.plan.ready == PEOPLE
    assert made.people[7]["to"] == "+5491150000007"
    assert made.people[7]["variables"] == {"nombre": "Ana", "saldo": "7"}


async def test_a_relation_of_duckdb() -> None:
    await check(duckdb.sql(IN_DUCKDB))


async def test_a_query_of_duckdb() -> None:
    await check(duckdb.connect().execute(IN_DUCKDB))


def table() -> "pa.Table":  # type: ignore[no-any-unimported]
    return pa.table(
        {
            "to": [f"+54911{50_000_000 + n}" for n in range(PEOPLE)],
            "nombre": ["Ana"] * PEOPLE,
            "saldo": list(range(PEOPLE)),
        }
    )


async def test_a_table_of_arrow() -> None:
    await check(table())


async def test_a_reader_of_arrow() -> None:
    await check(table().to_reader(max_chunksize=7))


async def test_a_cursor_of_sqlite() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        await check(connection.execute(IN_SQLITE))


async def test_a_cursor_of_psycopg(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address) as connection:
        await check(connection.execute(IN_POSTGRES))


async def test_a_cursor_of_psycopg_that_gives_dicts(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address, row_factory=psycopg.rows.dict_row) as connection:
        await check(connection.execute(IN_POSTGRES))


async def test_an_asynchronous_cursor_of_psycopg(postgres: PostgresServer) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.address) as connection:
        await check(await connection.execute(IN_POSTGRES))


async def test_a_result_of_sqlalchemy_with_sqlite_in_its_own_thread() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        await check(connection.execute(sa.text(IN_SQLITE)))


async def test_a_result_of_sqlalchemy(postgres: PostgresServer) -> None:
    engine = sa.create_engine(with_psycopg(postgres))
    with engine.connect() as connection:
        await check(connection.execute(sa.text(IN_POSTGRES)))
    engine.dispose()


async def test_an_asynchronous_stream_of_sqlalchemy(postgres: PostgresServer) -> None:
    engine = create_async_engine(with_psycopg(postgres))
    async with engine.connect() as connection:
        await check(await connection.stream(sa.text(IN_POSTGRES)))
    await engine.dispose()


def with_psycopg(postgres: PostgresServer) -> str:
    return postgres.address.replace("postgresql://", "postgresql+psycopg://", 1)


async def test_rows_of_sqlalchemy_and_psycopg_that_are_named_tuples(postgres: PostgresServer) -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        await check(connection.execute(sa.text(IN_SQLITE)).all())
    with psycopg.connect(postgres.address, row_factory=psycopg.rows.namedtuple_row) as connection:
        await check(connection.execute(IN_POSTGRES).fetchall())


async def test_tuples_of_psycopg_with_the_names_of_their_columns(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address) as connection:
        rows = connection.execute(IN_POSTGRES).fetchall()
    made = await planned(rows, columns=["to", "nombre", "saldo"])
    assert made.plan.ready == PEOPLE


async def test_a_server_side_cursor_of_psycopg(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address) as connection, connection.cursor("people") as cursor:
        await check(cursor.execute(IN_POSTGRES))


async def test_records_of_asyncpg_and_a_cursor_of_it(postgres: PostgresServer) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    connection = await asyncpg.connect(postgres.address)
    try:
        await check(await connection.fetch(IN_POSTGRES))
        async with connection.transaction():
            await check(connection.cursor(IN_POSTGRES))
    finally:
        await connection.close()


async def test_a_cursor_of_aiosqlite() -> None:
    aiosqlite = pytest.importorskip("aiosqlite")
    async with aiosqlite.connect(":memory:") as connection, connection.execute(IN_SQLITE) as cursor:
        await check(cursor)


async def test_a_frame_of_polars() -> None:
    polars = pytest.importorskip("polars")
    await check(polars.from_arrow(table()))


async def test_a_frame_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    head = table().to_pydict()
    await check(pandas.DataFrame(head))


async def test_rows_of_sqlalchemy_in_a_list() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        await check(connection.execute(sa.text(IN_SQLITE)).mappings().all())


async def test_two_columns_of_one_name_are_an_error() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(UnusableSource, match="to"):
        await planned(connection.execute('SELECT 1 AS "to", 2 AS "to"'))
    with pytest.raises(UnusableSource, match="to"):
        await planned(pa.table([["+5491150000001"], ["x"]], names=["to", "to"]))


async def test_generators_of_dicts_are_as_they_were() -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield from ({"to": f"+54911{50_000_000 + n}", "nombre": "Ana", "saldo": n} for n in range(PEOPLE))

    async def later() -> AsyncIterator[dict[str, object]]:
        for row in rows():
            yield row

    await check(rows())
    await check(later())
