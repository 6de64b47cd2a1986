"""Calls as users write them, for the type checker: never run, checked like the source."""

from typing import assert_never, assert_type

import aiohttp

from keebai_async import (
    AcceptedBroadcast,
    AnyEvent,
    BroadcastProgress,
    BroadcastStatus,
    BroadcastStuck,
    BroadcastUnread,
    CampaignRun,
    CampaignState,
    Channel,
    ChunkAccepted,
    ChunkRefused,
    ChunkSplit,
    ChunkSubmitting,
    ChunkUnknown,
    Keebai,
    Number,
    Quota,
    Receipt,
    Recipient,
    StateChanged,
    SubmitPolicy,
    Template,
    Timeouts,
    Waiting,
)


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
        case ChunkSplit(number=number, into=into):
            return f"chunk {number} goes on as {into}"
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
