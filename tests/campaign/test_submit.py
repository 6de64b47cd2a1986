"""One attempt: place, intent, bytes, verdict, verdict on disk, and what can come between."""

from collections import deque
from collections.abc import Sequence

import anyio
import pytest

from keebai_async.campaign.dispatch import IN_FLIGHT, dispatch
from keebai_async.campaign.lead import Lead
from keebai_async.campaign.run_state import PauseRun, ResumeRun
from keebai_async.campaign.service import ChunkVerdict, Taken
from keebai_async.campaign.submit import MOST_THROTTLED
from keebai_async.clock import Clock
from keebai_async.errors import JournalUnusable, QuotaUnusable
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import AnyEvent, ChunkAccepted, Waiting
from keebai_async.model.lifecycle import Accept, HandOn, Lose, Move, Refuse, Submit
from keebai_async.model.plan import Pace
from keebai_async.model.stop import Cause, Stop
from keebai_async.observe.campaign_records import SubmitsHeld
from keebai_async.observe.chunk_records import BroadcastIdRepeated, ChunkSubmitEnded, ChunkSubmitStarted
from keebai_async.quota.window import Quota
from keebai_async.transport.error_body import ErrorBody
from tests.campaign.scripted_service import Fate, ScriptedService
from tests.campaign.submitting import Campaign
from tests.campaign.test_opted_out import OptedOut
from tests.campaign.test_proof_in_a_search import ToldAtTheCut, news_of, sent_again

INTERRUPTED = Stop(cause=Cause.INTERRUPTED, reason="enough")


class SlowJournal(MemoryJournal):
    """Takes *seconds* for each move, *reading* for people, and once it is *full* nothing; notes it all."""

    seconds = 0.0
    reading = 0.0
    full = False

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.time = clock
        self.order: list[str] = []

    async def items(self, campaign_id: str, number: int) -> bytes:
        await self.time.sleep(self.reading)
        return await super().items(campaign_id, number)

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        await self.time.sleep(self.seconds)
        if self.full:
            raise JournalUnusable("the disk is full")
        chunk = await super().record(campaign_id, move)
        self.order.append(f"{type(move).__name__} on disk")
        return chunk

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        await self.time.sleep(self.seconds)
        chunks = await super().recut(campaign_id, moves, keep=keep, children=children)
        self.order.append("cut on disk")
        return chunks


class SlowPlaces(ScriptedService):
    """Its places in the quota come after *waits* seconds, in this order; then at once."""

    waits: tuple[float, ...] = ()
    error: QuotaUnusable | None = None

    async def place(self) -> None:
        if self.error is not None:
            raise self.error
        wait, *rest = self.waits or (0.0,)
        self.waits = tuple(rest)
        await self.clock.sleep(wait)


class Attempts(Campaign):
    """A campaign with a slow journal, and the order in which everything happened."""

    journal: SlowJournal

    def __init__(
        self, people: int, *, size: int = 1, lead: Lead | None = None, pace: Pace | None = None
    ) -> None:
        super().__init__(people, size=size, journal=SlowJournal, lead=lead, pace=pace)
        self.left: list[float] = []
        self.began = self.clock.now()

    def tell(self, event: AnyEvent) -> None:
        super().tell(event)
        self.journal.order.append(f"{type(event).__name__} told")

    def slow(self, *waits: float, script: Sequence[Fate] = (), malformed: Sequence[str] = ()) -> SlowPlaces:
        campaign = self

        class Service(SlowPlaces):
            async def place(self) -> None:
                await super().place()
                campaign.journal.order.append("place")

            async def submit(self, body: bytes) -> ChunkVerdict:
                campaign.journal.order.append("bytes")
                campaign.left.append(self.clock.now() - campaign.began)
                return await super().submit(body)

        service = Service(self.clock, script=script, malformed=malformed)
        service.waits = waits
        return service


ORDER = {
    Fate.FINE: ["bytes", "Accept on disk", "ChunkAccepted told"],
    Fate.SHORT: ["bytes", "Accept on disk", "ChunkAccepted told"],
    Fate.UNREADABLE: ["bytes", "Accept on disk", "ChunkAccepted told"],
    Fate.LOST: ["bytes", "Lose on disk", "ChunkUnknown told"],
    Fate.DROPPED: ["bytes", "Lose on disk", "ChunkUnknown told"],
    Fate.UNSENT: ["bytes", "TakeBack on disk"],
    Fate.THROTTLED: ["bytes", "TakeBack on disk"],
    Fate.HALTED: ["bytes", "TakeBack on disk"],
}


@pytest.mark.parametrize("fate", Fate)
async def test_an_attempt_is_place_intent_bytes_verdict_on_disk_and_then_told(fate: Fate) -> None:
    campaign = Attempts(2, size=2)

    await campaign.submit(campaign.slow(script=[fate]))

    first = campaign.journal.order[: 3 + len(ORDER[fate])]
    assert first == ["place", "Submit on disk", "ChunkSubmitting told", *ORDER[fate]]


async def test_a_submit_that_waited_for_its_place_does_not_leave_if_the_service_is_gone_meanwhile() -> None:
    campaign = Attempts(2)
    service = campaign.slow(0.0, 10.0, script=[Fate.DROPPED])
    service.down_probes = 3

    report = await campaign.submit(service)

    assert (report.unknown, report.accepted) == (1, 1)
    waits = [event.seconds for event in campaign.events if isinstance(event, Waiting)]
    assert waits == [5.0, 10.0, 20.0]
    assert service.given_back == 1
    assert campaign.left[0] == 0.0
    assert campaign.left[1] >= 35.0


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNSENT, Fate.HALTED])
async def test_nobody_leaves_into_what_a_verdict_tells_of_while_it_is_written_down(fate: Fate) -> None:
    campaign = Attempts(2)
    campaign.journal.seconds = 10.0  # the intent until 10 s, the verdict from 10.2 to 20.2 s
    service = campaign.slow(0.0, 15.0, script=[fate])
    service.down_probes = 1_000_000

    report = await campaign.submit(service)

    assert campaign.left == [10.0]
    assert service.given_back == (0 if fate is Fate.HALTED else 1)  # a stop ends the wait for a place
    assert report.unsent == (1 if fate is Fate.LOST else 2)
    assert campaign.stopped is (Cause.TOKEN if fate is Fate.HALTED else Cause.UNREACHABLE)


async def test_nobody_leaves_after_a_refusal_of_everybody_while_it_is_written_down() -> None:
    campaign = Attempts(2)
    campaign.journal.seconds = 10.0
    service = campaign.slow(0.0, 15.0)
    service.common = ErrorBody(status=400, message="template_name is unknown", field="template_name")

    report = await campaign.submit(service)

    assert campaign.left == [10.0]
    assert report.unsent == 2
    assert campaign.stopped is Cause.REFUSED


async def test_a_dead_port_is_not_hammered() -> None:
    campaign = Attempts(1)
    service = campaign.slow(script=[Fate.UNSENT] * 3)
    service.down_probes = 2

    report = await campaign.submit(service)

    assert report.accepted == 1
    assert service.requests.submits == 4
    assert service.requests.other == 2 + 3  # each refused connection costs a probe that succeeds
    assert campaign.left[1] >= 15.0


@pytest.mark.parametrize(
    ("seconds", "state", "messaged"),
    [
        (0.5, ChunkState.PLANNED, 0),  # it waits for its place
        (1.5, ChunkState.ACCEPTED, 1),  # the intent is being written
        (2.1, ChunkState.ACCEPTED, 1),  # the bytes are on their way
        (3.1, ChunkState.ACCEPTED, 1),  # the verdict is being written
    ],
)
async def test_cancelled_at_each_await_an_attempt_is_called_off_or_finished(
    seconds: float, state: ChunkState, messaged: int
) -> None:
    campaign = Attempts(1)
    campaign.journal.seconds = 1.0
    service = campaign.slow(1.0)
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    (chunk,) = await campaign.chunks()
    assert chunk.state is campaign.book[1].state is state
    assert sum(service.messaged.values()) == messaged


@pytest.mark.parametrize(
    "seconds",
    [
        2.0,  # the intent is being written
        2.6,  # the bytes are on their way
        2.9,  # the people of the refused chunk are being read
        3.5,  # their new chunks are being written
    ],
)
async def test_cancelled_while_a_refused_chunk_is_cut_nobody_is_lost(seconds: float) -> None:
    campaign = Attempts(4, size=4)
    campaign.journal.seconds = 1.0
    campaign.journal.reading = 0.5
    service = campaign.slow(1.0)
    service.malformed = frozenset({"+5491100000002"})
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    report = await campaign.report()
    assert report.errors() == ()
    assert (report.unsent, report.unknown) == (4, 0)
    assert [chunk.state for chunk in await campaign.chunks()] == [
        ChunkState.REFUSED,
        ChunkState.PLANNED,
        ChunkState.PLANNED,
    ]


@pytest.mark.parametrize("paused", [True, False])
async def test_a_stop_or_a_pause_calls_off_those_who_wait_for_a_place_and_awaits_those_who_left(
    paused: bool,
) -> None:
    campaign = Attempts(2)
    service = campaign.slow(0.0, 1_000.0)
    service.latency = 60.0
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(30.0)
        if paused:
            campaign.control.apply(PauseRun())
            await campaign.clock.sleep(2_000.0)
        campaign.submitter.stop(INTERRUPTED)

    assert campaign.left == [0.0]
    states = [chunk.state for chunk in await campaign.chunks()]
    assert states == [ChunkState.ACCEPTED, ChunkState.PLANNED]


@pytest.mark.parametrize("paused", [True, False])
async def test_a_stop_ends_the_wait_for_a_service_that_is_gone(paused: bool) -> None:
    campaign = Attempts(1)
    service = campaign.slow(script=[Fate.UNSENT])
    service.down_probes = 1_000_000
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(1_000.0)
        probes = service.requests.other
        if paused:
            campaign.control.apply(PauseRun())
            await campaign.clock.sleep(1_000.0)
        stopped_at = campaign.clock.now()
        campaign.submitter.stop(INTERRUPTED)

    assert service.requests.other == probes
    assert campaign.clock.now() - stopped_at < 1.0
    assert campaign.submitter.stopped == INTERRUPTED


async def test_a_stop_ends_the_wait_for_a_sender_that_has_enough_to_do() -> None:
    campaign = Attempts(5, lead=Lead(Quota(8, 3_600.0), rate=0.0001))
    await campaign.begin(campaign.slow())

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(100.0)
        campaign.submitter.stop(INTERRUPTED)
        stopped_at = campaign.clock.now()

    assert campaign.clock.now() - stopped_at < 1.0
    assert (await campaign.report()).unsent == 1


@pytest.mark.parametrize("pace", [None, Pace(people=1, per=3_600.0)])
async def test_after_a_pause_an_attempt_that_was_called_off_is_made_again(pace: Pace | None) -> None:
    """Its place in the pace was given back, too: nobody left."""
    campaign = Attempts(1, pace=pace)
    service = campaign.slow(1_000.0, 5.0)
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(30.0)
        campaign.control.apply(PauseRun())
        await campaign.clock.sleep(100.0)
        campaign.control.apply(ResumeRun())

    assert campaign.left == [135.0]
    assert (await campaign.report()).accepted == 1


async def test_a_pause_and_a_resume_in_the_instant_in_which_the_place_comes_send_nobody_twice() -> None:
    """The attempt was called off, and its place came all the same: it is given back, and asked for again."""
    campaign = Attempts(1)

    class Service(SlowPlaces):
        async def place(self) -> None:
            if not self.given_back:
                campaign.control.apply(PauseRun())
                campaign.control.apply(ResumeRun())

    service = Service(campaign.clock)

    report = await campaign.submit(service)

    assert (report.accepted, service.given_back) == (1, 1)
    assert service.requests.submits == 1


async def test_an_intent_that_cannot_be_written_lets_nothing_leave_and_gives_its_place_back() -> None:
    campaign = Attempts(1)
    campaign.journal.full = True
    service = campaign.slow()

    with pytest.raises(ExceptionGroup) as raised:
        await campaign.submit(service)

    assert raised.group_contains(JournalUnusable)
    assert (campaign.left, service.given_back) == ([], 1)


async def test_a_quota_that_cannot_be_asked_stops_with_nobody_unknown() -> None:
    campaign = Attempts(3)
    service = campaign.slow()
    service.error = QuotaUnusable("cannot reach the Redis that keeps the quota")

    report = await campaign.submit(service)

    assert (campaign.stopped, report.unsent, campaign.left) == (Cause.QUOTA, 3, [])


async def test_a_token_that_others_use_up_stops_after_some_429s_of_one_chunk_in_a_row() -> None:
    patient, spent = Attempts(1), Attempts(1)
    times = MOST_THROTTLED

    accepted = await patient.submit(patient.slow(script=[Fate.THROTTLED] * (times - 1)))
    report = await spent.submit(spent.slow(script=[Fate.THROTTLED] * (times + 9)))

    assert accepted.accepted == 1
    assert (spent.stopped, report.unsent, len(spent.left)) == (Cause.THROTTLED, 1, times)
    assert spent.submitter.stopped is not None
    assert spent.submitter.stopped.reason == "the service answered 429 to chunk 1 5 times in a row"


@pytest.mark.parametrize(
    ("status", "cause"), [(401, Cause.TOKEN), (403, Cause.SCOPE), (404, Cause.NOT_FOUND)]
)
async def test_a_chunk_refused_for_all_is_planned_again_with_the_services_words(
    status: int, cause: Cause
) -> None:
    campaign = Attempts(3)
    service = campaign.slow(script=[Fate.HALTED] * IN_FLIGHT)
    service.halting = ErrorBody(status=status, message="no", missing=("messages:bulk",))

    report = await campaign.submit(service)

    assert campaign.stopped is cause
    assert report.unsent == 3
    assert {chunk.reason for chunk in await campaign.chunks()} == {"no"}


async def test_the_intent_counts_the_attempt_and_says_when_it_left() -> None:
    campaign = Attempts(1)
    service = campaign.slow(5.0, script=[Fate.UNSENT])

    await campaign.submit(service)

    (chunk,) = await campaign.chunks()
    assert chunk.attempts == 2
    assert chunk.submitted_at == pytest.approx(1_790_000_000.0 + campaign.began + campaign.left[1])


async def test_each_attempt_is_told_with_its_number_its_end_and_how_long_it_took() -> None:
    campaign = Campaign(2)

    await campaign.submit(campaign.service([Fate.UNSENT, Fate.FINE]))

    told = [each for each in campaign.told if isinstance(each, ChunkSubmitStarted | ChunkSubmitEnded)]
    match told:
        case [first, first_end, second, second_end]:
            assert isinstance(first, ChunkSubmitStarted)
            assert isinstance(second, ChunkSubmitStarted)
            assert (first.campaign, first.chunk, first.recipients) == (campaign.plan.campaign_id, 1, 2)
            assert (first.attempt, second.attempt) == (1, 2)
            planned, accepted = ChunkState.PLANNED, ChunkState.ACCEPTED
            for end, submit, state in ((first_end, first, planned), (second_end, second, accepted)):
                assert isinstance(end, ChunkSubmitEnded)
                assert (end.submit, end.state, round(end.seconds, 6)) == (submit, state, 0.2)
        case _:
            pytest.fail(f"two attempts are told by four records, not {told}")


async def test_what_was_accepted_is_told_as_it_was() -> None:
    campaign = Attempts(5, size=3)

    await campaign.submit(campaign.slow(script=[Fate.SHORT, Fate.UNREADABLE]))

    told = [event for event in campaign.events if isinstance(event, ChunkAccepted)]
    assert told == [
        ChunkAccepted(number=1, of=2, recipients=3, accepted=2, broadcast_id="b1"),
        ChunkAccepted(number=2, of=2, recipients=2, accepted=2, broadcast_id=None),
    ]


class OneName(ScriptedService):
    """Gives every broadcast the same id."""

    async def submit(self, body: bytes) -> ChunkVerdict:
        verdict = await super().submit(body)
        return Taken(accepted=verdict.accepted, broadcast_id="b") if isinstance(verdict, Taken) else verdict


@pytest.mark.parametrize("resumed", [False, True])
async def test_a_broadcast_id_that_is_another_chunks_is_not_taken_for_its_own(resumed: bool) -> None:
    campaign = Campaign(4, size=2)
    if resumed:
        await campaign.begin(OneName(campaign.clock))
        async with campaign.clock.running(), campaign.submitter.submit(1):
            pass

    report = await campaign.submit(OneName(campaign.clock))

    assert (report.accepted, report.unsent) == (4, 0)
    assert [chunk.broadcast_id for chunk in await campaign.chunks()] == ["b", None]
    repeated = [each for each in campaign.told if isinstance(each, BroadcastIdRepeated)]
    assert repeated == [
        BroadcastIdRepeated(campaign=campaign.plan.campaign_id, chunk=2, broadcast="b", owner=1)
    ]


async def test_a_campaign_far_ahead_of_its_sender_waits_and_says_so_once() -> None:
    lead = Lead(Quota(8, 3_600.0), rate=0.0001)
    campaign = Attempts(6, lead=lead)
    service = campaign.slow()

    report = await campaign.submit(service)

    assert report.accepted == 6
    assert campaign.left[:4] == [0.0] * 4
    assert campaign.left[4:] == [pytest.approx(3_600.0)] * 2
    waits = [event for event in campaign.events if isinstance(event, Waiting)]
    assert [wait.why for wait in waits] == ["the sender has enough to do for now"]
    held = [each for each in campaign.told if isinstance(each, SubmitsHeld)]
    assert held == [
        SubmitsHeld(campaign=campaign.plan.campaign_id, seconds=waits[0].seconds, reason=waits[0].why)
    ]


async def test_a_pace_holds_among_chunks_that_wait_for_their_place_at_the_same_time() -> None:
    campaign = Attempts(5, pace=Pace(people=2, per=60.0))

    report = await campaign.submit(campaign.slow(7.0, 7.0))

    assert report.accepted == 5
    assert campaign.left == [pytest.approx(at) for at in (7.0, 7.0, 67.0, 67.0, 127.0)]
    waits = [event for event in campaign.events if isinstance(event, Waiting)]
    assert {wait.why for wait in waits} == {"the pace of 2/1m"}
    held = [each.seconds for each in campaign.told if isinstance(each, SubmitsHeld)]
    assert held == [wait.seconds for wait in waits]
    assert [round(seconds) for seconds in held] == [60, 60, 60]  # once after each time that some leave


async def test_a_pace_waits_for_nobody_whose_chunk_was_refused_or_taken_back() -> None:
    campaign = Attempts(1, pace=Pace(people=1, per=3_600.0))

    report = await campaign.submit(campaign.slow(script=[Fate.THROTTLED, Fate.THROTTLED]))

    assert report.accepted == 1
    assert campaign.left == [pytest.approx(at) for at in (0.0, 0.2, 0.4)]


async def test_a_stop_ends_the_wait_of_a_pace() -> None:
    campaign = Attempts(2, pace=Pace(people=1, per=3_600.0))
    await campaign.begin(campaign.slow())

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(100.0)
        campaign.submitter.stop(INTERRUPTED)
        stopped_at = campaign.clock.now()

    assert campaign.clock.now() - stopped_at < 1.0
    assert (await campaign.report()).unsent == 1


async def test_only_planned_chunks_are_submitted() -> None:
    campaign = Attempts(3)
    await campaign.begin(campaign.slow())
    await campaign.journal.record(campaign.plan.campaign_id, Submit(number=1, step=1, at=1.0))
    service = campaign.slow()

    await campaign.submit(service)

    assert service.requests.submits == 2
    assert [chunk.state for chunk in await campaign.chunks()] == [
        ChunkState.SUBMITTING,
        ChunkState.ACCEPTED,
        ChunkState.ACCEPTED,
    ]


async def test_a_chunk_that_is_proven_while_it_waits_for_its_place_is_told_and_not_submitted_again() -> None:
    """Somebody had said that it did not arrive."""
    campaign = await sent_again(2, size=1, which=2)

    class Service(SlowPlaces):
        async def place(self) -> None:
            await campaign.journal.tell([news_of(campaign, 2)])

    service = Service(campaign.clock)

    report = await campaign.submit(service)

    assert (report.accepted, report.unsent, report.unknown) == (2, 0, 0)
    assert (service.requests.submits, service.given_back) == (0, 1)
    assert [event.number for event in campaign.events if isinstance(event, ChunkAccepted)] == [2]


async def test_a_chunk_that_is_proven_when_who_opted_out_is_cut_from_it_stays_whole_and_is_told() -> None:
    """The run ended with an error of ours: the chunk could not be cut."""
    campaign = await sent_again(2, size=2, which=2)
    assert isinstance(campaign.journal, ToldAtTheCut)
    campaign.journal.told_of = 2
    campaign.opt_outs = OptedOut(3)
    service = campaign.service()

    async with campaign.journal.lease(campaign.plan.campaign_id):
        report = await campaign.submit(service)

    assert (report.accepted, report.refused, report.unsent) == (4, 0, 0)
    assert service.requests.submits == 0
    assert [event.number for event in campaign.events if isinstance(event, ChunkAccepted)] == [2]


async def test_the_broadcast_id_of_a_chunk_that_was_proven_is_not_taken_for_another_ones() -> None:
    """A process that had the campaign before tells the answer, with the id, while ours goes on."""
    campaign = Campaign(2, size=1)
    await campaign.begin(OneName(campaign.clock))
    journal, campaign_id = campaign.journal, campaign.plan.campaign_id
    submit = Submit(number=1, step=1, at=campaign.clock.wall())
    await journal.record(campaign_id, submit)
    await journal.record(campaign_id, Lose(number=1, step=2, reason="no answer in time"))
    await campaign.begin(OneName(campaign.clock))
    await journal.testify(campaign_id, submit, Accept(number=1, step=2, accepted=1, broadcast_id="b"))

    assert await campaign.submitter.heard_that_it_left(1)
    await campaign.finish()

    assert [chunk.broadcast_id for chunk in await campaign.chunks()] == ["b", None]
    repeated = [each for each in campaign.told if isinstance(each, BroadcastIdRepeated)]
    assert [(each.chunk, each.owner) for each in repeated] == [(2, 1)]


async def test_who_asks_for_the_next_chunk_in_a_pause_gets_an_answer_when_it_is_over() -> None:
    campaign = Campaign(1)
    await campaign.begin(campaign.service())
    campaign.control.apply(PauseRun())
    answers: list[int | None] = []

    async def ask() -> None:
        answers.append(await campaign.submitter.next_of(deque([1])))

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await campaign.clock.sleep(100.0)
        assert answers == []
        campaign.control.apply(ResumeRun())

    assert answers == [None]  # it is to ask again
