"""Calls as users write them, for the type checker: never run, checked like the source."""

from typing import assert_type

import aiohttp

from keebai_async import (
    AcceptedBroadcast,
    BroadcastStatus,
    Channel,
    Keebai,
    Number,
    Quota,
    Receipt,
    Recipient,
    SubmitPolicy,
    Template,
    Timeouts,
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
