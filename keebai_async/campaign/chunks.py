"""Chunks: the chunks of one running campaign, exactly as its journal has them.

Every change goes to the journal first and is shown here only when it is safe. A move is made in a
shield, because a cancellation between the service's answer and the disk would turn what we know into
what we do not. So would a disk that is full, or locked by another process, for a minute: what the service
answered is written again and again, for a while, before it counts as unknown.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import anyio
import msgspec

from keebai_async.campaign.keeping import Keep, Patience, in_time
from keebai_async.campaign.proofs import tell_proven
from keebai_async.clock import Clock
from keebai_async.errors import CampaignBusy, JournalUnusable, Misused
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkPlanned
from keebai_async.model.lifecycle import (
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Refuse,
    Submit,
    TakeBack,
)
from keebai_async.model.plan import Pace, Plan
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.campaign_records import AnswerHeld
from keebai_async.observe.chunk_records import broadcast_read, chunk_moved

T = TypeVar("T")
C = TypeVar("C", Chunk, Chunk | None)

PATIENCE_WITH_INTENTS: Final = 30.0
"""Seconds in which it is tried to take back an intent that may have been written too late."""

PATIENCE_WITH_ANSWERS: Final = 600.0
"""Seconds in which an answer is written again and again, while the journal says that it may work soon."""

_ENCODED_PEOPLE = msgspec.json.Decoder(list[msgspec.Raw])


class Chunks:
    """The chunks of one campaign by their numbers; iterating gives them in that order.

    *observer* is told of each move once it is on disk, and of an answer that cannot be written yet; it must
    not raise. *tell_wait* gets seconds and a
    reason when an answer has to wait until it can be written down, and *tell_planned* each chunk that is to
    be submitted again.
    """

    def __init__(
        self,
        campaign: StoredCampaign,
        *,
        journal: Journal,
        clock: Clock,
        observer: Observer = TO_LOG,
        tell_wait: Callable[[float, str], None] | None = None,
        tell_planned: Callable[[ChunkPlanned], None] | None = None,
    ) -> None:
        self.plan: Plan = campaign.plan
        self._journal = journal
        self._clock = clock
        self._observer = observer
        self._tell_wait = tell_wait
        self._tell_planned = tell_planned
        self._chunks = {chunk.number: chunk for chunk in campaign.chunks}
        self._hearing = anyio.Lock()
        self._submits: dict[int, Submit] = {}
        """The last submit of each chunk, as this run made it."""

    @property
    def lease_lasts(self) -> float:
        """Seconds of silence after which the campaign may be another's."""
        return self._journal.lease_lasts

    def __iter__(self) -> Iterator[Chunk]:
        return iter(tuple(self._chunks.values()))

    @property
    def of(self) -> int:
        """How many chunks there are that still answer for somebody."""
        return sum(1 for chunk in self._chunks.values() if chunk.recipients)

    def __getitem__(self, number: int) -> Chunk:
        return self._chunks[number]

    @property
    def provable(self) -> bool:
        """A webhook may still prove of one of them that it was accepted."""
        return any(chunk.provable for chunk in self._chunks.values())

    @property
    def unknown(self) -> bool:
        """Of some nobody knows what became of them."""
        return any(chunk.state is ChunkState.UNKNOWN for chunk in self._chunks.values())

    @property
    def told(self) -> int:
        """Of how many people webhooks told something."""
        return sum(chunk.told for chunk in self._chunks.values())

    async def hear(self) -> tuple[Chunk, ...]:
        """See what webhooks told since, and make the moves that it proves; and see what a process told that
        had the campaign before, was only frozen, and woke. Gives the chunks that are accepted by that.

        Raises JournalUnusable, CampaignBusy.
        """
        async with self._hearing:  # of two who hear at once, the second would take the first one's for news
            return await self._hear()

    async def _hear(self) -> tuple[Chunk, ...]:
        heard = await self._journal.chunks(self.plan.campaign_id)
        testified = tuple([each for each in heard if self._is_evidence(each)])
        for each in heard:
            chunk = self._chunks.get(each.number)
            if chunk is not None and each.step == chunk.step:
                self._chunks[each.number] = chunk.with_facts_of(each)
        for each in testified:
            before, self._chunks[each.number] = self._chunks[each.number], each
            self._observer(chunk_moved(self.plan.campaign_id, before, late_move_of(each), each))
        accepted = tuple([each for each in testified if each.state is ChunkState.ACCEPTED])
        return accepted + await self._prove()

    def _is_evidence(self, heard: Chunk) -> bool:
        """Whether somebody else has moved a chunk of which we do not know what became of it.

        What we are just writing ourselves may be heard of, too: it leads elsewhere.
        """
        chunk = self._chunks.get(heard.number)
        if chunk is None or heard.step <= chunk.step:
            return False
        if chunk.state is ChunkState.UNKNOWN:
            return heard.state in {ChunkState.ACCEPTED, ChunkState.PLANNED}
        return chunk.state is ChunkState.PLANNED and chunk.resent and heard.state is ChunkState.ACCEPTED

    async def _prove(self) -> tuple[Chunk, ...]:
        if not any(chunk.provable and chunk.noticed_at is not None for chunk in self._chunks.values()):
            return ()
        with in_time():
            moved = await self._journal.prove(self.plan.campaign_id)
        for after in moved:
            before, self._chunks[after.number] = self._chunks[after.number], after
            tell_proven(self.plan.campaign_id, before, after, self._observer)
        return moved

    async def items(self, number: int) -> bytes:
        """The JSON array of the people of a chunk."""
        return await self._journal.items(self.plan.campaign_id, number)

    async def people(self, number: int) -> list[msgspec.Raw]:
        """The people of a chunk, each as it is encoded."""
        return _ENCODED_PEOPLE.decode(await self.items(number))

    async def submit(self, number: int) -> Chunk:
        """Write the intent down. If it is written too late, nothing leaves, and it is taken back.

        Raises ForbiddenMove if a webhook has told, a moment ago, of a message to one of its people.
        """
        at = self._clock.wall()
        return await self._make(number, lambda step: Submit(number=number, step=step, at=at))

    async def submit_within(self, number: int, within: Pace) -> bool:
        """The same, if it has room in a pace of all campaigns of the journal; says whether it had.

        Raises as `submit` does.
        """
        before = self._chunks[number]
        submit = Submit(number=number, step=before.step + 1, at=self._clock.wall())
        keep = partial(self._journal.submit_within, self.plan.campaign_id, submit, within)
        return await self._intend(submit, keep) is not None

    async def left_since(self, since: float) -> list[tuple[float, int]]:
        """When chunks of any campaign of the journal left since, with how many people."""
        return await self._journal.left_since(since)

    async def take_back(self, number: int, reason: str) -> Chunk:
        chunk = await self._make(number, lambda step: TakeBack(number=number, step=step, reason=reason))
        if self._tell_planned is not None:
            self._tell_planned(ChunkPlanned(number=number, recipients=chunk.recipients, reason=reason))
        return chunk

    async def accept(self, number: int, *, accepted: int, broadcast_id: str | None) -> Chunk:
        return await self._make(
            number,
            lambda step: Accept(number=number, step=step, accepted=accepted, broadcast_id=broadcast_id),
        )

    async def lose(self, number: int, reason: str) -> Chunk:
        at = self._clock.wall()
        return await self._make(number, lambda step: Lose(number=number, step=step, reason=reason, at=at))

    async def refuse(self, number: int, reason: str) -> Chunk:
        recipients = self._chunks[number].recipients
        return await self._make(
            number, lambda step: Refuse(number=number, step=step, reason=reason, recipients=recipients)
        )

    async def recut(
        self,
        number: int,
        reason: str,
        *,
        keep: Sequence[msgspec.Raw] = (),
        rest: int | None = None,
        into: Sequence[Sequence[msgspec.Raw]],
    ) -> list[Chunk]:
        """Cut a chunk's people into new chunks, and with them those of the planned chunk *rest*.

        The chunk keeps the people of *keep*, who are refused for good: by the service that just refused it,
        or because they opted out before it was submitted. A planned one that keeps nobody is handed on. Gives
        the new chunks.
        """
        moves: list[Refuse | HandOn] = [self._leave(number, reason, keep=len(keep))]
        if rest is not None:
            moves.append(self._leave(rest, f"cut again with chunk {number}"))
        before = [self._chunks[move.number] for move in moves]
        cut = partial(
            self._journal.recut,
            self.plan.campaign_id,
            moves,
            keep=msgspec.json.encode(keep),
            children=[(len(people), msgspec.json.encode(people)) for people in into],
        )
        chunks = await self._keep_answer(number, cut, moves[0])
        self._chunks.update((chunk.number, chunk) for chunk in chunks)
        children = list(chunks[len(moves) :])
        for place, (was, move, after) in enumerate(zip(before, moves, chunks, strict=False)):
            # With one of the moves only, or their people would be counted twice.
            cut_into: list[Chunk] = [] if place else children
            self._observer(chunk_moved(self.plan.campaign_id, was, move, after, cut_into))
        return children

    def _leave(self, number: int, reason: str, *, keep: int = 0) -> Refuse | HandOn:
        chunk = self._chunks[number]
        if chunk.state is ChunkState.PLANNED and not keep:
            return HandOn(number=number, step=chunk.step + 1, reason=reason)
        return Refuse(number=number, step=chunk.step + 1, reason=reason, recipients=keep)

    async def progress(self, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        """Keep new counters; neither of them ever goes back, and final stays final."""
        before = self._chunks[number]
        sent, failed = max(sent, before.sent), max(failed, before.failed)
        final = final or before.final
        if (sent, failed, final) == (before.sent, before.failed, before.final):
            return before
        with in_time():
            self._chunks[number] = await self._journal.progress(
                self.plan.campaign_id, number, sent=sent, failed=failed, final=final
            )
        self._observer(broadcast_read(self.plan.campaign_id, before, self._chunks[number]))
        return self._chunks[number]

    async def _make(self, number: int, make: Callable[[int], Move]) -> Chunk:
        before = self._chunks[number]
        move = make(before.step + 1)
        keep = partial(self._journal.record, self.plan.campaign_id, move)
        if isinstance(move, Submit):
            return await self._intend(move, keep)
        after = await self._keep_answer(number, keep, move)
        self._chunks[number] = after
        self._observer(chunk_moved(self.plan.campaign_id, before, move, after))
        return after

    async def _intend(self, submit: Submit, keep: Keep[C]) -> C:
        """Have an intent written down by *keep*; None, if that gives it, has changed nothing."""
        before = self._chunks[submit.number]
        try:
            with in_time():
                after = await keep()
        except JournalUnusable:
            await self._take_back_if_written(submit)
            raise
        if after is not None:
            self._chunks[submit.number] = after
            self._submits[submit.number] = submit
            self._observer(chunk_moved(self.plan.campaign_id, before, submit, after))
        return after

    async def _keep_answer(self, number: int, keep: Keep[T], move: Move) -> T:
        """Have what the service answered to a chunk written down, also if that has to wait a while.

        Raises CampaignBusy if the campaign is another's by now; the answer was then given as evidence.
        """
        tell = partial(self._tell_held, number)
        patience = Patience(self._clock, seconds=PATIENCE_WITH_ANSWERS, tell=tell)
        try:
            return await patience.keep(keep)
        except CampaignBusy:
            await patience.keep(partial(self._testify, move))
            raise

    async def _take_back_if_written(self, submit: Submit) -> None:
        """Have an intent taken back that came to disk although nobody heard of it: nothing will leave.

        Only a disk that hung, and came back, does that. If it does not come back soon, the next run finds
        the intent, and cannot know that nothing left.
        """

        async def take_back() -> Chunk | None:
            there = {each.number: each for each in await self._journal.chunks(self.plan.campaign_id)}
            found = there[submit.number]
            if found.step != submit.step:  # it was not written; or it is taken back, and nobody heard of that
                return found if found.step == submit.step + 1 and found.state is ChunkState.PLANNED else None
            words = "its intent was written too late, so nothing left"
            answer = TakeBack(number=submit.number, step=submit.step + 1, reason=words)
            return await self._journal.testify(self.plan.campaign_id, submit, answer)

        with suppress(JournalUnusable, Misused):
            after = await Patience(self._clock, seconds=PATIENCE_WITH_INTENTS).keep(take_back)
            if after is not None:
                self._chunks[submit.number] = after

    async def _testify(self, move: Move) -> None:
        """Tell what was answered to our own submit, although the campaign is another's."""
        submit, answer = self._submits.get(move.number), _evidence_of(move)
        if submit is None or answer is None or answer.step != submit.step + 1:
            return
        before = self._chunks[move.number]
        after = await self._journal.testify(self.plan.campaign_id, submit, answer)
        if after is not None:
            self._chunks[move.number] = after
            self._observer(chunk_moved(self.plan.campaign_id, before, answer, after))

    def _tell_held(self, number: int, seconds: float, reason: str) -> None:
        held = AnswerHeld(campaign=self.plan.campaign_id, chunk=number, seconds=seconds, reason=reason)
        self._observer(held)
        if self._tell_wait is not None:
            self._tell_wait(seconds, f"what became of chunk {number} cannot be written down yet: {reason}")


def _evidence_of(move: Move) -> Accept | TakeBack | None:
    """What *move* proves of the submit before it, whatever becomes of the campaign."""
    match move:
        case Accept() | TakeBack():
            return move
        case Refuse(number=number, step=step, reason=reason):
            # Who is refused for good, and who goes on, is found out again by who submits it next.
            return TakeBack(number=number, step=step, reason=reason)
        case _:
            return None


def late_move_of(after: Chunk) -> LateAccept | LateTakeBack:
    """The move that led to *after*, a chunk of which an earlier holder told what was answered to it."""
    number, step = after.number, after.step
    if after.state is ChunkState.ACCEPTED:
        accepted, broadcast_id = after.accepted, after.broadcast_id
        return LateAccept(number=number, step=step, accepted=accepted, broadcast_id=broadcast_id)
    return LateTakeBack(number=number, step=step, reason=after.reason or "")
