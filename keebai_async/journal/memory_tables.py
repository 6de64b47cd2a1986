"""A journal that lasts as long as its process: for dry runs, tests and programs that keep no record."""

import math
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TypeVar, cast

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
from keebai_async.model.places import departures
from keebai_async.storage.process import Process, alive
from keebai_async.storage.safety import Damaged, Safe

T = TypeVar("T")
Kept = dict[tuple[int, ...], StoredRow]


class MemoryJournal(StoredJournal):
    """The Journal protocol without a disk: nothing in it survives the process, nor `aclose`.

    *clock* gives the times that are written beside what is kept.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(MemoryDatabase(clock), clock=clock)


class MemoryDatabase:
    name = "the journal in memory"
    blocks = False

    def __init__(self, clock: Clock) -> None:
        self._tables = MemoryTables(clock)

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        self._tables.begin()
        try:
            return work(self._tables)
        except BaseException:
            self._tables.undo()
            raise

    def read(self, work: Callable[[Tables], T]) -> T:
        return work(self._tables)

    def shred(self) -> None:
        return None

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        """Asked only after a fork: a lease of this process is known by its id."""
        return alive(process, silent_for=silent_for, lasts=lasts)

    def close(self) -> None:
        return None


class MemoryTables:
    """Rows by kind, campaign and key, with what takes back the changes of one transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[type[StoredRow], dict[str, Kept]] = {kind: {} for kind in KINDS}
        self._undo: list[Callable[[], object]] = []

    def begin(self) -> None:
        self._undo.clear()

    def undo(self) -> None:
        """Be as it was at `begin`."""
        while self._undo:
            self._undo.pop()()

    def expect(self, kind: type[StoredRow], campaign_id: str, *key: int) -> None:
        return None  # it is here already

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        return cast("R | None", self._rows[kind].get(campaign_id, {}).get(key))

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        kept = self._rows[kind].get(campaign_id, {})
        rows = [kept[key] for key in sorted(kept)] if kind is ChunkRow else list(kept.values())
        return cast("list[R]", rows)

    def insert(self, row: StoredRow) -> None:
        kept = self._rows[type(row)].setdefault(row.campaign_id, {})
        if isinstance(row, RejectionsRow):
            row = replace(row, id=len(kept) + 1)
        key = row.key
        if key in kept:
            raise Damaged("there is something already where a row should go")
        kept[key] = row
        self._undo.append(lambda: kept.pop(key))

    def update(self, row: StoredRow) -> None:
        kept, key = self._rows[type(row)].get(row.campaign_id, {}), row.key
        if key not in kept:
            raise Damaged("a row that was there is missing")
        before, kept[key] = kept[key], row
        self._undo.append(lambda: kept.update({key: before}))

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        for each in KINDS if kind is CampaignRow else (kind,):
            self._remove(self._rows[each], campaign_id)

    def _remove(self, campaigns: dict[str, Kept], campaign_id: str) -> None:
        kept = campaigns.pop(campaign_id, None)
        if kept is not None:
            self._undo.append(lambda: campaigns.update({campaign_id: kept}))

    def frozen(self, *, alike: tuple[str, str] | None = None) -> list[CampaignRow]:
        rows = [row for row in reversed(self._campaigns) if row.plan is not None]
        if alike is not None:
            rows = [row for row in rows if (row.name, row.fingerprint) == alike]
        return sorted(rows, key=lambda row: row.created_at, reverse=True)

    def left_since(self, since: float) -> list[tuple[float, int]]:
        chunks = (row.chunk for each in self._rows[ChunkRow] for row in self.rows(ChunkRow, each))
        return [(at, people) for at, people in departures(chunks) if at > since]

    def drafts(self) -> list[CampaignRow]:
        return [row for row in self._campaigns if row.plan is None]

    @property
    def _campaigns(self) -> list[CampaignRow]:
        return [row for campaign_id in self._rows[CampaignRow] for row in self.rows(CampaignRow, campaign_id)]

    def leases(self) -> list[LeaseRow]:
        return [row for campaign_id in self._rows[LeaseRow] for row in self.rows(LeaseRow, campaign_id)]

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        kept = self.get(RejectionsRow, campaign_id, last + 1)
        if kept is None:
            return None
        # As from a disk: who changes what they read changes neither what is kept nor what others read.
        own = [replace(each, columns={**each.columns}, cells={**each.cells}) for each in kept.rejections]
        return replace(kept, rejections=tuple(own))

    def _newest_events(self, campaign_id: str) -> Iterator[EventRow]:
        kept = self._rows[EventRow].get(campaign_id, {})
        return (cast("EventRow", row) for row in reversed(kept.values()))

    def last_event(self, campaign_id: str) -> EventRow | None:
        return next(self._newest_events(campaign_id), None)

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        newer = list(takewhile(lambda row: row.id > after, self._newest_events(campaign_id)))
        return newer[::-1][:limit]

    def forget_event(self, campaign_id: str, topic: str) -> None:
        kept = self._rows[EventRow].get(campaign_id, {})
        row = next((row for row in self._newest_events(campaign_id) if row.topic == topic), None)
        if row is None:
            return
        rest = {key: each for key, each in kept.items() if key != row.key}
        events = self._rows[EventRow]
        self._undo.append(lambda: events.update({campaign_id: kept}))  # where they have their order
        events[campaign_id] = rest

    def outbox(self, state: ChunkState, *, before: float = math.inf, limit: int) -> list[OutboxRow]:
        rows = [row for each in self._rows[OutboxRow] for row in self.rows(OutboxRow, each)]
        found = [row for row in rows if row.message.state is state and row.message.created_at < before]
        return sorted(found, key=lambda row: row.message.created_at, reverse=True)[:limit]

    def wants(self, *, by: float) -> list[WantRow]:
        rows = [row for each in self._rows[WantRow] for row in self.rows(WantRow, each) if row.at <= by]
        return sorted(rows, key=lambda row: (row.at, row.campaign_id))

    def now(self) -> float:
        return self._clock.wall()
