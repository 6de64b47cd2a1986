"""A journal in one SQLite file, which survives the process, the crash and the power cut.

The naive way is a table of chunk states that is updated on the way. Killed between the update and the
request, or with the update still in the kernel's memory, it tells a lie afterwards. Here each move of a
chunk is one transaction that is on the disk itself (write-ahead log, synchronous FULL) before `record`
returns; the moves are kept, and where a chunk stands is checked against them when a campaign is loaded.
One thread does it all, in order, so nothing interleaves and the event loop never waits for a disk.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import anyio
import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import JournalUnusable, Misused
from keebai_async.journal import drafts, erasing, rules, sqlite_tables
from keebai_async.journal.contract import Requests
from keebai_async.journal.leases import Leases
from keebai_async.model.campaign import CampaignState, Started, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import HandOn, Move, Refuse, Submit
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.stop import Cause
from keebai_async.storage.sqlite_file import PATIENCE, Database, Safe
from keebai_async.storage.thread import Job, Worker

T = TypeVar("T")

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life of a lease."""

_BATCH: Final = 1_000
"""Rejections of a plan in the making that wait in memory until they are written together."""


@dataclass(kw_only=True)
class _Draft:
    """What this process remembers of a plan that it is making."""

    numbers: set[int] = field(default_factory=set)
    rejections: list[Rejection] = field(default_factory=list)
    under_way: Job[None] | None = None

    async def settled(self) -> None:
        """Wait until nothing is under way; raises what went wrong with it."""
        if self.under_way is not None:
            await self.under_way.result()
            self.under_way = None


class SqliteJournal:
    """The Journal protocol on the file *path*, which is made, readable by its owner only, on first use.

    Usable from one event loop at a time; several processes may have the same file open. *patience* is how
    many seconds it waits for another process that is writing, *heartbeat* how many pass between two signs
    of life of a lease, both in real time. *clock* gives the times that are written down.

    Source: design, section 3, promises 2, 3 and 6.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        patience: float = PATIENCE,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._database = Database(self.path, patience=patience)
        self._leases = Leases(clock)
        self._worker = Worker(beat=self._beat, period=heartbeat)
        self._drafts: dict[str, _Draft] = {}

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        """Keep a chunk of a plan in the making.

        One is packed and written while the next is planned: what goes wrong with it is raised by the next
        call for this plan, `freeze` at the latest.
        """
        draft = await self._draft(campaign_id)
        if number in draft.numbers:
            raise rules.kept_twice(campaign_id, number)
        draft.numbers.add(number)
        chunk = Chunk(number=number, recipients=recipients)

        def work(db: sqlite3.Connection) -> None:
            drafts.begin(db, self._leases, campaign_id, at=self._clock.wall())
            drafts.add_chunk(db, campaign_id, chunk, items)

        draft.under_way = self._worker.hand_over(self._writing(work, safe=Safe.FROM_KILLS))

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None:
        draft = self._drafts.get(campaign_id) or await self._draft(campaign_id)
        draft.rejections.extend(rejections)
        if len(draft.rejections) < _BATCH:
            return
        await draft.settled()
        batch, draft.rejections = draft.rejections, []

        def work(db: sqlite3.Connection) -> None:
            drafts.begin(db, self._leases, campaign_id, at=self._clock.wall())
            sqlite_tables.put_rejections(db, campaign_id, batch)

        await self._write(work, safe=Safe.FROM_KILLS)

    async def freeze(self, plan: Plan) -> None:
        draft = await self._draft(plan.campaign_id)

        def work(db: sqlite3.Connection) -> None:
            drafts.begin(db, self._leases, plan.campaign_id, at=self._clock.wall())
            drafts.freeze(db, self._leases, plan, draft.rejections)

        await self._write(work)
        self._drafts.pop(plan.campaign_id, None)

    async def discard(self, campaign_id: str) -> None:
        self._drafts.pop(campaign_id, None)
        await self._write(lambda db: drafts.discard(db, self._leases, campaign_id), safe=Safe.FROM_KILLS)

    async def load(self, campaign_id: str) -> Started:
        def work(db: sqlite3.Connection) -> Started:
            started = self._started(db, campaign_id)
            sqlite_tables.check_history(db, campaign_id)
            return started

        return await self._read(work)

    async def campaigns(self) -> list[Started]:
        return await self._read(lambda db: [self._started(db, each) for each in sqlite_tables.frozen_ids(db)])

    async def find(self, name: str, fingerprint: str) -> list[Started]:
        def work(db: sqlite3.Connection) -> list[Started]:
            return [
                self._started(db, each) for each in sqlite_tables.frozen_ids(db, alike=(name, fingerprint))
            ]

        return await self._read(work)

    async def items(self, campaign_id: str, number: int) -> bytes:
        def work(db: sqlite3.Connection) -> bytes:
            purged = sqlite_tables.is_purged(db, campaign_id)
            sqlite_tables.get_chunk(db, campaign_id, number)
            if purged:
                raise rules.no_people(campaign_id)
            return sqlite_tables.get_items(db, campaign_id, number)

        return await self._read(work)

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        # A copy without the log must know whom it would message again. That one was answered it may forget:
        # then the chunk is unknown there, and a person looks.
        safe = Safe.FROM_COPYING if isinstance(move, Submit) else Safe.FROM_POWER_CUTS
        return await self._change(campaign_id, lambda db: self._record(db, campaign_id, move), safe=safe)

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        def work(db: sqlite3.Connection) -> tuple[Chunk, ...]:
            for move in moves:
                sqlite_tables.get_chunk(db, campaign_id, move.number)
            before = {chunk.number: chunk for chunk in sqlite_tables.get_chunks(db, campaign_id)}
            parents, born = rules.cut_anew(before, moves, children)
            sqlite_tables.add_chunks(db, campaign_id, born)
            for move, parent in zip(moves, parents, strict=True):
                sqlite_tables.put_move(db, campaign_id, move, parent, at=self._clock.wall())
                sqlite_tables.put_items(db, campaign_id, parent.number, b"[]")
            sqlite_tables.put_items(db, campaign_id, parents[0].number, keep)
            for chunk, (_, items) in zip(born, children, strict=True):
                sqlite_tables.put_items(db, campaign_id, chunk.number, items)
            return (*parents, *born)

        return await self._change(campaign_id, work)

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> None:
        def work(db: sqlite3.Connection) -> None:
            sqlite_tables.get_chunk(db, campaign_id, number)
            db.execute(
                "UPDATE chunks SET sent = ?, failed = ?, final = ? WHERE campaign_id = ? AND number = ?",
                (sent, failed, final, campaign_id, number),
            )

        # What is lost with the machine is read from the service again, but for the last word.
        await self._change(campaign_id, work, safe=Safe.FROM_POWER_CUTS if final else Safe.FROM_KILLS)

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        reason: str | None = None,
        stopped_by: Cause | None = None,
        requests: Requests | None = None,
        seconds: float | None = None,
    ) -> None:
        spent = None if requests is None else msgspec.json.encode(requests)

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE campaigns SET state = ?, reason = ?, stopped_by = ?,"
                " requests = coalesce(?, requests), seconds = coalesce(?, seconds) WHERE id = ?",
                (state.value, reason, stopped_by, spent, seconds, campaign_id),
            )

        await self._change(campaign_id, work)

    async def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        last, batch = await self._batch(campaign_id, 0)
        while batch:
            for rejection in batch:
                yield rejection
            last, batch = await self._batch(campaign_id, last)

    @asynccontextmanager
    async def lease(self, campaign_id: str) -> AsyncIterator[None]:
        got = False

        def acquire(db: sqlite3.Connection) -> None:
            nonlocal got
            sqlite_tables.is_purged(db, campaign_id)
            self._leases.acquire(db, campaign_id)
            got = True

        try:
            await self._write(acquire, safe=Safe.FROM_KILLS)
            yield
        finally:
            if got:  # also when cancelled while it was taken
                # One that cannot be given back is taken over when this process is gone.
                with anyio.CancelScope(shield=True), suppress(JournalUnusable, Misused):
                    await self._write(lambda db: self._leases.release(db, campaign_id), safe=Safe.FROM_KILLS)

    async def recover(self, campaign_id: str) -> tuple[Chunk, ...]:
        def work(db: sqlite3.Connection) -> tuple[Chunk, ...]:
            if not self._leases.holds(campaign_id):
                raise rules.no_lease(campaign_id)
            chunks = [
                each
                for each in sqlite_tables.get_chunks(db, campaign_id)
                if each.state is ChunkState.SUBMITTING
            ]
            return tuple(self._record(db, campaign_id, rules.lost(chunk)) for chunk in chunks)

        return await self._change(campaign_id, work)

    async def moves(self, campaign_id: str) -> tuple[Move, ...]:
        def work(db: sqlite3.Connection) -> tuple[Move, ...]:
            sqlite_tables.is_purged(db, campaign_id)
            return sqlite_tables.get_moves(db, campaign_id)

        return await self._read(work)

    async def ask(self, campaign_id: str, wish: Wish) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            sqlite_tables.is_purged(db, campaign_id)
            return self._leases.ask(db, campaign_id, wish)

        return await self._write(work, safe=Safe.FROM_KILLS)

    async def asked(self, campaign_id: str) -> Wish | None:
        def look(db: sqlite3.Connection) -> bool:
            sqlite_tables.is_purged(db, campaign_id)
            return self._leases.wish(db, campaign_id) is not None

        # A look is cheap and mostly finds nothing; only a wish is worth a write.
        if not await self._read(look):
            return None
        return await self._write(lambda db: self._leases.take_wish(db, campaign_id), safe=Safe.FROM_KILLS)

    async def purge(self, campaign_id: str, *, unfinished: bool = False) -> None:
        now = self._clock.wall()
        await self._write(
            lambda db: erasing.purge(db, self._leases, campaign_id, unfinished=unfinished, at=now)
        )
        await self._worker.run(self._database.shred)

    async def purge_finished(self) -> list[str]:
        now = self._clock.wall()
        purged = await self._write(lambda db: erasing.purge_finished(db, self._leases, at=now))
        await self._worker.run(self._database.shred)
        return purged

    async def aclose(self) -> None:
        """Let go of leases, remove plans in the making, close the file. More than once is once."""
        await self._worker.aclose(self._close)
        self._leases.close()

    async def _draft(self, campaign_id: str) -> "_Draft":
        """The plan in the making, with nothing of it under way."""
        draft = self._drafts.get(campaign_id)
        if draft is not None:
            await draft.settled()
            return draft

        def work(db: sqlite3.Connection) -> None:
            drafts.begin(db, self._leases, campaign_id, at=self._clock.wall())

        await self._write(work, safe=Safe.FROM_KILLS)
        return self._drafts.setdefault(campaign_id, _Draft())

    def _record(self, db: sqlite3.Connection, campaign_id: str, move: Move) -> Chunk:
        chunk = rules.moved(sqlite_tables.get_chunk(db, campaign_id, move.number), move)
        sqlite_tables.put_move(db, campaign_id, move, chunk, at=self._clock.wall())
        return chunk

    def _started(self, db: sqlite3.Connection, campaign_id: str) -> Started:
        return sqlite_tables.get_started(db, campaign_id, self._leases.holder(db, campaign_id))

    async def _batch(self, campaign_id: str, last: int) -> tuple[int, list[Rejection]]:
        def work(db: sqlite3.Connection) -> tuple[int, list[Rejection]]:
            sqlite_tables.is_purged(db, campaign_id)
            return sqlite_tables.rejections_after(db, campaign_id, last)

        return await self._read(work)

    async def _change(
        self, campaign_id: str, work: Callable[[sqlite3.Connection], T], *, safe: Safe = Safe.FROM_POWER_CUTS
    ) -> T:
        """Write to a frozen campaign that nobody else has the lease of."""

        def checked(db: sqlite3.Connection) -> T:
            sqlite_tables.is_purged(db, campaign_id)
            self._leases.check(db, campaign_id)
            return work(db)

        return await self._write(checked, safe=safe)

    async def _write(
        self, work: Callable[[sqlite3.Connection], T], *, safe: Safe = Safe.FROM_POWER_CUTS
    ) -> T:
        return await self._worker.run(self._writing(work, safe=safe))

    def _writing(self, work: Callable[[sqlite3.Connection], T], *, safe: Safe) -> Callable[[], T]:
        def do() -> T:
            self._sweep_once()
            with self._database.writing(safe) as db:
                return work(db)

        return do

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def do() -> T:
            self._sweep_once()
            with self._database.reading() as db:
                return work(db)

        return await self._worker.run(do)

    def _sweep_once(self) -> None:
        if not self._database.fresh:
            return
        now = self._clock.wall()
        with self._database.reading() as db:
            left = drafts.left_over(db, self._leases, now=now)
        if left:
            with self._database.writing(Safe.FROM_KILLS) as db:
                drafts.sweep(db, self._leases, now=now)

    def _beat(self) -> None:
        if not self._leases.any:
            return
        # Of a failure the next write that matters will tell.
        with suppress(JournalUnusable), self._database.writing(Safe.FROM_KILLS) as db:
            self._leases.beat(db)

    def _close(self) -> None:
        try:
            if not self._database.fresh and self._leases.any:
                with suppress(JournalUnusable), self._database.writing(Safe.FROM_KILLS) as db:
                    drafts.discard_own(db, self._leases)
        finally:
            self._database.close()
