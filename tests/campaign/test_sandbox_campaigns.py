"""Whole campaigns on real sockets: what the report says is what the sandbox's ledger holds."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Unpack

import pytest

from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput, NotFound, TokenRejected
from keebai_async.journal.contract import Journal
from keebai_async.model.events import BroadcastProgress
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.model.report import Report
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Dialect, Sandbox, Window, faults
from keebai_async.sandbox.keebai.settings import SandboxOptions
from keebai_async.sandbox.people import make_messy_list
from keebai_async.transport.request import Timeouts

BULK = "POST /messages/bulk"
READ = "GET /messages/bulk/{broadcast_id}"


def people(count: int) -> list[dict[str, str]]:
    return [
        {"to": f"+549{1_100_000_000 + person}", "nombre": f"Ana {person}", "codigo": "M-7"}
        for person in range(count)
    ]


@asynccontextmanager
async def world(
    *,
    submit: float = 60.0,
    read: float = 10.0,
    clock: ManualClock | None = None,
    journal: Journal | None = None,
    **options: Unpack[SandboxOptions],
) -> AsyncIterator[tuple[Sandbox, Keebai]]:
    """A sandbox and a client on one clock that runs by itself.

    *submit* and *read* are how long the client waits for a reply, in real seconds: sockets know no other.
    """
    clock = clock or ManualClock()
    async with (
        Sandbox(clock=clock, **options) as sandbox,
        Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            clock=clock,
            journal=journal,
            timeout=Timeouts(connect=30.0, read=read, submit=submit),
        ) as keebai,
        clock.running(),
    ):
        yield sandbox, keebai


async def launch(keebai: Keebai, count: int) -> Report:
    return await keebai.campaigns.run(people(count), template="promo", language="es", name="Promo marzo")


def check(report: Report, sandbox: Sandbox) -> None:
    """What no fault may break."""
    assert report.errors() == ()
    assert sandbox.ledger.repeated() == {}
    assert report.accepted <= sandbox.ledger.total <= report.accepted + report.unknown
    assert not sandbox.traffic.throttled
    assert sandbox.traffic.most["minute"] <= 60
    assert sandbox.traffic.most["hour"] <= 1_000


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_messy_list_of_fifty_thousand_is_messaged_once_each(dialect: Dialect, tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    made = make_messy_list(path)
    async with world(dialect=dialect, failing=0.02) as (sandbox, keebai):
        report = await keebai.campaigns.run(path, template="promo", language="es", name="Promo marzo")

    check(report, sandbox)
    assert (report.state, report.read, report.ready) == ("finished", made.rows, made.good)
    assert (report.duplicates, report.rejected) == (made.duplicates, made.malformed + made.bad_variables)
    assert report.accepted == sandbox.ledger.total == made.good
    assert (report.unknown, report.refused, report.unsent, report.pending, report.untracked) == (
        0,
        0,
        0,
        0,
        0,
    )
    assert 0.015 * made.good < report.failed < 0.025 * made.good
    assert max(submission.accepted for submission in sandbox.ledger.submissions) <= 5_000
    assert {submission.campaign_name for submission in sandbox.ledger.submissions} == {
        f"Promo marzo [{number:02}/10]" for number in range(1, 11)
    }


LOST = [
    faults.Reset(),
    faults.ResetBeforeReading(),
    faults.Hang(),
    faults.Status(status=500),
    faults.GatewayError(status=502),
    faults.GatewayError(status=503),
    faults.Html(),
    faults.Html(status=202, accepted=True),
    faults.Redirect(),
    faults.Redirect(accepted=True),
]


def hangs(fault: faults.AnyFault) -> bool:
    """Whether no reply will ever come: a wait for it is short, but long enough for the replies beside it."""
    return isinstance(fault, faults.Hang)


UNREADABLE = [faults.NotJson(), faults.CutOff(), faults.Huge()]


@pytest.mark.parametrize("fault", LOST, ids=repr)
async def test_a_submit_that_got_no_clear_answer_is_unknown_and_never_sent_again(
    fault: faults.AnyFault,
) -> None:
    async with world(submit=8.0 if hangs(fault) else 60.0) as (sandbox, keebai):
        sandbox.faults.on(BULK, fault, nth=2)
        report = await launch(keebai, 12_000)

    check(report, sandbox)
    assert report.unknown in (5_000, 2_000)
    assert report.accepted == 12_000 - report.unknown
    assert (report.state, report.stopped_by) == ("stopped", "unknown")
    assert sandbox.traffic.requests[BULK] == 3


@pytest.mark.parametrize("fault", UNREADABLE, ids=repr)
async def test_a_submit_accepted_in_a_reply_nobody_can_read_is_untracked(fault: faults.AnyFault) -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, fault, nth=2)
        report = await launch(keebai, 12_000)

    check(report, sandbox)
    assert report.accepted == sandbox.ledger.total == 12_000
    assert report.untracked in (5_000, 2_000)
    assert (report.state, report.unknown) == ("finished", 0)


async def test_a_late_reply_is_waited_for() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Late(seconds=20.0))
        report = await launch(keebai, 6_000)

    check(report, sandbox)
    assert (report.state, report.accepted) == ("finished", 6_000)


@pytest.mark.parametrize("fault", [*LOST, *UNREADABLE], ids=repr)
async def test_reads_that_fail_are_repeated_until_delivery_is_known(fault: faults.AnyFault) -> None:
    async with world(read=1.0 if hangs(fault) else 30.0) as (sandbox, keebai):
        sandbox.faults.on(READ, fault, nth=1, times=5)
        report = await launch(keebai, 6_000)

    check(report, sandbox)
    assert (report.state, report.accepted, report.pending) == ("finished", 6_000, 0)


async def test_an_outage_costs_the_chunks_on_their_way_and_the_rest_goes_on_afterwards() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.GatewayError(status=503), nth=3, times=2)
        sandbox.faults.on("GET /me", faults.GatewayError(status=503), times=3)
        report = await launch(keebai, 60_000)

    check(report, sandbox)
    assert report.unknown <= 4 * 5_000
    assert report.unsent == 0


async def test_numbers_that_only_the_server_finds_malformed_are_named_and_the_others_go_on() -> None:
    bad = {"+5491100000017", "+5491100024999", "+5491100031234"}
    async with world() as (sandbox, keebai):
        sandbox.malformed.update(bad)
        report = await launch(keebai, 50_000)

    check(report, sandbox)
    assert (report.state, report.accepted, report.refused) == ("finished", 49_997, 3)
    assert bad.isdisjoint(sandbox.ledger.times_messaged())
    assert sandbox.traffic.requests[BULK] < 60


async def test_a_token_that_is_rejected_submits_nothing() -> None:
    async with world() as (sandbox, keebai):
        other = Keebai("pat_wrong", base_url=sandbox.url, phone_number_id="1", clock=keebai.clock)
        async with other:
            with pytest.raises(TokenRejected):
                await launch(other, 10)

    assert sandbox.ledger.total == 0


async def test_a_campaign_in_one_call_reads_its_list_as_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_text("to~nombre~codigo\n+5491155550101~Ana~A1\n", encoding="utf-8")
    async with world() as (sandbox, keebai):
        report = await keebai.campaigns.run(path, template="promo", language="es", delimiter="~")

    assert (report.accepted, sandbox.ledger.total) == (1, 1)


async def test_two_hundred_broadcasts_cost_no_429_and_at_most_four_reads_each() -> None:
    """As many requests as a million people: the chunks are a tenth as large, and the sender as fast."""
    async with world(delivery_rate=8.0) as (sandbox, keebai):
        report = await keebai.campaigns.run(
            people(100_000),
            template="promo",
            language="es",
            name="Promo marzo",
            options=PlanOptions(chunk_size=500),
        )
        traffic = sandbox.traffic

    assert report.errors() == ()
    assert (report.state, report.sent) == ("finished", 100_000)
    assert len(sandbox.ledger) == 200
    assert not traffic.throttled
    assert traffic.requests[READ] <= 4 * 200
    assert traffic.most["minute"] <= 60
    assert traffic.most["hour"] <= 1_000


async def test_an_unknown_chunk_is_settled_by_what_a_person_finds_at_the_service() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)  # accepted, and the answer lost
        report = await launch(keebai, 15_000)
        (lost,) = [chunk.number for chunk in report.chunks if chunk.state.value == "unknown"]
        known = {chunk.broadcast_id for chunk in report.chunks}
        (found,) = [one.broadcast_id for one in sandbox.ledger.submissions if one.broadcast_id not in known]
        assert found is not None
        taken = next(broadcast_id for broadcast_id in known if broadcast_id is not None)

        with pytest.raises(InvalidInput, match="of this campaign already"):
            await keebai.campaigns.reconcile(report.campaign_id, lost, accepted=taken)
        with pytest.raises(NotFound):
            await keebai.campaigns.reconcile(report.campaign_id, lost, accepted="66aa00112233445566778899")
        with pytest.raises(InvalidInput, match="say one of"):
            await keebai.campaigns.reconcile(report.campaign_id, lost, resend=True, abandon=True)
        with pytest.raises(InvalidInput, match="not unknown"):
            await keebai.campaigns.reconcile(report.campaign_id, 99, resend=True)
        await keebai.campaigns.reconcile(report.campaign_id, lost, accepted=found)
        async with keebai.campaigns.resume(report.campaign_id) as run:
            settled = await run.report()

    check(settled, sandbox)
    assert (settled.state, settled.accepted, settled.sent) == ("finished", 15_000, 15_000)


@pytest.mark.parametrize("given_up", [True, False])
async def test_a_chunk_that_did_not_arrive_is_submitted_again_only_when_a_person_says_so(
    given_up: bool,
) -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.GatewayError(status=503), nth=1)
        report = await launch(keebai, 5_000)
        assert (report.unknown, sandbox.ledger.total) == (5_000, 0)
        if given_up:
            await keebai.campaigns.reconcile(report.campaign_id, 1, abandon=True)
        else:
            await keebai.clock.sleep(LATE_ARRIVAL)
            await keebai.campaigns.reconcile(report.campaign_id, 1, resend=True)
        async with keebai.campaigns.resume(report.campaign_id) as run:
            settled = await run.report()

    check(settled, sandbox)
    assert settled.state == "finished"
    assert (settled.abandoned, settled.accepted) == ((5_000, 0) if given_up else (0, 5_000))


async def test_a_campaign_longer_than_the_hours_quota_leaves_room_to_read_it() -> None:
    small = (Window("minute", 60, 60.0), Window("hour", 160, 3_600.0))
    clock = ManualClock()
    reads = [clock.now()]
    async with (
        Sandbox(clock=clock, windows=small, delivery_rate=1.0) as sandbox,
        Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            quotas=(Quota(60, 60.0), Quota(160, 3_600.0)),
            clock=clock,
        ) as keebai,
        clock.running(),
    ):
        plan = await keebai.campaigns.plan(
            people(36_000), template="promo", language="es", options=PlanOptions(chunk_size=300)
        )
        async with keebai.campaigns.start(plan) as run:
            async for event in run.events():
                if isinstance(event, BroadcastProgress):
                    reads.append(clock.now())
                if clock.now() > reads[0] + 2.2 * 3_600:
                    break

    report = run.snapshot()
    check(report, sandbox)
    assert report.sent > 7_000  # the sender was never without work
    assert max(later - earlier for earlier, later in itertools.pairwise(reads)) < 900
