"""A supervisor runs what is wanted: here, in another process, after a pause, a stop, a shutdown, a kill."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from keebai_async import (
    AlreadyLaunched,
    CampaignState,
    Cause,
    Guards,
    InvalidInput,
    JournalUnusable,
    Keebai,
    Misused,
    Pace,
    PlanOptions,
)
from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.want import Want
from keebai_async.observe.campaign_records import CampaignTakenUp
from keebai_async.observe.records import Record
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox, faults
from keebai_async.supervisor import EVERY
from tests.supervisor.kit import (
    BULK,
    begun,
    client,
    ended,
    launched,
    messaged,
    nothing_wanted,
    only_unknown,
    people,
    state_of,
    stopped,
    until,
)


async def test_what_is_launched_is_run_to_its_end_and_not_wanted_any_more(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    async with keebai.supervise() as campaigns:
        one = await launched(keebai)
        await until(lambda: ended(keebai, one), clock)
        await until(lambda: nothing_wanted(keebai), clock)
        assert await campaigns.wanted() == ()
    assert len(messaged(sandbox)) == 20


async def test_what_was_wanted_before_anybody_supervised_is_run_too(
    keebai: Keebai, clock: ManualClock
) -> None:
    one = await launched(keebai)
    assert await state_of(keebai, one) is CampaignState.PLANNED
    assert [want.campaign_id for want in await keebai.campaigns.wanted()] == [one]
    async with keebai.supervise():
        await until(lambda: ended(keebai, one), clock)


async def test_no_more_run_at_once_than_are_asked_for_and_all_are_run(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    every = [await launched(keebai, 4, first=100 * n, size=2) for n in range(6)]
    most = 0

    async def all_ended() -> bool:
        nonlocal most
        running = [want for want in await keebai.campaigns.wanted() if want.holder is not None]
        most = max(most, len(running))
        return await ended(keebai, *every)

    async with keebai.supervise(at_once=2):
        await until(all_ended, clock)
    assert 0 < most <= 2
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 24


async def test_nobody_runs_before_its_time(keebai: Keebai, sandbox: Sandbox, clock: ManualClock) -> None:
    plan = await keebai.campaigns.plan(people(4), template="promo", language="es")
    await keebai.campaigns.want(plan, at=datetime.fromtimestamp(clock.wall() + 3_600, UTC))
    async with keebai.supervise():
        await clock.sleep(3_590)
        assert messaged(sandbox) == []
        await until(lambda: ended(keebai, plan.campaign_id), clock)
    assert len(messaged(sandbox)) == 4


async def test_who_has_seen_that_one_person_got_something_has_not_agreed_to_a_repetition(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    first = await launched(keebai, 1)
    async with keebai.supervise():
        await until(lambda: ended(keebai, first), clock)
    await clock.sleep(2 * 86_400.0)
    plan = await keebai.campaigns.plan(people(20), template="promo", language="es", name="Dos")
    (seen,) = plan.reached_before
    assert (seen.people, seen.repeated) == (1, 0)

    await keebai.campaigns.want(plan, at=clock.wall() + 300, agreed=plan.reached_before)
    meanwhile = await launched(keebai, 20)
    async with keebai.supervise():
        await until(lambda: ended(keebai, meanwhile), clock)
        await until(lambda: nothing_wanted(keebai), clock)

    assert len(messaged(sandbox)) == 21
    assert (await keebai.campaigns.status(plan.campaign_id)).unsent == 20


async def test_who_has_agreed_that_some_get_it_again_has_not_agreed_that_all_do(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    first = await launched(keebai, 10)
    async with keebai.supervise():
        await until(lambda: ended(keebai, first), clock)
    plan = await keebai.campaigns.plan(people(20), template="promo", language="es", name="Dos")
    (seen,) = plan.reached_before
    assert seen.repeated == 10
    await keebai.campaigns.want(plan, at=clock.wall() + 300, agreed=plan.reached_before)
    meanwhile = await keebai.campaigns.plan(people(10, 10), template="promo", language="es", name="Tres")
    await keebai.campaigns.want(meanwhile, again=True)

    async with keebai.supervise():
        await until(lambda: ended(keebai, meanwhile.campaign_id), clock)
        await until(lambda: nothing_wanted(keebai), clock)

    assert len(messaged(sandbox)) == len(set(messaged(sandbox))) == 20
    assert (await keebai.campaigns.status(plan.campaign_id)).unsent == 20


async def test_what_was_agreed_to_holds_for_who_takes_it_up(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    first = await launched(keebai, 10)
    async with keebai.supervise():
        await until(lambda: ended(keebai, first), clock)
    plan = await keebai.campaigns.plan(people(20), template="promo", language="es", name="Dos")
    await keebai.campaigns.want(plan, at=clock.wall() + 300, agreed=plan.reached_before)

    async with keebai.supervise():
        await until(lambda: ended(keebai, plan.campaign_id), clock)

    assert (len(messaged(sandbox)), len(set(messaged(sandbox)))) == (30, 20)


async def test_a_time_without_an_offset_is_refused_before_anything_is_planned(keebai: Keebai) -> None:
    with pytest.raises(InvalidInput, match="offset"):
        await keebai.campaigns.launch(
            people(4),
            template="promo",
            language="es",
            at=datetime(2030, 1, 1, 9, 0),  # noqa: DTZ001
        )
    assert await keebai.campaigns.list() == []


async def test_a_shutdown_leaves_it_wanted_and_the_next_one_takes_it_up(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    sandbox.faults.on(BULK, faults.Late(seconds=20.0), times=None)
    async with keebai.supervise():
        one = await launched(keebai, 20)
        await until(lambda: begun(sandbox), clock)
    report = await keebai.campaigns.status(one)
    assert (report.state, report.stopped_by) == (CampaignState.STOPPED, Cause.INTERRUPTED)
    assert report.unknown == 0  # what was on its way was answered, and written down
    sandbox.faults.clear()
    async with keebai.supervise():
        await until(lambda: ended(keebai, one), clock)
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20


async def test_a_persons_stop_holds_also_for_the_next_one(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    async with keebai.supervise() as campaigns:
        one = await launched(keebai, 20, pace=Pace(people=5, per=600.0))
        await until(lambda: begun(sandbox), clock)
        assert await campaigns.stop(one)
        await until(lambda: stopped(keebai, one), clock)
    before = messaged(sandbox)
    async with keebai.supervise() as campaigns:
        await clock.sleep(3_600)
        assert await campaigns.wanted() == ()
    assert messaged(sandbox) == before


async def test_a_stop_of_one_that_waits_for_its_turn_holds(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    one = await launched(keebai)
    assert await keebai.campaigns.stop(one)
    async with keebai.supervise():
        await clock.sleep(60)
    assert messaged(sandbox) == []


async def test_a_pause_outlives_the_process_and_resume_ends_it(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    async with keebai.supervise() as campaigns:
        one = await launched(keebai, 20, pace=Pace(people=5, per=600.0))
        await until(lambda: begun(sandbox), clock)
        assert await campaigns.pause(one)
        await clock.sleep(10)
    before = messaged(sandbox)
    async with keebai.supervise() as campaigns:
        await clock.sleep(3_600)
        assert messaged(sandbox) == before
        assert await campaigns.unpause(one)
        await until(lambda: ended(keebai, one), clock)
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20


async def test_what_a_guard_stopped_needs_a_person(clock: ManualClock, journal: SqliteJournal) -> None:
    async with Sandbox(clock=clock, failing=0.9) as sandbox, client(sandbox, clock, journal) as keebai:
        async with keebai.supervise():
            one = await launched(keebai, 200, size=50, guards=Guards(stop_above=0.1, canary=50))
            await until(lambda: stopped(keebai, one), clock)
            before = messaged(sandbox)
            await until(lambda: nothing_wanted(keebai), clock)
            await clock.sleep(600)
        assert (await keebai.campaigns.status(one)).stopped_by is Cause.GUARD
        assert messaged(sandbox) == before


class DiesBeforeItSaysSo(SqliteJournal):
    """The process that runs a campaign ends before it writes that the campaign is not wanted any more."""

    async def unwant(self, campaign_id: str, *, seen: Want | None = None) -> bool:
        raise JournalUnusable("database is locked")


async def test_killed_after_a_guard_stopped_it_a_campaign_is_taken_up_by_nobody(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    sandbox.faults.on(BULK, faults.NotJson(), nth=1)
    dying = DiesBeforeItSaysSo(tmp_path / "k.db", clock=clock)
    async with client(sandbox, clock, dying) as keebai:
        one = await launched(keebai, 20, guards=Guards(canary=5))
        with pytest.raises(JournalUnusable):
            await keebai.campaigns.take_up(one)
    await dying.aclose()

    journal = SqliteJournal(tmp_path / "k.db", clock=clock)
    async with client(sandbox, clock, journal) as keebai:
        assert await keebai.campaigns.wanted() == ()
        assert await keebai.campaigns.take_up(one) is None
        report = await keebai.campaigns.status(one)
    await journal.aclose()
    assert (report.stopped_by, report.untracked, report.unsent) == (Cause.GUARD, 5, 15)


async def test_a_client_that_is_closed_under_its_supervisor_leaves_the_campaign_wanted(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    sandbox.faults.on(BULK, faults.Late(seconds=20.0), times=None)
    async with client(sandbox, clock, journal) as first, first.supervise():
        one = await launched(first, 20)
        await until(lambda: begun(sandbox), clock)
        await first.aclose()
        await clock.sleep(60)
    (want,) = await journal.wanted()
    assert (want.campaign_id, want.tries, want.holder) == (one, 0, None)
    sandbox.faults.clear()
    async with client(sandbox, clock, journal) as second, second.supervise():
        await until(lambda: ended(second, one), clock)
        assert (await second.campaigns.status(one)).unknown == 0
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20


async def test_a_client_that_closes_its_journal_under_its_supervisor_ends_in_good_order(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    keebai = Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=str(tmp_path / "own.db"),
        clock=clock,
        limiter=OpenGate(),
    )
    async with keebai.supervise():
        await launched(keebai, 20, pace=Pace(people=5, per=600.0))
        await until(lambda: begun(sandbox), clock)
        await keebai.aclose()
        await clock.sleep(60)
    with pytest.raises(Misused, match="closed"):
        async with keebai.supervise():
            pass


async def test_what_is_finished_elsewhere_while_it_is_held_is_not_wanted_any_more(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    one = await launched(keebai)
    assert await keebai.campaigns.pause(one)
    async with keebai.campaigns.start(one) as run:  # a person, by hand
        assert (await run.report()).state is CampaignState.FINISHED
    assert await keebai.campaigns.wanted() == ()
    assert len(messaged(sandbox)) == 20


async def test_what_is_unknown_stays_wanted_and_goes_on_when_it_is_settled(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    sandbox.faults.on(BULK, faults.ResetBeforeReading(), nth=2)
    async with keebai.supervise() as campaigns:
        one = await launched(keebai, 20)
        await until(lambda: only_unknown(keebai, one), clock)
        await clock.sleep(300)
        assert [want.campaign_id for want in await campaigns.wanted()] == [one]
        (entry,) = await campaigns.unknown(one)
        await campaigns.reconcile(one, entry.number, resend=True)
        await until(lambda: ended(keebai, one), clock)
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 20


async def test_one_of_which_nothing_is_left_but_what_is_unknown_costs_no_run(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    told: list[Record] = []
    sandbox.faults.on(BULK, faults.ResetBeforeReading(), nth=1)
    async with client(sandbox, clock, journal, observer=[told.append]) as keebai, keebai.supervise():
        one = await launched(keebai, 5)
        await until(lambda: only_unknown(keebai, one), clock)
        await clock.sleep(3_600)
        (want,) = await keebai.campaigns.wanted()
        assert (want.waits, want.tries) == (True, 0)
        assert await keebai.campaigns.due() == ()
    assert len([each for each in told if isinstance(each, CampaignTakenUp)]) == 1


async def test_one_whose_delivery_cannot_be_read_is_not_asked_for_without_end(
    sandbox: Sandbox, clock: ManualClock
) -> None:
    sandbox.faults.on("GET /messages/bulk/{broadcast_id}", faults.Status(status=404), times=None)
    journal = MemoryJournal(clock=clock)  # whose writes take no time
    async with client(sandbox, clock, journal) as keebai, keebai.supervise():
        await launched(keebai, 5)
        await until(lambda: begun(sandbox), clock)
        for _ in range(600):
            await clock.sleep(1.0)
        assert len(sandbox.faults.given) <= 12  # after 5 s, 10 s, 20 s and so on: not one a second
        sandbox.faults.clear()
        await until(lambda: nothing_wanted(keebai), clock)


async def test_two_supervisors_share_the_work_and_send_nobody_twice(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    other_journal = SqliteJournal(tmp_path / "k.db", clock=clock)
    async with client(sandbox, clock, other_journal) as other:
        every = [await launched(keebai, 6, first=100 * n, size=2) for n in range(5)]
        async with keebai.supervise(at_once=2), other.supervise(at_once=2):
            await until(lambda: ended(keebai, *every), clock)
    await other_journal.aclose()
    assert len(set(messaged(sandbox))) == len(messaged(sandbox)) == 30


async def test_a_repetition_is_refused_when_it_is_wanted(keebai: Keebai, clock: ManualClock) -> None:
    async with keebai.supervise():
        one = await launched(keebai)
        await until(lambda: ended(keebai, one), clock)
    with pytest.raises(AlreadyLaunched):
        await launched(keebai)


async def test_campaigns_of_another_token_are_left_to_its_supervisor(
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
        async with stranger.supervise():
            await clock.sleep(60)
        assert messaged(sandbox) == []
        assert [want.campaign_id for want in await stranger.campaigns.wanted()] == [one]


async def test_what_the_program_raises_inside_comes_out_as_it_is(keebai: Keebai) -> None:
    with pytest.raises(ZeroDivisionError):
        async with keebai.supervise():
            raise ZeroDivisionError


async def test_at_least_one_runs_at_a_time(keebai: Keebai) -> None:
    with pytest.raises(InvalidInput, match="at_once"):
        async with keebai.supervise(at_once=0):
            pass


async def test_a_supervisor_whose_task_is_cancelled_before_its_first_step_is_no_shutdown(
    keebai: Keebai,
) -> None:
    """As `asyncio.run` cancels all tasks at its end; what comes after must not take it for one."""
    went_on = False

    async def supervise() -> None:
        nonlocal went_on
        before = asyncio.all_tasks()
        async with keebai.supervise():
            for task in asyncio.all_tasks() - before:
                task.cancel()
            await anyio.sleep_forever()
        went_on = True

    with pytest.raises(asyncio.CancelledError):
        await supervise()
    assert not went_on


async def test_a_campaign_that_waits_for_its_time_takes_nobodys_place(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    later = clock.wall() + 30 * 86_400.0  # while a thread works, time may run on for hours
    plan = PlanOptions(at=later, chunk_size=5)
    one = await keebai.campaigns.plan(people(5), template="promo", language="es", name="later", options=plan)
    await keebai.campaigns.want(one, at=clock.wall())
    two = await launched(keebai, 5, first=100)

    async with keebai.supervise(at_once=1):
        await until(lambda: waits_for_its_time(keebai, one.campaign_id), clock)
        await until(lambda: ended(keebai, two), clock)
    before = [each.campaign_name for each in sandbox.ledger.submissions]
    await clock.sleep(later - clock.wall())
    async with keebai.supervise(at_once=1):
        await until(lambda: ended(keebai, one.campaign_id), clock)

    assert before == ["n100 [01/01]"]  # so it had the only place while the other one waited
    assert [each.campaign_name for each in sandbox.ledger.submissions[1:]] == ["later [01/01]"]


async def waits_for_its_time(keebai: Keebai, campaign_id: str) -> bool:
    return (await keebai.campaigns.situation(campaign_id)).waits_for == "its time"


async def test_a_launch_at_a_time_is_wanted_then_and_says_so_until_then(
    keebai: Keebai, clock: ManualClock
) -> None:
    at = datetime.fromtimestamp(clock.wall() + 3_600.0, UTC)

    plan = await keebai.campaigns.launch(people(5), template="promo", language="es", at=at)

    (want,) = await keebai.campaigns.wanted()
    assert (want.at, plan.not_before) == (at.timestamp(), at.timestamp())
    before = await keebai.campaigns.situation(plan.campaign_id)
    assert (before.waits_for, before.waits_until) == ("its time, at which a worker takes it up", at)
    await clock.sleep(3_600.0)
    (after,) = await keebai.campaigns.situations()
    assert (after.waits_for, after.waits_until) == ("a worker to take it up", None)
    await keebai.campaigns.pause(plan.campaign_id)
    held = await keebai.campaigns.situation(plan.campaign_id)
    assert held.waits_for == "somebody to let it go on"
    await keebai.campaigns.unwant(plan.campaign_id)
    assert (await keebai.campaigns.situation(plan.campaign_id)).waits_for is None


class AnswersLate(MemoryJournal):
    """What it says of the wanted campaigns is out of date once it is heard, if *heard* is an event."""

    heard: anyio.Event | None = None
    made = 0

    async def wanted(self, *, by: float | None = None) -> list[Want]:
        self.made += 1
        found = await super().wanted(by=by)
        if found and self.heard is not None:
            await self.heard.wait()
        return found


async def test_who_was_too_late_for_a_campaign_takes_it_at_the_next_look_if_the_other_one_is_gone(
    sandbox: Sandbox, clock: ManualClock
) -> None:
    """Before, it left the campaign alone for five seconds."""
    journal, taken = AnswersLate(clock=clock), list[float]()

    def hear(record: Record) -> None:
        if isinstance(record, CampaignTakenUp):
            taken.append(clock.now())

    async with client(sandbox, clock, journal, observer=[hear]) as keebai:
        one = await launched(keebai)
        journal.heard = anyio.Event()
        async with keebai.supervise():
            await anyio.wait_all_tasks_blocked()
            assert journal.made == 1
            async with journal.lease(one):
                journal.heard.set()
                journal.heard = None
                looks = journal.made
                await until(lambda: looked_again(journal, looks), clock, step=0.1)
                assert taken == []
            gone = clock.now()
            await until(lambda: ended(keebai, one), clock)
    assert len(taken) == 1
    assert taken[0] - gone <= EVERY


async def looked_again(journal: AnswersLate, looks: int) -> bool:
    return journal.made > looks
