"""One PostgreSQL database: a connection that is made again when it breaks, and whole transactions on it.

Made for servers that restart and for poolers that lend a connection for one transaction (PgBouncer): nothing
of a session is used, so no prepared statements, no SET beyond a transaction, no LISTEN, no session locks.

The hard part is a connection that breaks while it commits: nobody knows whether the transaction was written.
To make it again may write it twice, not to make it again may lose it, and to look for it is no use while the
server may still be at it. So each transaction that must be known for certain enters a mark of its own, a
random word, with its commit. When in doubt we enter the same mark ourselves: if that succeeds, the
transaction in doubt was not written, and never will be, because its own mark is taken; if the mark is there,
it was written, as a whole.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
import psycopg
from psycopg.pq import TransactionStatus

from keebai_async.errors import KeebaiError
from keebai_async.storage.postgres_address import PostgresAddress
from keebai_async.storage.safety import Damaged, Safe

T = TypeVar("T")

SqlRow = tuple[object, ...]
Connection = psycopg.Connection[SqlRow]

PATIENCE: Final = 20.0
"""Seconds for which one transaction is tried again while its server is away, or another one is in its way."""

_FEWEST_TRIES: Final = 3
"""However long it took: a process that was frozen comes to the end of its patience at once."""

_SHORTEST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5

_KEPT_MARKS: Final = "1 day"
_MARKS_SWEPT_EVERY: Final = 2_000

_BEGIN_ALL: Final = (
    "SET LOCAL search_path TO {schema};"
    # Who is frozen in the middle of a transaction keeps its locks for so long.
    "SET LOCAL idle_in_transaction_session_timeout = '4s';"
    "SET LOCAL lock_timeout = '3s';"
    "SET LOCAL statement_timeout = '15s';"
    "SELECT extract(epoch FROM now())::float8,"
    " extract(epoch FROM now() - pg_postmaster_start_time())::float8,"
    " set_config('synchronous_commit', {commit}, true)"
)
_ON_DISK: Final = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END"
)

_IN_EACH_OTHERS_WAY: Final = frozenset({"40001", "40P01", "55P03", "57014"})
"""Two that cannot be put in an order, a deadlock, a lock or a statement that took too long."""
_FULL: Final = frozenset({"53100", "53200", "53400"})
_OUT_OF_DATE: Final = frozenset({"42P01", "3F000", "42703"})

_ADVICE_BY_STATE: Final = {
    "28P01": "the password is wrong: look at its address",
    "28000": "this user may not come in: look at its address, and at pg_hba.conf",
    "3D000": "there is no such database: make it first (createdb), or look at the address",
    "42501": "this user may not do that: see what rights are needed in docs/postgres.md",
    "53100": "its disk is full: free some space, then go on",
}


class PostgresUse(msgspec.Struct, frozen=True, kw_only=True):
    """What tables are for: their names, how they came about, and the errors of who keeps something in them.

    *migrations* lead from version n of the tables called *part* to n + 1, each a few statements.
    """

    name: str
    """As in "the journal", before its address."""
    part: str
    error: Callable[[str], KeebaiError]
    """What every failure becomes that waiting does not end."""
    passing: Callable[[str], KeebaiError]
    """What those become that may be over in a while."""
    migrations: tuple[Sequence[str], ...]


class Moment(msgspec.Struct, frozen=True):
    """When a transaction began, on the server's clock, in Unix time, and how long its server ran by then.

    *last* are statements without parameters that are sent along with the commit, which saves their way.
    """

    now: float
    up: float
    last: list[str] = msgspec.field(default_factory=list)


Work = Callable[[Connection, Moment], T]


class _InDoubt(Exception):
    """The connection broke while it committed."""


class PostgresDatabase:
    """Used from one thread, one call at a time. The connection is made with the first of them.

    *isolation* is SQL's; *patience* is in seconds of real time.
    """

    def __init__(
        self,
        address: PostgresAddress,
        use: PostgresUse,
        *,
        isolation: str = "SERIALIZABLE",
        patience: float = PATIENCE,
    ) -> None:
        self._address = address
        self._use = use
        self._isolation = isolation
        self._patience = patience
        self._connection: Connection | None = None
        self._ready = False
        self._marks = 0

    def write(self, work: Work[T], *, safe: Safe = Safe.FROM_POWER_CUTS, certain: bool = True) -> T:
        """One transaction, written as a whole or not at all. *work* may be called more than once.

        Without *certain* it may have been written twice, if its commit was in doubt.
        """
        end = time.monotonic() + self._patience
        begin = self._begin(f"BEGIN ISOLATION LEVEL {self._isolation}", durable=safe is not Safe.FROM_KILLS)

        def once() -> T:
            mark = secrets.token_hex(12) if certain else ""
            connection, moment = self._begun(begin)
            given = work(connection, moment)
            try:
                self._commit(connection, mark, moment.last)
            except _InDoubt as doubt:
                if not certain or not self._patiently(lambda: self._was_written(mark), end):
                    raise _Again from doubt
            return given

        return self._patiently(once, end)

    def read(self, work: Work[T]) -> T:
        """One look, in which everything belongs to the same instant."""
        begin = self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", durable=False)

        def once() -> T:
            connection, moment = self._begun(begin)
            given = work(connection, moment)
            connection.execute("COMMIT")
            return given

        return self._patiently(once, time.monotonic() + self._patience)

    def vacuum(self, *tables: str) -> None:
        """Give up what was deleted, as far as nobody looks at it any more and this user may do that."""
        names = ", ".join(f"{self._address.schema}.{table}" for table in tables)

        def once() -> None:
            self._connected().execute(f"VACUUM (SKIP_LOCKED) {names}".encode())

        self._patiently(once, time.monotonic() + self._patience)

    def close(self) -> None:
        """Let go of the connection. The next use makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _begin(self, begin: str, *, durable: bool) -> bytes:
        rest = _BEGIN_ALL.format(schema=self._address.schema, commit=_ON_DISK if durable else "'off'")
        return f"{begin};{rest}".encode()

    def _begun(self, begin: bytes) -> tuple[Connection, Moment]:
        connection = self._connected()
        row = _last_row(connection.execute(begin))
        return connection, Moment(*msgspec.convert(row[:2], tuple[float, float]))

    def _commit(self, connection: Connection, mark: str, last: Sequence[str]) -> None:
        mark_it = [f"INSERT INTO commits (mark) VALUES ('{mark}')"] if mark else []  # noqa: S608 - ours
        try:
            connection.execute("; ".join([*last, *mark_it, "COMMIT"]).encode())
        except psycopg.Error as error:
            if _broken(connection):
                raise _InDoubt from error
            raise
        self._marks += bool(mark)
        if self._marks >= _MARKS_SWEPT_EVERY:
            self._marks = 0
            self._sweep_marks()

    def _was_written(self, mark: str) -> bool:
        """Whether the transaction with *mark* was written; if not, it never will be."""
        connection = self._connected()
        table = f"{self._address.schema}.commits"
        mark_it = f"INSERT INTO {table} (mark) VALUES ('{mark}') ON CONFLICT DO NOTHING RETURNING 1"  # noqa: S608
        return connection.execute(mark_it.encode()).fetchone() is None

    def _sweep_marks(self) -> None:
        table = f"{self._address.schema}.commits"
        old = f"DELETE FROM {table} WHERE at < now() - interval '{_KEPT_MARKS}'"  # noqa: S608 - ours
        with suppress(psycopg.Error):  # another time
            self._connected().execute(old.encode())

    def _patiently(self, once: Callable[[], T], end: float) -> T:
        """Do *once* until it can be done, with pauses, for as long as there is patience left."""
        pause, tries = _SHORTEST_PAUSE, 0
        while True:
            tries += 1
            try:
                return once()
            except _Again as error:
                if time.monotonic() >= end and tries >= _FEWEST_TRIES:
                    raise self._use.passing(
                        f"{self._use.name} {self._address.shown}: its connection breaks again and again"
                    ) from error
            except psycopg.Error as error:
                self._let_go()
                if not _passes(error) or (time.monotonic() >= end and tries >= _FEWEST_TRIES):
                    raise self._failed(error) from error
                if error.sqlstate not in _IN_EACH_OTHERS_WAY:
                    self.close()
            except BaseException:
                self._let_go()
                raise
            time.sleep(pause * (0.5 + secrets.randbelow(1_000) / 1_000))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _let_go(self) -> None:
        """End what is left of a transaction; a connection that cannot do that is of no use any more."""
        connection = self._connection
        if connection is None:
            return
        if not _broken(connection) and connection.info.transaction_status is not TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
        if _broken(connection) or connection.info.transaction_status is not TransactionStatus.IDLE:
            self.close()

    def _failed(self, error: psycopg.Error) -> KeebaiError:
        code = error.sqlstate or ""
        if isinstance(error, psycopg.errors.IntegrityError):
            raise Damaged(f"a row does not belong where it should go ({_words(error)})") from error
        if code in _OUT_OF_DATE:
            advice = "its tables are not there any more, or not those of this version"
        elif code in _IN_EACH_OTHERS_WAY:
            advice = "others are in its way: let their work end, and try again"
        else:
            away = "it cannot be reached: is the server running, and is its address right?"
            advice = _ADVICE_BY_STATE.get(
                code, away if isinstance(error, psycopg.OperationalError) else "it fails"
            )
        make = self._use.passing if _passes(error) or code in _FULL else self._use.error
        return make(f"{self._use.name} {self._address.shown}: {advice} ({_words(error)})")

    # The connection, and the tables at its other end

    def _connected(self) -> Connection:
        connection = self._connection
        if connection is not None and _broken(connection):
            self.close()
            connection = None
        if connection is None:
            connection = psycopg.connect(
                self._address.server, autocommit=True, prepare_threshold=None, client_encoding="utf8"
            )
            self._connection = connection
        if not self._ready:
            self._prepare(connection)
            self._ready = True
        return connection

    def _prepare(self, connection: Connection) -> None:
        """See whether the tables are there, and make them or bring them up to date.

        Who may not make tables is let in, too, if somebody else has made them.
        """
        if self._version(connection) == len(self._use.migrations):
            return
        schema = self._address.schema
        encoding = connection.execute("SHOW server_encoding").fetchone()
        if encoding != ("UTF8",):
            raise self._use.error(
                f"{self._use.name} {self._address.shown}: its encoding is not UTF8: choose another database"
            )
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        # One process at a time; the lock ends with the transaction.
        connection.execute(f"SELECT pg_advisory_xact_lock(hashtextextended('keebai:{schema}', 0))".encode())
        version = self._version(connection)
        if version is None:
            if connection.execute(f"SELECT to_regnamespace('{schema}')".encode()).fetchone() == (None,):
                connection.execute(f"CREATE SCHEMA {schema}".encode())
            connection.execute(f"SET LOCAL search_path TO {schema}".encode())
            for common in _COMMON:
                connection.execute(common)
        connection.execute(f"SET LOCAL search_path TO {schema}".encode())
        for migration in self._use.migrations[version or 0 :]:
            for statement in migration:
                connection.execute(statement.encode())
        connection.execute(
            "INSERT INTO versions (part, version) VALUES (%s, %s)"
            " ON CONFLICT (part) DO UPDATE SET version = excluded.version",
            (self._use.part, len(self._use.migrations)),
        )
        connection.execute("COMMIT")

    def _version(self, connection: Connection) -> int | None:
        """The version of the tables of this part; None if there is nothing of ours at all."""
        schema, newest = self._address.schema, len(self._use.migrations)
        there = connection.execute(
            "SELECT (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = n.oid AND relkind = 'r'),"
            " to_regclass(%s) IS NOT NULL FROM pg_catalog.pg_namespace n WHERE nspname = %s",
            (f"{schema}.versions", schema),
        ).fetchone()
        if there is None or there == (0, False):
            return None
        if not there[1]:
            raise self._use.error(
                f"{self._use.name} {self._address.shown}: the schema {schema} is another program's: add"
                " ?schema=NAME to the address"
            )
        select = f"SELECT version FROM {schema}.versions WHERE part = %s"  # noqa: S608 - ours
        row = connection.execute(select.encode(), (self._use.part,)).fetchone()
        version = 0 if row is None else msgspec.convert(row[0], int)
        if version > newest:
            raise self._use.error(
                f"{self._use.name} {self._address.shown} was written by a newer version of this program"
                f" (format {version}, this one knows {newest}): update it"
            )
        return version


class _Again(Exception):
    """The transaction was certainly not written: make it again."""


_COMMON: Final = (
    b"CREATE TABLE versions (part TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    b"CREATE TABLE commits (mark TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())",
    b"CREATE INDEX commits_by_time ON commits (at)",
)


def _last_row(cursor: psycopg.Cursor[SqlRow]) -> SqlRow:
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return () if row is None else row


def _broken(connection: Connection) -> bool:
    return connection.closed or connection.info.transaction_status is TransactionStatus.UNKNOWN


def _passes(error: psycopg.Error) -> bool:
    """Whether the same may work in a moment, with another connection or without the others in the way."""
    code = error.sqlstate
    if code is None:  # no server said it: there was none, or it went in the middle
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    passing = code in _IN_EACH_OTHERS_WAY or code.startswith(("08", "57P"))
    return passing or code in {"53300", "25006", "25P03", "26000"}


def _words(error: psycopg.Error) -> str:
    return " ".join(str(error.diag.message_primary or error).split()) or type(error).__name__
