"""The chunks of a run: first on disk, then shown, and counters that never go back."""

import math

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.campaign import keeping
from keebai_async.campaign.chunks import Chunks
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Move, Submit
from keebai_async.observe.campaign_records import AnswerHeld
from keebai_async.observe.chunk_records import ChunkMoved, broadcast_read
from keebai_async.observe.records import Record
from tests.campaign.planning import freeze, number

COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans())


async def opened(people: int, *, size: int = 5_000, journal: MemoryJournal | None = None) -> Chunks:
    clock = ManualClock()
    journal = journal or MemoryJournal(clock=clock)
    plan = await freeze(journal, people, size=size)
    return Chunks(await journal.load(plan.campaign_id), journal=journal, clock=clock)


async def accepted(people: int = 10) -> tuple[Chunks, MemoryJournal]:
    journal = MemoryJournal(clock=ManualClock())
    chunks = await opened(people, journal=journal)
    await chunks.submit(1)
    await chunks.accept(1, accepted=people, broadcast_id="b")
    return chunks, journal


def counters(chunk: Chunk) -> tuple[int, int, bool]:
    return (chunk.sent, chunk.failed, chunk.final)


@given(st.lists(COUNTS, max_size=8))
def test_counters_never_go_back_neither_here_nor_on_disk(seen: list[tuple[int, int, bool]]) -> None:
    async def story() -> None:
        chunks, journal = await accepted()
        most = (0, 0, False)
        for sent, failed, final in seen:
            most = (max(most[0], sent), max(most[1], failed), most[2] or final)
            given = await chunks.progress(1, sent=sent, failed=failed, final=final)
            (kept,) = (await journal.load(chunks.plan.campaign_id)).chunks
            assert counters(given) == counters(chunks[1]) == counters(kept) == most

    anyio.run(story)


async def test_counters_that_say_nothing_new_are_not_written() -> None:
    chunks, journal = await accepted()
    await chunks.progress(1, sent=5, failed=1, final=False)
    writes: list[str] = []

    async def progress(campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        writes.append(f"{sent}, {failed}, {final}")
        return chunks[1]

    journal.progress = progress  # type: ignore[method-assign]
    await chunks.progress(1, sent=5, failed=0, final=False)
    await chunks.progress(1, sent=4, failed=1, final=True)

    assert writes == ["5, 1, True"]


async def test_what_the_journal_gives_back_is_what_is_shown() -> None:
    """Somebody else may have written newer counters there."""
    chunks, journal = await accepted()
    newer = msgspec.structs.replace(chunks[1], sent=9, failed=1, final=True)

    async def progress(campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        return newer

    journal.progress = progress  # type: ignore[method-assign]

    assert await chunks.progress(1, sent=5, failed=0, final=False) == newer == chunks[1]


async def test_each_move_is_the_next_step_of_its_chunk() -> None:
    chunks = await opened(10)
    await chunks.submit(1)
    await chunks.take_back(1, "429")
    await chunks.submit(1)
    lost = await chunks.lose(1, "no answer")

    assert (lost.step, lost.attempts, lost.state, lost.reason) == (4, 2, ChunkState.UNKNOWN, "no answer")
    assert chunks[1] == lost


async def test_a_chunk_that_was_refused_whole_keeps_everybody() -> None:
    chunks = await opened(10)
    await chunks.submit(1)
    refused = await chunks.refuse(1, "bad")
    assert (refused.state, refused.recipients) == (ChunkState.REFUSED, 10)
    assert len(await chunks.people(1)) == 10


async def test_a_cut_keeps_who_is_named_and_hands_everybody_else_on() -> None:
    chunks = await opened(6, size=3)
    await chunks.submit(1)
    people = await chunks.people(1)
    rest = await chunks.people(2)

    children = await chunks.recut(1, "bad", keep=people[:1], rest=2, into=[people[1:2], [people[2], *rest]])

    assert [child.number for child in children] == [3, 4]
    shown = {chunk.number: (chunk.state.value, chunk.recipients) for chunk in chunks}
    assert shown == {1: ("refused", 1), 2: ("refused", 0), 3: ("planned", 1), 4: ("planned", 4)}
    assert chunks.of == 3  # the one that answers for nobody does not count
    numbers = [
        [msgspec.json.decode(person)["to"] for person in await chunks.people(at)] for at in (1, 2, 3, 4)
    ]
    assert numbers == [
        [number(0)],
        [],
        [number(1)],
        [number(2), number(3), number(4), number(5)],
    ]


async def test_the_new_chunks_of_a_cut_are_told_with_one_of_its_moves_only() -> None:
    told: list[Record] = []
    clock = ManualClock()
    journal = MemoryJournal(clock=clock)
    plan = await freeze(journal, 6, size=3)
    chunks = Chunks(await journal.load(plan.campaign_id), journal=journal, clock=clock, observer=told.append)
    await chunks.submit(1)
    people = await chunks.people(1)

    await chunks.recut(1, "bad", keep=people[:1], rest=2, into=[people[1:], await chunks.people(2)])

    moves = [each for each in told if isinstance(each, ChunkMoved)]
    assert [(each.chunk, each.move, each.into) for each in moves] == [
        (1, "submit", None),
        (1, "refuse", (3, 4)),
        (2, "hand on", None),
    ]
    assert [(each.recipients, each.kept) for each in moves] == [(3, 3), (3, 1), (3, 0)]


async def test_each_move_is_told_once_and_with_its_reason() -> None:
    told: list[tuple[str, str | None, ChunkState]] = []
    journal = MemoryJournal(clock=ManualClock())
    plan = await freeze(journal, 4, size=2)

    def observe(record: Record) -> None:
        assert isinstance(record, ChunkMoved)
        told.append((record.move, record.reason, record.state))

    loaded = await journal.load(plan.campaign_id)
    chunks = Chunks(loaded, journal=journal, clock=ManualClock(), observer=observe)
    await chunks.submit(1)
    await chunks.take_back(1, "429")
    await chunks.submit(1)
    await chunks.lose(1, "no answer")
    await chunks.refuse(2, "opted out")

    assert told == [
        ("submit", None, ChunkState.SUBMITTING),
        ("take back", "429", ChunkState.PLANNED),
        ("submit", None, ChunkState.SUBMITTING),
        ("lose", "no answer", ChunkState.UNKNOWN),
        ("refuse", "opted out", ChunkState.REFUSED),
    ]


async def test_new_counters_are_told_once_they_are_kept() -> None:
    told: list[Record] = []
    chunks, journal = await accepted()
    again = await journal.load(chunks.plan.campaign_id)
    chunks = Chunks(again, journal=journal, clock=ManualClock(), observer=told.append)
    before = chunks[1]

    after = await chunks.progress(1, sent=5, failed=1, final=False)
    await chunks.progress(1, sent=4, failed=1, final=False)

    assert told == [broadcast_read(chunks.plan.campaign_id, before, after)]


class Stuck(MemoryJournal):
    async def record(self, campaign_id: str, move: Move) -> Chunk:
        await anyio.sleep_forever()
        raise AssertionError


async def test_a_journal_that_does_not_take_a_line_in_time_is_unusable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "LONGEST_WRITE", 0.05)
    chunks = await opened(10, journal=Stuck(clock=ManualClock()))

    with anyio.CancelScope() as scope:
        scope.cancel()  # a write that has begun is not cancelled
        with pytest.raises(JournalUnusable, match="did not take a line within"):
            await chunks.submit(1)

    assert not scope.cancelled_caught  # or it was the cancellation that ended the write
    assert chunks[1].state is ChunkState.PLANNED


class Locked(MemoryJournal):
    """Takes no line before *until*, and says whether it may work soon; notes when it was tried."""

    until = math.inf
    temporary = True

    def __init__(self, *, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.time = clock
        self.tried: list[float] = []

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        if not isinstance(move, Submit):
            self.tried.append(self.time.now())
            if self.time.now() < self.until:
                raise JournalUnusable("locked", temporary=self.temporary)
        return await super().record(campaign_id, move)


class Answered:
    """A chunk that was submitted and answered, over a locked journal, and what is told of the wait."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = Locked(clock=self.clock)
        self.began = self.clock.now()
        self.waits: list[tuple[float, str]] = []
        self.told: list[Record] = []

    async def begin(self, *, told: bool = True) -> Chunks:
        plan = await freeze(self.journal, 10)
        chunks = Chunks(
            await self.journal.load(plan.campaign_id),
            journal=self.journal,
            clock=self.clock,
            observer=self.told.append,
            tell_wait=(lambda *wait: self.waits.append(wait)) if told else None,
        )
        await chunks.submit(1)
        return chunks

    @property
    def tried(self) -> list[float]:
        return [at - self.began for at in self.journal.tried]


async def test_an_answer_is_written_again_each_second_until_a_locked_journal_takes_it() -> None:
    answered = Answered()
    chunks = await answered.begin()
    answered.journal.until = answered.began + 90.0

    async with answered.clock.running():
        await chunks.accept(1, accepted=10, broadcast_id="b")

    assert chunks[1].state is ChunkState.ACCEPTED
    assert answered.tried == [float(second) for second in range(91)]
    assert answered.waits == [(600.0, "what became of chunk 1 cannot be written down yet: locked")]
    held = [each for each in answered.told if isinstance(each, AnswerHeld)]
    assert held == [AnswerHeld(campaign=chunks.plan.campaign_id, chunk=1, seconds=600.0, reason="locked")]


async def test_an_answer_that_cannot_be_written_for_ten_minutes_is_given_up() -> None:
    answered = Answered()
    chunks = await answered.begin(told=False)  # also if nobody wants to know

    async with answered.clock.running():
        with pytest.raises(JournalUnusable, match="locked"):
            await chunks.accept(1, accepted=10, broadcast_id="b")

    assert answered.tried[-1] == answered.clock.now() - answered.began == 600.0
    assert chunks[1].state is ChunkState.SUBMITTING  # the next run finds it without an answer


async def test_an_answer_that_the_journal_will_never_take_is_not_tried_again() -> None:
    answered = Answered()
    chunks = await answered.begin()
    answered.journal.temporary = False

    with pytest.raises(JournalUnusable, match="locked"):
        await chunks.lose(1, "no answer")

    assert (answered.tried, answered.waits) == ([0.0], [])


async def test_an_answer_that_waits_for_its_journal_is_not_lost_by_a_cancellation() -> None:
    answered = Answered()
    chunks = await answered.begin()
    answered.journal.until = answered.began + 90.0

    async with answered.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(chunks.take_back, 1, "429")
        await answered.clock.sleep(30.0)
        tasks.cancel_scope.cancel()

    assert chunks[1].state is ChunkState.PLANNED
    assert answered.tried[-1] == 90.0


async def test_an_intent_is_not_tried_again_since_its_place_and_its_age_do_not_wait() -> None:
    class Full(MemoryJournal):
        tried = 0

        async def record(self, campaign_id: str, move: Move) -> Chunk:
            self.tried += 1
            raise JournalUnusable("locked", temporary=True)

    journal = Full(clock=ManualClock())
    chunks = await opened(10, journal=journal)

    with pytest.raises(JournalUnusable, match="locked"):
        await chunks.submit(1)

    assert (journal.tried, chunks[1].state) == (1, ChunkState.PLANNED)
