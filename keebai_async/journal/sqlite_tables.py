"""A journal in one SQLite file: its tables, and how a transaction on them is made."""

import math
import sqlite3
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeVar

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import JournalUnusable
from keebai_async.journal import rules, schema
from keebai_async.journal.sql_layout import Statements, layout_of, statements, values_of
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import (
    CampaignRow,
    EventRow,
    LeaseRow,
    OutboxRow,
    R,
    RejectionsRow,
    StoredRow,
    Tables,
    WantRow,
)
from keebai_async.journal.transactions import HEARTBEAT
from keebai_async.model.chunk import ChunkState
from keebai_async.model.places import PERHAPS_SENT
from keebai_async.storage.process import Process, alive
from keebai_async.storage.safety import Damaged, Safe
from keebai_async.storage.sqlite_file import LOCK_PATIENCE, SqliteFile, SqliteUse

T = TypeVar("T")

USE: Final = SqliteUse(
    name="the journal",
    not_ours="it is not a journal: choose another file",
    damaged=rules.DAMAGED,
    error=JournalUnusable,
    passing=partial(JournalUnusable, temporary=True),
    migrate=schema.migrate,
    at_first=("auto_vacuum = INCREMENTAL",),
    pragmas=("foreign_keys = ON", "secure_delete = ON"),
    private=True,
)


class SqliteJournal(StoredJournal):
    """The Journal protocol on the file *path*, which is made, readable by its owner only, on first use.

    Several processes may have the same file open. *patience* is how many seconds it waits for another
    process that is writing, in real time; *clock*, *heartbeat* and *lease* are those of StoredJournal.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        patience: float = LOCK_PATIENCE,
        heartbeat: float | None = None,
        lease: float | None = None,
    ) -> None:
        self.path = Path(path)
        database = SqliteDatabase(self.path, clock=clock, patience=patience)
        if heartbeat is None:
            heartbeat = HEARTBEAT if lease is None else min(HEARTBEAT, lease / 4)
        super().__init__(database, clock=clock, heartbeat=heartbeat, lease=lease)


class SqliteDatabase:
    blocks = True

    def __init__(self, path: Path, *, clock: Clock, patience: float = LOCK_PATIENCE) -> None:
        self.name = f"the journal {path}"
        self._file = SqliteFile(path, USE, patience=patience)
        self._clock = clock

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        with self._file.writing(safe) as connection:
            return work(SqliteTables(connection, self._clock))

    def read(self, work: Callable[[Tables], T]) -> T:
        with self._file.reading() as connection:
            return work(SqliteTables(connection, self._clock))

    def shred(self) -> None:
        self._file.shred()

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        """Of this machine a process is looked at; of another one, its heartbeat decides."""
        return alive(process, silent_for=silent_for, lasts=lasts)

    def close(self) -> None:
        self._file.close()


class SqliteTables:
    """Tables, inside a transaction that keeps all other writers out."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._db = connection
        self._clock = clock

    def expect(self, kind: type[StoredRow], campaign_id: str, *key: int) -> None:
        return None  # it is here already

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        found = self._db.execute(_sql(kind).get, (campaign_id, *key)).fetchone()
        return None if found is None else layout_of(kind).read(found)

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        read = layout_of(kind).read
        return [read(found) for found in self._db.execute(_sql(kind).rows, (campaign_id,))]

    def insert(self, row: StoredRow) -> None:
        try:
            self._db.execute(_sql(type(row)).insert, values_of(row))
        except sqlite3.IntegrityError as error:
            raise Damaged(f"there is something already where a row should go ({error})") from error

    def update(self, row: StoredRow) -> None:
        kind = type(row)
        values = (*layout_of(kind).write(row), row.campaign_id, *row.key)
        if self._db.execute(_sql(kind).update, values).rowcount != 1:
            raise Damaged("a row that was there is missing")

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        self._db.execute(_sql(kind).delete, (campaign_id,))

    def frozen(self, *, alike: tuple[str, str] | None = None) -> list[CampaignRow]:
        where, values = ("name = ? AND fingerprint = ? AND", alike) if alike else ("", ())
        query = f"{_sql(CampaignRow).select} WHERE {where} plan IS NOT NULL"
        found = self._db.execute(f"{query} ORDER BY created_at DESC, rowid DESC", values)
        return [layout_of(CampaignRow).read(each) for each in found]

    def left_since(self, since: float) -> list[tuple[float, int]]:
        found = self._db.execute(
            "SELECT submitted_at, recipients, state FROM chunks WHERE submitted_at > ?", (since,)
        )
        return [(at, people) for at, people, state in found if state in PERHAPS_SENT]

    def drafts(self) -> list[CampaignRow]:
        found = self._db.execute(f"{_sql(CampaignRow).select} WHERE plan IS NULL")
        return [layout_of(CampaignRow).read(each) for each in found]

    def leases(self) -> list[LeaseRow]:
        return [layout_of(LeaseRow).read(each) for each in self._db.execute(_sql(LeaseRow).select)]

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        query = f"{_sql(RejectionsRow).select} WHERE campaign_id = ? AND id > ? ORDER BY id LIMIT 1"
        found = self._db.execute(query, (campaign_id, last)).fetchone()
        return None if found is None else layout_of(RejectionsRow).read(found)

    def last_event(self, campaign_id: str) -> EventRow | None:
        query = f"{_sql(EventRow).select} WHERE campaign_id = ? ORDER BY id DESC LIMIT 1"
        found = self._db.execute(query, (campaign_id,)).fetchone()
        return None if found is None else layout_of(EventRow).read(found)

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        query = f"{_sql(EventRow).select} WHERE campaign_id = ? AND id > ? ORDER BY id LIMIT ?"
        found = self._db.execute(query, (campaign_id, after, limit))
        return [layout_of(EventRow).read(each) for each in found]

    def forget_event(self, campaign_id: str, topic: str) -> None:
        # Said twice, so that SQLite sees that its index on topics has it.
        self._db.execute(
            "DELETE FROM events WHERE campaign_id = ? AND topic = ? AND topic <> ''", (campaign_id, topic)
        )

    def outbox(self, state: ChunkState, *, before: float = math.inf, limit: int) -> list[OutboxRow]:
        query = (
            f"{_sql(OutboxRow).select} WHERE state = ? AND created_at < ? ORDER BY created_at DESC LIMIT ?"
        )
        found = self._db.execute(query, (state.value, before, limit))
        return [layout_of(OutboxRow).read(each) for each in found]

    def wants(self, *, by: float) -> list[WantRow]:
        found = self._db.execute(f"{_sql(WantRow).select} WHERE at <= ? ORDER BY at, campaign_id", (by,))
        return [layout_of(WantRow).read(each) for each in found]

    def now(self) -> float:
        return self._clock.wall()


@cache
def _sql(kind: type[StoredRow]) -> Statements:
    return statements(layout_of(kind), "?")
