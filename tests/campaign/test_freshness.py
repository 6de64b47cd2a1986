"""Who slept sends nothing old, and nothing is sent again while the first submit may still arrive."""

import dataclasses

import pytest

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.freshness import IntentAge, machine_clocks
from keebai_async.campaign.reconcile import reconcile
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Lose, Move, Submit
from keebai_async.model.lost import (
    LATE_ARRIVAL,
    LONGEST_INTENT,
    LONGEST_LEAVING,
    NO_ANSWER_WRITTEN,
    NOT_SEEN_TO_END,
)
from keebai_async.model.progress import Progress
from keebai_async.model.report import Report
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import ScriptedService
from tests.campaign.submitting import Campaign


@dataclasses.dataclass
class Machine:
    """The clocks of a machine that may sleep, or be paused."""

    steady: float = 100.0
    wall: float = 1_790_000_000.0

    def clocks(self) -> tuple[float, ...]:
        return self.steady, self.wall


@pytest.mark.parametrize("clock", ["steady", "wall"])
def test_an_intent_is_as_old_as_the_clock_says_that_counted_the_sleep(clock: str) -> None:
    machine = Machine()
    age = IntentAge(machine.clocks)
    assert age.objection() is None
    setattr(machine, clock, getattr(machine, clock) + LONGEST_INTENT + 0.1)
    assert "15 s passed" in (age.objection() or "")


def test_the_clocks_of_the_machine_go_on() -> None:
    assert all(later >= before for before, later in zip(machine_clocks(), machine_clocks(), strict=True))


class Sleepy(MemoryJournal):
    """Its process is frozen right after an intent was written."""

    machine: Machine
    sleeps: tuple[float, ...] = ()
    taken_over = False

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        if self.taken_over and not isinstance(move, Submit):
            raise CampaignBusy("the lease was lost", campaign_id=campaign_id)
        chunk = await super().record(campaign_id, move)
        if isinstance(move, Submit) and self.sleeps:
            self.machine.steady += self.sleeps[0]
            self.sleeps = self.sleeps[1:]
        return chunk


async def sleepy(people: int, sleeps: float) -> tuple[Campaign, ScriptedService, Sleepy]:
    campaign = Campaign(people, size=10, journal=Sleepy)
    service = ScriptedService(campaign.clock)
    await campaign.begin(service)
    journal = campaign.journal
    assert isinstance(journal, Sleepy)
    journal.machine, journal.sleeps = Machine(), (sleeps,)
    campaign.submitter._clocks = journal.machine.clocks
    return campaign, service, journal


async def test_who_slept_takes_the_intent_back_and_submits_with_a_new_one() -> None:
    campaign, service, _ = await sleepy(10, 3_600.0)

    report = await campaign.finish()

    assert (report.accepted, report.unknown, service.requests.submits) == (10, 0, 1)
    assert set(service.messaged.values()) == {1}


async def test_who_slept_and_lost_the_lease_sends_nothing() -> None:
    campaign, service, journal = await sleepy(10, 3_600.0)
    journal.taken_over = True

    with pytest.raises(ExceptionGroup) as caught:
        await campaign.finish()

    assert caught.group_contains(CampaignBusy)
    assert service.requests.submits == 0


async def lost_chunk(reason: str, clock: ManualClock) -> tuple[MemoryJournal, str]:
    journal = MemoryJournal(clock=clock)
    plan = await freeze(journal, 10)
    for move in (Submit(number=1, step=1, at=clock.wall()), Lose(number=1, step=2, reason=reason)):
        await journal.record(plan.campaign_id, move)
    return journal, plan.campaign_id


async def never_read(broadcast_id: str) -> Progress:
    raise AssertionError(broadcast_id)


async def resend(campaign: str, journal: MemoryJournal, clock: ManualClock) -> Report:
    return await reconcile(
        campaign, 1, journal=journal, service="keebai", read=never_read, clock=clock, resend=True
    )


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        (NO_ANSWER_WRITTEN, LONGEST_LEAVING + LATE_ARRIVAL),
        (NOT_SEEN_TO_END, 600.0),
        ("504 Gateway Timeout", LATE_ARRIVAL),  # a proxy's word, of what it may still hand on
        ("the connection was lost before an answer came", LATE_ARRIVAL),
    ],
)
async def test_a_resend_is_refused_while_the_first_submit_may_still_arrive(
    reason: str, seconds: float
) -> None:
    clock = ManualClock()
    journal, campaign = await lost_chunk(reason, clock)
    async with clock.running():
        await clock.sleep(seconds - 10.0)
        with pytest.raises(CampaignBusy, match=r"too early to send chunk 1 again.* wait 10 s"):
            await resend(campaign, journal, clock)
        await clock.sleep(10.0)
        report = await resend(campaign, journal, clock)

    assert (report.unknown, report.unsent) == (0, 10)


async def test_a_chunk_that_had_all_its_time_for_an_answer_is_resent_at_once() -> None:
    clock = ManualClock()
    journal, campaign = await lost_chunk("no answer within 60 s", clock)
    async with clock.running():
        await clock.sleep(60.0)

    await resend(campaign, journal, clock)

    assert (await journal.load(campaign)).chunks[0].state is ChunkState.PLANNED


async def test_a_submit_that_timed_out_may_still_arrive_when_it_is_given_up() -> None:
    clock = ManualClock()
    journal = MemoryJournal(clock=clock)
    plan = await freeze(journal, 10)
    chunks = Chunks(await journal.load(plan.campaign_id), journal=journal, clock=clock)
    await chunks.submit(1)
    async with clock.running():
        await clock.sleep(60.0)
        await chunks.lose(1, "no answer within 60 s")
        with pytest.raises(CampaignBusy, match=r"its request may still arrive; wait 30 s"):
            await resend(plan.campaign_id, journal, clock)
        await clock.sleep(LATE_ARRIVAL)

        assert (await resend(plan.campaign_id, journal, clock)).unsent == 10


async def test_a_submit_whose_process_was_killed_may_still_arrive_for_a_while_from_then_on() -> None:
    clock = ManualClock()
    journal = MemoryJournal(clock=clock)
    plan = await freeze(journal, 10)
    await journal.record(plan.campaign_id, Submit(number=1, step=1, at=clock.wall()))
    async with clock.running():
        await clock.sleep(50.0)
        with pytest.raises(CampaignBusy, match=r"before its process ended may still arrive; wait 30 s"):
            await resend(plan.campaign_id, journal, clock)
        await clock.sleep(LATE_ARRIVAL)

        assert (await resend(plan.campaign_id, journal, clock)).unsent == 10
