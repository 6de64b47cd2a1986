"""The logic of a journal, once for every database: what survives the process, the crash and the power cut.

The naive way is a table of chunk states that is updated on the way. Killed between the update and the
request, or with the update still in the kernel's memory, it tells a lie afterwards. Here each move of a
chunk is one transaction that is as safe as it must be before `record` returns; the moves are kept, and
where a chunk stands is checked against them when a campaign is loaded.

A transaction is a plain function over Tables, and the database decides how it is made. All of a journal's
transactions are made in order, one at a time, so nothing interleaves; a database that may wait for a disk
or a network is used from a thread of its own, so the event loop never waits.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import anyio
import msgspec
from msgspec.structs import replace

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.draining import drain_of
from keebai_async.errors import CampaignError, JournalUnusable, Misused
from keebai_async.journal import (
    drafts,
    erasing,
    evidence,
    fates,
    matches,
    moving,
    opt_outs,
    proof,
    purged_people,
    rules,
    telling,
    wants,
)
from keebai_async.journal.leases import Claim, Leases
from keebai_async.journal.outbox import StoredOutbox
from keebai_async.journal.reading import (
    campaign_of,
    check_history,
    chunk_of,
    facts_of,
    items_of,
    kept_facts,
    stored_campaign,
    stored_campaigns,
)
from keebai_async.journal.tables import (
    CampaignRow,
    ChunkRow,
    Database,
    FatesRow,
    ItemsRow,
    LeaseRow,
    MoveRow,
    Tables,
)
from keebai_async.journal.transactions import HEARTBEAT, Transactions
from keebai_async.model.campaign import CampaignState, RunFacts, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk
from keebai_async.model.decided import Decided, with_decided
from keebai_async.model.event_place import place_of
from keebai_async.model.events import AnyEvent, EventPage
from keebai_async.model.fates import ChunkFates, PersonNews, UnmarkedMatch
from keebai_async.model.lifecycle import Accept, HandOn, Move, Refuse, Submit, TakeBack
from keebai_async.model.opt_outs import ConsentWord, OptOut, page_of
from keebai_async.model.plan import Pace, Plan
from keebai_async.model.purged_people import PurgedPeople
from keebai_async.model.recipient import Rejection
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want
from keebai_async.storage.process import STALE
from keebai_async.storage.safety import Safe
from keebai_async.storage.thread import UnderWay

T = TypeVar("T")

_WORDS_AT_ONCE: Final = 2_000
"""Words of opt-outs in one transaction, so that nobody else waits long for theirs."""
_BATCH: Final = 1_000
"""Rejections of a plan in the making that wait in memory until they are written together."""


@dataclass(kw_only=True)
class _Draft:
    """What this process remembers of a plan that it is making."""

    claim: Claim
    numbers: set[int] = field(default_factory=set)
    rejections: list[Rejection] = field(default_factory=list)
    under_way: UnderWay[None] | None = None

    async def settled(self) -> None:
        """Wait until nothing is under way; raises what went wrong with it."""
        if self.under_way is not None:
            await self.under_way.result()
            self.under_way = None


class StoredJournal:
    """The Journal protocol over the tables of *database*, which is opened on first use.

    Usable from one event loop at a time. *heartbeat* is how many seconds of real time pass between two
    signs of life of a lease, and *lease* how many it may be silent before it is another's; without it, 60,
    where its process cannot be looked at. *clock* gives the times that are written down.

    Source: design, section 3, promises 2, 3 and 6.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock = SYSTEM_CLOCK,
        heartbeat: float = HEARTBEAT,
        lease: float | None = None,
    ) -> None:
        self._clock = clock
        self.lease_lasts = STALE if lease is None else lease
        self._leases = Leases(database, lasts=lease)
        self._transactions = Transactions(database, self._leases, heartbeat=heartbeat)
        self.outbox = StoredOutbox(self._transactions, database, clock=clock)
        self._drafts: dict[str, _Draft] = {}
        self._doubts: list[tuple[str, Move]] = []
        """Moves of this process of which nobody knows whether they were written."""
        self._lost: dict[str, tuple[Chunk, ...]] = {}
        """Chunks that became unknown when the lease of a silent process was taken, until that is told."""

    # Plans in the making

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

        def work(tables: Tables) -> None:
            drafts.begin(tables, self._leases, draft.claim, at=self._clock.wall())
            drafts.add_chunk(tables, campaign_id, chunk, items)

        draft.under_way = self._transactions.hand_over(work, safe=Safe.FROM_KILLS)

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None:
        draft = self._drafts.get(campaign_id) or await self._draft(campaign_id)
        draft.rejections.extend(rejections)
        if len(draft.rejections) < _BATCH:
            return
        await draft.settled()
        batch = tuple(draft.rejections)

        def work(tables: Tables) -> None:
            drafts.begin(tables, self._leases, draft.claim, at=self._clock.wall())
            drafts.add_rejections(tables, campaign_id, batch)

        await self._transactions.write(work, safe=Safe.FROM_KILLS)
        del draft.rejections[: len(batch)]

    async def freeze(self, *plans: Plan) -> None:
        made = [(plan, await self._draft(plan.campaign_id)) for plan in plans]

        def work(tables: Tables) -> None:
            at = self._clock.wall()
            for plan, draft in made:
                drafts.freeze(tables, self._leases, draft.claim, plan, draft.rejections, at=at)

        await self._transactions.write(work)
        for plan in plans:
            self._end_draft(plan.campaign_id)

    async def discard(self, campaign_id: str) -> None:
        await self._transactions.write(
            lambda tables: drafts.discard(tables, self._leases, campaign_id), safe=Safe.FROM_KILLS
        )
        self._end_draft(campaign_id)
        with suppress(JournalUnusable):  # the room is given back another time
            await self._transactions.shred()

    async def _draft(self, campaign_id: str) -> _Draft:
        """The plan in the making, with nothing of it under way."""
        draft = self._drafts.get(campaign_id)
        if draft is None:
            draft = self._drafts[campaign_id] = _Draft(claim=self._leases.claim(campaign_id))
            await self._begin(draft.claim)
        await draft.settled()
        return draft

    async def _begin(self, claim: Claim) -> None:
        try:
            await self._take(
                claim, lambda tables: drafts.begin(tables, self._leases, claim, at=self._clock.wall())
            )
        except BaseException:
            del self._drafts[claim.campaign_id]
            await self._give_back(claim)
            raise

    def _end_draft(self, campaign_id: str) -> None:
        draft = self._drafts.pop(campaign_id, None)
        if draft is not None:
            self._leases.drop(draft.claim)
            self._leases.forget(draft.claim)

    # Looking

    async def load(self, campaign_id: str) -> StoredCampaign:
        def work(tables: Tables) -> StoredCampaign:
            started = stored_campaign(tables, self._leases, campaign_of(tables, campaign_id))
            check_history(tables, campaign_id)
            return started

        return await self._transactions.read(work)

    async def chunks(self, campaign_id: str) -> tuple[Chunk, ...]:
        def work(tables: Tables) -> tuple[Chunk, ...]:
            campaign_of(tables, campaign_id)
            return tuple(row.chunk for row in tables.rows(ChunkRow, campaign_id))

        return await self._transactions.read(work)

    async def campaigns(self) -> list[StoredCampaign]:
        return await self._transactions.read(
            lambda tables: stored_campaigns(tables, self._leases, tables.frozen())
        )

    async def find(self, name: str, fingerprint: str) -> list[StoredCampaign]:
        alike = (name, fingerprint)
        return await self._transactions.read(
            lambda tables: stored_campaigns(tables, self._leases, tables.frozen(alike=alike))
        )

    async def items(self, campaign_id: str, number: int) -> bytes:
        return await self._transactions.read(lambda tables: items_of(tables, campaign_id, [number])[0])

    async def items_of(self, campaign_id: str, numbers: Sequence[int]) -> list[bytes]:
        return await self._transactions.read(lambda tables: items_of(tables, campaign_id, numbers))

    async def moves(self, campaign_id: str) -> tuple[Move, ...]:
        def work(tables: Tables) -> tuple[Move, ...]:
            campaign_of(tables, campaign_id)
            return tuple(row.move for row in tables.rows(MoveRow, campaign_id))

        return await self._transactions.read(work)

    async def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        last, batch = await self._batch(campaign_id, 0)
        while batch:
            for rejection in batch:
                yield rejection
            last, batch = await self._batch(campaign_id, last)

    async def _batch(self, campaign_id: str, last: int) -> tuple[int, tuple[Rejection, ...]]:
        def work(tables: Tables) -> tuple[int, tuple[Rejection, ...]]:
            campaign_of(tables, campaign_id)
            row = tables.rejections_after(campaign_id, last)
            return (last, ()) if row is None else (row.id, row.rejections)

        return await self._transactions.read(work)

    # The life of a campaign

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        # A copy without the log must know whom it would message again. That one was answered it may forget:
        # then the chunk is unknown there, and a person looks.
        safe = Safe.FROM_COPYING if isinstance(move, Submit) else Safe.FROM_POWER_CUTS
        with self._in_doubt(campaign_id, move):
            work = partial(self._record, campaign_id, move)
            return await self._change(campaign_id, work, safe=safe, number=move.number)

    async def submit_within(self, campaign_id: str, submit: Submit, within: Pace) -> Chunk | None:
        def work(tables: Tables) -> Chunk | None:
            if kept := self._written_before(campaign_id, submit, tables):
                return kept  # it is among those who left
            recipients = chunk_of(tables, campaign_id, submit.number).chunk.recipients
            left = tables.left_since(submit.at - within.per)
            if not rules.has_room(within, recipients, left):
                return None
            return moving.record(tables, campaign_id, submit, at=self._clock.wall())

        with self._in_doubt(campaign_id, submit):
            return await self._change(campaign_id, work, safe=Safe.FROM_COPYING, number=submit.number)

    async def left_since(self, since: float) -> list[tuple[float, int]]:
        return sorted(await self._transactions.read(lambda tables: tables.left_since(since)))

    @contextmanager
    def _in_doubt(self, campaign_id: str, move: Move) -> Iterator[None]:
        """Remember, if *move* cannot be written inside `with`, that it may be there all the same."""
        doubt = (campaign_id, move)
        try:
            yield
        except JournalUnusable:
            self._doubts.append(doubt)
            raise
        while doubt in self._doubts:
            self._doubts.remove(doubt)

    def _record(self, campaign_id: str, move: Move, tables: Tables) -> Chunk:
        kept = self._written_before(campaign_id, move, tables)
        return kept or moving.record(tables, campaign_id, move, at=self._clock.wall())

    def _written_before(self, campaign_id: str, move: Move, tables: Tables) -> Chunk | None:
        """The chunk after *move*, if that could not be written before, and is there all the same."""
        return moving.kept(tables, campaign_id, move) if (campaign_id, move) in self._doubts else None

    async def match(self, campaign_id: str, number: int, people: Mapping[int, float]) -> int:
        return await self._transactions.write(
            lambda tables: matches.match(tables, campaign_id, number, people), safe=Safe.FROM_KILLS
        )

    async def matches(self, campaign_id: str) -> dict[int, UnmarkedMatch]:
        return await self._transactions.read(lambda tables: matches.matches(tables, campaign_id))

    async def prove(self, campaign_id: str) -> tuple[Chunk, ...]:
        now = self._clock.wall()
        return await self._change(campaign_id, lambda tables: proof.prove(tables, campaign_id, at=now))

    async def testify(self, campaign_id: str, submit: Submit, answer: Accept | TakeBack) -> Chunk | None:
        return await self._transactions.write(
            lambda tables: evidence.testify(
                tables, self._leases, campaign_id, submit, answer, at=self._clock.wall()
            )
        )

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        def work(tables: Tables) -> tuple[Chunk, ...]:
            if (campaign_id, moves[0]) in self._doubts and moving.kept(tables, campaign_id, moves[0]):
                return moving.after_cut(tables, campaign_id, moves)
            if campaign_of(tables, campaign_id).purged_at is not None:
                raise rules.no_people(campaign_id)
            for move in moves:
                chunk_of(tables, campaign_id, move.number)
            before = {row.chunk.number: row for row in tables.rows(ChunkRow, campaign_id)}
            parents, born = rules.recut({n: row.chunk for n, row in before.items()}, moves, children)
            into = tuple([chunk.number for chunk in born])
            moved = []
            for place, (move, parent) in enumerate(zip(moves, parents, strict=True)):
                row = before[parent.number]
                new = len(born) if place == 0 else 0
                moved.append(
                    moving.put(tables, row, move, parent, at=self._clock.wall(), into=into, born=new)
                )
                kept = keep if place == 0 else b"[]"
                tables.update(ItemsRow(campaign_id=campaign_id, number=parent.number, items=kept))
            for chunk, (_, items) in zip(born, children, strict=True):
                drafts.add_chunk(tables, campaign_id, chunk, items)
            return (*moved, *born)

        if not moves:
            raise ValueError("a recut moves at least one chunk")
        with self._in_doubt(campaign_id, moves[0]):
            return await self._change(campaign_id, work)

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        def work(tables: Tables) -> Chunk:
            tables.expect(CampaignRow, campaign_id)
            moving.expect(tables, campaign_id, number)
            campaign_of(tables, campaign_id)
            row, now = chunk_of(tables, campaign_id, number), self._clock.wall()
            chunk = rules.further(row.chunk, sent=sent, failed=failed, final=final, at=now)
            if chunk != row.chunk:
                chunk = replace(chunk, event_id=telling.tell_counters(tables, campaign_id, chunk, at=now))
                tables.update(replace(row, chunk=chunk))
            return chunk

        # Counters only grow, so nobody needs a lease to tell of them. They could be read from the service
        # again, but the id of what is told here must never be given again.
        return await self._transactions.write(work)

    async def tell(self, news: Sequence[PersonNews]) -> int:
        # The spool forgets what was told once this returns.
        return await self._transactions.write(
            lambda tables: fates.tell(tables, self._leases, news, at=self._clock.wall())
        )

    async def fates(self, campaign_id: str) -> AsyncIterator[tuple[int, ChunkFates]]:
        def chunks(tables: Tables) -> list[int]:
            campaign_of(tables, campaign_id)
            return [row.chunk.number for row in tables.rows(ChunkRow, campaign_id)]

        for number in await self._transactions.read(chunks):
            told = await self.chunk_fates(campaign_id, number)
            if told is not None:
                yield number, told

    async def chunk_fates(self, campaign_id: str, number: int) -> ChunkFates | None:
        row = await self._transactions.read(lambda tables: tables.get(FatesRow, campaign_id, number))
        return None if row is None else fates.fates_of(row)

    async def say(self, words: Sequence[ConsentWord]) -> int:
        ordered = sorted(words, key=lambda word: page_of(word.key))  # so that a part is of few pages
        new = 0
        for start in range(0, len(ordered), _WORDS_AT_ONCE):
            part = ordered[start : start + _WORDS_AT_ONCE]
            new += await self._transactions.write(partial(_say, part))
        return new

    async def opted_out(self, keys: Sequence[int]) -> tuple[OptOut, ...]:
        return await self._transactions.read(lambda tables: opt_outs.opted_out(tables, keys))

    async def opt_out_changes(self) -> tuple[int, ...]:
        return await self._transactions.read(lambda tables: tuple(opt_outs.changes(tables)))

    async def opt_out_pages(self, numbers: Sequence[int]) -> dict[int, bytes]:
        return await self._transactions.read(lambda tables: opt_outs.pages(tables, numbers))

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        reason: str | None = None,
        stopped_by: Cause | None = None,
        requests: Requests | None = None,
        seconds: float | None = None,
        facts: RunFacts | None = None,
        notes: Sequence[AnyEvent] = (),
    ) -> int:
        spent = None if requests is None else msgspec.json.encode(requests)

        def work(tables: Tables) -> int:
            row = campaign_of(tables, campaign_id)
            telling.tell_notes(tables, campaign_id, notes)
            return wants.keep_state(
                tables,
                replace(
                    row,
                    state=state,
                    reason=reason,
                    stopped_by=stopped_by,
                    requests=row.requests if spent is None else spent,
                    seconds=row.seconds if seconds is None else seconds,
                    facts=row.facts if facts is None else kept_facts(row, facts),
                ),
                at=self._clock.wall(),
            )

        return await self._change(campaign_id, work)

    async def keep_facts(
        self,
        campaign_id: str,
        facts: RunFacts,
        *,
        requests: Requests,
        seconds: float,
        notes: Sequence[AnyEvent] = (),
    ) -> None:
        spent = msgspec.json.encode(requests)

        def work(tables: Tables) -> None:
            row = campaign_of(tables, campaign_id)
            known = kept_facts(row, facts)
            tables.update(replace(row, requests=spent, seconds=seconds, facts=known))
            telling.tell_notes(tables, campaign_id, notes)

        await self._change(campaign_id, work, safe=Safe.FROM_POWER_CUTS if notes else Safe.FROM_KILLS)

    async def decide(self, campaign_id: str, *decided: Decided) -> None:
        def work(tables: Tables) -> None:
            row = campaign_of(tables, campaign_id)
            facts = facts_of(row)
            known = replace(facts, decided=with_decided(facts.decided, *decided))
            tables.update(replace(row, facts=msgspec.json.encode(known)))

        await self._transactions.write(work)

    async def events(self, campaign_id: str, *, after: int | str = 0, limit: int = 200) -> EventPage:
        place = place_of(campaign_id, after)
        return await self._transactions.read(
            lambda tables: telling.page(tables, self._leases, place, limit=limit)
        )

    async def recover(self, campaign_id: str) -> tuple[Chunk, ...]:
        def work(tables: Tables) -> tuple[Chunk, ...]:
            if not self._leases.holds(campaign_id):
                raise rules.no_lease(campaign_id)
            return self._recover(tables, campaign_id)

        lost = await self._change(campaign_id, work)
        return (*self._lost.pop(campaign_id, ()), *lost)

    def _recover(self, tables: Tables, campaign_id: str) -> tuple[Chunk, ...]:
        seen_dead = self._leases.saw_last_holder_dead(campaign_id)
        return moving.recover(tables, campaign_id, seen_dead=seen_dead, at=self._clock.wall())

    async def purge(self, *campaign_ids: str, unfinished: bool = False, hashes: bool = True) -> None:
        now = self._clock.wall()

        def work(tables: Tables) -> None:
            for each in campaign_ids:
                erasing.purge(tables, self._leases, each, unfinished=unfinished, at=now, hashes=hashes)

        await self._transactions.write(work)
        await self._transactions.shred()

    async def purged_people(self, since: float) -> PurgedPeople:
        return await self._transactions.read(lambda tables: purged_people.people_since(tables, since))

    async def forget_hashes(self) -> None:
        await self._transactions.write(purged_people.forget_all)
        await self._transactions.shred()

    async def remove(self, *campaign_ids: str) -> None:
        def work(tables: Tables) -> None:
            for each in campaign_ids:
                erasing.remove(tables, self._leases, each)

        await self._transactions.write(work)
        await self._transactions.shred()

    async def purge_finished(self, *, hashes: bool = True) -> list[str]:
        now = self._clock.wall()
        purged = await self._transactions.write(
            lambda tables: erasing.purge_finished(tables, self._leases, at=now, hashes=hashes)
        )
        await self._transactions.shred()
        return purged

    # Who runs it, and what others ask of it

    @asynccontextmanager
    async def lease(self, campaign_id: str) -> AsyncIterator[None]:
        def work(tables: Tables) -> None:
            campaign_of(tables, campaign_id)
            self._leases.take(tables, claim, at=self._clock.wall())
            if not self._leases.saw_last_holder_dead(campaign_id):
                # At once: who comes after us, should we die here, would see that we did, and not the silence.
                self._lost[campaign_id] = self._recover(tables, campaign_id)

        claim = self._leases.claim(campaign_id)
        try:
            await self._take(claim, work, safe=Safe.FROM_POWER_CUTS)
            yield
        finally:  # also when cancelled while it was taken
            self._lost.pop(campaign_id, None)
            await self._give_back(claim)

    async def _take(
        self, claim: Claim, work: Callable[[Tables], object], *, safe: Safe = Safe.FROM_KILLS
    ) -> None:
        try:
            await self._transactions.write(work, safe=safe)
        except (CampaignError, Misused) as error:
            self._leases.drop(claim)
            if not isinstance(error, JournalUnusable):  # of which nobody knows whether it was written
                self._leases.forget(claim)
            raise
        self._leases.keep(claim)

    async def _give_back(self, claim: Claim) -> None:
        if not self._leases.drop(claim):
            return
        # One that cannot be given back now is nobody's all the same: see Leases.
        with anyio.CancelScope(shield=True), suppress(JournalUnusable, Misused):
            await self._transactions.write(
                lambda tables: self._leases.give_back(tables, claim), safe=Safe.FROM_KILLS
            )
            self._leases.forget(claim)

    async def ask(self, campaign_id: str, wish: Wish | None) -> bool:
        def work(tables: Tables) -> bool:
            campaign_of(tables, campaign_id)
            is_wanted = wants.heed(tables, campaign_id, wish)
            return self._leases.ask(tables, campaign_id, wish) or is_wanted

        return await self._transactions.write(work, safe=Safe.FROM_KILLS)

    async def want(self, *wanted: Want) -> None:
        def work(tables: Tables) -> None:
            for each in wanted:
                wants.want(tables, each)

        await self._transactions.write(work)

    async def unwant(self, campaign_id: str, *, seen: Want | None = None) -> bool:
        return await self._transactions.write(lambda tables: wants.unwant(tables, campaign_id, seen=seen))

    async def wanted(self, *, by: float | None = None) -> list[Want]:
        return await self._transactions.read(lambda tables: wants.wanted(tables, self._leases, by=by))

    async def want_of(self, campaign_id: str) -> Want | None:
        return await self._transactions.read(lambda tables: wants.want_of(tables, self._leases, campaign_id))

    async def put_off(self, campaign_id: str, *, seconds: float, tries: int) -> None:
        await self._transactions.write(
            lambda tables: wants.put_off(tables, campaign_id, seconds=seconds, tries=tries)
        )

    async def asked(self, campaign_id: str) -> Wish | None:
        def look(tables: Tables) -> bool:
            campaign_of(tables, campaign_id)
            return self._leases.wish(tables, campaign_id) is not None

        # A look is cheap and mostly finds nothing; only a wish is worth a write.
        if not await self._transactions.read(look):
            return None
        return await self._transactions.write(
            lambda tables: self._leases.take_wish(tables, campaign_id), safe=Safe.FROM_KILLS
        )

    async def aclose(self) -> None:
        """Wait for what is on its way, let go of leases, remove plans in the making, close the database.

        Runs and single sends that use it are asked to stop. More than once is once.
        """
        try:
            await drain_of(self).close("journal")
        finally:
            await self._transactions.aclose()

    async def _change(
        self,
        campaign_id: str,
        work: Callable[[Tables], T],
        *,
        safe: Safe = Safe.FROM_POWER_CUTS,
        number: int | None = None,
    ) -> T:
        """Write to a frozen campaign that nobody else has the lease of; to its chunk *number*, if any."""

        def checked(tables: Tables) -> T:
            tables.expect(CampaignRow, campaign_id)
            tables.expect(LeaseRow, campaign_id)
            if number is not None:
                moving.expect(tables, campaign_id, number)
            campaign_of(tables, campaign_id)
            self._leases.check(tables, campaign_id)
            return work(tables)

        return await self._transactions.write(checked, safe=safe)


def _say(words: Sequence[ConsentWord], tables: Tables) -> int:
    return opt_outs.take(tables, words)
