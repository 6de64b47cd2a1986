"""What two holders of a campaign know of one chunk: answers that came late, intents that nobody heard of."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import pytest

from keebai_async.campaign.chunks import Chunks
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, JournalUnusable
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkPlanned
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Abandon, Accept, HandOn, Lose, Move, Refuse, Resend, Submit, TakeBack
from keebai_async.model.plan import Pace
from keebai_async.observe.chunk_records import ChunkMoved
from keebai_async.observe.records import Record
from tests.campaign.planning import freeze, number

T = TypeVar("T")

LOST = Lose(number=1, step=2, reason="no answer in time")
RESENT = Resend(number=1, step=3)
ACCEPTED = Accept(number=1, step=2, accepted=2, broadcast_id="b")
TAKEN_BACK = TakeBack(number=1, step=2, reason="429")


class Shaky(MemoryJournal):
    """Writes the next *unheard* lines and says that it could not; once *busy*, the campaign is another's."""

    unheard = 0
    busy = False

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        self._ask(campaign_id)
        return self._say(await super().record(campaign_id, move))

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        self._ask(campaign_id)
        return await super().recut(campaign_id, moves, keep=keep, children=children)

    async def testify(self, campaign_id: str, submit: Submit, answer: Accept | TakeBack) -> Chunk | None:
        return self._say(await super().testify(campaign_id, submit, answer))

    def _ask(self, campaign_id: str) -> None:
        if self.busy:
            raise CampaignBusy("the lease was lost", campaign_id=campaign_id)

    def _say(self, written: T) -> T:
        if self.unheard:
            self.unheard -= 1
            raise JournalUnusable("no answer", temporary=True)
        return written


class Run:
    """A run of two chunks of two people each, and what it tells."""

    chunks: Chunks

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = Shaky(clock=self.clock)
        self.told: list[Record] = []
        self.planned: list[ChunkPlanned] = []

    async def begin(self, *moves: Move) -> None:
        """Have it begin after *moves*, which an earlier holder made of its first chunk."""
        self.plan = await freeze(self.journal, 4, size=2)
        self.submit = Submit(number=1, step=1, at=self.clock.wall())
        await self.elsewhere(*moves)
        self.chunks = await self.another()

    async def another(self) -> Chunks:
        """The chunks of a run that begins now."""
        return Chunks(
            await self.journal.load(self.plan.campaign_id),
            journal=self.journal,
            clock=self.clock,
            observer=self.told.append,
            tell_planned=self.planned.append,
        )

    async def elsewhere(self, *moves: Move) -> None:
        """Have another holder make *moves*."""
        for move in moves:
            await MemoryJournal.record(self.journal, self.plan.campaign_id, move)

    async def on_disk(self) -> Chunk:
        return (await self.journal.chunks(self.plan.campaign_id))[0]

    @property
    def moves(self) -> list[tuple[int, str, ChunkState]]:
        return [(each.chunk, each.move, each.state) for each in self.told if isinstance(each, ChunkMoved)]


async def run_after(*moves: Move) -> Run:
    run = Run()
    await run.begin(*moves)
    return run


async def lost() -> Run:
    run = Run()
    await run.begin(Submit(number=1, step=1, at=run.clock.wall()), LOST)
    return run


async def test_a_late_answer_that_it_was_accepted_settles_what_was_unknown_and_is_heard_once() -> None:
    run = await lost()
    assert (run.chunks.unknown, run.chunks.provable) == (True, True)
    await run.journal.testify(run.plan.campaign_id, run.submit, ACCEPTED)

    heard = await run.chunks.hear()

    assert heard == (run.chunks[1],) == (await run.on_disk(),)
    assert (run.chunks[1].state, run.chunks[1].accepted) == (ChunkState.ACCEPTED, 2)
    assert (run.chunks.unknown, run.chunks.provable) == (False, False)
    assert await run.chunks.hear() == ()
    assert run.moves == [(1, "late accept", ChunkState.ACCEPTED)]


async def test_a_late_answer_that_nothing_left_makes_the_chunk_planned_again_and_proves_nothing() -> None:
    run = await lost()
    await run.journal.testify(run.plan.campaign_id, run.submit, TAKEN_BACK)

    assert await run.chunks.hear() == ()

    assert run.chunks[1] == await run.on_disk()
    assert run.moves == [(1, "late take back", ChunkState.PLANNED)]
    assert [each.reason for each in run.told if isinstance(each, ChunkMoved)] == ["429"]


async def test_a_late_answer_is_heard_also_after_somebody_said_that_the_chunk_did_not_arrive() -> None:
    run = Run()
    await run.begin(Submit(number=1, step=1, at=run.clock.wall()), LOST, RESENT)
    await run.journal.testify(run.plan.campaign_id, run.submit, ACCEPTED)

    (heard,) = await run.chunks.hear()

    assert heard.state is run.chunks[1].state is ChunkState.ACCEPTED


async def test_what_this_run_is_just_writing_is_not_taken_for_a_late_answer() -> None:
    run = await run_after()
    await run.elsewhere(run.submit)
    assert await run.chunks.hear() == ()
    await run.elsewhere(ACCEPTED)
    assert await run.chunks.hear() == ()
    assert run.chunks[1].state is ChunkState.PLANNED

    other = await run_after()
    submitting = await other.chunks.submit(1)
    await other.elsewhere(ACCEPTED)
    assert await other.chunks.hear() == ()

    assert other.chunks[1] == submitting
    assert [name for _, name, _ in other.moves] == ["submit"]


async def test_that_somebody_gave_a_chunk_up_is_no_late_answer() -> None:
    run = await lost()
    await run.elsewhere(Abandon(number=1, step=3))

    assert await run.chunks.hear() == ()

    assert run.chunks[1].state is ChunkState.UNKNOWN


async def test_chunks_that_another_holder_made_are_none_of_this_run() -> None:
    run = await run_after()
    another = await run.another()
    first, second = await another.people(2)
    await another.recut(2, "cut elsewhere", into=[[first], [second]])

    assert await run.chunks.hear() == ()

    assert [chunk.number for chunk in run.chunks] == [1, 2]
    assert [(each.chunk, each.move) for each in run.told if isinstance(each, ChunkMoved)] == [(2, "hand on")]


async def test_counters_that_somebody_else_wrote_are_seen() -> None:
    run = await run_after()
    await run.chunks.submit(1)
    await run.chunks.accept(1, accepted=2, broadcast_id="b")
    await run.journal.progress(run.plan.campaign_id, 1, sent=2, failed=0, final=True)

    assert await run.chunks.hear() == ()

    assert run.chunks[1] == await run.on_disk()
    assert (run.chunks[1].sent, run.chunks[1].final) == (2, True)


async def test_of_how_many_people_webhooks_told_is_seen() -> None:
    run = await run_after()
    await run.chunks.submit(1)
    await run.chunks.accept(1, accepted=2, broadcast_id="b")
    campaign_id, at = run.plan.campaign_id, run.clock.wall()
    news = [
        PersonNews(campaign_id=campaign_id, chunk=1, place=place, fate=Fate.SENT, at=at, number=number(place))
        for place in (0, 1)
    ]
    await run.journal.tell(news[:1])
    await run.chunks.hear()
    assert run.chunks.told == 1
    await run.journal.tell(news[1:])
    await run.chunks.hear()

    assert run.chunks.told == 2


async def test_an_intent_of_which_nobody_heard_that_it_was_written_is_taken_back() -> None:
    run = await run_after()
    run.journal.unheard = 1

    with pytest.raises(JournalUnusable, match="no answer"):
        await run.chunks.submit(1)

    assert run.chunks[1] == await run.on_disk()
    assert (run.chunks[1].state, run.chunks[1].step) == (ChunkState.PLANNED, 2)
    assert run.chunks[1].reason == "its intent was written too late, so nothing left"
    assert (await run.chunks.submit(1)).step == 3


async def test_that_an_intent_was_taken_back_is_seen_also_where_nobody_heard_of_that_either() -> None:
    run = await run_after()
    run.journal.unheard = 2

    async with run.clock.running():
        with pytest.raises(JournalUnusable, match="no answer"):
            await run.chunks.submit(1)

    assert run.chunks[1] == await run.on_disk()
    assert (run.chunks[1].state, run.chunks[1].step) == (ChunkState.PLANNED, 2)


async def test_what_the_next_holder_wrote_of_an_intent_is_not_taken_for_our_taking_it_back() -> None:
    run = await run_after()
    chunks, before = run.journal.chunks, run.chunks[1]
    run.journal.unheard = 1

    async def lost_by_then(campaign_id: str) -> tuple[Chunk, ...]:
        await run.elsewhere(LOST)
        return await chunks(campaign_id)

    run.journal.chunks = lost_by_then  # type: ignore[method-assign]
    with pytest.raises(JournalUnusable, match="no answer"):
        await run.chunks.submit(1)

    assert run.chunks[1] == before


Answer = Callable[[Chunks], Coroutine[None, None, object]]


async def cut(chunks: Chunks) -> object:
    first, second = await chunks.people(1)
    return await chunks.recut(1, "bad", keep=[first], rest=2, into=[[second, *await chunks.people(2)]])


def accept(chunks: Chunks) -> Coroutine[None, None, object]:
    return chunks.accept(1, accepted=2, broadcast_id="b")


def lose(chunks: Chunks) -> Coroutine[None, None, object]:
    return chunks.lose(1, "no answer in time")


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (accept, ChunkState.ACCEPTED, "accept"),
        (lambda chunks: chunks.take_back(1, "429"), ChunkState.PLANNED, "take back"),
        (lambda chunks: chunks.refuse(1, "bad"), ChunkState.PLANNED, "take back"),
        (cut, ChunkState.PLANNED, "take back"),
        (lose, ChunkState.SUBMITTING, "submit"),  # that no answer came is no evidence
    ],
    ids=["accepted", "taken back", "refused", "cut", "lost"],
)
async def test_what_was_answered_to_our_submit_is_told_although_the_campaign_is_another_s(
    answer: Answer, state: ChunkState, told: str
) -> None:
    run = await run_after()
    await run.chunks.submit(1)
    run.journal.busy = True

    with pytest.raises(CampaignBusy):
        await answer(run.chunks)

    assert run.chunks[1] == await run.on_disk()
    assert run.chunks[1].state is state
    assert run.moves[-1] == (1, told, state)
    assert run.planned == []


async def test_an_answer_to_a_submit_that_is_not_ours_is_no_evidence() -> None:
    run = Run()
    await run.begin(Submit(number=1, step=1, at=run.clock.wall()))
    run.journal.busy = True

    with pytest.raises(CampaignBusy):
        await accept(run.chunks)

    assert run.chunks[1].state is (await run.on_disk()).state is ChunkState.SUBMITTING


async def test_what_is_said_after_the_answer_to_our_submit_is_no_evidence() -> None:
    run = await run_after()
    await run.chunks.submit(1)
    await run.chunks.lose(1, "no answer in time")
    run.journal.busy = True

    with pytest.raises(CampaignBusy):
        await accept(run.chunks)

    assert run.chunks[1].state is (await run.on_disk()).state is ChunkState.UNKNOWN


async def test_evidence_of_what_the_next_holder_has_settled_changes_nothing() -> None:
    run = await run_after()
    submitting = await run.chunks.submit(1)
    await run.elsewhere(LOST, Abandon(number=1, step=3))
    run.journal.busy = True

    with pytest.raises(CampaignBusy):
        await accept(run.chunks)

    assert run.chunks[1] == submitting
    assert (await run.on_disk()).state is ChunkState.ABANDONED
    assert [name for _, name, _ in run.moves] == ["submit"]


async def test_a_chunk_that_is_taken_back_is_told_as_planned() -> None:
    run = await run_after()
    await run.chunks.submit(2)

    await run.chunks.take_back(2, "429")

    assert run.planned == [ChunkPlanned(number=2, recipients=2, reason="429")]


async def test_an_intent_is_written_where_the_day_has_room_and_changes_nothing_where_it_has_none() -> None:
    run = await run_after()
    a_day, second = Pace(people=2, per=86_400.0), run.chunks[2]

    assert await run.chunks.submit_within(1, a_day)
    assert not await run.chunks.submit_within(2, a_day)

    assert (run.chunks[1].state, run.chunks[1].step) == (ChunkState.SUBMITTING, 1)
    assert run.chunks[2] == second
    assert run.chunks[1] == await run.on_disk()
    assert run.moves == [(1, "submit", ChunkState.SUBMITTING)]
    assert await run.chunks.left_since(run.submit.at - 1.0) == [(run.submit.at, 2)]
