"""A delivery notice with a mark proves that its chunk was accepted; silence proves nothing."""

from collections.abc import Awaitable, Callable

import anyio
import msgspec
import pytest

from keebai_async.campaign.run import PATIENCE_WITH_WEBHOOKS
from keebai_async.client import Keebai
from keebai_async.clock import Clock, ManualClock
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import (
    AnyEvent,
    BroadcastProgress,
    ChunkAccepted,
    ChunkSubmitting,
    ChunkUnknown,
    Waiting,
)
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Move
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.model.marks import mark_in
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Recipient
from keebai_async.model.report import ChunkLine, Report
from keebai_async.model.situation import Standing
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox, faults
from tests.campaign.test_sandbox_campaigns import BULK, READ, check, people, world

SIZE = 500


class WatchedJournal(MemoryJournal):
    """Keeps when the look at its chunks began that led to each proof.

    When the proof is seen says less: while the run works on it the clock runs on, as the machine is slow.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._watch = clock
        self._looked_at = 0.0
        self.proved_by_look_at: list[float] = []

    async def chunks(self, campaign_id: str) -> tuple[Chunk, ...]:
        self._looked_at = self._watch.now()
        return await super().chunks(campaign_id)

    async def prove(self, campaign_id: str) -> tuple[Chunk, ...]:
        looked_at = self._looked_at
        proven = await super().prove(campaign_id)
        if proven:
            self.proved_by_look_at.append(looked_at)
        return proven


async def planned(keebai: Keebai, count: int = 3 * SIZE, *, marks: bool = True) -> Plan:
    return await keebai.campaigns.plan(
        people(count),
        template="promo",
        language="es",
        name="Promo marzo",
        options=PlanOptions(chunk_size=SIZE, marks=marks),
    )


async def ended(keebai: Keebai, plan: Plan) -> Report:
    async with keebai.campaigns.start(plan) as run:
        return await run.report()


async def notice(
    keebai: Keebai,
    campaign_id: str,
    chunk: int,
    place: int = 0,
    *,
    fate: Fate = Fate.SENT,
    at: float | None = None,
    number: str | None = None,
    broadcast_id: str = "",
) -> PersonNews:
    """What the service would tell of the person at *place* of *chunk*, as it is now."""
    items = await keebai.journal.items(campaign_id, chunk)
    person = msgspec.json.decode(items, type=list[Recipient])[place]
    mark = mark_in(person.meta_data)
    assert mark is not None
    return PersonNews(
        campaign_id=campaign_id,
        chunk=mark.chunk,
        place=mark.place,
        fate=fate,
        at=keebai.clock.wall() if at is None else at,
        number=person.to if number is None else number,
        broadcast_id=broadcast_id,
    )


async def tell(keebai: Keebai, campaign_id: str, chunk: int, place: int = 0, **said: object) -> None:
    said = {name: value for name, value in said.items() if value is not None}
    await keebai.journal.tell([await notice(keebai, campaign_id, chunk, place, **said)])  # type: ignore[arg-type]


def line(report: Report, number: int) -> ChunkLine:
    return next(chunk for chunk in report.chunks if chunk.number == number)


def lost_one(report: Report) -> int:
    (number,) = [chunk.number for chunk in report.chunks if chunk.state is ChunkState.UNKNOWN]
    return number


async def chunk_of(keebai: Keebai, campaign_id: str, number: int) -> Chunk:
    return next(each for each in await keebai.journal.chunks(campaign_id) if each.number == number)


def broadcast_of(sandbox: Sandbox, number: int) -> str:
    (found,) = [each for each in sandbox.ledger.submissions if f"[{number:02}/" in (each.campaign_name or "")]
    assert found.broadcast_id is not None
    return found.broadcast_id


async def run_and_answer(
    keebai: Keebai, plan: Plan, answer: Callable[[AnyEvent], Awaitable[None]]
) -> tuple[Report, list[tuple[float, AnyEvent]]]:
    """Run *plan* and call *answer* at each of its events; gives the report, and when each event was seen."""
    seen = []
    async with keebai.campaigns.start(plan) as run:
        async for event in run.events():
            seen.append((keebai.clock.now(), event))
            await answer(event)
        return run.snapshot(), seen


@pytest.mark.parametrize("named", [True, False], ids=["its broadcast is named", "its broadcast is not named"])
async def test_a_run_takes_a_proof_within_a_second_and_finishes_without_a_person(named: bool) -> None:
    told_at = 0.0
    clock = ManualClock()
    journal = WatchedJournal(clock)
    async with world(clock=clock, journal=journal) as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=2)
        plan = await planned(keebai)

        async def answer(event: AnyEvent) -> None:
            nonlocal told_at
            if isinstance(event, ChunkUnknown):
                await keebai.clock.sleep(7.2)
                name = broadcast_of(sandbox, event.number) if named else ""
                await tell(keebai, plan.campaign_id, event.number, 7, broadcast_id=name)
                told_at = keebai.clock.now()

        report, seen = await run_and_answer(keebai, plan, answer)

    check(report, sandbox)
    assert len([event for _, event in seen if isinstance(event, ChunkAccepted) and event.proven_at]) == 1
    (lost,) = [event.number for _, event in seen if isinstance(event, ChunkUnknown)]
    assert journal.proved_by_look_at[0] - told_at <= 1.0
    assert (report.state, report.unknown, report.accepted) == ("finished", 0, 3 * SIZE)
    assert report.untracked == (0 if named else SIZE)
    assert report.sent + report.untracked == 3 * SIZE
    assert line(report, lost).proven_at is not None
    assert sum(chunk.proven_at is not None for chunk in report.chunks) == 1


async def test_without_a_run_the_receiver_takes_the_proof_and_the_campaign_is_finished() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=3)
        plan = await planned(keebai)
        stopped = await ended(keebai, plan)
        number = lost_one(stopped)
        await tell(keebai, plan.campaign_id, number)
        situation = await keebai.campaigns.situation(plan.campaign_id)

    check(situation.report, sandbox)
    assert (stopped.stopped_by, stopped.unknown) == ("unknown", SIZE)
    assert (situation.standing, situation.reason, situation.steps) == (Standing.FINISHED, None, ())
    assert (situation.report.accepted, situation.report.untracked) == (3 * SIZE, SIZE)


async def test_without_a_run_a_broadcast_that_was_named_is_left_to_follow() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        plan = await planned(keebai)
        number = lost_one(await ended(keebai, plan))
        name = broadcast_of(sandbox, number)
        await tell(keebai, plan.campaign_id, number, broadcast_id=name)
        situation = await keebai.campaigns.situation(plan.campaign_id)
        followed = await ended(keebai, plan)

    assert (situation.standing, situation.cause) == (Standing.STOPPED, "settled")
    assert [step.command for step in situation.steps] == [f"keebai-async resume {plan.campaign_id}"]
    check(followed, sandbox)
    assert (followed.state, followed.sent, followed.untracked) == ("finished", 3 * SIZE, 0)


@pytest.mark.parametrize("silent", [60.0, 86_400.0, 30 * 86_400.0])
async def test_silence_proves_nothing_however_long(silent: float) -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        plan = await planned(keebai)
        number = lost_one(await ended(keebai, plan))
        for other in {1, 2, 3} - {number}:  # of everybody else it is told
            for place in range(SIZE):
                await tell(keebai, plan.campaign_id, other, place)
        await keebai.clock.sleep(silent)
        again = await ended(keebai, plan)

    check(again, sandbox)
    assert (again.unknown, again.stopped_by) == (SIZE, "unknown")
    assert sandbox.traffic.requests[BULK] == 3


async def test_a_run_waits_for_the_unknown_while_webhooks_tell_of_others_and_no_longer() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        plan = await planned(keebai)
        taken = anyio.Event()
        last = 0.0

        async def hear(event: AnyEvent) -> None:
            if isinstance(event, ChunkAccepted):
                taken.set()

        async def tell_of_one() -> None:
            nonlocal last
            await taken.wait()
            for place in range(60):
                chunks = await keebai.journal.chunks(plan.campaign_id)
                number = next(chunk.number for chunk in chunks if chunk.tracked)
                await tell(keebai, plan.campaign_id, number, place)
                last = keebai.clock.now()
                await keebai.clock.sleep(20.0)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell_of_one)
            report, seen = await run_and_answer(keebai, plan, hear)

    finals = [at for at, event in seen if isinstance(event, BroadcastProgress) and event.final]
    assert len(finals) == 2
    assert (report.unknown, report.stopped_by) == (SIZE, "unknown")
    assert last > finals[-1] + PATIENCE_WITH_WEBHOOKS
    assert last + PATIENCE_WITH_WEBHOOKS <= seen[-1][0] < last + 1.2 * PATIENCE_WITH_WEBHOOKS
    assert [event for _, event in seen if isinstance(event, Waiting) and "webhooks" in event.why]


async def test_a_run_that_no_webhook_told_anything_does_not_wait() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        _, seen = await run_and_answer(keebai, await planned(keebai), _nothing)

    assert not [event for _, event in seen if isinstance(event, Waiting) and "webhooks" in event.why]


async def _nothing(event: AnyEvent) -> None:
    return None


async def test_a_notice_before_the_answer_makes_no_second_truth() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Late(seconds=20.0), times=3)
        plan = await planned(keebai)

        async def answer(event: AnyEvent) -> None:
            if isinstance(event, ChunkSubmitting):
                await tell(keebai, plan.campaign_id, event.number, broadcast_id="66aa00112233445566778899")

        report, _ = await run_and_answer(keebai, plan, answer)

    check(report, sandbox)
    assert (report.state, report.sent, report.untracked) == ("finished", 3 * SIZE, 0)
    assert {(chunk.proven_at, chunk.noticed_at, chunk.twice_at) for chunk in report.chunks} == {
        (None, None, None)
    }


async def test_a_notice_that_came_before_the_answer_was_lost_is_not_forgotten() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), times=3)
        plan = await planned(keebai)

        async def answer(event: AnyEvent) -> None:
            if isinstance(event, ChunkSubmitting):
                await tell(keebai, plan.campaign_id, event.number)

        report, seen = await run_and_answer(keebai, plan, answer)

    check(report, sandbox)
    assert len([event for _, event in seen if isinstance(event, ChunkAccepted) and event.proven_at]) == 3
    assert (report.state, report.untracked) == ("finished", 3 * SIZE)


@pytest.mark.parametrize("what", ["the id of another chunk", "the id of another campaign"])
async def test_a_wrong_broadcast_is_never_followed(what: str) -> None:
    async with world() as (sandbox, keebai):
        other = await keebai.campaigns.run(people(2 * SIZE), template="promo", language="es", name="Other")
        sandbox.faults.on(BULK, faults.Reset(), nth=2)
        plan = await keebai.campaigns.plan(
            people(5 * SIZE)[2 * SIZE :],
            template="promo",
            language="es",
            name="Promo marzo",
            options=PlanOptions(chunk_size=SIZE),
        )

        async def answer(event: AnyEvent) -> None:
            if isinstance(event, ChunkUnknown):
                taken = [each.broadcast_id for each in (await keebai.journal.chunks(plan.campaign_id))]
                name = next(filter(None, taken), None)
                if what == "the id of another campaign":
                    name = other.chunks[0].broadcast_id
                await tell(keebai, plan.campaign_id, event.number, broadcast_id=name)

        report, seen = await run_and_answer(keebai, plan, answer)

    (lost,) = [event.number for _, event in seen if isinstance(event, ChunkUnknown)]
    assert report.errors() == ()
    assert (line(report, lost).sent, line(report, lost).failed) == (0, 0)
    assert (report.sent, report.accepted, report.unknown) == (2 * SIZE, 3 * SIZE, 0)


async def test_the_people_of_a_chunk_that_was_cut_are_found_where_they_are_now() -> None:
    async with world() as (sandbox, keebai):
        sandbox.malformed.add(people(3)[2]["to"])
        plan = await planned(keebai, SIZE)
        sandbox.faults.on(BULK, faults.Reset(), nth=2)  # the rest of it, in a chunk of its own
        number = lost_one(await ended(keebai, plan))
        refused = await notice(keebai, plan.campaign_id, 1)
        assert number != 1

        await keebai.journal.tell([refused])
        before = await chunk_of(keebai, plan.campaign_id, number)
        await tell(keebai, plan.campaign_id, number, 3)
        after = await chunk_of(keebai, plan.campaign_id, number)
        parent = await chunk_of(keebai, plan.campaign_id, 1)

    assert (before.state, before.noticed_at) == (ChunkState.UNKNOWN, None)
    assert (after.state, after.accepted) == (ChunkState.ACCEPTED, SIZE - 1)
    assert (parent.state, parent.noticed_at is not None) == (ChunkState.REFUSED, True)


async def test_what_is_not_its_own_proves_nothing_of_a_chunk() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1, times=3)
        plan = await planned(keebai)
        other = await keebai.campaigns.plan(
            people(9), template="promo", language="es", name="Other", options=PlanOptions(chunk_size=3)
        )
        await ended(keebai, plan)
        fine = await notice(keebai, plan.campaign_id, 1)
        forged = [
            await notice(keebai, plan.campaign_id, 1, number="+5491155559999"),
            await notice(keebai, other.campaign_id, 1),
            msgspec.structs.replace(fine, chunk=99),
            msgspec.structs.replace(fine, place=SIZE),
            msgspec.structs.replace(fine, place=-1),
            msgspec.structs.replace(fine, fate=Fate.NONE, replied=True),
        ]

        for each in forged:
            await keebai.journal.tell([each, each])
        before = await keebai.campaigns.status(plan.campaign_id)
        await keebai.journal.tell([fine, fine])
        after = await keebai.campaigns.status(plan.campaign_id)
        moves = [
            move for move in await keebai.journal.moves(plan.campaign_id) if type(move).__name__ == "Prove"
        ]

    assert (before.unknown, before.accepted) == (3 * SIZE, 0)
    assert (after.unknown, after.accepted) == (2 * SIZE, SIZE)
    assert len(moves) == 1


async def test_people_without_marks_prove_nothing() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE, marks=False)
        await ended(keebai, plan)
        news = PersonNews(campaign_id=plan.campaign_id, chunk=1, place=0, fate=Fate.READ, at=1.0)

        await keebai.journal.tell([news])
        report = await keebai.campaigns.status(plan.campaign_id)

    assert (report.unknown, report.accepted) == (SIZE, 0)


async def test_a_purged_campaign_stays_as_it_is() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1)
        await keebai.campaigns.purge(plan.campaign_id, unfinished=True)
        before = await keebai.journal.load(plan.campaign_id)

        assert await keebai.journal.tell([news]) == 1  # what became of the person is kept, as ever
        after = await keebai.journal.load(plan.campaign_id)

    assert after == before


async def test_proof_forbids_to_send_it_again() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await tell(keebai, plan.campaign_id, 1)

        for word in ({"resend": True}, {"abandon": True}, {"accepted": broadcast_of(sandbox, 1)}):
            with pytest.raises(InvalidInput, match="nothing to settle: chunk 1 was accepted, as a delivery"):
                await keebai.campaigns.reconcile(plan.campaign_id, 1, **word)
        assert await keebai.campaigns.unknown(plan.campaign_id) == ()
        report = await ended(keebai, plan)

    check(report, sandbox)
    assert sandbox.traffic.requests[BULK] == 1


async def test_proof_that_comes_in_the_instant_of_a_person_s_word_forbids_it_in_the_same_words() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        await keebai.clock.sleep(LATE_ARRIVAL)
        news = await notice(keebai, plan.campaign_id, 1)
        journal, record = keebai.journal, keebai.journal.record

        async def told(campaign_id: str, move: Move) -> Chunk:
            await journal.tell([news])
            return await record(campaign_id, move)

        journal.record = told  # type: ignore[method-assign]
        with pytest.raises(InvalidInput, match="nothing to settle: chunk 1 was accepted, as a delivery"):
            await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
        report = await keebai.campaigns.status(plan.campaign_id)

    assert (report.state, report.accepted) == ("finished", SIZE)
    assert sandbox.traffic.requests[BULK] == 1


async def test_proof_that_comes_after_a_person_s_word_and_before_it_is_obeyed_undoes_it() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)

        await tell(keebai, plan.campaign_id, 1)
        report = await ended(keebai, plan)

    check(report, sandbox)
    assert (report.state, report.accepted) == ("finished", SIZE)
    assert sandbox.traffic.requests[BULK] == 1


async def test_proof_that_comes_in_the_instant_before_it_leaves_again_holds_it_back() -> None:
    """It is written when the run has looked for the last time, and waits for its place in the quota."""
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
        news = await notice(keebai, plan.campaign_id, 1)
        journal, read = keebai.journal, keebai.journal.items

        async def items(campaign_id: str, number: int) -> bytes:
            await journal.tell([news])
            return await read(campaign_id, number)

        journal.items = items  # type: ignore[method-assign] # what is read last before the intent is written
        report = await ended(keebai, plan)

    check(report, sandbox)
    assert (report.state, report.accepted, line(report, 1).proven_at is not None) == ("finished", SIZE, True)
    assert sandbox.traffic.requests[BULK] == 1


async def test_proof_that_comes_too_late_is_said_loudly() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        before = keebai.clock.wall()
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
        fine = await ended(keebai, plan)
        await tell(keebai, plan.campaign_id, 1, 1)  # of the second one
        as_ever = await keebai.campaigns.status(plan.campaign_id)

        await tell(keebai, plan.campaign_id, 1, 2, at=before + 1.0)
        late = await keebai.campaigns.status(plan.campaign_id)

    assert (line(fine, 1).twice_at, line(as_ever, 1).twice_at) == (None, None)
    twice = line(late, 1).twice_at
    assert twice is not None
    assert twice.timestamp() == before + 1.0
    assert (late.state, late.accepted) == ("finished", SIZE)


async def test_what_was_given_up_stays_so_and_says_what_is_known() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, abandon=True)

        await tell(keebai, plan.campaign_id, 1)
        report = await keebai.campaigns.status(plan.campaign_id)

    assert (report.abandoned, line(report, 1).noticed_at is not None) == (SIZE, True)


async def test_a_journal_that_never_sent_what_webhooks_tell_of_is_not_gone_on_with() -> None:
    """An old copy of the journal: those who were sent to since would be messaged again."""
    async with world() as (sandbox, keebai):
        plan = await planned(keebai, SIZE)
        await tell(keebai, plan.campaign_id, 1)

        with pytest.raises(CampaignBusy, match="this journal never submitted"):
            await ended(keebai, plan)
        async with keebai.campaigns.start(plan, again=True) as run:
            meant = await run.report()

    check(meant, sandbox)
    assert meant.sent == SIZE


async def test_reads_of_a_named_broadcast_with_more_people_are_not_believed() -> None:
    async with world() as (sandbox, keebai):
        big = await keebai.campaigns.run(people(2 * SIZE), template="promo", language="es", name="Other")
        sandbox.faults.on(BULK, faults.Reset())
        plan = await keebai.campaigns.plan(
            people(3 * SIZE)[2 * SIZE :], template="promo", language="es", name="Promo marzo"
        )
        await ended(keebai, plan)
        name = big.chunks[0].broadcast_id
        await tell(keebai, plan.campaign_id, 1, broadcast_id=name)
        reads = sandbox.traffic.requests[READ]
        report = await ended(keebai, plan)

    assert sandbox.traffic.requests[READ] == reads + 1
    assert (report.sent, report.pending, report.state) == (0, SIZE, "stopped")


@pytest.mark.parametrize("until", [1.0, 0.5], ids=["all the time", "for half of it"])
async def test_where_webhooks_tell_of_everybody_each_broadcast_is_read_once(until: float) -> None:
    """Ten chunks; if webhooks stop, the others are read as if there had been none, all to their end."""
    async with world(delivery_rate=8.0) as (sandbox, keebai):
        plan = await planned(keebai, 10 * SIZE)
        told: dict[int, int] = {}

        async def tell_as_it_goes() -> None:
            while sum(told.values()) < until * 10 * SIZE:
                await keebai.clock.sleep(1.0)
                for chunk in await keebai.journal.chunks(plan.campaign_id):
                    if chunk.broadcast_id is None:
                        continue
                    counters = sandbox.counters(chunk.broadcast_id)
                    done, before = counters.sent + counters.failed, told.get(chunk.number, 0)
                    told[chunk.number] = done
                    news = await notice(keebai, plan.campaign_id, chunk.number)
                    await keebai.journal.tell(
                        [msgspec.structs.replace(news, place=place) for place in range(before, done)]
                    )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell_as_it_goes)
            report = await ended(keebai, plan)

    check(report, sandbox)
    assert (report.state, report.sent) == ("finished", 10 * SIZE)
    if until == 1.0:
        assert sandbox.traffic.requests[READ] == 10
    else:
        assert sandbox.traffic.requests[READ] <= 5 + 4 * 5
