"""One SQLite file: made for its owner only, opened with care, written in whole transactions."""

import os
import re
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.errors import KeebaiError
from keebai_async.storage.lock_holder import locked_by
from keebai_async.storage.safety import Safe

LOCK_PATIENCE: Final = 10.0
"""Seconds to wait for another process that is writing."""

_MOUNTS: Final = Path("/proc/self/mountinfo")

_ONCE_LOCKED_OUT: Final = 0.5

_LOOK_AGAIN: Final = 0.001
"""Seconds between two looks of who is eager."""

_ADVICE_BY_CODE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then go on",
    sqlite3.SQLITE_IOERR: "the disk does not take it: it may be full, gone or failing",
    sqlite3.SQLITE_READONLY: "it may not be written: change its permissions, or choose another file",
    sqlite3.SQLITE_PERM: "it may not be used: change its permissions, or choose another file",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the path and the permissions of its folder",
}

_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PASSING: Final = _LOCKED | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""What may be over in a while, and left nothing half done."""


class SqliteUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is for: the names, the tables and the errors of who keeps something in it.

    *at_first* are the pragmas of a new file, *pragmas* those of each connection; *migrate* makes the tables
    or brings them up to date.
    *private* files are closed to all but their owner when they are opened, however they were made.
    """

    name: str
    """As in "the journal", before its path."""
    not_ours: str
    """Said of a file that SQLite did not make."""
    damaged: str
    """Said of a file that is not what was written, with what to do about it."""
    error: Callable[[str], KeebaiError]
    """What every failure of the disk becomes."""
    migrate: Callable[[sqlite3.Connection, str], None]
    passing: Callable[[str], KeebaiError] | None = None
    """What those become that may be over in a while: a lock, a full disk. None: an *error* like all."""
    at_first: tuple[str, ...] = ()
    pragmas: tuple[str, ...] = ()
    private: bool = False
    eager: bool = False
    """Whether many processes write often and shortly: who is locked out then looks again every millisecond,
    and not, as SQLite does, less and less often, up to a tenth of a second."""
    remade: bool = False
    """Whether processes put it aside and make another when it was replaced (`abandon`), one at a time."""


class SqliteFile:
    """A connection that lives in one thread. Every failure of the disk comes out as the error of its use.

    A file that is open stays the same file: one that was removed or replaced takes nothing more.
    """

    def __init__(self, path: Path, use: SqliteUse, *, patience: float = LOCK_PATIENCE) -> None:
        self._path = path
        self._use = use
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._on_disk = True
        self._inode = 0
        self._logs: tuple[Path, ...] = ()
        self._log_inodes: tuple[int, ...] = ()
        self._locked_out = False
        self._waiting = patience

    @contextmanager
    def writing(self, safe: Safe) -> Iterator[sqlite3.Connection]:
        """One transaction that is written as a whole or not at all, and is so *safe* when this ends."""
        with self._mapped():
            connection = self._open()
            self._check_in_place()
            on_disk = safe is not Safe.FROM_KILLS
            if on_disk is not self._on_disk:
                connection.execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
                self._on_disk = on_disk
            with _transaction(connection, "BEGIN IMMEDIATE", begin=self._begin_eagerly):
                self._be_patient(connection, patient=True)
                yield connection
            if safe is Safe.FROM_COPYING:
                # The log beside the file has it by now, so a failure here loses nothing.
                with suppress(sqlite3.Error):
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _begin_eagerly(self, connection: sqlite3.Connection, statement: str) -> None:
        if not self._use.eager:
            connection.execute(statement)
            return
        end = time.monotonic() + (_ONCE_LOCKED_OUT if self._locked_out else self._patience)
        self._wait_at_locks(connection, 0.0)
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
            time.sleep(_LOOK_AGAIN)

    def _wait_at_locks(self, connection: sqlite3.Connection, seconds: float) -> None:
        """How long SQLite waits by itself. Who has begun to write waits for nobody any more."""
        if seconds != self._waiting:
            connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1_000)}").fetchall()
            self._waiting = seconds

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One look: everything read inside belongs to the same instant."""
        with self._mapped():
            connection = self._open()
            self._wait_as_told(connection)
            with _transaction(connection, "BEGIN"):
                yield connection

    def shred(self) -> None:
        """Leave nothing of what was deleted: neither in free pages nor in the log beside the file."""
        with self._mapped():
            connection = self._open()
            self._wait_as_told(connection)
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @property
    def replaced(self) -> bool:
        """Whether it is open, but it or its log is not in its place any more: nothing written is kept."""
        if self._connection is None:
            return False
        now = _inodes(self._logs)
        if not all(self._log_inodes):  # SQLite makes the log with the first use of it
            self._log_inodes = now
        with suppress(FileNotFoundError):
            return self._path.stat().st_ino != self._inode or now != self._log_inodes
        return True

    def abandon(self) -> None:
        """Put aside, as NAME.lost, a file of which a part was replaced or damaged; next time another is made.

        For what can be made again. Its connection stays open until the process ends: SQLite, when it closes
        one, removes the log by its name, and that may be the log of the new file by then.
        """
        connection, self._connection = self._connection, None
        path = Path(os.path.realpath(self._path))
        with self._mapped(), _alone_in(path.parent):
            there = path.exists()
            ours = there and (connection is None or path.stat().st_ino == self._inode)
            if ours:
                path.replace(path.with_name(path.name + ".lost"))
            logs = _beside(path)
            if ours or not there or _inodes(logs) == self._log_inodes:  # else somebody has made another
                for file in logs:
                    file.unlink(missing_ok=True)
        if connection is not None:
            threading.Thread(target=_keep, args=(connection,), name="keebai lost file", daemon=True).start()

    def close(self) -> None:
        """Let go of it. The next use opens what is there by then, or makes it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._mapped():
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None and self._use.remade:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone_in(self._path.parent):
                return self._open_now()
        return self._open_now()

    def _open_now(self) -> sqlite3.Connection:
        if self._connection is None:
            _create(self._path)
            # SQLite lays the log beside the file itself, not beside a link to it.
            path = Path(os.path.realpath(self._path))
            self._check_names(path)
            only_read = _only_readable(path)
            connection = sqlite3.connect(
                f"{path.as_uri()}?{only_read}", uri=True, timeout=self._patience, isolation_level=None
            )
            try:
                self._prepare(connection, can_write=not only_read)
                self._check_whole(connection, path)
                self._inode = path.stat().st_ino
                self._logs = _beside(path)
                self._log_inodes = _inodes(self._logs)
            except BaseException:
                connection.close()
                raise
            self._connection, self._locked_out, self._waiting = connection, False, self._patience
        return self._connection

    def _prepare(self, connection: sqlite3.Connection, *, can_write: bool) -> None:
        pages: tuple[int] = connection.execute("PRAGMA page_count").fetchone()
        # Later they would change nothing, and wait for who writes, who may be stopped.
        for pragma in (*(() if pages[0] else self._use.at_first), *self._use.pragmas):
            connection.execute(f"PRAGMA {pragma}")
        if can_write:
            self._patiently(connection, "PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        self._on_disk = True
        self._use.migrate(connection, str(self._path))

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

    def _check_names(self, path: Path) -> None:
        """Look at who may read the file, and whether all find the same log beside it."""
        if path.stat().st_nlink > 1:
            raise self._use.error(
                f"{self._use.name} {self._path} has a second name (a hard link), and what one name writes the"
                " other would not see: remove one of the two names, or choose another file"
            )
        if _mounted_alone(path):
            raise self._use.error(
                f"{self._use.name} {self._path} is mounted by itself, without the log that SQLite keeps"
                " beside it, so others would not see what is written here: mount its folder"
            )
        if self._use.private and os.name == "posix":
            for file in (path, *_beside(path)):
                self._close_to_others(file)

    def _close_to_others(self, file: Path) -> None:
        with suppress(FileNotFoundError):  # a log may go at any time
            if not _open_to_others(file):
                return
            with suppress(PermissionError):
                file.chmod(0o600)
            if _open_to_others(file):
                raise self._use.error(
                    f"{self._use.name} {self._path} can be read by others than its owner, and that cannot be"
                    " changed from here: let its owner do it (chmod 600), or choose another file"
                )

    def _check_whole(self, connection: sqlite3.Connection, path: Path) -> None:
        # SQLite finds out that a file was cut off only when it needs what is missing.
        log, _ = _beside(path)
        if log.exists() and log.stat().st_size:
            return  # the end of the file may still be in there
        pages: tuple[int] = connection.execute("PRAGMA page_count").fetchone()
        size: tuple[int] = connection.execute("PRAGMA page_size").fetchone()
        if path.stat().st_size < pages[0] * size[0]:
            error = sqlite3.DatabaseError("it is shorter than it says")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error

    def _be_patient(self, connection: sqlite3.Connection, *, patient: bool) -> None:
        """Who was locked out waits only shortly from then on, until it gets in: it may be about to end."""
        if self._locked_out is patient:
            self._locked_out = not patient
            self._wait_as_told(connection)

    def _wait_as_told(self, connection: sqlite3.Connection) -> None:
        seconds = min(self._patience, _ONCE_LOCKED_OUT) if self._locked_out else self._patience
        self._wait_at_locks(connection, seconds)

    def _check_in_place(self) -> None:
        # A file that was removed while open still takes every write, and keeps none.
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                return
        raise self._use.error(f"{self._path} was removed or replaced while it was in use: nothing is kept")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = _code(error)
            if code in _LOCKED and self._connection is not None:
                self._be_patient(self._connection, patient=False)
            raise self._unusable(f"{self._advice(code)} ({error})", passing=code in _PASSING) from error
        except OSError as error:
            raise self._use.error(
                f"{self._use.name} {self._path} cannot be used: {error.strerror or error}; check its path"
            ) from error

    def _unusable(self, words: str, *, passing: bool = False) -> KeebaiError:
        error = (self._use.passing or self._use.error) if passing else self._use.error
        return error(f"{self._use.name} {self._path}: {words}")

    def _advice(self, code: int) -> str:
        if code == sqlite3.SQLITE_CORRUPT:
            return self._use.damaged
        if code == sqlite3.SQLITE_NOTADB:
            return self._use.not_ours
        if code == sqlite3.SQLITE_CANTOPEN and _lacks_index(Path(os.path.realpath(self._path))):
            return (
                "it was copied while it was in use, and its folder may not be written: copy it and the -wal"
                " file beside it into a folder of yours, and name that copy"
            )
        if code in _LOCKED:
            return locked_by(Path(os.path.realpath(self._path)))
        return _ADVICE_BY_CODE.get(code, "it cannot be used")


def is_damaged(error: BaseException) -> bool:
    """Whether a failure says that the file does not hold what was written, or went while it was opened."""
    cause = error.__cause__
    if isinstance(cause, FileNotFoundError):
        return True
    if not isinstance(cause, sqlite3.Error):
        return False
    short = getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ
    return short or _code(cause) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let no other process make or put aside files of ours in *folder*, where the system can do that."""
    if sys.platform != "win32":  # files that are open cannot be removed there
        import fcntl

        lock = os.open(os.path.realpath(folder), os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
    else:
        yield


def _keep(_: sqlite3.Connection) -> None:
    """Hold a connection in a thread that never ends: not even the end of Python closes it then."""
    threading.Event().wait()


def _inodes(files: Iterable[Path]) -> tuple[int, ...]:
    found: list[int] = []
    for file in files:
        try:
            found.append(file.stat().st_ino)
        except FileNotFoundError:
            found.append(0)
    return tuple(found)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def _transaction(
    connection: sqlite3.Connection,
    statement: str,
    *,
    begin: Callable[[sqlite3.Connection, str], object] = sqlite3.Connection.execute,
) -> Iterator[None]:
    begin(connection, statement)
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
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder, not a file") from None


def _beside(path: Path) -> tuple[Path, Path]:
    """The log of a file, and its index: both are gone while nobody has the file open."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _only_readable(path: Path) -> str:
    """How a file is opened that may not be written, or beside which no log can be made; else empty.

    Without a log nobody is writing it, and SQLite is told so: it would make a log even to read.
    """
    logged = _beside(path)[0].exists()
    if os.access(path, os.W_OK) and (logged or os.access(path.parent, os.W_OK)):
        return ""
    return "mode=ro" if logged else "mode=ro&immutable=1"


def _lacks_index(path: Path) -> bool:
    """Whether there is something in the log of a file, and no index of it, nor a way to make one."""
    log, index = _beside(path)
    with suppress(OSError):
        return log.stat().st_size > 0 and not index.exists() and not os.access(path.parent, os.W_OK)
    return False


def _mounted_alone(path: Path) -> bool:
    """Whether a container, or somebody else, mounted this one file (`-v /data/journal.db:/journal.db`)."""
    with suppress(OSError):
        places = (
            line.split()[4]
            for line in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        )
        return any(re.sub(r"\\([0-7]{3})", _letter, place) == str(path) for place in places)
    return False


def _letter(octal: re.Match[str]) -> str:
    return chr(int(octal[1], 8))


def _open_to_others(file: Path) -> bool:
    return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
