"""The rows of a query, from a database that is named by its address: read-only, and some at a time.

A query may give ten million rows, so none of these holds them all: PostgreSQL keeps them in a cursor of its
own, SQLite and DuckDB make them as they are asked for, and SQLAlchemy is asked to stream. Nothing is written:
where a database can be opened to be read alone it is, and what cannot promise that is rolled back.

An address may hold a password. Drivers repeat what they were given in what they say, so it is taken out of
every text that leaves here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from keebai_async.errors import UnusableSource
from keebai_async.sources.header import check_once, visible
from keebai_async.storage.postgres_address import SCHEMES, postgres_address

QUERY: Final = "the query"
"""What it is called to people."""

_QUERIED_AT_ONCE: Final = 2_000
"""Rows that a server gives at a time."""
_URL_OF_SQLALCHEMY: Final = re.compile(r"[a-z0-9_]+(\+[a-z0-9_]+)?://.*", re.IGNORECASE | re.DOTALL)

QueriedRows = Iterator[dict[str, object]]


class QueryRows:
    """The rows of a query at an address, from the first whenever they are asked for. See `rows_of_query`."""

    def __init__(self, url: str, query: str) -> None:
        self._url = url
        self._query = query

    def __iter__(self) -> QueriedRows:
        return rows_of_query(self._url, self._query)


def rows_of_query(url: str, query: str) -> QueriedRows:
    """The rows that *query* gives at the database of *url*, as dicts by the names of its columns.

    *url* is `postgresql://...`, `sqlite:FILE`, `duckdb:FILE`, or one of SQLAlchemy. The database is opened
    when the first row is asked for, in the thread that asks, and closed at the end.

    Raises, while it is read:
        UnusableSource: no such database or driver, what the database says of the query, or two columns of
            one name. No text has the password of *url*.
    """
    scheme = url.partition(":")[0].lower()
    if scheme in SCHEMES:
        rows: Callable[[str, str], QueriedRows] = _of_postgres
    elif scheme == "sqlite":
        rows = _of_sqlite
    elif scheme == "duckdb":
        rows = _of_duckdb
    elif _URL_OF_SQLALCHEMY.fullmatch(url):
        rows = _of_sqlalchemy
    else:
        raise UnusableSource(
            "a database is named as postgresql://USER@HOST/DATABASE, sqlite:FILE, duckdb:FILE, or as"
            " SQLAlchemy names it",
            field="from",
        )
    return _without_password(rows(url, query), url)


def _without_password(rows: QueriedRows, url: str) -> QueriedRows:
    try:
        yield from rows
    except UnusableSource as error:
        words = f"{error}".replace(url, "the database")
        for secret in sorted(_secrets(url), key=len, reverse=True):
            words = words.replace(secret, "***")
        # Not from what the driver raised: that repeats the address, too.
        raise UnusableSource(words, field=error.field) from None


def _secrets(url: str) -> set[str]:
    """The password in an address, as it is written and as it is meant."""
    written = re.findall(r"//[^/@]*?:([^@]*)@", url) + re.findall(r"[?&]password=([^&]*)", url)
    return {each for one in written for each in (one, unquote(one)) if each}


def _of_postgres(url: str, query: str) -> QueriedRows:
    try:
        import psycopg
    except ImportError as error:
        raise UnusableSource("PostgreSQL needs the extra postgres: keebai-async[postgres]") from error
    try:
        address = postgres_address(url)
    except ValueError as error:
        raise UnusableSource(f"{error}") from error
    try:
        # For every transaction: a query that ends ours does not begin one that may write.
        with psycopg.connect(address.server, options=_read_only(url)) as connection:
            connection.read_only = True
            with connection.cursor("keebai_list") as cursor:
                cursor.itersize = _QUERIED_AT_ONCE
                cursor.execute(query.rstrip().removesuffix(";").encode())
                names = _names_of(cursor.description)
                for row in cursor:
                    yield dict(zip(names, row, strict=True))
    except psycopg.Error as error:
        raise _told(address.shown, error) from error


def _read_only(url: str) -> str:
    given = re.search(r"[?&]options=([^&]*)", url)
    return f"{'' if given is None else unquote(given[1])} -c default_transaction_read_only=on".strip()


def _of_sqlite(url: str, query: str) -> QueriedRows:
    import sqlite3  # not for the help of every command

    path = _path_of(url)
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA query_only = 1")
            cursor = connection.execute(query)
            names = _names_of(cursor.description)
            for row in cursor:
                yield dict(zip(names, row, strict=True))
    except sqlite3.Error as error:
        raise _told(path, error) from error


def _of_duckdb(url: str, query: str) -> QueriedRows:
    try:
        import duckdb
    except ImportError as error:
        raise UnusableSource("to read from DuckDB, install it: pip install duckdb") from error
    path = _path_of(url)
    try:
        with closing(duckdb.connect(path, read_only=True)) as connection:
            found = connection.execute(query)
            names = _names_of(found.description)
            while rows := found.fetchmany(_QUERIED_AT_ONCE):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
    except duckdb.Error as error:
        raise _told(path, error) from error


def _of_sqlalchemy(url: str, query: str) -> QueriedRows:
    try:
        import sqlalchemy as sa
        from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
    except ImportError as error:
        raise UnusableSource(
            "to read from this database, install SQLAlchemy and its driver: pip install sqlalchemy"
        ) from error
    try:
        engine = sa.create_engine(url, hide_parameters=True)
        try:
            with engine.connect().execution_options(
                stream_results=True, yield_per=_QUERIED_AT_ONCE
            ) as connection:
                found = connection.exec_driver_sql(query)
                if not found.returns_rows:
                    raise UnusableSource(f"{QUERY} gives no rows: it is to be a SELECT")
                names = _checked(list(found.keys()))
                for row in found:
                    yield dict(zip(names, row, strict=True))
                connection.rollback()
        finally:
            engine.dispose()
    except NoSuchModuleError as error:
        words = f"no kind of database {urlsplit(url).scheme} is known here: check how it is named"
        raise UnusableSource(words, field="from") from error
    except (SQLAlchemyError, ImportError) as error:  # a driver that is not there is an ImportError
        raise _told(urlsplit(url).scheme, getattr(error, "orig", None) or error) from error


def _names_of(description: Sequence[Sequence[object]] | None) -> list[str]:
    if description is None:
        raise UnusableSource(f"{QUERY} gives no rows: it is to be a SELECT")
    return _checked([str(column[0]) for column in description])


def _checked(names: Sequence[str]) -> list[str]:
    seen = list(map(visible, names))
    check_once(seen, QUERY)
    return seen


def _path_of(url: str) -> str:
    """`sqlite:people.db`, or as SQLAlchemy writes it: `sqlite:///people.db`, `sqlite:////home/ana/people.db`."""
    path = url.partition(":")[2]
    return path.removeprefix("///") if path.startswith("///") else path


def _told(where: str, error: BaseException) -> UnusableSource:
    """What a database says, in one line."""
    lines = [line.strip() for line in f"{error}".splitlines()]
    said = next(filter(None, lines), type(error).__name__)
    return UnusableSource(f"{where}: {said}")
