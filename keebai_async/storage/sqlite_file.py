"""One SQLite file: made for its owner only, opened with care, written in whole transactions."""

import enum
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.errors import JournalUnusable
from keebai_async.journal.schema import migrate

PATIENCE: Final = 10.0
"""Seconds to wait for another process that is writing."""

_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space and resume",
    sqlite3.SQLITE_IOERR: "the disk does not take it: it may be full, gone or failing",
    sqlite3.SQLITE_READONLY: "it may not be written: change its permissions, or choose another file",
    sqlite3.SQLITE_PERM: "it may not be used: change its permissions, or choose another file",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the path and the permissions of its folder",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it from a copy before anything is submitted again",
    sqlite3.SQLITE_NOTADB: "it is not a journal: choose another file",
    sqlite3.SQLITE_BUSY: "another process keeps it locked: end that one, or wait",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked: end that one, or wait",
}


class Damaged(Exception):
    """What was read is not what was written."""


class Safe(enum.Enum):
    """What a write survives once it is told, each more than the one before."""

    FROM_KILLS = "the end of this process"
    FROM_POWER_CUTS = "the end of the machine: it is on the disk, and with it all that was written before"
    FROM_COPYING = "the loss of the log beside the file, as by somebody who copies one file of three"


class Database:
    """A connection that lives in one thread. Every failure of the disk comes out as JournalUnusable."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._on_disk = True
        self._inode = 0

    @property
    def fresh(self) -> bool:
        """It has not been opened yet."""
        return self._connection is None

    @contextmanager
    def writing(self, safe: "Safe") -> Iterator[sqlite3.Connection]:
        """One transaction that is written as a whole or not at all, and is so *safe* when this ends."""
        with self._mapped():
            connection = self._open()
            self._check_in_place()
            on_disk = safe is not Safe.FROM_KILLS
            if on_disk is not self._on_disk:
                connection.execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
                self._on_disk = on_disk
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection
            if safe is Safe.FROM_COPYING:
                # The log beside the file has it by now, so a failure here loses nothing.
                with suppress(sqlite3.Error):
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One look: everything read inside belongs to the same instant."""
        with self._mapped():
            connection = self._open()
            with _transaction(connection, "BEGIN"):
                yield connection

    def shred(self) -> None:
        """Leave nothing of what was deleted: neither in free pages nor in the log beside the file."""
        with self._mapped():
            connection = self._open()
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._mapped():
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            _create(self._path)
            connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None)
            try:
                self._prepare(connection)
                _check_whole(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._inode = self._path.stat().st_ino
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heard only before the first table
        self._patiently(connection, "PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        self._on_disk = True
        migrate(connection, str(self._path))

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> None:
        # The change to WAL does not wait for a lock by itself when two processes make the file at once.
        end = time.monotonic() + self._patience
        while True:
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _check_in_place(self) -> None:
        # A file that was removed while open still takes every write, and keeps none.
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                return
        raise JournalUnusable(f"{self._path} was removed or replaced while it was in use: nothing is kept")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = _ADVICE.get(_code(error), "it cannot be used")
            raise JournalUnusable(f"the journal {self._path}: {advice} ({error})") from error
        except OSError as error:
            raise JournalUnusable(
                f"the journal {self._path} cannot be used: {error.strerror or error}"
            ) from error
        except (msgspec.MsgspecError, Damaged) as error:
            advice = _ADVICE[sqlite3.SQLITE_CORRUPT]
            raise JournalUnusable(f"the journal {self._path}: {advice} ({error})") from error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # the first failure is the one to tell
                connection.execute("ROLLBACK")
        raise


def _create(path: Path) -> None:
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Before SQLite does, because SQLite asks the umask who may read.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder: name a file") from None
        if path.stat().st_size == 0 and stat.S_ISREG(path.stat().st_mode):
            path.chmod(0o600)


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite finds out that a file was cut off only when it needs what is missing.
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return  # the end of the file may still be in there
    pages: tuple[int] = connection.execute("PRAGMA page_count").fetchone()
    size: tuple[int] = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size < pages[0] * size[0]:
        raise Damaged("it is shorter than it says")
