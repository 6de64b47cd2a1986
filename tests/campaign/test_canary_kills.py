"""Killed at any instant, nobody follows a canary that was not seen to be well."""

from keebai_async.campaign.run import CampaignRun
from keebai_async.clock import ManualClock
from keebai_async.model.campaign import CampaignState
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from keebai_async.polling.planner import PollPlanner
from tests.campaign.kills import KeepingJournal
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import Fate, ScriptedService

EVERYBODY, CANARY = 40, 10


async def planned(clock: ManualClock) -> tuple[KeepingJournal, Plan]:
    journal = KeepingJournal(clock=clock)
    plan = await freeze(journal, EVERYBODY, size=CANARY, guards=Guards(canary=CANARY))
    journal.kept.states.clear()
    return journal, plan


async def run(journal: KeepingJournal, plan: Plan, *fates: Fate) -> tuple[Report, int]:
    """Run it to its end, *fates* being what becomes of the first submits; the report, and how many got it."""
    service = ScriptedService(journal.clock, script=fates)
    return await run_with(service, journal, plan), len(service.messaged)


async def run_with(service: ScriptedService, journal: KeepingJournal, plan: Plan) -> Report:
    async with CampaignRun(
        plan.campaign_id, journal=journal, service=service, clock=journal.clock, planner=PollPlanner()
    ) as begun:
        return await begun.report()


async def test_killed_at_any_instant_nobody_follows_a_canary_without_a_name_before_a_run_has_said_so() -> (
    None
):
    clock = ManualClock()
    async with clock.running():
        journal, plan = await planned(clock)
        await run(journal, plan, Fate.UNREADABLE)
        assert journal.writes > 5  # the lease, running, the intent, the verdict, the stop

        for instant in range(journal.writes):
            after = journal.left_behind(instant)
            before = await after.load(plan.campaign_id)
            report, messaged = await run(after, plan, Fate.UNREADABLE)

            if before.state is CampaignState.STOPPED:  # it was said: who goes on means it
                assert (report.accepted, messaged) == (EVERYBODY, EVERYBODY - CANARY)
            else:
                assert messaged <= CANARY, f"killed after write {instant + 1}"
                assert (report.stopped_by, report.unsent) == (Cause.GUARD, EVERYBODY - CANARY)


async def test_killed_after_somebody_let_the_others_follow_it_is_not_asked_again() -> None:
    clock = ManualClock()
    async with clock.running():
        journal, plan = await planned(clock)
        service = ScriptedService(clock, script=[Fate.UNREADABLE])
        await run_with(service, journal, plan)
        journal.kept.states.clear()
        await run_with(service, journal, plan)

        for instant in range(journal.writes):
            after = journal.left_behind(instant)
            report = await run_with(service, after, plan)

            assert report.stopped_by is not Cause.GUARD
            assert report.unsent == 0


async def test_killed_at_any_instant_nobody_follows_a_canary_of_which_it_is_not_known_what_became_of_it() -> (
    None
):
    clock = ManualClock()
    async with clock.running():
        journal, plan = await planned(clock)
        await run(journal, plan, Fate.LOST)

        for instant in range(journal.writes):
            after = journal.left_behind(instant)
            for _ in range(2):
                report, messaged = await run(after, plan, Fate.LOST)

                assert messaged <= CANARY, f"killed after write {instant + 1}"
                assert (report.stopped_by, report.unsent) == (Cause.GUARD, EVERYBODY - CANARY)


async def test_a_part_of_the_canary_that_is_unknown_holds_the_others_though_the_rest_of_it_has_no_name() -> (
    None
):
    clock = ManualClock()
    async with clock.running():
        journal, plan = await planned(clock)
        # It is too large, so it is halved: the answer to one half has no name, that to the other is lost.
        service = ScriptedService(clock, largest=5, script=[Fate.FINE, Fate.UNREADABLE, Fate.LOST])
        reports = [await run_with(service, journal, plan) for _ in range(3)]

    assert [report.stopped_by for report in reports] == [Cause.GUARD] * 3
    assert all("not known" in (report.reason or "") for report in reports)
    assert len(service.messaged) == CANARY
