"""A journal file and a journal in PostgreSQL have the same tables: what one can keep, the other can."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

import psycopg

from keebai_async.journal.postgres_schema import POSTGRES_MIGRATIONS
from keebai_async.journal.schema import MIGRATIONS
from tests.postgres_server import PostgresServer

Column = tuple[str, bool]
"""Its kind, and whether it may be empty."""

KINDS = {
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "bytea": "BLOB",
    "double precision": "REAL",
    "integer": "INTEGER",
    "text": "TEXT",
}
"""What PostgreSQL's kinds of columns are in SQLite."""

ROWID = ("campaigns", "place")
"""In SQLite it is there without a name: the order in which campaigns came."""


def in_sqlite() -> dict[str, dict[str, Column]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in each_of(MIGRATIONS):
            connection.execute(statement)
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: {
                column: (kind, not (filled or key))
                for _, column, kind, filled, _, key in connection.execute(f"PRAGMA table_info({name})")
            }
            for name in names
        }


def in_postgres(address: str) -> dict[str, dict[str, Column]]:
    made: dict[str, dict[str, Column]] = {}
    with psycopg.connect(address) as connection:
        connection.execute("CREATE SCHEMA here")
        connection.execute("SET LOCAL search_path TO here")
        for statement in each_of(POSTGRES_MIGRATIONS):
            connection.execute(statement.encode())
        found = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
        )
        for table, column, kind, empty in found:
            made.setdefault(table, {})[column] = (KINDS[kind], empty == "YES")
        connection.rollback()
    return made


def each_of(migrations: Iterable[Iterable[str]]) -> Iterator[str]:
    return (statement for migration in migrations for statement in migration)


def test_both_have_the_same_tables_with_the_same_columns(postgres: PostgresServer) -> None:
    ours, theirs = in_sqlite(), in_postgres(postgres.address)

    table, column = ROWID
    assert column not in ours[table]
    assert theirs[table].pop(column) == ("INTEGER", False)
    assert theirs == ours
