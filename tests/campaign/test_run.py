"""A whole run: it ends in a report, and may be stopped, paused or killed at any instant."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.campaign.run import CampaignRun, Waits
from keebai_async.campaign.terms import NewTerms
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, JournalUnusable, NotFound, QuotaUnusable, ScopeMissing
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import CampaignState, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import BroadcastProgress, ChunkAccepted, ChunkSubmitting, StateChanged, Waiting
from keebai_async.model.lifecycle import Accept, Move, Submit
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.progress import Progress
from keebai_async.model.reached import Reached
from keebai_async.model.report import report_of
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from keebai_async.planning.reached_people import reached_before
from keebai_async.polling.planner import PollPlanner
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import Fate, ScriptedService


class FullDisk(MemoryJournal):
    """A journal that takes so many moves, and then none."""

    room = 0

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        if self.room == 0:
            raise JournalUnusable("the disk is full")
        self.room -= 1
        return await super().record(campaign_id, move)


class Unreadable(ScriptedService):
    async def progress(self, broadcast_id: str) -> Progress:
        raise ScopeMissing("403", method="GET", path="/", status=403, missing=("messages:bulk",))


class QuotaGone(ScriptedService):
    """What keeps the quota cannot be reached, from the second request on."""

    async def place(self) -> None:
        if self.requests.submits:
            raise QuotaUnusable("cannot reach the Redis that keeps the quota")

    async def progress(self, broadcast_id: str) -> Progress:
        raise QuotaUnusable("cannot reach the Redis that keeps the quota")


class Forgetful(ScriptedService):
    """It does not know a broadcast that it accepted."""

    async def progress(self, broadcast_id: str) -> Progress:
        raise NotFound("404", method="GET", path="/", status=404)


class Crowded(ScriptedService):
    """After four submits there is no place in the quota for an hour."""

    async def place(self) -> None:
        if self.requests.submits >= 4:
            await self.clock.sleep(3_600.0)


class World:
    """A clock, a journal and a service, in which one campaign may run several times."""

    def __init__(
        self,
        script: Iterable[Fate] = (),
        *,
        journal: type[MemoryJournal] = MemoryJournal,
        service: type[ScriptedService] = ScriptedService,
    ) -> None:
        self.clock = ManualClock()
        self.journal = journal(clock=self.clock)
        self.service = service(self.clock, script=script)

    async def plan(self, people: int, *, size: int) -> Plan:
        return await freeze(self.journal, people, size=size)

    def run(
        self,
        plan: Plan,
        *,
        track: bool = True,
        again: bool = False,
        guards: Guards | None = None,
        waits: Waits | None = None,
    ) -> CampaignRun:
        self.service.requests = Requests()  # each run counts its own
        return CampaignRun(
            plan.campaign_id,
            journal=self.journal,
            service=self.service,
            clock=self.clock,
            planner=PollPlanner(),
            track=track,
            again=again,
            reached_before=self.reached,
            terms=NewTerms(guards=guards),
            waits=waits,
        )

    async def reached(self, campaign: StoredCampaign) -> tuple[Reached, ...]:
        return await reached_before(campaign, self.journal, now=self.clock.wall())


async def test_a_run_ends_with_everyone_delivered_and_a_report_that_says_so() -> None:
    world = World()
    plan = await world.plan(12, size=5)

    async with world.clock.running(), world.run(plan) as run:
        events = [event async for event in run.events()]
        report = await run.report()

    assert (report.state, report.accepted, report.sent, report.pending) == ("finished", 12, 12, 0)
    assert report.errors() == ()
    assert (report.requests.submits, report.requests.polls) == (3, 3)
    kinds = [type(event) for event in events]
    assert kinds.count(ChunkAccepted) == 3
    assert kinds.count(BroadcastProgress) == 3
    assert [event.state for event in events if isinstance(event, StateChanged)] == [
        CampaignState.RUNNING,
        CampaignState.FINISHED,
    ]


async def test_a_late_reader_of_events_misses_nothing() -> None:
    world = World()
    plan = await world.plan(3, size=1)

    async with world.clock.running(), world.run(plan) as run:
        await run.report()
        late = [event async for event in run.events()]

    assert isinstance(late[0], StateChanged)
    assert sum(isinstance(event, ChunkSubmitting) for event in late) == 3


async def test_running_a_finished_campaign_again_submits_nothing() -> None:
    world = World()
    plan = await world.plan(4, size=2)

    async with world.clock.running():
        async with world.run(plan) as run:
            await run.report()
        async with world.run(plan) as run:
            report = await run.report()

    assert report.state == "finished"
    assert set(world.service.messaged.values()) == {1}
    assert report.requests.submits == 2


async def test_the_same_list_under_the_same_name_is_not_launched_twice_unless_told_so() -> None:
    world = World()
    first = await world.plan(4, size=2)
    second = await freeze(world.journal, 4, size=2, again=True)
    async with world.clock.running():
        async with world.run(first) as run:
            await run.report()

        with pytest.raises(CampaignBusy, match="promo-4-2"):
            async with world.run(second):
                pass
        assert set(world.service.messaged.values()) == {1}

        async with world.run(second, again=True) as run:
            assert (await run.report()).accepted == 4


class BothInside(MemoryJournal):
    """Who looks for a repetition does so when both campaigns have their leases already."""

    met = False

    async def campaigns(self) -> list[StoredCampaign]:
        await self.both()
        return await super().campaigns()

    async def find(self, name: str, fingerprint: str) -> list[StoredCampaign]:
        await self.both()
        return await super().find(name, fingerprint)

    async def both(self) -> None:
        for _ in range(100):
            self.met = self.met or all(each.holder for each in await super().campaigns())
            if self.met:
                return
            await anyio.lowlevel.checkpoint()
        raise AssertionError("the other one never took its lease")


@pytest.mark.parametrize("name", ["Promo", "Dos"])
async def test_the_same_list_launched_twice_at_the_same_instant_goes_out_once(name: str) -> None:
    world = World(journal=BothInside)
    first = await world.plan(4, size=2)
    second = await freeze(world.journal, 4, size=2, name=name, again=True)

    async def launch(plan: Plan) -> None:
        with suppress(CampaignBusy):
            async with world.run(plan) as run:
                await run.report()

    async with world.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(launch, first)
        tasks.start_soon(launch, second)

    assert list(world.service.messaged.values()) == [1] * 4
    states = {(await world.journal.load(plan.campaign_id)).state for plan in (first, second)}
    assert states == {CampaignState.FINISHED, CampaignState.PLANNED}  # who was refused is as it was


async def test_without_tracking_the_run_ends_when_everything_is_submitted() -> None:
    world = World()
    plan = await world.plan(4, size=2)

    async with world.clock.running(), world.run(plan, track=False) as run:
        report = await run.report()

    assert (report.accepted, report.pending, report.requests.polls) == (4, 4, 0)
    assert (report.state, report.stopped_by) == ("stopped", "not tracked")


async def test_an_unknown_chunk_leaves_the_campaign_stopped_with_the_word_reconcile() -> None:
    world = World([Fate.LOST])
    plan = await world.plan(4, size=2)

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.state, report.stopped_by, report.unknown) == ("stopped", "unknown", 2)
    assert report.reason is not None
    assert "reconcile" in report.reason


async def test_leaving_early_waits_for_what_is_on_its_way_and_leaves_the_rest_unsent() -> None:
    world = World()
    plan = await world.plan(40, size=1)

    async with world.clock.running():
        async with world.run(plan) as run:
            async for event in run.events():
                if isinstance(event, ChunkSubmitting):
                    break
        report = run.snapshot()

    assert report.state == "stopped"
    assert report.unknown == 0
    assert report.accepted == len(world.service.messaged)
    assert report.unsent == 40 - report.accepted > 0


async def test_an_exception_of_the_caller_comes_out_as_it_is() -> None:
    world = World()
    plan = await world.plan(4, size=1)

    async with world.clock.running():
        with pytest.raises(ZeroDivisionError):
            async with world.run(plan):
                raise ZeroDivisionError

    assert (await world.journal.load(plan.campaign_id)).state is CampaignState.STOPPED


async def test_cancelling_the_callers_task_writes_down_what_is_on_its_way() -> None:
    world = World()
    plan = await world.plan(40, size=1)

    async with world.clock.running():
        with anyio.CancelScope() as scope:
            async with world.run(plan) as run:
                async for event in run.events():
                    if isinstance(event, ChunkSubmitting):
                        scope.cancel()

    campaign = await world.journal.load(plan.campaign_id)
    assert campaign.state is CampaignState.STOPPED
    assert campaign.stopped_by == "interrupted"
    states = [chunk.state for chunk in campaign.chunks]
    assert states.count(ChunkState.ACCEPTED) == len(world.service.messaged)
    assert ChunkState.SUBMITTING not in states


async def test_a_pause_lets_nothing_leave_and_delivery_goes_on_being_followed() -> None:
    world = World()
    plan = await world.plan(40, size=1)

    async with world.clock.running(), world.run(plan) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted):
                await run.pause()
                break
        await world.clock.sleep(600)
        paused = run.snapshot()
        await world.clock.sleep(600)
        assert run.snapshot().accepted == paused.accepted < 40
        assert (paused.state, paused.pending) == ("paused", 0)
        await run.resume()
        report = await run.report()

    assert (report.state, report.accepted) == ("finished", 40)


async def test_another_process_can_pause_resume_and_stop_a_run_through_the_journal() -> None:
    world = World()
    world.service.latency = 10.0
    plan = await world.plan(40, size=1)

    async with world.clock.running(), world.run(plan) as run:
        assert await world.journal.ask(plan.campaign_id, Wish.PAUSE)
        await world.clock.sleep(60)
        assert run.snapshot().state == "paused"
        assert await world.journal.ask(plan.campaign_id, Wish.RESUME)
        await world.clock.sleep(15)
        assert run.snapshot().state == "running"
        assert await world.journal.ask(plan.campaign_id, Wish.STOP)
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", "interrupted")


async def test_a_pause_in_the_first_line_lets_nothing_leave() -> None:
    world = World()
    plan = await world.plan(4, size=1)

    async with world.clock.running(), world.run(plan) as run:
        await run.pause()
        await world.clock.sleep(600)
        assert (await world.journal.load(plan.campaign_id)).state is CampaignState.PAUSED
        assert run.snapshot().accepted == 0
        await run.resume()
        report = await run.report()

    assert (report.state, report.accepted, report.reason) == ("finished", 4, None)


async def test_a_pause_and_a_resume_are_told_once_each_and_on_disk_before() -> None:
    world = World()
    world.service.latency = 100.0
    plan = await world.plan(40, size=1)
    on_disk: list[tuple[CampaignState, str | None]] = []

    async with world.clock.running(), world.run(plan) as run:
        for turn in (run.pause, run.pause, run.resume, run.resume):
            await turn()
            kept = await world.journal.load(plan.campaign_id)
            on_disk.append((kept.state, kept.reason))
        run.stop("enough")
        told = [event async for event in run.events() if isinstance(event, StateChanged)]

    paused, running = (CampaignState.PAUSED, "paused"), (CampaignState.RUNNING, None)
    assert on_disk == [paused, paused, running, running]
    assert [(event.state.value, event.reason) for event in told] == [
        ("paused", "paused"),
        ("running", None),
        ("running", None),
        ("stopped", "enough"),
    ]


async def test_a_pause_while_the_last_are_delivered_is_shown_and_holds_nothing_up() -> None:
    world = World()
    plan = await world.plan(1, size=1)

    async with world.clock.running(), world.run(plan) as run:
        async for event in run.events():
            if isinstance(event, ChunkAccepted):
                await run.pause()
                assert run.snapshot().state == "paused"
        report = await run.report()

    assert (report.state, report.sent) == ("finished", 1)


async def test_a_pause_and_then_a_stop_is_a_stop_and_the_first_reason_counts() -> None:
    world = World()
    world.service.latency = 100.0
    plan = await world.plan(40, size=1)

    async with world.clock.running(), world.run(plan) as run:
        await world.clock.sleep(50)
        await run.pause()
        run.stop("the list was wrong")
        run.stop("never mind")
        await run.resume()
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", Cause.INTERRUPTED)
    assert report.reason == "the list was wrong"
    assert report.accepted == len(world.service.messaged) == 4


async def test_a_run_that_was_stopped_before_it_began_submits_nothing() -> None:
    world = World()
    plan = await world.plan(4, size=1)
    run = world.run(plan)
    run.stop("no, wait")

    async with world.clock.running(), run:
        report = await run.report()

    assert (report.state, report.reason, report.unsent) == ("stopped", "no, wait", 4)


async def test_when_the_report_is_there_it_is_on_disk() -> None:
    world = World()
    plan = await world.plan(4, size=1)

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()
        kept = await world.journal.load(plan.campaign_id)
        run.stop("too late")
        assert run.snapshot() == report_of(kept) == report

    assert (await world.journal.load(plan.campaign_id)).state is CampaignState.FINISHED


async def test_requests_and_seconds_add_up_over_all_runs() -> None:
    world = World([Fate.HALTED])
    plan = await world.plan(1, size=1)

    async with world.clock.running():
        async with world.run(plan) as run:
            first = await run.report()
        async with world.run(plan) as run:
            second = await run.report()

    assert (first.requests.submits, first.requests.polls) == (1, 0)
    assert (second.requests.submits, second.requests.polls) == (2, 1)
    assert second.seconds > first.seconds > 0


async def test_a_wait_for_the_quota_is_told_if_it_is_long() -> None:
    world = World()
    plan = await world.plan(1, size=1)
    told: list[Callable[[float, str], None]] = []

    @contextmanager
    def waits(tell: Callable[[float, str], None]) -> Iterator[None]:
        told.append(tell)
        yield
        told.clear()

    async with world.clock.running(), world.run(plan, waits=waits) as run:
        told[0](2.9, "the minute is full")
        told[0](3.0, "the hour is full")
        events = [event async for event in run.events() if isinstance(event, Waiting)]

    assert [(event.seconds, event.why) for event in events] == [(3.0, "the hour is full")]
    assert told == []


async def test_a_journal_that_is_lost_for_a_moment_leaves_the_campaign_stopped_for_that() -> None:
    world = World(journal=FullDisk)
    plan = await world.plan(4, size=1)
    assert isinstance(world.journal, FullDisk)
    world.journal.room = 0

    async with world.clock.running():
        with pytest.raises(JournalUnusable, match="full"):
            async with world.run(plan) as run:
                await run.report()

    kept = await world.journal.load(plan.campaign_id)
    assert (kept.state, kept.stopped_by, kept.reason) == (
        CampaignState.STOPPED,
        Cause.JOURNAL,
        "the disk is full",
    )
    assert world.service.given_back == world.service.places > 0


async def test_a_second_run_of_a_running_campaign_is_told_that_it_is_busy() -> None:
    world = World()
    plan = await world.plan(4, size=1)

    async with world.clock.running(), world.run(plan):
        with pytest.raises(CampaignBusy):
            async with world.run(plan):
                pass


async def test_a_token_that_may_not_read_broadcasts_stops_the_run_and_keeps_what_is_known() -> None:
    world = World(service=Unreadable)
    plan = await world.plan(4, size=4)

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", "scope")
    assert (report.accepted, report.pending) == (4, 4)


async def test_a_quota_that_cannot_be_asked_stops_the_run_with_nothing_unknown() -> None:
    world = World(service=QuotaGone)
    plan = await world.plan(8, size=1)

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", "quota")
    assert report.unknown == 0
    assert report.accepted == len(world.service.messaged) == 8 - report.unsent


@pytest.mark.parametrize("room", range(4))
async def test_a_journal_that_takes_no_more_ends_the_run_and_nothing_leaves_unwritten(room: int) -> None:
    world = World(journal=FullDisk)
    plan = await world.plan(4, size=1)
    assert isinstance(world.journal, FullDisk)
    world.journal.room = room

    async with world.clock.running():
        with pytest.raises(JournalUnusable, match="full"):
            async with world.run(plan) as run:
                await run.report()

    intents = sum(isinstance(move, Submit) for move in await world.journal.moves(plan.campaign_id))
    assert len(world.service.messaged) <= intents


async def test_a_canary_that_is_delivered_lets_the_others_follow() -> None:
    world = World()
    plan = await freeze(world.journal, 40, size=10, guards=Guards(canary=10))

    async with world.clock.running(), world.run(plan) as run:
        events = [event async for event in run.events()]
        report = await run.report()

    assert (report.state, report.accepted) == ("finished", 40)
    first_end = next(at for at, event in enumerate(events) if isinstance(event, BroadcastProgress))
    submits = [event.number for event in events[:first_end] if isinstance(event, ChunkSubmitting)]
    assert submits == [1]


@pytest.mark.parametrize("script", [[], [Fate.LOST]])
async def test_a_canary_that_fails_or_is_lost_leaves_everybody_else_unsent(script: list[Fate]) -> None:
    world = World(script)
    world.service.failing = 0.3
    plan = await freeze(world.journal, 40, size=10, guards=Guards(canary=10))

    async with world.clock.running():
        async with world.run(plan) as run:
            report = await run.report()
        async with world.run(plan) as run:
            again = await run.report()
        async with world.run(plan, guards=Guards()) as run:
            persuaded = await run.report()

    assert (report.state, report.stopped_by, report.unsent) == ("stopped", "guard", 30)
    assert (again.stopped_by, again.unsent) == ("guard", 30)
    assert persuaded.unsent == 0


async def test_a_canary_that_was_accepted_without_a_name_stops_its_own_run_only() -> None:
    world = World([Fate.UNREADABLE])
    plan = await freeze(world.journal, 40, size=10, guards=Guards(canary=10))

    async with world.clock.running():
        async with world.run(plan) as run:
            report = await run.report()
        async with world.run(plan) as run:
            again = await run.report()

    assert (report.state, report.stopped_by, report.untracked, report.unsent) == ("stopped", "guard", 10, 30)
    assert (again.untracked, again.unsent) == (10, 0)


async def test_a_canary_is_followed_also_if_the_others_are_not() -> None:
    world = World()
    plan = await freeze(world.journal, 40, size=10, guards=Guards(canary=10))

    async with world.clock.running(), world.run(plan, track=False) as run:
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", Cause.NOT_TRACKED)
    assert (report.accepted, report.sent, report.pending) == (40, 10, 30)
    assert report.requests.polls == 1


async def test_a_canary_that_cannot_be_read_lets_nobody_follow() -> None:
    world = World(service=Forgetful)
    plan = await freeze(world.journal, 40, size=10, guards=Guards(canary=10))

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.stopped_by, report.unsent) == (Cause.GUARD, 30)


@pytest.mark.parametrize(
    ("failing", "final", "cause", "submits"),
    [
        (0.05, False, None, 1),  # it is better than it looked: the rest follows
        (0.5, False, Cause.GUARD, 0),
        (0.5, True, Cause.GUARD, 0),  # no look can change it any more
    ],
)
async def test_after_a_guard_nobody_is_submitted_before_the_share_is_known_again(
    failing: float, final: bool, cause: Cause | None, submits: int
) -> None:
    world = World()
    world.service.failing = failing
    world.service.totals["before"] = 5_000
    plan = await freeze(world.journal, 10_000, size=5_000, guards=Guards(stop_above=0.2))
    campaign = plan.campaign_id
    await world.journal.record(campaign, Submit(number=1, step=1, at=1.0))
    await world.journal.record(campaign, Accept(number=1, step=2, accepted=5_000, broadcast_id="before"))
    await world.journal.progress(campaign, 1, sent=750, failed=250, final=final)

    async with world.clock.running(), world.run(plan) as run:
        events = [event async for event in run.events()]
        report = await run.report()

    assert (report.stopped_by, report.requests.submits) == (cause, submits)
    if submits:
        kinds = [type(event) for event in events]
        assert kinds.index(BroadcastProgress) < kinds.index(ChunkSubmitting)


async def test_a_share_that_becomes_too_large_calls_off_those_who_wait_for_their_place() -> None:
    world = World(service=Crowded)
    world.service.failing = 0.25
    plan = await freeze(world.journal, 4_000, size=100, guards=Guards(stop_above=0.2))

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.stopped_by, report.requests.submits) == (Cause.GUARD, 4)


async def test_too_large_a_share_of_failures_stops_what_is_not_submitted_yet() -> None:
    world = World()
    world.service.failing = 0.25
    world.service.latency = 30.0
    plan = await freeze(world.journal, 4_000, size=100, guards=Guards(stop_above=0.2))

    async with world.clock.running(), world.run(plan) as run:
        report = await run.report()

    assert (report.state, report.stopped_by) == ("stopped", "guard")
    assert report.unsent > 2_000
    assert report.sent + report.failed >= 200


@settings(max_examples=100, deadline=None)
@given(
    people=st.integers(1, 30),
    size=st.integers(1, 6),
    scripts=st.lists(st.lists(st.sampled_from(Fate), max_size=6), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 400), min_size=1, max_size=4),
)
def test_cancelled_anywhere_and_started_again_nobody_is_messaged_twice_or_lost(
    people: int, size: int, scripts: list[list[Fate]], cuts: list[int]
) -> None:
    async def story() -> None:
        world = World()
        plan = await world.plan(people, size=size)
        async with world.clock.running():
            for script, turns in zip(scripts, cuts, strict=False):
                world.service.script.clear()
                world.service.script.extend(script)
                await once(world, plan, turns)
            world.service.script.clear()
            await once(world, plan, None)
        campaign = await world.journal.load(plan.campaign_id)
        assert set(world.service.messaged.values()) <= {1}
        assert not [chunk for chunk in campaign.chunks if chunk.state is ChunkState.SUBMITTING]
        report = report_of(campaign)
        assert report.errors() == ()
        assert report.accepted <= len(world.service.messaged) <= report.accepted + report.unknown

    async def once(world: World, plan: Plan, turns: int | None) -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                if turns is not None:
                    tasks.start_soon(cancel_after, turns, scope)
                async with world.run(plan) as run:
                    await run.report()
                tasks.cancel_scope.cancel()

    async def cancel_after(turns: int, scope: anyio.CancelScope) -> None:
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        scope.cancel()

    anyio.run(story)
