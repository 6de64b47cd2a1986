"""A journal in PostgreSQL: its tables, and how a transaction on them is made.

Needs the `postgres` extra. Transactions are serializable, so what one read still holds when it is committed;
one that cannot be put in an order with another is made again. The row of a lease is locked when a write looks
at it, so nobody takes it over between that look and the commit.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Final, TypeVar, cast

import msgspec
from msgspec.structs import replace

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.postgres_schema import POSTGRES_MIGRATIONS
from keebai_async.journal.sql_layout import Column, Statements, layout_of, statements, values_of
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import (
    CampaignRow,
    EventRow,
    LeaseRow,
    MoveRow,
    OutboxRow,
    R,
    RejectionsRow,
    StoredRow,
    Tables,
    WantRow,
)
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Move
from keebai_async.model.places import PERHAPS_SENT
from keebai_async.storage.postgres import PATIENCE, Connection, Moment, PostgresDatabase, PostgresUse, SqlRow
from keebai_async.storage.postgres_address import PostgresAddress
from keebai_async.storage.process import Process, seen_alive
from keebai_async.storage.safety import Damaged, Safe

T = TypeVar("T")

LEASE: Final = 6.0
"""Seconds without a heartbeat after which the campaign of a process is another's. Four heartbeats fit in."""

_AFTER_A_RESTART: Final = 3.0
"""Seconds of the server's life in which nobody's lease is taken: they could not be kept alive before it."""

POSTGRES_USE: Final = PostgresUse(
    name="the journal",
    part="journal",
    error=JournalUnusable,
    passing=partial(JournalUnusable, temporary=True),
    migrations=POSTGRES_MIGRATIONS,
)


class PostgresJournal(StoredJournal):
    """The Journal protocol in the database at *address*; its tables are made on first use.

    Any number of processes may use it. *lease* is how many seconds a process may be silent before another may
    go on with its campaigns, on the server's clock. *patience* is how many seconds of real time one
    transaction is tried again while the server is away.
    """

    def __init__(
        self,
        address: PostgresAddress,
        *,
        clock: Clock = SYSTEM_CLOCK,
        lease: float = LEASE,
        patience: float = PATIENCE,
    ) -> None:
        self.address = address
        database = PostgresTablesDatabase(address, patience=patience)
        super().__init__(database, clock=clock, heartbeat=lease / 4, lease=lease)


class PostgresTablesDatabase:
    blocks = True

    def __init__(self, address: PostgresAddress, *, patience: float = PATIENCE) -> None:
        self.name = f"the journal {address.shown}"
        self._database = PostgresDatabase(address, POSTGRES_USE, patience=patience)
        self._up = 0.0

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        return self._database.write(partial(self._work, work, True), safe=safe)

    def read(self, work: Callable[[Tables], T]) -> T:
        return self._database.read(partial(self._work, work, False))

    def _work(self, work: Callable[[Tables], T], writes: bool, connection: Connection, moment: Moment) -> T:
        self._up = moment.up
        return work(PostgresTables(connection, moment.now, locks=writes))

    def shred(self) -> None:
        """What old transactions still look at, the server's log and its copies keep it for a while."""
        self._database.vacuum("items", "rejections", "moves", "events", "chunks", "campaigns")

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        """A process that was seen to end is dead at once; of all others their heartbeat decides."""
        longest = LEASE if lasts is None else lasts
        if seen_alive(process) is False:
            return False
        return silent_for < longest or self._up < min(longest, _AFTER_A_RESTART)

    def close(self) -> None:
        self._database.close()


class PostgresTables:
    """Tables, inside one transaction that began at *now*. One that *locks* may write."""

    def __init__(self, connection: Connection, now: float, *, locks: bool) -> None:
        self._db = connection
        self._now = now
        self._locks = locks

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        lock = " FOR UPDATE" if self._locks and kind in {LeaseRow, OutboxRow} else ""
        found = self._look(f"{_sql(kind).get}{lock}", (campaign_id, *key))
        return layout_of(kind).read(found[0]) if found else None

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        return self._read(kind, _sql(kind).rows, (campaign_id,))

    def insert(self, row: StoredRow) -> None:
        if isinstance(row, MoveRow):
            row = replace(row, move=_move_without_nul(row.move))
        # A conflict that raised would be the end of the transaction.
        query = f"{_sql(type(row)).insert} ON CONFLICT DO NOTHING"
        if self._do(query, _storable(values_of(row))) != 1:
            raise Damaged("there is something already where a row should go")

    def update(self, row: StoredRow) -> None:
        if isinstance(row, MoveRow):
            row = replace(row, move=_move_without_nul(row.move))
        kind = type(row)
        values = (*_storable(layout_of(kind).write(row)), row.campaign_id, *row.key)
        if self._do(_sql(kind).update, values) != 1:
            raise Damaged("a row that was there is missing")

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        self._do(_sql(kind).delete, (campaign_id,))

    def frozen(self, *, alike: tuple[str, str] | None = None) -> list[CampaignRow]:
        where, values = "", tuple[str, ...]()
        if alike is not None:
            where, values = "md5(name) = md5(%b) AND name = %b AND fingerprint = %b AND", (alike[0], *alike)
        query = (
            f"{_sql(CampaignRow).select} WHERE {where} plan IS NOT NULL ORDER BY created_at DESC, place DESC"
        )
        return self._read(CampaignRow, query, _storable(values))

    def left_since(self, since: float) -> list[tuple[float, int]]:
        query = "SELECT submitted_at, recipients, state FROM chunks WHERE submitted_at > %b"
        found = cast("list[tuple[float, int, str]]", self._look(query, (since,)))
        return [(at, people) for at, people, state in found if state in PERHAPS_SENT]

    def drafts(self) -> list[CampaignRow]:
        return self._read(CampaignRow, f"{_sql(CampaignRow).select} WHERE plan IS NULL", ())

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        query = f"{_sql(RejectionsRow).select} WHERE campaign_id = %b AND id > %b ORDER BY id LIMIT 1"
        found = self._read(RejectionsRow, query, (campaign_id, last))
        return found[0] if found else None

    def last_event(self, campaign_id: str) -> EventRow | None:
        query = f"{_sql(EventRow).select} WHERE campaign_id = %b ORDER BY id DESC LIMIT 1"
        found = self._read(EventRow, query, (campaign_id,))
        return found[0] if found else None

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        query = f"{_sql(EventRow).select} WHERE campaign_id = %b AND id > %b ORDER BY id LIMIT %b"
        return self._read(EventRow, query, (campaign_id, after, limit))

    def forget_event(self, campaign_id: str, topic: str) -> None:
        query = "DELETE FROM events WHERE campaign_id = %b AND topic = %b AND topic <> ''"
        self._do(query, (campaign_id, topic))

    def leases(self) -> list[LeaseRow]:
        return self._read(LeaseRow, _sql(LeaseRow).select, ())

    def outbox(self, state: ChunkState, *, before: float = math.inf, limit: int) -> list[OutboxRow]:
        query = (
            f"{_sql(OutboxRow).select} WHERE state = %b AND created_at < %b ORDER BY created_at DESC LIMIT %b"
        )
        return self._read(OutboxRow, query, (state.value, before, limit))

    def wants(self, *, by: float) -> list[WantRow]:
        # Infinity is a number there, too.
        return self._read(WantRow, f"{_sql(WantRow).select} WHERE at <= %b ORDER BY at, campaign_id", (by,))

    def now(self) -> float:
        return self._now

    def _read(self, kind: type[R], query: str, values: Sequence[Column]) -> list[R]:
        read = layout_of(kind).read
        return [read(found) for found in self._look(query, values)]

    def _look(self, query: str, values: Sequence[Column]) -> list[list[Column]]:
        rows: list[SqlRow] = self._db.execute(query.encode(), values, binary=True).fetchall()
        return cast("list[list[Column]]", rows)

    def _do(self, query: str, values: Sequence[Column]) -> int:
        return self._db.execute(query.encode(), values).rowcount


@cache
def _sql(kind: type[StoredRow]) -> Statements:
    return statements(layout_of(kind), "%b")


def _storable(values: Sequence[Column]) -> tuple[Column, ...]:
    """*values* without the character 0, which no text of PostgreSQL can hold."""
    return tuple([_without_nul(value) for value in values])


def _move_without_nul(move: Move) -> Move:
    """The same as `_storable` for a chunk's move, which has to lead where the chunk is."""
    if b"\\u0000" not in msgspec.json.encode(move):
        return move
    fields = {name: getattr(move, name) for name in move.__struct_fields__}
    return replace(move, **{name: _without_nul(value) for name, value in fields.items()})


def _without_nul(value: Column) -> Column:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value
