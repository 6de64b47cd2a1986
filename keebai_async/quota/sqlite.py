"""Spending kept in a SQLite file: shared by the processes of one machine, and by one command after another.

A place under way is written with the time at which it lapses: its longest possible request and a grace
after it was taken. A process that dies gives its places back in that way, with nobody looking after it.
"""

import os
import sqlite3
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.observe import TO_LOG, Observer
from keebai_async.quota.books import Books, Settled
from keebai_async.quota.gate import Ending
from keebai_async.quota.limits import Limits
from keebai_async.quota.pause import Pause
from keebai_async.quota.recollection import WITNESSED, Recollection, kept_past
from keebai_async.quota.sqlite_life import LIFE_TABLES, FileLife
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.threaded import TIDIED_EVERY, ThreadedStore
from keebai_async.quota.window import LaneWindow, Wait
from keebai_async.storage.machine_clock import ClockReading, boot_id, mark
from keebai_async.storage.safety import Safe
from keebai_async.storage.sqlite_file import LOCK_PATIENCE, SqliteFile, SqliteUse, is_damaged
from keebai_async.storage.thread import Worker

T = TypeVar("T")

LONGEST_REQUEST: Final = 150.0
"""Seconds after which a place whose holder was not heard of lapses: more than any request may take."""

IDLE_LOOK_EVERY: Final = 2.0
"""Seconds of real time after which a process that remembers something sees whether the file does."""

_MOST_NEW_FILES = 5  # how often to make a new file for one piece of work

_PUT = (
    "INSERT INTO place VALUES (?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET taken = excluded.taken, ended = excluded.ended"
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS place (
    id TEXT PRIMARY KEY, token TEXT NOT NULL, taken REAL, ended REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_by_time ON place (token, ended);
CREATE TABLE IF NOT EXISTS other (token TEXT NOT NULL, per REAL NOT NULL, ended REAL NOT NULL);
CREATE INDEX IF NOT EXISTS other_by_time ON other (token, per, ended);
CREATE TABLE IF NOT EXISTS pause (token TEXT PRIMARY KEY, until REAL, step REAL, proving INTEGER);
CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY, at REAL, steady REAL, wall REAL, boot TEXT);
"""


_SLOT = 10.0
"""Seconds of the past that are counted together."""

_TALLY = """
CREATE TABLE tally (token TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (token, slot)) WITHOUT ROWID;
INSERT INTO tally SELECT token, {place}, count(*) FROM place GROUP BY 1, 2;
CREATE TRIGGER tally_more AFTER INSERT ON place BEGIN
    INSERT INTO tally VALUES (new.token, {new}, 1) ON CONFLICT (token, slot) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER tally_less AFTER DELETE ON place BEGIN
    UPDATE tally SET count = count - 1 WHERE token = old.token AND slot = {old};
END;
CREATE TRIGGER tally_moved AFTER UPDATE ON place BEGIN
    UPDATE tally SET count = count - 1 WHERE token = old.token AND slot = {old};
    INSERT INTO tally VALUES (new.token, {new}, 1) ON CONFLICT (token, slot) DO UPDATE SET count = count + 1;
END;
"""
_SLOT_OF = "CAST({row}ended / 10.0 + 1000000 AS INTEGER)"
"""In SQL; no time is so early that this is cut off upwards."""


def _slot_of(at: float) -> int:
    return int(at / _SLOT + 1_000_000)


def _make_tables(connection: sqlite3.Connection, _: str) -> None:
    connection.executescript(_SCHEMA + LIFE_TABLES)
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tally_moved'").fetchone() is None:
        slots = {name: _SLOT_OF.format(row=f"{name}.") for name in ("place", "new", "old")}
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have been quicker.
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tally_moved'").fetchone() is None:
            for statement in _statements(_TALLY.format(**slots)):
                connection.execute(statement)
        connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """The statements of *script* one by one: `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


_QUOTA_FILE: Final = SqliteUse(
    name="the quota",
    not_ours="it does not keep a quota: choose another file",
    damaged="it is damaged: remove it, and send nothing for an hour",
    error=QuotaUnusable,
    migrate=_make_tables,
    private=True,
    remade=True,
    eager=True,
)


class SqliteStore(ThreadedStore):
    """The spending of the token named *key* in the file *path*, made on first use, for its owner's eyes only.

    *longest* is how many seconds a request may take at most, *patience* how many it waits in real time for
    another process that is writing. The machine's clock decides, and may be set
    in the meantime. Not for a file on a network share: SQLite's locks do not hold there.

    A file or its log that is removed, replaced or damaged while this process runs is made again; that is
    told, and what this process spent is entered again (recollection.py).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        longest: float = LONGEST_REQUEST,
        boot: str | None = None,
        patience: float = LOCK_PATIENCE,
        observer: Observer = TO_LOG,
    ) -> None:
        worker = Worker("keebai quota", late=_late, beat=self._look, period=IDLE_LOOK_EVERY)
        super().__init__("sqlite", worker, observer=observer)
        self._file = SqliteFile(Path(path), _QUOTA_FILE, patience=patience)
        self._windows: Sequence[LaneWindow] = ()
        self._settled = 0
        self._key = key
        self._clock = clock
        self._longest = longest
        self._boot = boot_id() if boot is None else boot
        self._recollection = Recollection()  # used in the thread of the file alone, as is the life
        self._life = FileLife(key, longest=longest)

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        return await self._worker.run(lambda: self._forecast(windows, ahead))

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        return await self._worker.run(lambda: self._spent(windows))

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        def agree(db: sqlite3.Connection, _: float) -> Limits:
            return self._life.agree(db, said, replace=replace)

        return await self._worker.run(lambda: self._write((), agree))

    async def limits(self) -> Limits | None:
        return await self._worker.run(lambda: self._write((), lambda db, _: self._life.limits(db)))

    # From here on in the thread of the file

    def _close(self) -> None:
        if self._file.replaced:
            self._file.abandon()
        else:
            self._file.close()

    def _take(self, place_id: str, windows: Sequence[LaneWindow], version: str) -> HeldPlace | Wait | None:
        asked = self._clock.now()

        def take(db: sqlite3.Connection, now: float) -> HeldPlace | Wait | None:
            if version and ((kept := self._life.limits(db)) is None or kept.version != version):
                return None
            held: HeldPlace | Wait = self._light(db, now).take(place_id, windows, now)
            if isinstance(
                held, Wait
            ):  # how long, is seen in the past alone; and who waits does not ask often
                held = self._books(db, windows, now).take(place_id, windows, now)
            if isinstance(held, HeldPlace):
                lapses = now + self._longest
                row = (place_id, self._key, now, lapses)  # it may be there, if this is done once more
                db.execute(_PUT, row)
            return held

        held = self._write(windows, take)
        self._recollection.heard(place_id, windows, held, asked)
        return held

    def _give_back(self, place_id: str, _: Sequence[LaneWindow]) -> None:
        self._recollection.settled(place_id, None)
        self._write((), lambda db, _: db.execute("DELETE FROM place WHERE id = ?", (place_id,)))

    def _settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        self._recollection.entered(held.id, windows, word, self._clock.now())

        def settle(db: sqlite3.Connection, now: float) -> bool:
            if word.ending is Ending.UNSENT:
                db.execute("DELETE FROM place WHERE id = ?", (held.id,))
                return True
            known = db.execute("SELECT 1 FROM place WHERE id = ?", (held.id,)).fetchone() is not None
            books = self._light(db, now, also=0 if known else 1)
            before = books.pause
            settled = books.settle(held, windows, word, now)
            self._enter(db, held, settled)
            for per, count in settled.others:
                db.executemany("INSERT INTO other VALUES (?, ?, ?)", [(self._key, per, now)] * count)
            if books.pause != before:
                pause = (self._key, books.pause.until, books.pause.step, books.pause.proving)
                db.execute("INSERT OR REPLACE INTO pause VALUES (?, ?, ?, ?)", pause)
            if self._settled % TIDIED_EVERY == 0:  # begins with the first: a process may make but one
                self._forget(db, books.remembered(now) - kept_past(windows))
            self._settled += 1
            return settled.sooner

        return self._write(windows, settle)

    def _forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        return self._write(
            windows, lambda db, now: self._books(db, windows, now).forecast(windows, ahead, now)
        )

    def _spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        return self._write(windows, lambda db, now: self._light(db, now).spent(windows, now))

    def _enter(self, db: sqlite3.Connection, held: HeldPlace, settled: Settled) -> None:
        db.execute(_PUT, (held.id, self._key, None, settled.ended))

    def _forget(self, db: sqlite3.Connection, before: float) -> None:
        db.execute("DELETE FROM place WHERE token = ? AND ended <= ?", (self._key, before))
        db.execute("DELETE FROM tally WHERE token = ? AND slot < ?", (self._key, _slot_of(before)))
        db.execute("DELETE FROM other WHERE token = ? AND ended <= ?", (self._key, before))

    def _books(self, db: sqlite3.Connection, windows: Sequence[LaneWindow], now: float) -> Books:
        """What the file says, with the places that lapsed counted as ended."""
        books = Books()
        self._open(db, books, now)
        since = books.remembered(now) - windows[-1].per
        past = (
            "SELECT ended FROM place WHERE token = ? AND ended > ?"
            " AND (taken IS NULL OR ended <= ?) ORDER BY ended"
        )
        books.ended = [ended for (ended,) in db.execute(past, (self._key, since, now))]
        others = "SELECT per, ended FROM other WHERE token = ? AND ended > ? ORDER BY ended"
        for per, ended in db.execute(others, (self._key, since)):
            insort(books.others.setdefault(per, []), ended)
        for per, born, count in self._life.untold(db, now):
            books.others[per] = sorted([*books.others.get(per, ()), *([born] * count)])
            books.uncertain = True
        return books

    def _light(self, db: sqlite3.Connection, now: float, *, also: int = 0) -> "_CountedBooks":
        """The same without the past, which the file counts by an index; *also* so many that are not there."""
        books = _CountedBooks(db, self._key, self._life.untold(db, now), also=also)
        self._open(db, books, now)
        return books

    def _open(self, db: sqlite3.Connection, books: Books, now: float) -> None:
        """Enter what is under way, and whether all must pause."""
        under_way = (
            "SELECT id, taken FROM place WHERE token = ? AND ended > ? AND taken NOT NULL ORDER BY taken"
        )
        books.held.update(db.execute(under_way, (self._key, now)).fetchall())
        pause = db.execute("SELECT until, step, proving FROM pause WHERE token = ?", (self._key,)).fetchone()
        if pause is not None:
            until, step, proving = pause
            books.pause = Pause(until=until, step=step, proving=bool(proving))

    def _write(self, windows: Sequence[LaneWindow], work: Callable[[sqlite3.Connection, float], T]) -> T:
        """One transaction that nobody can come between. What the file lost is told again first."""
        for turn in range(_MOST_NEW_FILES):
            try:
                if self._file.replaced:
                    self._file.abandon()
                with self._file.writing(Safe.FROM_KILLS) as db:
                    now = self._now(db)
                    if windows:
                        self._recall(db, windows, now)
                    given = work(db, now)
                if not self._file.replaced:
                    return given  # else it was written into a file that nobody will open any more
            except QuotaUnusable as error:
                damaged = self._life.epoch != "" and is_damaged(error)
                if turn + 1 == _MOST_NEW_FILES or not (damaged or self._file.replaced):
                    # Next time whatever is there is opened: also the file that somebody made in its place.
                    with suppress(QuotaUnusable):
                        self._close()
                    raise
                self._file.abandon()
        raise QuotaUnusable(
            "the file of the quota is removed or replaced again and again: look at who does that"
        )

    def _look(self) -> None:
        """See now and then whether the file is still there, for others who may come to a new one."""
        own = self._recollection
        if self._windows and (own.held or own.ended):
            own.forget(self._clock.now() - kept_past(self._windows))
            with suppress(QuotaUnusable):
                self._write(self._windows, lambda _, now: None)

    def _recall(self, db: sqlite3.Connection, windows: Sequence[LaneWindow], now: float) -> None:
        clock, own, self._windows = self._clock.now(), self._recollection, windows
        since = clock - WITNESSED * kept_past(windows)
        if self._life.recall(db, windows, now, own, clock, since):
            self._forgot = len(own.ended) + len(own.held)

    def _now(self, db: sqlite3.Connection) -> float:
        row = db.execute("SELECT at, steady, wall, boot FROM mark WHERE one = 1").fetchone()
        last = None
        if row is not None:
            at, steady, wall, boot = row
            last = ClockReading(at=at, steady=steady, wall=wall, boot=boot)
        now = mark(last, self._clock, self._boot)
        row = (now.at, now.steady, now.wall, now.boot)
        db.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?, ?, ?)", row)
        return now.at


class _CountedBooks(Books):
    """Books that know how much there is of the past, and not when: enough for all but a wait.

    A place under way lies in the file with the time at which it lapses, so it is counted with the past.
    """

    __slots__ = ("_also", "_db", "_token", "_untold")

    def __init__(
        self, db: sqlite3.Connection, token: str, untold: Sequence[tuple[float, float, int]], *, also: int
    ) -> None:
        super().__init__()
        self._db = db
        self._token = token
        self._untold = untold
        self._also = also

    def counted(self, window: LaneWindow, since: float) -> int:
        # Whole slots by their counts, and the rows of the one that *since* lies in.
        count = (
            "SELECT (SELECT coalesce(sum(count), 0) FROM tally WHERE token = ? AND slot > ?)"
            " + (SELECT count(*) FROM place WHERE token = ? AND ended > ? AND ended < ?)"
            " + (SELECT count(*) FROM other WHERE token = ? AND per = ? AND ended > ?)"
        )
        slot = _slot_of(since)
        end = (slot + 1 - 1_000_000) * _SLOT
        token = self._token
        values = (token, slot, token, since, end, token, window.per, since)
        found: int = self._db.execute(count, values).fetchone()[0]
        lost = sum(count for per, born, count in self._untold if per == window.per and born > since)
        return found + lost + self._also


def _late(seconds: float) -> QuotaUnusable:
    return QuotaUnusable(f"the quota took longer than {seconds:g} s for one line: is its disk gone?")
