"""The sandbox's webhooks: subscriptions as the service has them, events that agree with the counters."""

import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web

from keebai_async.sandbox import SINGLE_EVENTS, Sandbox, WebhookSwitches
from keebai_async.sandbox.keebai.webhook_switches import WebhookOptions
from tests.sandbox.caller import Caller

ALL = [f"whatsapp.message.{kind}" for kind in ("sent", "delivered", "read", "failed", "received")]


class Listener:
    """Somebody who subscribed: answers what it is told to, and keeps what came."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 204
        self.came: list[tuple[bytes, str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.came.append((body, request.headers["X-Keebai-Signature"], request.headers.get("X-Ours", "")))
        return web.Response(status=self.status)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _, _ in self.came]

    def kinds(self) -> Counter[str]:
        return Counter(event.get("type") or event["event"] for event in self.events)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def sandbox(*, failing: float = 0.0, speed: float = 500.0, **switches: Any) -> AsyncIterator[Sandbox]:
    options: WebhookOptions = switches  # type: ignore[assignment]
    async with Sandbox(speed=speed, failing=failing, webhooks=WebhookSwitches(**options)) as made:
        yield made


def people(count: int) -> Iterator[dict[str, object]]:
    for number in range(count):
        yield {
            "to": f"+54911{number:08d}",
            "variables": {"nombre": "Ana", "codigo": "1"},
            "meta_data": {"row": number},
        }


async def send(box: Sandbox, count: int) -> str:
    body = {
        "phone_number_id": box.phone_number_id,
        "template_name": "promo",
        "language": "es",
        "recipients": list(people(count)),
    }
    headers = {"Authorization": f"Bearer {box.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{box.url}/messages/bulk", json=body, headers=headers) as reply,
    ):
        assert reply.status == 202
        return str((await reply.json())["broadcast_id"])


async def settled(box: Sandbox) -> None:
    await until(lambda: not box.webhooks.waiting)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for is on the way through a socket
        await anyio.sleep(0.005)


@pytest.mark.parametrize("dialect", ["docs", "skills", "mixed"])
async def test_events_agree_with_the_counters_and_are_signed(listener: Listener, dialect: str) -> None:
    async with sandbox(failing=0.3, capped=0.5, dialect=dialect) as box:
        secret = box.subscribe(listener.url, headers={"X-Ours": "yes"}).secret
        broadcast_id = await send(box, 200)
        await settled(box)
        counters, truth = box.counters(broadcast_id), box.webhooks.truth

    kinds = listener.kinds()
    assert (counters.sent, counters.failed) == (
        kinds["whatsapp.message.sent"],
        kinds["whatsapp.message.failed"],
    )
    assert kinds["whatsapp.message.delivered"] == counters.sent
    assert Counter(one.fate for one in truth.values()) == {
        "failed": counters.failed,
        "read": kinds["whatsapp.message.read"],
        "delivered": counters.sent - kinds["whatsapp.message.read"],
    }
    assert {one.code for one in truth.values()} == {0, 131026, 131049}
    for body, header, ours in listener.came:
        time, _, digest = header.partition(",v1=")
        signed = time.removeprefix("t=").encode() + b"." + body
        assert hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == digest
        assert ours == "yes"


async def test_marks_come_back_where_the_switch_says(listener: Listener) -> None:
    async with sandbox() as box:
        box.subscribe(listener.url, events=["whatsapp.message.sent"])
        for where in ("data", "envelope", "text", "none"):
            box.webhooks.switches.marks = where
            await send(box, 1)
            await settled(box)

    data, envelope, text, nowhere = listener.events
    assert data["data"]["meta_data"] == envelope["meta_data"] == {"row": 0}
    assert json.loads(text["data"]["metadata"]) == {"row": 0}
    assert "row" not in json.dumps(nowhere)


async def test_faults_double_lose_reorder_and_precede(listener: Listener) -> None:
    async with sandbox(failed_first=0.5, without_delivered=1.0, reading=1.0, duplicates=0.5) as box:
        box.subscribe(listener.url)
        await send(box, 100)
        await settled(box)
        ids = Counter(event["id"] for event in listener.events)
        assert set(ids.values()) == {1, 2}
        assert listener.kinds()["whatsapp.message.delivered"] == 0
        assert listener.kinds()["whatsapp.message.failed"] > 0
        assert {one.fate for one in box.webhooks.truth.values()} == {"read"}

        box.webhooks.switches.lost = 1.0
        before = len(listener.came)
        await send(box, 10)
        await settled(box)
        assert len(listener.came) == before


async def test_people_reply_tap_and_have_no_number(listener: Listener) -> None:
    async with sandbox(
        replying=1.0, tapping=1.0, reply_text="Baja", without_number=1.0, odd_types=True
    ) as box:
        box.subscribe(listener.url)
        await send(box, 3)
        await settled(box)

    replies = [event["data"] for event in listener.events if event["type"] == "whatsapp.message.received"]
    assert {one["text"]["body"] for one in replies if one["type"] == "text"} == {"Baja"}
    assert {one["button"]["payload"] for one in replies if one["type"] == "button"} == {"OPT_OUT"}
    assert "+54911" not in json.dumps(listener.events)


async def test_what_the_documents_show_in_three_shapes_comes_in_three(listener: Listener) -> None:
    async with sandbox() as box:
        box.subscribe(listener.url)
        for shape in ("button", "interactive", "body"):
            box.webhooks.switches.tap_shape = shape
            box.webhooks.trigger("tapped", payload="OPT_OUT", text="No")
            await settled(box)

    assert [
        {name: event["data"].get(name) for name in ("type", "button", "interactive", "text")}
        for event in listener.events
    ] == [
        {"type": "button", "button": {"payload": "OPT_OUT", "text": "No"}, "interactive": None, "text": None},
        {
            "type": "interactive",
            "button": None,
            "interactive": {"type": "button_reply", "button_reply": {"id": "OPT_OUT", "title": "No"}},
            "text": None,
        },
        {"type": "button", "button": None, "interactive": None, "text": {"body": "OPT_OUT"}},
    ]


async def test_a_paced_template_is_told_once_with_what_it_cost(listener: Listener) -> None:
    async with sandbox(failing=0.5, paced=1.0) as box:
        box.subscribe(listener.url, events=[*ALL, "whatsapp.template.status_updated"])
        await send(box, 60)
        await settled(box)

    (template,) = [event["data"] for event in listener.events if "template" in event["type"]]
    assert (template["event"], template["message_template_name"]) == ("PAUSED", "promo")
    failures = [event["data"] for event in listener.events if event["type"] == "whatsapp.message.failed"]
    assert {one["errors"][0]["code"] for one in failures} == {132015}


async def test_a_failure_told_after_the_delivery_changes_nothing(listener: Listener) -> None:
    async with sandbox(failed_after=1.0, reading=0.0) as box:
        box.subscribe(listener.url)
        await send(box, 20)
        await settled(box)
        assert {one.fate for one in box.webhooks.truth.values()} == {"delivered"}

    kinds = [event["type"].rpartition(".")[2] for event in listener.events]
    assert Counter(kinds) == {"sent": 20, "delivered": 20, "failed": 20}


async def test_events_come_before_the_answer_to_the_post_that_caused_them(listener: Listener) -> None:
    async with sandbox(before_answer=60.0, delivered_after=0.0, reading=0.0) as box:
        box.subscribe(listener.url)

        await send(box, 5)

        assert listener.kinds() == {"whatsapp.message.sent": 5, "whatsapp.message.delivered": 5}


async def test_what_goes_wrong_on_the_way_is_switched_over_http_while_it_runs(listener: Listener) -> None:
    async with sandbox(at_once=1) as box, aiohttp.ClientSession() as session:
        secret = box.subscribe(listener.url).secret
        control = box.url.removesuffix("/v1") + "/sandbox/webhooks"

        async def told(**switches: object) -> tuple[bytes, str]:
            """What comes after these switches were set."""
            async with session.patch(control, json=switches) as reply:
                assert reply.status == 200
            before = len(listener.came)
            async with session.post(f"{control}/trigger", json={"kind": "read"}) as reply:
                assert reply.status == 202
            await until(lambda: len(listener.came) > before)
            body, header, _ = listener.came[-1]
            return body, header

        def is_signed(body: bytes, header: str) -> bool:
            at, _, digest = header.removeprefix("t=").partition(",v1=")
            mac = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256)
            return mac.hexdigest() == digest

        assert is_signed(*await told())
        assert not is_signed(*await told(wrong_signature=1.0))
        assert is_signed(*await told(wrong_signature=0.0, slow=1.0))
        assert (await told(slow=0.0, padding=200_000))[0].endswith(b" " * 200_000)
        _, ahead = await told(padding=0, clock_off=10_000)
        assert int(ahead.removeprefix("t=").partition(",")[0]) > time.time() + 9_000
        assert b'"event"' in (await told(clock_off=0, dialect="skills"))[0]
        assert b"recipient_user_id" in (await told(dialect="docs", without_number=1.0))[0]


async def test_every_event_can_be_triggered_and_no_other(listener: Listener) -> None:
    events = [*ALL, "whatsapp.template.status_updated", "whatsapp.channel.connected"]
    async with sandbox(dialect="mixed") as box:
        box.subscribe(listener.url, events=[*events, "whatsapp.channel.disconnected"])
        for kind in SINGLE_EVENTS:
            box.webhooks.trigger(kind)
        await until(lambda: len(listener.came) >= len(SINGLE_EVENTS) - 3)
        await settled(box)
        with pytest.raises(ValueError, match="there is no event nonsense: choose one of sent"):
            box.webhooks.trigger("nonsense")

    assert len(listener.came) == len(SINGLE_EVENTS) - 3  # nobody subscribed to those of conversations


async def test_a_subscription_is_managed_as_the_contract_says(listener: Listener, caller: Caller) -> None:
    async with sandbox() as box, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {box.token}"}

        async def call(method: str, path: str, **body: object) -> tuple[int, dict[str, Any]]:
            async with session.request(method, f"{box.url}{path}", json=body, headers=headers) as reply:
                content = await reply.read()
                return reply.status, json.loads(content) if content else {}

        status, made = await call("POST", "/webhooks", name="ours", url=listener.url, events=ALL)
        assert (status, made["is_active"], made["secret"][:14]) == (201, True, made["secret_prefix"])
        one = f"/webhooks/{made['id']}"
        assert (await call("GET", "/webhooks"))[1]["data"][0]["id"] == made["id"]
        assert "secret" not in (await call("GET", one))[1]

        assert (await call("POST", f"{one}/test"))[0] == 202
        await settled(box)
        assert listener.kinds() == {"webhook.test": 1}

        status, rotated = await call("POST", f"{one}/rotate-secret")
        assert rotated["secret"] != made["secret"]
        box.webhooks.trigger("read", "+5491155550101")
        await until(lambda: len(listener.came) == 2)
        body, header, _ = listener.came[-1]
        time = header.partition(",")[0].removeprefix("t=")
        expected = hmac.new(rotated["secret"].encode(), f"{time}.".encode() + body, hashlib.sha256)
        assert header.endswith(expected.hexdigest())

        status, page = await call("GET", f"{one}/deliveries?limit=1")
        assert (page["data"][0]["status"], page["next_cursor"]) == (204, "1")
        assert (await call("PATCH", one, is_active=False))[1]["is_active"] is False
        assert (await call("DELETE", one))[0] == 204
        assert (await call("GET", one))[0] == 404

        for wrong in (
            {"name": "ours", "url": "https://example.com/hook", "events": ALL},
            {"name": "ours", "url": listener.url, "events": ["whatsapp.broadcast.completed"]},
            {"name": "ours", "url": listener.url, "events": [ALL[0], ALL[0]]},
            {"name": "ours", "url": listener.url, "events": []},
            {"name": "ab", "url": listener.url, "events": ALL},
        ):
            assert (await call("POST", "/webhooks", **wrong))[0] == 400


async def test_fifty_failures_in_a_row_switch_it_off_and_a_patch_on_again(listener: Listener) -> None:
    async with sandbox(at_once=1) as box:
        one = box.subscribe(listener.url)
        listener.status = 500
        for number in range(60):
            box.webhooks.trigger("read", f"+54911{number:08d}")
        await until(lambda: not one.is_active)
        assert (one.failures, one.disabled_reason, len(listener.came)) == (50, "excessive_failures", 50)


async def test_what_failed_is_repeated_by_the_contract_s_rule_signed_anew(listener: Listener) -> None:
    async with sandbox(speed=100_000.0) as box:
        box.subscribe(listener.url)
        for status, attempts in ((500, 5), (429, 5), (408, 5), (401, 1), (404, 1)):
            listener.status = status
            before = len(listener.came)
            box.webhooks.trigger("read", "+5491155550101")
            await settled(box)
            assert len(listener.came) - before == attempts
            assert len({body for body, _, _ in listener.came[before:]}) == 1
        box.webhooks.switches.retries = "skills"
        listener.status = 404
        before = len(listener.came)
        box.webhooks.trigger("read", "+5491155550101")
        await settled(box)
        assert len(listener.came) - before == 7


async def test_switches_are_changed_and_events_triggered_by_programs_in_any_language(
    listener: Listener,
) -> None:
    async with sandbox() as box, aiohttp.ClientSession() as session:
        box.subscribe(listener.url)
        control = box.url.removesuffix("/v1") + "/sandbox/webhooks"
        async with session.patch(control, data=b'{"clock_off": 400, "padding": 10}') as reply:
            assert (await reply.json())["clock_off"] == 400
        async with session.patch(control, data=b'{"nonsense": 1}') as reply:
            assert reply.status == 400
        event = {"kind": "received", "number": "+5491155550101", "text": "STOP"}
        async with session.post(f"{control}/trigger", json=event) as reply:
            assert reply.status == 202
        await until(lambda: bool(listener.came))
        async with session.get(f"{control}/truth") as reply:
            assert (await reply.json())["+5491155550101"]["replies"] == 1
        async with session.get(f"{control}/status") as reply:
            assert (await reply.json())["waiting"] == 0
        async with session.get(f"{control}/nowhere") as reply:
            assert reply.status == 404
    assert box.webhooks.switches.clock_off == 400
    assert listener.came[0][0].endswith(b"}" + b" " * 10)
    assert listener.events[0]["data"]["text"] == {"body": "STOP"}


def test_it_can_be_subscribed_to_from_a_thread(keebai_sandbox: Sandbox) -> None:
    one = keebai_sandbox.subscribe("http://127.0.0.1:9/nobody")
    keebai_sandbox.webhooks.trigger("read", "+5491155550101")

    while not one.attempts:
        pass
    assert one.attempts[0].status is None
    with pytest.raises(ValueError, match="this machine"):
        keebai_sandbox.subscribe("http://192.0.2.1/hook")
