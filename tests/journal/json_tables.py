"""A third database, to prove that one needs nothing but its tables: rows as JSON in one dictionary.

It is like a server that many processes share: every row goes through bytes, a transaction works on a copy
of its own, and each one is given up once after all its work is done, as PostgreSQL may do, and made again.
"""

import math
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import (
    KINDS,
    CampaignRow,
    ChunkRow,
    EventRow,
    LeaseRow,
    OutboxRow,
    R,
    RejectionsRow,
    StoredRow,
    Tables,
    WantRow,
)
from keebai_async.model.chunk import ChunkState
from keebai_async.model.places import PERHAPS_SENT
from keebai_async.storage.process import Process, alive
from keebai_async.storage.safety import Damaged, Safe

T = TypeVar("T")
Kept = dict[tuple[str, str, tuple[int, ...]], bytes]


class JsonServer:
    """What outlives the journals that are open on it."""

    def __init__(self) -> None:
        self.kept: Kept = {}


class JsonJournal(StoredJournal):
    def __init__(self, server: JsonServer, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(JsonDatabase(server, clock), clock=clock)


class JsonDatabase:
    name = "the journal in JSON"
    blocks = True

    def __init__(self, server: JsonServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        work(JsonTables(dict(self._server.kept), self._clock))  # given up: all of it is done again
        tables = JsonTables(dict(self._server.kept), self._clock)
        given = work(tables)
        self._server.kept = tables.kept
        return given

    def read(self, work: Callable[[Tables], T]) -> T:
        return work(JsonTables(self._server.kept, self._clock))

    def shred(self) -> None:
        return None

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        return alive(process, silent_for=silent_for, lasts=lasts)

    def close(self) -> None:
        return None


class JsonTables:
    def __init__(self, kept: Kept, clock: Clock) -> None:
        self.kept = kept
        self._clock = clock

    def expect(self, kind: type[StoredRow], campaign_id: str, *key: int) -> None:
        return None  # it is here already

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        found = self.kept.get((kind.__name__, campaign_id, key))
        return None if found is None else msgspec.json.decode(found, type=kind)

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        return [
            msgspec.json.decode(found, type=kind)
            for (name, campaign, _), found in self.kept.items()
            if (name, campaign) == (kind.__name__, campaign_id)
        ]

    def insert(self, row: StoredRow) -> None:
        if isinstance(row, RejectionsRow):
            row = replace(row, id=len(self.rows(RejectionsRow, row.campaign_id)) + 1)
        key = (type(row).__name__, row.campaign_id, row.key)
        if key in self.kept:
            raise Damaged(f"{key} is there already")
        self.kept[key] = msgspec.json.encode(row)

    def update(self, row: StoredRow) -> None:
        key = (type(row).__name__, row.campaign_id, row.key)
        if key not in self.kept:
            raise Damaged(f"{key} is not there")
        self.kept[key] = msgspec.json.encode(row)

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        gone = {each.__name__ for each in (KINDS if kind is CampaignRow else (kind,))}
        for key in [key for key in self.kept if key[0] in gone and key[1] == campaign_id]:
            del self.kept[key]

    def frozen(self, *, alike: tuple[str, str] | None = None) -> list[CampaignRow]:
        rows = [row for row in self._campaigns() if row.plan is not None]
        if alike is not None:
            rows = [row for row in rows if (row.name, row.fingerprint) == alike]
        return sorted(rows, key=lambda row: row.created_at, reverse=True)

    def left_since(self, since: float) -> list[tuple[float, int]]:
        campaigns = [campaign for name, campaign, _ in self.kept if name == CampaignRow.__name__]
        chunks = [row.chunk for campaign in campaigns for row in self.rows(ChunkRow, campaign)]
        return [
            (each.submitted_at, each.recipients)
            for each in chunks
            if each.state in PERHAPS_SENT and each.submitted_at is not None and each.submitted_at > since
        ]

    def drafts(self) -> list[CampaignRow]:
        return [row for row in self._campaigns() if row.plan is None]

    def _campaigns(self) -> list[CampaignRow]:
        names = [campaign for name, campaign, _ in self.kept if name == CampaignRow.__name__]
        return [row for campaign in names for row in self.rows(CampaignRow, campaign)]

    def leases(self) -> list[LeaseRow]:
        kept = self.kept.items()
        return [msgspec.json.decode(row, type=LeaseRow) for key, row in kept if key[0] == LeaseRow.__name__]

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        return self.get(RejectionsRow, campaign_id, last + 1)

    def last_event(self, campaign_id: str) -> EventRow | None:
        return max(self.rows(EventRow, campaign_id), key=lambda row: row.id, default=None)

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        newer = [row for row in self.rows(EventRow, campaign_id) if row.id > after]
        return sorted(newer, key=lambda row: row.id)[:limit]

    def forget_event(self, campaign_id: str, topic: str) -> None:
        for row in self.rows(EventRow, campaign_id):
            if row.topic == topic:
                del self.kept[(EventRow.__name__, campaign_id, row.key)]

    def outbox(self, state: ChunkState, *, before: float = math.inf, limit: int) -> list[OutboxRow]:
        names = [message for name, message, _ in self.kept if name == OutboxRow.__name__]
        rows = [row for name in names for row in self.rows(OutboxRow, name)]
        found = [row for row in rows if row.message.state is state and row.message.created_at < before]
        return sorted(found, key=lambda row: row.message.created_at, reverse=True)[:limit]

    def wants(self, *, by: float) -> list[WantRow]:
        names = [campaign for name, campaign, _ in self.kept if name == WantRow.__name__]
        rows = [row for name in names for row in self.rows(WantRow, name) if row.at <= by]
        return sorted(rows, key=lambda row: (row.at, row.campaign_id))

    def now(self) -> float:
        return self._clock.wall()
