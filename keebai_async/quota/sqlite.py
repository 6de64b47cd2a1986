"""Spending kept in a SQLite file: shared by the processes of one machine, and by one command after another.

A place under way is written with the time at which it lapses: its longest possible request and a grace
after it was taken. A process that dies gives its places back in that way, with nobody looking after it.
"""

import logging
import os
import sqlite3
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.quota.books import Books, Settled
from keebai_async.quota.gate import Ending
from keebai_async.quota.pause import Pause
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Wait
from keebai_async.storage.machine_clock import Mark, boot_id, mark

T = TypeVar("T")

LONGEST_REQUEST: Final = 150.0
"""Seconds after which a place whose holder was not heard of lapses: more than any request may take."""

_BUSY = 10.0  # seconds to wait for another process that is writing
_SETTLING = 15.0  # seconds of real time that a cancelled request may spend on its books
_KEEP = 3_600.0  # seconds that the past is kept at least, for users of the file with a longer window

_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (
    id TEXT PRIMARY KEY, token TEXT NOT NULL, taken REAL, ended REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_by_time ON place (token, ended);
CREATE TABLE IF NOT EXISTS other (token TEXT NOT NULL, per REAL NOT NULL, ended REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pause (token TEXT PRIMARY KEY, until REAL, step REAL, proving INTEGER);
CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY, at REAL, steady REAL, wall REAL, boot TEXT);
"""

_turn: RunVar[anyio.CapacityLimiter] = RunVar("keebai_async.quota.sqlite.turn")
_logger = logging.getLogger(__name__)


class SqliteStore:
    """The spending of the token named *key* in the file *path*, made on first use, for its owner's eyes only.

    *longest* is how many seconds a request may take at most. The machine's clock decides, and may be set
    in the meantime. Not for a file on a network share: SQLite's locks do not hold there.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        longest: float = LONGEST_REQUEST,
        boot: str | None = None,
    ) -> None:
        self._path = Path(path)
        self._key = key
        self._clock = clock
        self._longest = longest
        self._boot = boot_id() if boot is None else boot
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    async def take(self, rooms: Sequence[LaneWindow]) -> HeldPlace | Wait:
        claim = _Claim(os.urandom(12).hex())
        try:
            return await self._in_thread(lambda: self._take(claim, rooms))
        except anyio.get_cancelled_exc_class():
            # asyncio's own cancel() does not wait for the thread, which may take the place even now.
            claim.wanted = False
            with anyio.move_on_after(_SETTLING, shield=True):
                await self._in_thread(lambda: self._give_back(claim))
            raise

    async def settle(self, held: HeldPlace, rooms: Sequence[LaneWindow], word: Word) -> bool:
        try:
            return await self._settle_shielded(held, rooms, word)
        except anyio.get_cancelled_exc_class():
            # asyncio's own cancel() goes through shields. To enter an ending twice changes nothing.
            await self._settle_shielded(held, rooms, word)
            raise

    async def forecast(self, rooms: Sequence[LaneWindow], ahead: int) -> Wait | None:
        return await self._in_thread(lambda: self._forecast(rooms, ahead))

    async def spent(self, rooms: Sequence[LaneWindow]) -> tuple[int, ...]:
        return await self._in_thread(lambda: self._spent(rooms))

    async def aclose(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _settle_shielded(self, held: HeldPlace, rooms: Sequence[LaneWindow], word: Word) -> bool:
        with anyio.move_on_after(_SETTLING, shield=True):
            try:
                return await self._in_thread(lambda: self._settle(held, rooms, word))
            except QuotaUnusable as error:
                _logger.warning("place not settled: it lapses by itself", extra={"reason": str(error)})
        return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            turn = _turn.get()
        except LookupError:
            turn = anyio.CapacityLimiter(1)  # one thread: more would only wait for the same file
            _turn.set(turn)
        return await anyio.to_thread.run_sync(work, limiter=turn)

    def _take(self, claim: "_Claim", rooms: Sequence[LaneWindow]) -> HeldPlace | Wait:
        with self._writing() as (db, now):
            held = self._books(db, rooms, now).take(claim.id, rooms, now)
            if isinstance(held, HeldPlace) and claim.wanted:
                lapses = now + self._longest
                db.execute("INSERT INTO place VALUES (?, ?, ?, ?)", (claim.id, self._key, now, lapses))
            return held

    def _give_back(self, claim: "_Claim") -> None:
        with self._writing() as (db, _):
            db.execute("DELETE FROM place WHERE id = ?", (claim.id,))

    def _settle(self, held: HeldPlace, rooms: Sequence[LaneWindow], word: Word) -> bool:
        with self._writing() as (db, now):
            if word.ending is Ending.UNSENT:
                db.execute("DELETE FROM place WHERE id = ?", (held.id,))
                return True
            books = self._books(db, rooms, now)
            before = books.pause
            settled = books.settle(held, rooms, word, now)
            self._enter(db, held, settled)
            for per, count in settled.others:
                db.executemany("INSERT INTO other VALUES (?, ?, ?)", [(self._key, per, now)] * count)
            if books.pause != before:
                pause = (self._key, books.pause.until, books.pause.step, books.pause.proving)
                db.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?, ?)", pause)
            self._forget(db, books.remembered(now) - max(_KEEP, rooms[-1].per))
            return settled.sooner

    def _forecast(self, rooms: Sequence[LaneWindow], ahead: int) -> Wait | None:
        with self._writing() as (db, now):
            return self._books(db, rooms, now).forecast(rooms, ahead, now)

    def _spent(self, rooms: Sequence[LaneWindow]) -> tuple[int, ...]:
        with self._writing() as (db, now):
            return self._books(db, rooms, now).spent(rooms, now)

    def _enter(self, db: sqlite3.Connection, held: HeldPlace, settled: Settled) -> None:
        past = (held.id, self._key, settled.ended)
        db.execute("INSERT OR REPLACE INTO place VALUES (?, ?, NULL, ?)", past)

    def _forget(self, db: sqlite3.Connection, before: float) -> None:
        db.execute("DELETE FROM place WHERE token = ? AND ended <= ?", (self._key, before))
        db.execute("DELETE FROM other WHERE token = ? AND ended <= ?", (self._key, before))

    def _books(self, db: sqlite3.Connection, rooms: Sequence[LaneWindow], now: float) -> Books:
        """What the file says, with the places that lapsed counted as ended."""
        books = Books()
        under_way = (
            "SELECT id, taken FROM place WHERE token = ? AND ended > ? AND taken NOT NULL ORDER BY taken"
        )
        books.held.update(db.execute(under_way, (self._key, now)).fetchall())
        since = books.remembered(now) - rooms[-1].per
        past = (
            "SELECT ended FROM place WHERE token = ? AND ended > ?"
            " AND (taken IS NULL OR ended <= ?) ORDER BY ended"
        )
        books.ended = [ended for (ended,) in db.execute(past, (self._key, since, now))]
        others = "SELECT per, ended FROM other WHERE token = ? AND ended > ? ORDER BY ended"
        for per, ended in db.execute(others, (self._key, since)):
            insort(books.others.setdefault(per, []), ended)
        pause = db.execute("SELECT until, step, proving FROM pause WHERE token = ?", (self._key,)).fetchone()
        if pause is not None:
            until, step, proving = pause
            books.pause = Pause(until=until, step=step, proving=bool(proving))
        return books

    @contextmanager
    def _writing(self) -> "Iterator[tuple[sqlite3.Connection, float]]":
        """One transaction that nobody else can come between, and its time."""
        with self._lock:
            try:
                db = self._open()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db, self._now(db)
                    db.execute("COMMIT")
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                raise QuotaUnusable(f"cannot keep the quota in {self._path}: {error}") from error

    def _now(self, db: sqlite3.Connection) -> float:
        row = db.execute("SELECT at, steady, wall, boot FROM mark WHERE one = 1").fetchone()
        last = None
        if row is not None:
            at, steady, wall, boot = row
            last = Mark(at=at, steady=steady, wall=wall, boot=boot)
        now = mark(last, self._clock, self._boot)
        row = (now.at, now.steady, now.wall, now.boot)
        db.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?, ?, ?)", row)
        return now.at

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(
                os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            )  # SQLite would make it for all to read
            db = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            try:
                _prepare(db)
            except BaseException:
                db.close()
                raise
            self._connection = db
        return self._connection


class _Claim:
    """A place that somebody asks for, until he is cancelled. The thread looks at it inside its lock."""

    def __init__(self, place_id: str) -> None:
        self.id = place_id
        self.wanted = True


def _prepare(db: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA)
        except sqlite3.OperationalError:
            # Changing the journal mode does not wait for others who open the file at the same time.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
