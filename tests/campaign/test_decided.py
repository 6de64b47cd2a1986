"""Who planned, approved, launched, resumed, stopped and settled a campaign, from the plan to the report."""

import getpass
import socket

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.model.decided import checked_name, same_person
from keebai_async.model.events import ChunkUnknown
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.model.plan import Pace
from keebai_async.model.report import Report
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import faults
from tests.campaign.test_sandbox_campaigns import BULK, people, world
from tests.campaign.test_whole_run import plan as plan_of_five
from tests.campaign.test_whole_run import world as world_of_five

LOGIN = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture(autouse=True)
def nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEEBAI_USER", raising=False)


def said(report: Report) -> list[tuple[str, str]]:
    return [(each.act, each.by) for each in report.decided]


async def plan(keebai: Keebai, by: str | None = "ana", **options: object) -> str:
    made = await keebai.campaigns.plan(
        people(3),
        template="promo",
        language="es",
        by=by,
        options=PlanOptions(**options),  # type: ignore[arg-type]
    )
    assert made.planned_by is not None
    assert made.planned_by.login == LOGIN
    return made.campaign_id


async def test_who_plans_and_who_launches_is_in_the_report_of_the_run_and_of_the_journal() -> None:
    async with world() as (_, keebai):
        campaign = await plan(keebai)
        async with keebai.campaigns.start(campaign, by="  Luis   Paz ") as run:
            report = await run.report()
        later = await keebai.campaigns.status(campaign)

    assert said(report) == said(later) == [("planned", "ana"), ("launched", "Luis Paz")]
    assert {each.login for each in later.decided} == {LOGIN}
    assert later.decided[0].at <= later.decided[1].at


async def test_without_a_name_it_is_that_of_the_environment_or_else_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world() as (_, keebai):
        campaign = await plan(keebai, by=None)
        monkeypatch.setenv("KEEBAI_USER", "luis")
        async with keebai.campaigns.start(campaign) as run:
            report = await run.report()

    assert said(report) == [("planned", getpass.getuser()), ("launched", "luis")]


async def test_who_stops_resumes_and_settles_it_is_kept_with_what_was_said() -> None:
    async with world() as (sandbox, keebai):
        campaign = await plan(keebai, pace=Pace(people=1, per=3_600.0), chunk_size=1)
        sandbox.faults.on(BULK, faults.Reset())
        async with keebai.campaigns.start(campaign, by="luis") as run:
            async for event in run.events():
                if isinstance(event, ChunkUnknown):
                    break
            assert await keebai.campaigns.pause(campaign, by="eva")
            assert await keebai.campaigns.unpause(campaign, by="eva")
            assert await keebai.campaigns.stop(campaign, by="eva")
            await run.report()
        assert not await keebai.campaigns.stop(campaign, by="nobody heard")
        (unknown,) = await keebai.campaigns.unknown(campaign)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(campaign, unknown.number, resend=True, by="eva")
        async with keebai.campaigns.resume(campaign, pace="off", by="ana") as run:
            report = await run.report()
        async with keebai.campaigns.resume(campaign, by="ana") as run:
            again = await run.report()

    assert said(report) == [
        ("planned", "ana"),
        ("launched", "luis"),
        ("paused", "eva"),
        ("unpaused", "eva"),
        ("stopped", "eva"),
        ("reconciled", "eva"),
        ("resumed", "ana"),
    ]
    assert report.decided[5].words == "chunk 1: not at the service, to be submitted again"
    assert said(again) == said(report)  # it was finished


async def test_who_leaves_it_to_a_worker_approved_it_and_the_worker_launched_it() -> None:
    async with world() as (_, keebai):
        campaign = await plan(keebai)
        await keebai.campaigns.want(campaign, by="luis")
        report = await keebai.campaigns.take_up(campaign)

    assert report is not None
    assert said(report) == [("planned", "ana"), ("approved", "luis"), ("launched", "")]
    assert (report.decided[2].login, report.decided[2].words) == (LOGIN, "a worker")


async def test_of_a_list_over_several_senders_each_decision_is_told_once() -> None:
    async with world_of_five() as (_, keebai, _other):
        whole = await plan_of_five(keebai, 50)
        async with keebai.campaigns.start(whole.campaign_id, by="luis") as run:
            await run.report()
        report = await keebai.campaigns.status(whole.campaign_id)

    assert said(report) == [("planned", getpass.getuser()), ("launched", "luis")]
    assert all(said(part) == said(report) for part in report.parts)


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "is empty"), (" \t", "is empty"), ("a" * 101, "up to 100 letters"), ("a\x1b[2Jb", "control")],
)
async def test_a_name_that_is_none_is_refused_before_anything_happens(name: str, words: str) -> None:
    async with world() as (sandbox, keebai):
        with pytest.raises(InvalidInput, match=words):
            await plan(keebai, by=name)
        assert not sandbox.traffic.most["hour"]


def test_the_same_person_is_the_same_however_the_name_is_written() -> None:
    assert checked_name(" Ana  Paz\n") == "Ana Paz"
    assert same_person("Ana Pa\u0301z", "ana  P\u00e1z")
    assert not same_person("ana", "luis")
    assert not same_person("", "")
