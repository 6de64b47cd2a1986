"""A journal that lasts as long as its process: for dry runs, tests and whoever keeps no record."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from os import getpid
from socket import gethostname

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.journal import rules
from keebai_async.journal.contract import Requests
from keebai_async.model.campaign import CampaignState, Holder, Started, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import HandOn, Move, Refuse
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.stop import Cause


@dataclass(kw_only=True)
class _Campaign:
    plan: Plan | None = None
    state: CampaignState = CampaignState.PLANNED
    reason: str | None = None
    stopped_by: Cause | None = None
    requests: Requests = field(default_factory=Requests)
    seconds: float = 0.0
    chunks: dict[int, Chunk] = field(default_factory=dict)
    items: dict[int, bytes] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    holder: Holder | None = None
    wish: Wish | None = None
    purged_at: float | None = None


class MemoryJournal:
    """The Journal protocol without a disk: nothing in it survives the process.

    *clock* gives the times that are written beside what is kept.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._campaigns: dict[str, _Campaign] = {}

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        draft = self._draft(campaign_id)
        if number in draft.chunks:
            raise rules.kept_twice(campaign_id, number)
        draft.chunks[number] = Chunk(number=number, recipients=recipients)
        draft.items[number] = bytes(items)

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None:
        self._draft(campaign_id).rejections.extend(rejections)

    async def freeze(self, plan: Plan) -> None:
        draft = self._draft(plan.campaign_id)
        rules.check_plan(plan, {number: chunk.recipients for number, chunk in draft.chunks.items()})
        draft.plan = plan

    async def discard(self, campaign_id: str) -> None:
        kept = self._campaigns.get(campaign_id)
        if kept is not None and kept.plan is not None:
            raise rules.frozen(campaign_id)
        self._campaigns.pop(campaign_id, None)

    async def load(self, campaign_id: str) -> Started:
        return self._started(self._frozen(campaign_id))

    async def campaigns(self) -> list[Started]:
        kept = [self._started(each) for each in reversed(self._campaigns.values()) if each.plan is not None]
        return sorted(kept, key=lambda each: each.plan.created_at, reverse=True)

    async def find(self, name: str, fingerprint: str) -> list[Started]:
        return [
            each
            for each in await self.campaigns()
            if (each.plan.name, each.plan.fingerprint) == (name, fingerprint)
        ]

    async def items(self, campaign_id: str, number: int) -> bytes:
        campaign = self._frozen(campaign_id)
        self._chunk(campaign_id, number)
        if campaign.purged_at is not None:
            raise rules.no_people(campaign_id)
        return campaign.items[number]

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        campaign = self._frozen(campaign_id)
        chunk = rules.moved(self._chunk(campaign_id, move.number), move)
        campaign.chunks[chunk.number] = chunk
        campaign.moves.append(move)
        return chunk

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        campaign = self._frozen(campaign_id)
        for move in moves:
            self._chunk(campaign_id, move.number)
        parents, born = rules.cut_anew(campaign.chunks, moves, children)
        campaign.chunks.update((chunk.number, chunk) for chunk in (*parents, *born))
        campaign.moves.extend(moves)
        campaign.items.update((parent.number, b"[]") for parent in parents)
        campaign.items[parents[0].number] = bytes(keep)
        campaign.items.update(
            (chunk.number, bytes(items)) for chunk, (_, items) in zip(born, children, strict=True)
        )
        return (*parents, *born)

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> None:
        chunk = self._chunk(campaign_id, number)
        self._frozen(campaign_id).chunks[number] = chunk.counted(sent=sent, failed=failed, final=final)

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
        campaign = self._frozen(campaign_id)
        campaign.state, campaign.reason, campaign.stopped_by = state, reason, stopped_by
        if requests is not None:
            campaign.requests = copy(requests)
        if seconds is not None:
            campaign.seconds = seconds

    async def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        for rejection in tuple(self._frozen(campaign_id).rejections):
            yield rejection

    @asynccontextmanager
    async def lease(self, campaign_id: str) -> AsyncIterator[None]:
        campaign = self._frozen(campaign_id)
        if campaign.holder is not None:
            raise rules.busy(campaign_id, campaign.holder)
        campaign.holder = Holder(pid=getpid(), host=gethostname(), since=self._clock.wall())
        campaign.wish = None
        try:
            yield
        finally:
            campaign.holder = None

    async def recover(self, campaign_id: str) -> tuple[Chunk, ...]:
        campaign = self._frozen(campaign_id)
        if campaign.holder is None:
            raise rules.no_lease(campaign_id)
        on_their_way = [each for each in campaign.chunks.values() if each.state is ChunkState.SUBMITTING]
        return tuple([await self.record(campaign_id, rules.lost(chunk)) for chunk in on_their_way])

    async def moves(self, campaign_id: str) -> tuple[Move, ...]:
        return tuple(self._frozen(campaign_id).moves)

    async def ask(self, campaign_id: str, wish: Wish) -> bool:
        campaign = self._frozen(campaign_id)
        if campaign.holder is None:
            return False
        campaign.wish = wish
        return True

    async def asked(self, campaign_id: str) -> Wish | None:
        campaign = self._frozen(campaign_id)
        wish, campaign.wish = campaign.wish, None
        return wish

    async def purge(self, campaign_id: str, *, unfinished: bool = False) -> None:
        campaign = self._frozen(campaign_id)
        if campaign.holder is not None:
            raise rules.busy(campaign_id, campaign.holder)
        if not unfinished:
            rules.check_purgeable(campaign_id, tuple(campaign.chunks.values()))
        if campaign.plan is not None and campaign.purged_at is None:
            campaign.plan = rules.without_people(campaign.plan)
            campaign.rejections = [rules.anonymous(each) for each in campaign.rejections]
            campaign.chunks = {each.number: rules.anonymous_chunk(each) for each in campaign.chunks.values()}
            campaign.moves = [rules.anonymous_move(move) for move in campaign.moves]
            campaign.reason = rules.anonymous_words(campaign.reason)
            campaign.items.clear()
            campaign.purged_at = self._clock.wall()

    async def purge_finished(self) -> list[str]:
        done = [
            each.plan.campaign_id
            for each in await self.campaigns()
            if each.holder is None and each.purged_at is None and rules.all_settled(each.chunks)
        ]
        for campaign_id in done:
            await self.purge(campaign_id)
        return done

    async def aclose(self) -> None:
        for campaign in self._campaigns.values():
            campaign.holder = None

    def _draft(self, campaign_id: str) -> _Campaign:
        campaign = self._campaigns.setdefault(campaign_id, _Campaign())
        if campaign.plan is not None:
            raise rules.frozen(campaign_id)
        return campaign

    def _frozen(self, campaign_id: str) -> _Campaign:
        campaign = self._campaigns.get(campaign_id)
        if campaign is None or campaign.plan is None:
            raise rules.not_found(campaign_id)
        return campaign

    def _chunk(self, campaign_id: str, number: int) -> Chunk:
        chunk = self._frozen(campaign_id).chunks.get(number)
        if chunk is None:
            raise rules.no_chunk(campaign_id, number)
        return chunk

    @staticmethod
    def _started(campaign: _Campaign) -> Started:
        assert campaign.plan is not None  # noqa: S101
        return Started(
            plan=campaign.plan,
            state=campaign.state,
            chunks=tuple(campaign.chunks[number] for number in sorted(campaign.chunks)),
            reason=campaign.reason,
            stopped_by=campaign.stopped_by,
            requests=copy(campaign.requests),
            seconds=campaign.seconds,
            holder=campaign.holder,
            purged_at=campaign.purged_at,
        )
