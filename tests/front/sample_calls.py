"""Calls as users write them, for the type checker: never run, checked like the source."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import assert_never, assert_type

import aiohttp

from keebai_async import (
    AcceptedBroadcast,
    AnyEvent,
    BroadcastProgress,
    BroadcastStatus,
    BroadcastStuck,
    BroadcastUnread,
    CampaignBusy,
    CampaignRun,
    Campaigns,
    CampaignState,
    Cause,
    Channel,
    ChunkAbandoned,
    ChunkAccepted,
    ChunkPlanned,
    ChunkRefused,
    ChunkSplit,
    ChunkSubmitting,
    ChunkUnknown,
    Guards,
    ImportedOptOuts,
    Keebai,
    Lane,
    LogSummary,
    Number,
    OptedOut,
    OptOut,
    OptOuts,
    OptOutSource,
    PeopleLeftOut,
    Plan,
    PlanOptions,
    PortalEntry,
    Quota,
    RateLimited,
    RateLimiter,
    ReasonCount,
    Receipt,
    Recipient,
    Rejection,
    Report,
    Requests,
    Sender,
    StateChanged,
    SubmitPolicy,
    Template,
    Timeouts,
    Wait,
    Waiting,
    Whautomate,
    open_journal,
)
from keebai_async.journal import (
    Abandon,
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Prove,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
)
from keebai_async.observe import (
    ChunkMoved,
    Observer,
    QuotaWaited,
    Record,
    RequestThrottled,
    event_of,
    fields_of,
)
from keebai_async.sandbox import Ledger, Sandbox, WhautomateLedger, WhautomateSandbox, faults
from keebai_async.testing import ManualClock, SandboxFactory
from keebai_async.whautomate import Broadcast


async def a_web_app_sends_one_message(session: aiohttp.ClientSession) -> None:
    async with Keebai("kbai_pk_...", phone_number_id="100000000000001", session=session) as keebai:
        receipt = await keebai.messages.send_template(
            "+5491155555555",
            template="order_confirmation",
            language="es",
            variables={"nombre": "Lucio"},
            meta_data={"order": "A-17", "items": [1, 2]},
        )
        assert_type(receipt, Receipt)
        assert_type(await keebai.messages.send_text("+5491155555555", "Hola"), Receipt)


async def a_worker_sends_a_broadcast() -> None:
    async with Keebai(
        quotas=[Quota(120, 60.0)],
        timeout=Timeouts(submit=90.0),
        submit_policy=SubmitPolicy(resend_on=frozenset({502, 503})),
    ) as keebai:
        people = [
            Recipient(to="+5491155555555", variables={"nombre": "Ana"}),
            Recipient(to="+5491166666666", variables={"nombre": "Luz"}, meta_data={"id": 7}),
        ]
        accepted = await keebai.broadcasts.create(template="promo", language="es", recipients=people)
        assert_type(accepted, AcceptedBroadcast)
        rows = [{"to": "+5491155555555", "variables": {"nombre": "Ana"}}]
        await keebai.broadcasts.create(template="promo", language="es", recipients=rows, channel_id="c")
        assert_type(await keebai.broadcasts.status(accepted.broadcast_id), BroadcastStatus)
        assert_type(await keebai.broadcasts.wait(accepted.broadcast_id, timeout=600), BroadcastStatus)


async def somebody_looks_around() -> None:
    async with Keebai() as keebai, keebai.with_options(timeout=5.0) as hurried:
        async for template in keebai.templates.list(status="PENDING"):
            assert_type(template, Template)
        assert_type(await hurried.templates.get("promo", "es"), Template)
        assert_type(await hurried.numbers.list(), list[Number])
        assert_type(await hurried.channels.list(), list[Channel])
        assert_type(await hurried.me(), dict[str, object])


async def another_process_looks_on(keebai: Keebai, campaign_id: str, seen: int) -> int:
    async for event in keebai.campaigns.watch(campaign_id, after=seen):
        assert_type(event, AnyEvent)
        line_of(event)
        seen = event.id
    return seen


async def a_web_app_streams_what_a_run_tells(run: CampaignRun) -> list[str]:
    lines = []
    async for event in run.events():
        assert_type(event, AnyEvent)
        lines.append(line_of(event))
    report = await run.report()
    assert_type(report.state, CampaignState)
    return lines


def line_of(event: AnyEvent) -> str:
    """Every event there is: a type checker says so when one is added and not named here."""
    match event:
        case ChunkSubmitting(number=number, of=of) | ChunkAccepted(number=number, of=of):
            return f"chunk {number} of {of}"
        case ChunkRefused(number=number, reason=reason) | ChunkUnknown(number=number, reason=reason):
            return f"chunk {number}: {reason}"
        case ChunkPlanned(number=number, reason=reason):
            return f"chunk {number} is submitted again: {reason}"
        case ChunkAbandoned(number=number, recipients=recipients):
            return f"{recipients} people of chunk {number} were given up"
        case ChunkSplit(number=number, into=into):
            return f"chunk {number} goes on as {into}"
        case PeopleLeftOut(number=number, recipients=recipients):
            return f"{recipients} people of chunk {number} opted out"
        case BroadcastProgress(number=number, pending=pending):
            return f"chunk {number}: {pending} pending"
        case BroadcastStuck(number=number, seconds=seconds):
            return f"chunk {number} has not moved for {seconds} s"
        case BroadcastUnread(number=number, reason=reason):
            return f"chunk {number} could not be read: {reason}"
        case Waiting(seconds=seconds, why=why):
            return f"waiting {seconds} s: {why}"
        case StateChanged(state=state):
            return state.value
        case _:
            assert_never(event)


async def a_marketing_team_runs_a_list() -> None:
    async with Keebai(journal="campaigns.db") as keebai:
        report = await keebai.campaigns.run("clients.csv", template="promo", language="es", name="Promo")
        assert_type(report, Report)
        assert_type(report.requests, Requests)
        assert_type(report.stopped_by, Cause | None)
        for chunk in await keebai.campaigns.unknown(report.campaign_id):
            assert_type(chunk, PortalEntry)
            await keebai.campaigns.reconcile(report.campaign_id, chunk.number, accepted="b-1")


async def a_web_app_plans_and_then_asks() -> None:
    async def people() -> AsyncIterator[Recipient]:
        yield Recipient(to="+5491155555555", variables={"nombre": "Ana"})

    options = PlanOptions(guards=Guards(canary=100, stop_above=0.05), max_recipients=5_000)
    async with Keebai() as keebai:
        campaigns: Campaigns = keebai.campaigns
        plan = await campaigns.plan(people(), template="promo", language="es", options=options)
        assert_type(plan, Plan)
        assert_type(plan.reasons, tuple[ReasonCount, ...])
        async with Keebai(phone_number_id="2000") as south:
            dealt = await campaigns.plan(
                people(), template="promo", language="es", senders=[Sender(phone_number_id="1000"), south]
            )
            assert_type(dealt.parts, tuple[Plan, ...])
            campaigns.add_client(south)
        async with campaigns.start(plan) as run:
            assert_type(run, CampaignRun)
            await run.pause()
            await run.resume()
            assert_type(run.snapshot(), Report)
            run.stop()
        async for rejection in campaigns.rejections(plan.campaign_id):
            assert_type(rejection, Rejection)


async def a_worker_goes_on_with_what_is_there(campaign_id: str) -> None:
    limiter = RateLimiter([Quota(60, 60.0)], on_wait=lambda lane, wait: print(lane.name, wait.seconds))
    journal = open_journal("campaigns.db")
    async with Keebai(limiter=limiter, journal=journal) as keebai:
        assert_type(await journal.moves(campaign_id), tuple[Move, ...])
        assert_type(await limiter.forecast(Lane.SUBMIT), Wait | None)
        try:
            async with keebai.campaigns.resume(campaign_id) as run:
                await run.report()
        except CampaignBusy as error:
            print(error.campaign_id)
        except RateLimited as error:
            assert_type(error.retry_after, float)


async def who_wants_no_more() -> None:
    async with Keebai(journal="campaigns.db") as keebai:
        opt_outs: OptOuts = keebai.opt_outs
        assert_type(await opt_outs.add("+5491155555555"), int)
        assert_type(await opt_outs.find("+5491155555555"), OptOut | None)
        assert_type(await opt_outs.import_file("bajas.csv"), ImportedOptOuts)
        async for each in opt_outs.list():
            assert_type(each.source, OptOutSource)
        try:
            await keebai.messages.send_template("+5491155555555", template="promo", language="es")
        except OptedOut as error:
            print(error.source, error.since)


def word_of(move: Move) -> str:
    """Every step of a chunk's life there is."""
    match move:
        case Submit() | TakeBack() | Accept() | HandOn():
            return "on its way"
        case Refuse(reason=reason) | Lose(reason=reason):
            return reason
        case Prove():
            return "a proof"
        case Vouch() | Resend() | Withdraw() | Abandon():
            return "a person's word"
        case LateAccept() | LateTakeBack():
            return "an answer that came when nobody waited for it any more"
        case _:
            assert_never(move)


async def another_service(api_key: str) -> None:
    async with Whautomate(api_key, host="india") as whautomate:
        assert_type(whautomate, Whautomate)
        broadcast = await whautomate.broadcasts.get("b-1")
        assert_type(broadcast, Broadcast)
        assert_type(await whautomate.broadcasts.log_summary("b-1"), LogSummary)


def test_my_shop_confirms_an_order(keebai_sandbox: Sandbox, whautomate_sandbox: WhautomateSandbox) -> None:
    keebai_sandbox.faults.on("POST /messages/template", faults.Reset())
    assert_type(keebai_sandbox.ledger, Ledger)
    assert_type(keebai_sandbox.ledger.times_messaged(), Counter[str])
    assert_type(whautomate_sandbox.ledger, WhautomateLedger)


def test_my_campaign(keebai_sandbox_factory: SandboxFactory) -> None:
    sandbox = keebai_sandbox_factory(clock=ManualClock(), failing=0.02)
    assert_type(sandbox, Sandbox)


def observed(record: Record) -> None:
    """An observer of one's own, which reads what it wants to."""
    match record:
        case RequestThrottled() | QuotaWaited():
            print(fields_of(record))
        case ChunkMoved():
            print(event_of(record))
        case _:
            pass


OBSERVER: Observer = observed
