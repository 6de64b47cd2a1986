"""A stop is heard at every instant: also where the run waits for something else."""

from collections.abc import Callable

import anyio

from keebai_async.campaign.run import CampaignRun
from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.events import ChunkAccepted
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.progress import Progress
from keebai_async.polling.planner import PollPlanner
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import ScriptedService


class Exhausted(ScriptedService):
    """The quota has no place for a submit once *spent* is set, for an hour."""

    spent = False

    async def place(self) -> None:
        if self.spent:
            await self.clock.sleep(3_600.0)


class Endless(ScriptedService):
    """Nothing is ever delivered."""

    async def progress(self, broadcast_id: str) -> Progress:
        return Progress(broadcast_id=broadcast_id, status="PENDING", total=10, sent=0, failed=0, pending=10)


class SlowJournal(MemoryJournal):
    """Somebody else asks for a stop while people are read from it."""

    meanwhile: Callable[[], None] | None = None

    async def items(self, campaign_id: str, number: int) -> bytes:
        if self.meanwhile is not None:
            self.meanwhile()
        return await super().items(campaign_id, number)


def run_of(plan: Plan, journal: MemoryJournal, service: ScriptedService, clock: ManualClock) -> CampaignRun:
    return CampaignRun(plan.campaign_id, journal=journal, service=service, clock=clock, planner=PollPlanner())


async def test_a_stop_while_the_canary_is_waited_for_ends_the_run() -> None:
    clock = ManualClock()
    journal, service = MemoryJournal(clock=clock), Endless(clock)
    plan = await freeze(journal, 40, size=10, guards=Guards(canary=10))

    with anyio.fail_after(60):
        async with clock.running(), run_of(plan, journal, service, clock) as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted):
                    break
            await clock.sleep(60.0)
            run.stop()
            report = await run.report()

    assert (report.state, report.stopped_by, report.unsent) == ("stopped", "interrupted", 30)


async def test_a_stop_after_a_pause_does_not_wait_for_a_place_in_the_quota() -> None:
    clock = ManualClock()
    journal, service = MemoryJournal(clock=clock), Exhausted(clock)
    plan = await freeze(journal, 400, size=10)

    async with clock.running(), run_of(plan, journal, service, clock) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted):
                break
        await run.pause()
        await clock.sleep(60.0)
        service.spent = True
        before = clock.now()
        run.stop()
        report = await run.report()

    assert report.stopped_by == "interrupted"
    assert report.unsent > 0
    assert clock.now() - before < 600.0


async def test_a_stop_while_people_are_read_from_the_journal_does_not_wait_for_a_place() -> None:
    clock = ManualClock()
    journal, service = SlowJournal(clock=clock), Exhausted(clock)
    plan = await freeze(journal, 400, size=10)

    before = clock.now()
    async with clock.running(), run_of(plan, journal, service, clock) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted) and journal.meanwhile is None:
                service.spent = True
                journal.meanwhile = run.stop
        report = await run.report()

    assert report.unsent > 0
    assert clock.now() - before < 600.0
