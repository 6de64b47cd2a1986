"""Deliveries on disk, between the moment they are answered and the moment they are worked off.

The problem: a delivery that was answered with a 2xx never comes again, so it must be on disk first; and a
campaign brings thousands in a second, each of which waits for its answer. The naive way, one write to disk
for each, takes as many milliseconds as there are deliveries, and the event loop waits with them. Here one
thread writes whatever came while it wrote the last time, as one transaction: the more that come, the more
share one write.

What is worked off is removed in one transaction with its key, so that a repeat is known for seven days, and
that which was not removed before a crash is worked off again.
"""

import asyncio
import shutil
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock, wait_for
from keebai_async.errors import SpoolUnusable
from keebai_async.storage.safety import Safe
from keebai_async.storage.sqlite_file import LOCK_PATIENCE, SqliteFile, SqliteUse
from keebai_async.storage.thread import Worker
from keebai_async.storage.turn import Turn

MOST_WAITING: Final = 64 * 1024 * 1024
"""Bytes that may wait for the disk at once; what comes beyond is not taken."""
LEAVE_FREE: Final = 100 * 1024 * 1024
"""Bytes of the disk that deliveries leave free: the journal is on the same one, and must go on."""
MOST_OTHERS: Final = 1_000
"""Deliveries of unknown kinds that are kept; the oldest go first."""
REMEMBERED: Final = 7
"""Days for which the key of an event is known, and for which what nobody understood is kept.

Source: contract, section 2.4.
"""
SPOOL_LOOK_EVERY: Final = 1.0
"""Seconds between two looks for what another process put in."""

_APPLICATION: Final = 0x4B454257  # "KEBW"
_DAY: Final = 86_400.0
_CREATE_SPOOL: Final = (
    "CREATE TABLE spool (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, body BLOB NOT NULL)",
    # The first 63 bits of a hash: two of ten million that are alike by chance are one in 200,000 such files.
    "CREATE TABLE seen (key INTEGER PRIMARY KEY, day INTEGER NOT NULL)",
    # What nobody understood, for who wants to know what it was.
    "CREATE TABLE others (id INTEGER PRIMARY KEY, at REAL NOT NULL, body BLOB NOT NULL)",
)


class Spooled(msgspec.Struct, frozen=True):
    """One delivery on disk: its place in the order, when it came (Unix time), and its bytes."""

    id: int
    at: float
    body: bytes


class _Unwritten(msgspec.Struct, frozen=True, eq=False):
    at: float
    body: bytes
    kept: "asyncio.Future[None]"


class Spool:
    """Deliveries in the file *path*, which is made, readable by its owner only, on first use.

    Several processes may put into one file at once, and one at a time works it off (`batches`): others wait
    until that one ends. Usable from one event loop at a time. *clock* says when a key is forgotten and paces
    the looks for what others put in. No more than *most_waiting* bytes wait for the disk, of which
    *leave_free* bytes are left free: what comes beyond is not taken.
    """

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "path": "Its file.",
    }

    path: Path

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        patience: float = LOCK_PATIENCE,
        most_waiting: int = MOST_WAITING,
        leave_free: int = LEAVE_FREE,
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._file = SqliteFile(self.path, _SPOOL_FILE, patience=patience)
        self._worker = Worker("webhook spool", late=self._late)
        self._turn = Turn(self.path.with_name(f"{self.path.name}-taking"))
        self._waiting: deque[_Unwritten] = deque()
        self._bytes = 0
        self._most_waiting = most_waiting
        self._leave_free = leave_free
        self._under_way = False
        self._forgot = 0
        self._more = anyio.Event()

    async def put(self, body: bytes) -> None:
        """Return when *body* is on disk.

        Cancelled, it may be kept all the same. Raises SpoolUnusable: it is not kept, or nobody knows.
        """
        if self._bytes + len(body) > self._most_waiting:
            raise SpoolUnusable(
                f"{self._bytes:,} bytes wait already for {self.path}: its disk is too slow, or stuck"
            )
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Unwritten(self._clock.wall(), body, kept)
        self._bytes += len(body)
        self._waiting.append(waiting)
        if not self._under_way:
            self._write_on()
        await kept

    def _write_on(self) -> None:
        """Let the thread write all that waits now; it says when it has, and then what came meanwhile goes."""
        batch = tuple(self._waiting)
        self._waiting.clear()
        self._under_way = True
        loop = asyncio.get_running_loop()

        def work() -> None:
            error: Exception | None = None
            try:
                with self._file.writing(Safe.FROM_POWER_CUTS) as connection:
                    self._check_room()
                    connection.executemany(
                        "INSERT INTO spool (at, body) VALUES (?, ?)", [(each.at, each.body) for each in batch]
                    )
            except Exception as raised:  # it belongs to those who wait
                error = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._written, batch, error)

        try:
            self._worker.hand_over(work)
        except BaseException as error:
            self._written(batch, error if isinstance(error, Exception) else SpoolUnusable("interrupted"))
            raise

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < self._leave_free:
            raise SpoolUnusable(
                f"the disk of {self.path} has only {free / 2**20:,.0f} MiB free, and the journal needs room:"
                " free some space"
            )

    def _written(self, batch: Sequence[_Unwritten], error: Exception | None) -> None:
        self._under_way = False
        self._bytes -= sum(len(each.body) for each in batch)
        for each in batch:
            if each.kept.done():
                continue  # who waited for it was cancelled
            if error is None:
                each.kept.set_result(None)
            else:
                each.kept.set_exception(error)
        if error is None:
            self._more.set()
        if self._waiting:
            self._write_on()

    async def take(self, *, after: int = 0, limit: int = 500) -> list[Spooled]:
        """The oldest deliveries with an id above *after*; they stay until `done` is told of them."""

        def work() -> list[Spooled]:
            with self._file.reading() as connection:
                query = "SELECT id, at, body FROM spool WHERE id > ? ORDER BY id LIMIT ?"
                return [Spooled(*row) for row in connection.execute(query, (after, limit))]

        return await self._worker.run(work)

    async def new(self, keys: Sequence[int]) -> set[int]:
        """Those of *keys* that no delivery of the last seven days had."""

        def work() -> set[int]:
            with self._file.reading() as connection:
                return {key for key in keys if not _is_seen(connection, key)}

        return await self._worker.run(work)

    async def done(
        self, ids: Sequence[int], keys: Sequence[int] = (), *, others: Sequence[Spooled] = ()
    ) -> None:
        """Remove what was worked off, remember its keys, and keep *others* apart: all of it or nothing."""
        day = int(self._clock.wall() // _DAY)

        def work() -> None:
            # Lost with the machine, they are worked off again.
            with self._file.writing(Safe.FROM_KILLS) as connection:
                connection.executemany("DELETE FROM spool WHERE id = ?", [(each,) for each in ids])
                connection.executemany(
                    "INSERT OR REPLACE INTO seen (key, day) VALUES (?, ?)", [(key, day) for key in keys]
                )
                if others:
                    connection.executemany(
                        "INSERT OR REPLACE INTO others (id, at, body) VALUES (?, ?, ?)",
                        [(each.id, each.at, each.body) for each in others],
                    )
                    connection.execute(
                        "DELETE FROM others WHERE id NOT IN (SELECT id FROM others ORDER BY id DESC LIMIT ?)",
                        (MOST_OTHERS,),
                    )
                if day != self._forgot:
                    connection.execute("DELETE FROM seen WHERE day < ?", (day - REMEMBERED,))
                    # They may name people, and nobody waits for them.
                    connection.execute("DELETE FROM others WHERE at < ?", ((day - REMEMBERED) * _DAY,))
                    self._forgot = day

        await self._worker.run(work)

    async def count(self) -> int:
        """How many deliveries are not worked off yet."""

        def work() -> int:
            with self._file.reading() as connection:
                found: tuple[int] = connection.execute("SELECT count(*) FROM spool").fetchone()
                return found[0]

        return await self._worker.run(work)

    async def others(self) -> list[Spooled]:
        """The deliveries that nobody understood, the newest last."""

        def work() -> list[Spooled]:
            with self._file.reading() as connection:
                return [Spooled(*row) for row in connection.execute("SELECT * FROM others ORDER BY id")]

        return await self._worker.run(work)

    async def batches(self, *, limit: int = 500) -> AsyncIterator[list[Spooled]]:
        """For ever: what is there, oldest first, as soon as it is there. Never an empty batch.

        Tell `done` of a batch before the next one is asked for, or it comes again. While another process
        does this, nothing comes.
        """
        try:
            while True:
                self._more = anyio.Event()  # before the look: what is put in after it is not missed
                if self._turn.take() and (batch := await self.take(limit=limit)):
                    yield batch
                else:
                    await wait_for(self._clock, self._more, SPOOL_LOOK_EVERY)
        finally:
            self._turn.give_back()

    async def aclose(self) -> None:
        """Write what waits, and let go of the file. More than once is once."""
        await self._worker.aclose(self._file.close)
        self._turn.give_back()

    def _late(self, seconds: float) -> Exception:
        return SpoolUnusable(f"the disk of {self.path} did not answer for {seconds:.0f} s")


def _is_seen(connection: sqlite3.Connection, key: int) -> bool:
    return connection.execute("SELECT 1 FROM seen WHERE key = ?", (key,)).fetchone() is not None


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    if _number(connection, "application_id") == _APPLICATION:
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        if _number(connection, "application_id") != _APPLICATION:  # another process may have been quicker
            tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            if tables or _number(connection, "user_version"):
                raise SpoolUnusable(
                    f"{path} is a database of another kind: choose another file for the webhooks' spool"
                )
            for statement in _CREATE_SPOOL:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute("PRAGMA user_version = 1")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    found: tuple[int] = connection.execute(f"PRAGMA {pragma}").fetchone()
    return found[0]


_SPOOL_FILE: Final = SqliteUse(
    name="the webhooks' spool",
    not_ours="it is no spool of webhooks: choose another file",
    damaged="it is damaged: move it away and begin with a new one; polling tells what it held",
    error=SpoolUnusable,
    migrate=_migrate,
    pragmas=("secure_delete = ON",),
    private=True,
)
