"""What a file of the quota knows of its life: which one it is, what may have been lost, which limits hold.

Rows of one token, inside a transaction of sqlite.py. The sums are those of recollection.py and limits.py.
"""

import os
import sqlite3
from collections.abc import Sequence
from typing import Final

from keebai_async.quota.limits import Limits, renewed
from keebai_async.quota.recollection import Recollection
from keebai_async.quota.window import LaneWindow, Quota

LIFE_TABLES: Final = """
CREATE TABLE IF NOT EXISTS life (token TEXT PRIMARY KEY, epoch TEXT NOT NULL, born REAL NOT NULL);
CREATE TABLE IF NOT EXISTS untold (
    token TEXT NOT NULL, per REAL NOT NULL, most INTEGER, told INTEGER NOT NULL, PRIMARY KEY (token, per)
);
CREATE TABLE IF NOT EXISTS quota (
    token TEXT NOT NULL, per REAL NOT NULL, most INTEGER NOT NULL, PRIMARY KEY (token, per)
);
CREATE TABLE IF NOT EXISTS quota_version (
    token TEXT PRIMARY KEY, version TEXT NOT NULL, on_purpose INTEGER NOT NULL
);
"""


class FileLife:
    """One process's view of the life of *token*'s rows. *epoch* is the life that it knows, empty at first."""

    def __init__(self, token: str, *, longest: float) -> None:
        self.epoch = ""
        self._token = token
        self._longest = longest

    def recall(
        self,
        db: sqlite3.Connection,
        windows: Sequence[LaneWindow],
        now: float,
        own: Recollection,
        clock: float,
        since: float,
    ) -> bool:
        """Tell the file again what it forgot of *own*; says whether it had forgotten something.

        *now* is the file's time, *clock* that of *own*, which a request must have ended after *since* for the
        file to have it still.
        """
        row = db.execute("SELECT epoch, born FROM life WHERE token = ?", (self._token,)).fetchone()
        epoch, born = (None, now) if row is None else row
        if epoch is None or (epoch == self.epoch and self._misses(db, own, since)):
            epoch, born = self._begin(db, windows, now), now
        if epoch == self.epoch:
            return False
        forgot, self.epoch = bool(self.epoch), epoch
        if forgot:
            self._tell(db, windows, own, born=born, now=now, clock=clock)
        return forgot

    def _misses(self, db: sqlite3.Connection, own: Recollection, since: float) -> bool:
        known = "SELECT 1 FROM place WHERE id = ?"
        return any(
            witness and db.execute(known, (witness,)).fetchone() is None
            for witness in (own.last_ended(since), own.last_held(since))
        )

    def _begin(self, db: sqlite3.Connection, windows: Sequence[LaneWindow], now: float) -> str:
        epoch, token = os.urandom(8).hex(), self._token
        db.execute("INSERT OR REPLACE INTO life VALUES (?, ?, ?)", (token, epoch, now))
        db.execute("DELETE FROM untold WHERE token = ?", (token,))
        places = "SELECT count(*) FROM place WHERE token = ? AND ended > ?"
        others = "SELECT count(*) FROM other WHERE token = ? AND per = ? AND ended > ?"
        for window in windows:
            told = db.execute(places, (token, now - window.per)).fetchone()[0]
            told += db.execute(others, (token, window.per, now - window.per)).fetchone()[0]
            db.execute("INSERT INTO untold VALUES (?, ?, NULL, ?)", (token, window.per, told))
        return epoch

    def _tell(
        self,
        db: sqlite3.Connection,
        windows: Sequence[LaneWindow],
        own: Recollection,
        *,
        born: float,
        now: float,
        clock: float,
    ) -> None:
        token, there = self._token, now - clock
        for window, most in zip(windows, own.most(windows, born - there), strict=True):
            if most >= 0:
                db.execute(
                    "INSERT INTO untold VALUES (?, ?, ?, 0) ON CONFLICT (token, per)"
                    " DO UPDATE SET most = min(coalesce(most, excluded.most), excluded.most)",
                    (token, window.per, most),
                )
        for place, at in own.ended.items():
            ended = at + there
            if self._is_new(db, place):
                db.execute("INSERT INTO place VALUES (?, ?, NULL, ?)", (place, token, ended))
                self._told(db, windows, born, ended)
            else:
                db.execute(
                    "UPDATE place SET taken = NULL, ended = min(ended, ?) WHERE id = ?", (ended, place)
                )
        for place, at in own.held.items():
            taken = at + there
            if self._is_new(db, place):
                row = (place, token, taken, taken + self._longest)
                db.execute("INSERT INTO place VALUES (?, ?, ?, ?)", row)
                self._told(db, windows, born, max(born, taken))
        if own.paused > clock:
            until = own.paused + there
            db.execute(
                "INSERT INTO pause VALUES (?, ?, 0, 1) ON CONFLICT (token)"
                " DO UPDATE SET until = max(until, excluded.until), proving = 1",
                (token, until),
            )

    @staticmethod
    def _is_new(db: sqlite3.Connection, place: str) -> bool:
        return db.execute("SELECT 1 FROM place WHERE id = ?", (place,)).fetchone() is None

    def _told(self, db: sqlite3.Connection, windows: Sequence[LaneWindow], born: float, at: float) -> None:
        for window in windows:
            if at > born - window.per:
                db.execute(
                    "UPDATE untold SET told = told + 1 WHERE token = ? AND per = ?", (self._token, window.per)
                )

    def untold(self, db: sqlite3.Connection, now: float) -> list[tuple[float, float, int]]:
        """How many may have been spent before the loss that nobody told of since: window, when, how many."""
        found = db.execute(
            "SELECT untold.per, life.born, untold.most - untold.told FROM untold"
            " JOIN life ON life.token = untold.token"
            " WHERE untold.token = ? AND most > told AND life.born + untold.per > ?",
            (self._token, now),
        )
        return [(per, born, count) for per, born, count in found]

    def limits(self, db: sqlite3.Connection) -> Limits | None:
        """What holds for the token, if anything does yet."""
        select = "SELECT version, on_purpose FROM quota_version WHERE token = ?"
        row = db.execute(select, (self._token,)).fetchone()
        if row is None:
            return None
        quotas = db.execute("SELECT most, per FROM quota WHERE token = ? ORDER BY per", (self._token,))
        return Limits(
            quotas=tuple(Quota(most, per) for most, per in quotas), version=row[0], on_purpose=bool(row[1])
        )

    def agree(self, db: sqlite3.Connection, said: Limits, *, replace: bool) -> Limits:
        """Enter what somebody said, and give what holds then."""
        kept = self.limits(db)
        now = renewed(kept, said, replace=replace, version=os.urandom(8).hex())
        if now != kept:
            db.execute("DELETE FROM quota WHERE token = ?", (self._token,))
            rows = [(self._token, quota.per, quota.limit) for quota in now.quotas]
            db.executemany("INSERT INTO quota VALUES (?, ?, ?)", rows)
            row = (self._token, now.version, now.on_purpose)
            db.execute("INSERT OR REPLACE INTO quota_version VALUES (?, ?, ?)", row)
        return now
