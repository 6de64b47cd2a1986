"""A template that may not be sent any more stops its campaign before money is spent on it."""

import msgspec
import pytest

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign.template_check import TemplateCheck
from keebai_async.cli.campaign_codes import code_of
from keebai_async.cli.exit_codes import Exit
from keebai_async.clock import ManualClock
from keebai_async.errors import ScopeMissing
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkAccepted, Waiting
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from keebai_async.model.template import Template
from keebai_async.planning.plan import PlanOptions
from keebai_async.polling.planner import PollPlanner
from keebai_async.sandbox import faults
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import ScriptedService
from tests.campaign.test_sandbox_campaigns import people, world


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.service = ScriptedService(self.clock)

    def run(self, plan: Plan) -> CampaignRun:
        return CampaignRun(
            plan.campaign_id,
            journal=self.journal,
            service=self.service,
            clock=self.clock,
            planner=PollPlanner(),
        )

    async def finished(self, plan: Plan) -> Report:
        async with self.clock.running(), self.run(plan) as run:
            return await run.report()


@pytest.mark.parametrize("status", ["PAUSED", "DISABLED", "REJECTED", "PENDING"])
async def test_nobody_is_sent_a_template_that_is_not_approved_when_the_run_begins(status: str) -> None:
    world = World()
    plan = await freeze(world.journal, 40, size=10)
    world.service.status = status

    report = await world.finished(plan)

    assert (report.unsent, report.accepted, world.service.requests.submits) == (40, 0, 0)
    assert (report.stopped_by, code_of(report)) == (Cause.TEMPLATE, Exit.GUARD)
    assert status in (report.reason or "")


async def test_a_resume_reads_the_template_again_and_goes_on_when_it_is_approved() -> None:
    world = World()
    plan = await freeze(world.journal, 40, size=10)
    world.service.status = "PAUSED"
    await world.finished(plan)
    world.service.status = "APPROVED"

    report = await world.finished(plan)

    assert (report.state, report.accepted) == ("finished", 40)
    assert world.service.requests.other == 2  # one for each run


async def test_another_category_than_planned_stops_the_campaign() -> None:
    world = World()
    plan = msgspec.structs.replace(await freeze(world.journal, 10), category="UTILITY")
    world.service.category = "MARKETING"
    check = TemplateCheck(plan, world.service)

    with pytest.raises(Exception, match="is MARKETING now, and was UTILITY"):
        await check.probe()


async def test_of_a_plan_that_does_not_know_its_category_only_the_state_is_checked() -> None:
    world = World()
    plan = await freeze(world.journal, 10)
    world.service.category = "MARKETING"

    assert (await world.finished(plan)).state == "finished"


async def test_a_service_that_does_not_answer_is_waited_for() -> None:
    world = World()
    plan = await freeze(world.journal, 10)
    world.service.down_probes = 2

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()
        events = [event async for event in run.events()]

    assert report.state == "finished"
    assert [event.seconds for event in events if isinstance(event, Waiting)] == [5.0, 10.0]


async def test_a_template_that_a_429_kept_back_is_read_again_before_anybody_is_sent_to() -> None:
    async with world(unapproved="fail") as (sandbox, keebai):
        plan = await keebai.campaigns.plan(people(40), template="promo", language="es", name="Promo")
        sandbox.faults.on("GET /templates", faults.Status(status=429), times=3)
        sandbox.set_template_status("promo", "PAUSED")
        async with keebai.campaigns.start(plan) as run:
            report = await run.report()

    assert (report.unsent, sandbox.ledger.total) == (40, 0)
    assert report.stopped_by is Cause.TEMPLATE


async def test_a_token_that_may_not_read_templates_sends_all_the_same() -> None:
    class Closed(ScriptedService):
        async def template(self, name: str, language: str) -> Template:
            raise ScopeMissing("403", method="GET", path="/templates", status=403)

    world = World()
    world.service = Closed(world.clock)
    plan = await freeze(world.journal, 10)

    assert (await world.finished(plan)).state == "finished"


async def test_a_pause_and_resume_of_one_run_reads_it_again() -> None:
    world = World()
    plan = await freeze(world.journal, 60, size=10)

    async with world.clock.running(), world.run(plan) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted):
                await run.pause()
                break
        await world.clock.sleep(5.0)
        before = world.service.requests.submits
        world.service.status = "PAUSED"
        await run.resume()
        report = await run.report()

    assert report.stopped_by is Cause.TEMPLATE
    assert world.service.requests.submits == before


def test_a_burst_is_told_once() -> None:
    def chunk(sent: int, failed: int) -> list[Chunk]:
        return [
            Chunk(
                number=1,
                recipients=5_000,
                state=ChunkState.ACCEPTED,
                broadcast_id="b",
                accepted=5_000,
                sent=sent,
                failed=failed,
            )
        ]

    check = TemplateCheck.__new__(TemplateCheck)
    check._last = None

    seen = [check.bursts(chunk(*each)) for each in [(0, 0), (50, 100), (50, 200), (60, 210), (400, 250)]]

    assert seen == [False, False, True, False, False]


async def test_a_template_that_is_paused_in_the_middle_costs_what_had_left() -> None:
    async with world(delivery_rate=200.0, unapproved="fail") as (sandbox, keebai):
        plan = await keebai.campaigns.plan(
            people(3_000),
            template="promo",
            language="es",
            name="Promo",
            options=PlanOptions(chunk_size=20),
        )
        assert plan.category == "MARKETING"
        async with keebai.campaigns.start(plan) as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted) and event.number >= 5:
                    sandbox.set_template_status("promo", "PAUSED")
            report = await run.report()

    assert report.stopped_by is Cause.TEMPLATE
    assert report.unsent > 0
    assert len(sandbox.ledger.times_messaged()) == report.accepted
