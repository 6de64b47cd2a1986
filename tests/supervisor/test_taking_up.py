"""One campaign that is wanted is run by the one who takes it up, and what follows is in the journal."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from keebai_async import AlreadyLaunched, CampaignState, Cause, Guards, Keebai, PlanOptions
from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.stop import NEEDS_A_PERSON
from keebai_async.model.want import Want
from keebai_async.observe.campaign_records import CampaignLeft
from keebai_async.observe.records import Record
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox, faults
from keebai_async.taking_up import AFTER, FIRST_RETRY, LAST_RETRY, Next, retry_wait, tries_after
from tests.supervisor.kit import BULK, begun, client, launched, messaged, people, until


def test_every_cause_has_something_that_follows() -> None:
    assert set(AFTER) == {None, *Cause}
    assert {cause for cause, after in AFTER.items() if after is Next.DONE} == {None, *NEEDS_A_PERSON}


def test_what_passes_by_itself_is_waited_for_twice_as_long_each_time() -> None:
    assert [retry_wait(tries) for tries in (1, 2, 3, 8, 10_000)] == [5.0, 10.0, 20.0, LAST_RETRY, LAST_RETRY]


def test_a_run_that_was_well_for_long_enough_begins_a_new_row() -> None:
    assert [tries_after(0, 0.0), tries_after(1, 0.1), tries_after(2, 9.9)] == [1, 2, 3]
    assert [tries_after(2, 10.1), tries_after(50, LAST_RETRY + 1)] == [1, 1]


async def test_what_is_due_is_run_to_its_end_and_then_it_is_not(keebai: Keebai, sandbox: Sandbox) -> None:
    one = await launched(keebai)
    assert [want.campaign_id for want in await keebai.campaigns.due()] == [one]
    report = await keebai.campaigns.take_up(one)
    assert report is not None
    assert (report.state, report.accepted) == (CampaignState.FINISHED, 20)
    assert await keebai.campaigns.take_up(one) is None
    assert await keebai.campaigns.due() == ()
    assert len(messaged(sandbox)) == 20


async def test_what_nobody_wants_or_somebody_holds_or_has_time_is_not_run(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    plan = await keebai.campaigns.plan(people(4), template="promo", language="es")
    assert await keebai.campaigns.take_up(plan.campaign_id) is None
    assert await keebai.campaigns.take_up("no-such-campaign") is None
    await keebai.campaigns.want(plan, at=clock.wall() + 3_600)
    assert await keebai.campaigns.take_up(plan.campaign_id) is None
    await keebai.campaigns.want(plan)
    await keebai.campaigns.pause(plan.campaign_id)
    assert await keebai.campaigns.take_up(plan.campaign_id) is None
    assert messaged(sandbox) == []


async def test_called_many_times_at_once_it_is_run_once(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    one = await launched(keebai)
    reports = []

    async def job() -> None:
        reports.append(await keebai.campaigns.take_up(one))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(job)
    assert len([report for report in reports if report is not None]) == 1
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20


async def test_a_task_that_is_cancelled_leaves_it_due(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    sandbox.faults.on(BULK, faults.Late(seconds=20.0), times=None)
    one = await launched(keebai)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keebai.campaigns.take_up, one)
        await until(lambda: begun(sandbox), clock)
        tasks.cancel_scope.cancel()
    assert (await keebai.campaigns.status(one)).unknown == 0
    (want,) = await keebai.campaigns.due()
    assert (want.campaign_id, want.tries) == (one, 0)


async def test_a_service_that_is_away_puts_it_off_for_all_who_share_the_journal(
    sandbox: Sandbox, clock: ManualClock
) -> None:
    journal = MemoryJournal(clock=clock)  # whose writes take no time
    async with client(sandbox, clock, journal) as keebai, client(sandbox, clock, journal) as other:
        one = await launched(keebai)
        sandbox.faults.on("*", faults.ResetBeforeReading(), times=None)
        report = await keebai.campaigns.take_up(one)
        assert report is not None
        assert report.stopped_by is Cause.UNREACHABLE
        (want,) = await other.campaigns.wanted()
        assert (want.tries, want.at) == (1, clock.wall() + FIRST_RETRY)
        assert await other.campaigns.due() == ()
        await clock.sleep(FIRST_RETRY)
        assert await other.campaigns.due() == (want,)
        await other.campaigns.want(one)  # a person says: now
        assert [want.tries for want in await other.campaigns.due()] == [0]


async def test_what_needs_a_person_is_told_once_and_is_not_wanted_any_more(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    told: list[Record] = []
    async with client(sandbox, clock, journal, observer=[told.append]) as keebai:
        options = PlanOptions(chunk_size=5)
        launch = partial(keebai.campaigns.launch, template="promo", language="es", options=options)
        first = await launch(people(10), name="the same")
        copy = await launch(people(10), name="the same")
        assert await keebai.campaigns.take_up(first.campaign_id) is not None
        told.clear()
        with pytest.raises(AlreadyLaunched):
            await keebai.campaigns.take_up(copy.campaign_id)
        assert await keebai.campaigns.wanted() == ()
    (left,) = [each for each in told if isinstance(each, CampaignLeft)]
    assert (left.campaign, left.finished) == (copy.campaign_id, False)
    assert len(messaged(sandbox)) == 10


async def test_campaigns_of_another_token_are_not_due(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    one = await launched(keebai)
    async with Keebai(
        "kbai_pk_" + "0" * 30,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=journal,
        clock=clock,
        limiter=OpenGate(),
    ) as stranger:
        assert await stranger.campaigns.due() == ()
        assert await stranger.campaigns.take_up(one) is None


class ActsAfterTheLook(MemoryJournal):
    """Somebody does *then* in the instant after it was seen which campaigns are wanted."""

    then: Callable[[], Awaitable[object]] | None = None

    async def wanted(self, *, by: float | None = None) -> list[Want]:
        seen = await super().wanted(by=by)
        then, self.then = self.then, None
        if then is not None:
            await then()
        return seen


@pytest.mark.parametrize("supervised", [False, True])
@pytest.mark.parametrize("what", ["stop", "pause", "later", "unwant"])
async def test_what_a_person_does_while_it_is_taken_up_holds(
    what: str, supervised: bool, sandbox: Sandbox, clock: ManualClock
) -> None:
    journal = ActsAfterTheLook(clock=clock)
    async with client(sandbox, clock, journal) as keebai:
        one, campaigns, tomorrow = await launched(keebai), keebai.campaigns, clock.wall() + 86_400
        does: dict[str, Callable[[], Awaitable[object]]] = {
            "stop": partial(campaigns.stop, one),
            "pause": partial(campaigns.pause, one),
            "later": partial(campaigns.want, one, at=tomorrow),
            "unwant": partial(campaigns.unwant, one),
        }
        journal.then = does[what]
        if supervised:
            async with keebai.supervise():
                await clock.sleep(60.0)
        else:
            assert await campaigns.take_up(one) is None
        wanted = [(want.at == tomorrow, want.held) for want in await campaigns.wanted()]
    assert messaged(sandbox) == []
    assert wanted == {"pause": [(False, True)], "later": [(True, False)]}.get(what, [])


async def test_what_somebody_wants_in_the_instant_when_a_guard_stops_it_is_not_forgotten(
    sandbox: Sandbox, clock: ManualClock
) -> None:
    sandbox.faults.on(BULK, faults.NotJson(), nth=1)
    journal = MemoryJournal(clock=clock)
    set_state = journal.set_state
    async with client(sandbox, clock, journal) as keebai:
        one = await launched(keebai, 20, guards=Guards(canary=5))

        async def and_goes_on(campaign_id: str, state: CampaignState, **more: object) -> int:
            told = await set_state(campaign_id, state, **more)  # type: ignore[arg-type]
            if state is CampaignState.STOPPED:
                await keebai.campaigns.want(one)
            return told

        journal.set_state = and_goes_on  # type: ignore[method-assign]
        stopped = await keebai.campaigns.take_up(one)
        assert [want.campaign_id for want in await keebai.campaigns.due()] == [one]
        finished = await keebai.campaigns.take_up(one)
    assert stopped is not None
    assert finished is not None
    assert (stopped.stopped_by, finished.state) == (Cause.GUARD, CampaignState.FINISHED)
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20
