"""A journal in PostgreSQL: its tables, and how a transaction on them is made.

Needs the `postgres` extra. Transactions are serializable, so what one read still holds when it is committed;
one that cannot be put in an order with another is made again. The row of a lease is locked when a write looks
at it, so nobody takes it over between that look and the commit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Final, NamedTuple, TypeVar, cast

import msgspec
import psycopg
from msgspec.structs import replace

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.postgres_schema import POSTGRES_MIGRATIONS
from keebai_async.journal.sql_layout import Column, Statements, layout_of, statements, values_of
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import (
    CampaignRow,
    ChunkRow,
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
from keebai_async.storage.server_life import ServerLife

T = TypeVar("T")

LEASE: Final = 6.0
"""Seconds without a heartbeat after which the campaign of a process is another's. Four heartbeats fit in."""

_TIME_TO_SAY_SO: Final = 3.0
"""Seconds for which the server has to have run since somebody was last heard, before their lease is taken: a
lease cannot be kept alive while the server is away."""

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


_LARGE: Final = 4_000
"""Bytes of a value that is not sent among others: there it would take twice its room."""


class _Look(NamedTuple):
    """A query, and for rows of which kind."""

    kind: type[StoredRow]
    query: str
    values: tuple[Column, ...]


class _Write(NamedTuple):
    """A statement that writes, and what is wrong if it does not write one row: nothing, if it need not."""

    query: str
    values: tuple[Column, ...]
    if_not: str = ""

    def check(self, rows: int) -> None:
        if self.if_not and rows != 1:
            raise Damaged(self.if_not)


class PostgresTablesDatabase:
    blocks = True

    def __init__(self, address: PostgresAddress, *, patience: float = PATIENCE) -> None:
        self.name = f"the journal {address.shown}"
        self._database = PostgresDatabase(address, POSTGRES_USE, patience=patience)
        self._life = ServerLife()

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        return self._database.write(partial(self._work, work, True), safe=safe)

    def read(self, work: Callable[[Tables], T]) -> T:
        return self._database.read(partial(self._work, work, False))

    def _work(self, work: Callable[[Tables], T], writes: bool, connection: Connection, moment: Moment) -> T:
        self._life.seen(moment.now, up=moment.up)
        tables = PostgresTables(connection, moment.now, locks=writes)
        given = work(tables)
        tables.flush()
        return given

    def shred(self) -> None:
        """What old transactions still look at, the server's log and its copies keep it for a while."""
        self._database.vacuum("items", "rejections", "moves", "events", "chunks", "campaigns")

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        """A process that was seen to end is dead at once; of all others their heartbeat decides."""
        longest = LEASE if lasts is None else lasts
        if seen_alive(process) is False:
            return False
        return silent_for < longest or self._life.ran_for(silent_for) < min(longest, _TIME_TO_SAY_SO)

    def close(self) -> None:
        self._database.close()


class PostgresTables:
    """Tables, inside one transaction that began at *now*. One that *locks* may write.

    Each message is a journey to the server and back, so there are few: what is expected is looked at in one,
    and what is written waits until something is looked at, or for `flush`, and goes in one, too. (In the
    pipeline mode of libpq there would be as few. But who is frozen in the middle of one keeps its locks for
    good: no time limit of the server counts there. A message is there as a whole or not at all.)
    """

    def __init__(self, connection: Connection, now: float, *, locks: bool) -> None:
        self._db = connection
        self._now = now
        self._locks = locks
        self._expected: list[_Look] = []
        self._found: dict[_Look, list[list[Column]]] = {}
        self._writes: list[_Write] = []

    def expect(self, kind: type[StoredRow], campaign_id: str, *key: int) -> None:
        last = kind is EventRow and not key
        self._expected.append(self._last(campaign_id) if last else self._one(kind, campaign_id, *key))

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        found = self._look(self._one(kind, campaign_id, *key))
        return layout_of(kind).read(found[0]) if found else None

    def _one(self, kind: type[StoredRow], campaign_id: str, *key: int) -> _Look:
        lock = " FOR UPDATE" if self._locks and kind in {LeaseRow, OutboxRow} else ""
        return _Look(kind, f"{_sql(kind).get}{lock}", (campaign_id, *key))

    def _last(self, campaign_id: str) -> _Look:
        query = f"{_sql(EventRow).select} WHERE campaign_id = %b ORDER BY id DESC LIMIT 1"
        return _Look(EventRow, query, (campaign_id,))

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        return self._read(kind, _sql(kind).rows, (campaign_id,))

    def insert(self, row: StoredRow) -> None:
        if isinstance(row, MoveRow):
            row = replace(row, move=_move_without_nul(row.move))
        # A conflict that raised would be the end of the transaction.
        query = f"{_sql(type(row)).insert} ON CONFLICT DO NOTHING"
        already = "there is something already where a row should go"
        self._write(type(row), _Write(query, _storable(values_of(row)), already))

    def update(self, row: StoredRow) -> None:
        if isinstance(row, MoveRow):
            row = replace(row, move=_move_without_nul(row.move))
        kind = type(row)
        values = _storable((*layout_of(kind).write(row), row.campaign_id, *row.key))
        self._write(kind, _Write(_sql(kind).update, values, "a row that was there is missing"))

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        self._found.clear()  # others may go with it
        self._write(kind, _Write(_sql(kind).delete, (campaign_id,)))

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
        found = cast("list[tuple[float, int, str]]", self._look(_Look(ChunkRow, query, (since,))))
        return [(at, people) for at, people, state in found if state in PERHAPS_SENT]

    def drafts(self) -> list[CampaignRow]:
        return self._read(CampaignRow, f"{_sql(CampaignRow).select} WHERE plan IS NULL", ())

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        query = f"{_sql(RejectionsRow).select} WHERE campaign_id = %b AND id > %b ORDER BY id LIMIT 1"
        found = self._read(RejectionsRow, query, (campaign_id, last))
        return found[0] if found else None

    def last_event(self, campaign_id: str) -> EventRow | None:
        found = self._look(self._last(campaign_id))
        return layout_of(EventRow).read(found[0]) if found else None

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        query = f"{_sql(EventRow).select} WHERE campaign_id = %b AND id > %b ORDER BY id LIMIT %b"
        return self._read(EventRow, query, (campaign_id, after, limit))

    def forget_event(self, campaign_id: str, topic: str) -> None:
        query = "DELETE FROM events WHERE campaign_id = %b AND topic = %b AND topic <> ''"
        self._write(EventRow, _Write(query, (campaign_id, topic)))

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
        return [read(found) for found in self._look(_Look(kind, query, tuple(values)))]

    def _look(self, look: _Look) -> list[list[Column]]:
        if look in self._expected:
            self._look_at_expected()
        if look in self._found:
            return self._found.pop(look)
        self.flush()
        return self._rows_of(look.query, look.values)

    def _look_at_expected(self) -> None:
        """Look at all that is expected with one message."""
        self.flush()
        expected, self._expected = self._expected, []
        exact = _Write("SET LOCAL extra_float_digits = 3", ())  # these answers are texts
        answers = self._together([exact, *expected])
        next(answers)
        for look, answer in zip(expected, answers, strict=True):
            self._found[look] = cast("list[list[Column]]", answer.fetchall())

    def _together(self, statements: Sequence[_Look | _Write]) -> Iterator[psycopg.ClientCursor[SqlRow]]:
        """Do all of them with one message; what it gives is each answer in its turn."""
        cursor = psycopg.ClientCursor(self._db)
        query = ";".join([each.query for each in statements])
        cursor.execute(query.encode(), [value for each in statements for value in each.values])
        yield cursor
        while cursor.nextset():
            yield cursor

    def _rows_of(self, query: str, values: Sequence[Column]) -> list[list[Column]]:
        rows: list[SqlRow] = self._db.execute(query.encode(), values, binary=True).fetchall()
        return cast("list[list[Column]]", rows)

    def _write(self, kind: type[StoredRow], write: _Write) -> None:
        self._is_changed(kind)
        if any(isinstance(value, bytes) and len(value) > _LARGE for value in write.values):
            self.flush()
            write.check(self._db.execute(write.query.encode(), write.values).rowcount)
        else:
            self._writes.append(write)

    def flush(self) -> None:
        """Write what waits to be written. Raises Damaged if a row could not be."""
        writes, self._writes = self._writes, []
        if writes:
            for write, answer in zip(writes, self._together(writes), strict=True):
                write.check(answer.rowcount)

    def _is_changed(self, kind: type[StoredRow]) -> None:
        """What was looked at already is not what is there now."""
        self._found = {look: found for look, found in self._found.items() if look.kind is not kind}


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
