"""The webhooks of the sandbox's Whautomate: what its broadcasts bring about, told to who subscribed."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web

from keebai_async.sandbox import WhautomateSandbox
from keebai_async.sandbox.whautomate.webhook_switches import (
    WhautomateWebhookOptions,
    WhautomateWebhookSwitches,
)
from keebai_async.webhooks import (
    MessageDelivered,
    MessageFailed,
    MessageRead,
    MessageReceived,
    MessageSent,
    PreferencesChanged,
    SharedHeader,
    read_event,
    verify,
)

SECRET = "a-long-random-value-0001"


class Listener:
    """Somebody who subscribed."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 204
        self.came: list[tuple[bytes, list[tuple[str, str]]]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((await request.read(), list(request.headers.items())))
        return web.Response(status=self.status)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(type(read_event(body)).__name__ for body, _ in self.came)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


def sandbox(**switches: Any) -> WhautomateSandbox:
    options: WhautomateWebhookOptions = switches  # type: ignore[assignment]
    return WhautomateSandbox(
        speed=500.0,
        crowds={"everyone": 96},
        failing=0.1,
        read=0.5,
        replied=0.2,
        webhooks=WhautomateWebhookSwitches(**options),
    )


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for is on the way through a socket
        await anyio.sleep(0.005)


class Caller:
    def __init__(self, session: aiohttp.ClientSession, box: WhautomateSandbox) -> None:
        self._session = session
        self._box = box

    async def __call__(self, method: str, path: str, **body: object) -> tuple[int, Any]:
        headers = {"x-api-key": self._box.key}
        async with self._session.request(
            method, self._box.url + path, json=body or None, headers=headers
        ) as reply:
            return reply.status, await reply.json(content_type=None)

    async def subscribe(self, listener: Listener, *events: str) -> str:
        status, made = await self(
            "POST",
            "/webhooks",
            name="ours",
            active=True,
            serverUrl=listener.url,
            webhookHeaders=[{"key": "X-Ours", "value": SECRET}],
            events=list(events),
        )
        assert status == 200
        return str(made["id"])


@pytest.mark.parametrize("quoted", [False, True])
async def test_a_broadcast_is_told_of_person_by_person_in_both_shapes(
    listener: Listener, quoted: bool
) -> None:
    async with sandbox(quoted=quoted, tagged=True, plus=False) as box, aiohttp.ClientSession() as session:
        await Caller(session, box).subscribe(listener)
        box.stage("B1")
        await until(lambda: bool(box.webhooks.truth) and not box.webhooks.waiting)
        truth = Counter(box.webhooks.truth.values())

    assert truth.total() == 98
    assert truth.keys() == {"delivered", "read", "replied", "failed"}
    assert listener.kinds == {
        "MessageSent": truth.total() - truth["failed"],
        "MessageFailed": truth["failed"],
        "MessageDelivered": truth.total() - truth["failed"],
        "MessageRead": truth["read"] + truth["replied"],
        "MessageReceived": truth["replied"],
        "PreferencesChanged": truth["replied"],
    }
    events = [read_event(body) for body, _ in listener.came]
    failed = [event for event in events if isinstance(event, MessageFailed)]
    assert {131026, 131049} & {event.code for event in failed}
    assert {event.text for event in events if isinstance(event, MessageReceived)} == {"Gracias"}
    for event in events:
        if isinstance(event, MessageSent | MessageDelivered | MessageRead | MessageFailed):
            assert event.number in box.webhooks.truth
        if isinstance(event, PreferencesChanged):
            assert event.preferences[0].stop
    assert len({event.key for event in events}) == len(events)


async def test_it_proves_itself_by_its_header_alone(listener: Listener) -> None:
    async with sandbox(without_header=0.5) as box, aiohttp.ClientSession() as session:
        await Caller(session, box).subscribe(listener, "incoming_whatsapp_message")
        box.stage("B1")
        await until(lambda: bool(box.webhooks.truth) and not box.webhooks.waiting)

    proof = SharedHeader("x-ours", SECRET)
    let_in = Counter(verify(headers, body, now=0.0, secrets=proof) is None for body, headers in listener.came)
    assert let_in.keys() == {True, False}
    assert listener.kinds.keys() == {"MessageReceived"}


async def test_a_subscription_is_managed_as_the_contract_says(listener: Listener) -> None:
    async with sandbox() as box, aiohttp.ClientSession() as session:
        call = Caller(session, box)
        webhook_id = await call.subscribe(listener)
        one = f"/webhooks/{webhook_id}"
        assert [each["id"] for each in (await call("GET", "/webhooks"))[1]] == [webhook_id]
        assert (await call("GET", one))[1]["webhookHeaders"] == [{"key": "X-Ours", "value": SECRET}]
        status, changed = await call("PUT", one, name="ours", active=False, serverUrl=listener.url)
        assert (status, changed["active"], changed["webhookHeaders"]) == (200, False, [])
        for wrong in (
            {"name": "ours", "active": True},
            {"name": "", "active": True, "serverUrl": listener.url},
            {"name": "ours", "active": "true", "serverUrl": listener.url},
            {"name": "ours", "active": True, "serverUrl": "https://example.com/hook"},
            {"name": "ours", "active": True, "serverUrl": "ftp://127.0.0.1/hook"},
        ):
            assert (await call("POST", "/webhooks", **wrong))[0] == 400
        box.stage("B1")
        await until(lambda: bool(box.webhooks.truth) and not box.webhooks.waiting)
        assert listener.came == []
        assert await call("DELETE", one) == (200, {"success": True})
        assert (await call("GET", one))[0] == 404


async def test_nothing_is_repeated_unless_asked_and_all_is_switched_while_it_runs(listener: Listener) -> None:
    listener.status = 500
    async with sandbox() as box, aiohttp.ClientSession() as session:
        call = Caller(session, box)
        await call.subscribe(listener, "outgoing_whatsapp_message")
        control = box.url.removesuffix("/v1") + "/sandbox/webhooks"
        attempts: list[int] = []
        for turn, switches in enumerate(
            ({"each_status": False}, {"retries": 2}, {"retries": 0, "duplicates": 1.0}, {"lost": 1.0})
        ):
            async with session.patch(control, data=json.dumps(switches)) as reply:
                assert reply.status == 200
            before = len(listener.came)
            box.stage(f"B{turn}")
            await until(lambda: not box.webhooks.waiting)
            attempts.append(len(listener.came) - before)
        people = len(box.webhooks.truth)
        async with session.get(f"{control}/status") as reply:
            assert await reply.json() == {"waiting": 0, "answers": {"500": sum(attempts)}}
        async with session.get(f"{control}/truth") as reply:
            assert await reply.json() == box.webhooks.truth
        async with session.patch(control, data=b'{"nonsense": 1}') as reply:
            assert reply.status == 400
        async with session.get(f"{control}/nowhere") as reply:
            assert reply.status == 404
        async with session.get(control) as reply:
            assert (await reply.json())["lost"] == 1.0

    assert attempts == [people, 3 * people, 2 * people, 0]
