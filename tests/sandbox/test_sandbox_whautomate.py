"""The sandbox's Whautomate over a bare HTTP session: what is documented, and the switches for what is not."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.sandbox import WhautomateSandbox, Window
from keebai_async.sandbox.whautomate import ErrorShape, SandboxContact
from keebai_async.sandbox.whautomate.delivery import DeliveryRun, OutcomeShares

Json = dict[str, object]


class Caller:
    """Speaks to the sandbox with none of the client's decisions."""

    def __init__(self, session: aiohttp.ClientSession, box: WhautomateSandbox) -> None:
        self._session = session
        self._box = box

    async def __call__(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"x-api-key": self._box.key if key is None else key, "Content-Type": "application/json"}
        async with self._session.request(
            method,
            self._box.url + path,
            headers=headers,
            data=None if body is None else msgspec.json.encode(body),
        ) as reply:
            return reply.status, dict(reply.headers), await reply.read()

    async def object(self, method: str, path: str, body: object = None) -> Json:
        status, _, content = await self(method, path, body)
        assert status == 200, content
        return msgspec.json.decode(content, type=Json)

    async def array(self, path: str) -> list[Json]:
        status, _, content = await self("GET", path)
        assert status == 200, content
        return msgspec.json.decode(content, type=list[Json])


@pytest.fixture
async def box() -> AsyncIterator[WhautomateSandbox]:
    async with WhautomateSandbox(clock=ManualClock(), crowds={"everyone": 200}) as box:
        yield box


@pytest.fixture
async def call(box: WhautomateSandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(session, box)


async def broadcast(call: Caller, **fields: object) -> Json:
    segment = await call.object(
        "POST",
        "/segments",
        {
            "name": "s",
            "type": "contact",
            "location": {"id": "LOC0000001"},
            "criteria": fields.pop("criteria", {}),
        },
    )
    body: Json = {
        "name": "Spring",
        "type": "contact",
        "location": {"id": "LOC0000001"},
        "segments": [{"id": segment["id"]}],
        "template": {"name": "recall_v1", "language": "en"},
    }
    return await call.object("POST", "/broadcasts", body | fields)


async def advance(box: WhautomateSandbox, seconds: float) -> None:
    assert isinstance(box.clock, ManualClock)
    await box.clock.advance(seconds)


async def test_every_success_is_200_and_every_list_a_bare_array(call: Caller) -> None:
    made = await broadcast(call)
    assert (await call.object("GET", f"/broadcasts/{made['id']}"))["name"] == "Spring"
    assert [one["id"] for one in await call.array("/broadcasts")] == [made["id"]]
    assert len(await call.array("/segments")) == 1
    assert len(await call.array("/contacts")) == 4
    assert await call.object("DELETE", f"/broadcasts/{made['id']}") == {"success": True}
    assert await call.array("/broadcasts") == []


async def test_a_log_fills_with_time_and_its_rows_change_in_place(
    call: Caller, box: WhautomateSandbox
) -> None:
    made = await broadcast(call)
    assert await call.array(f"/broadcasts/{made['id']}/logs") == []
    await advance(box, 1.0)
    early = await call.array(f"/broadcasts/{made['id']}/logs?limit=100")
    await advance(box, 100.0)
    late = await call.array(f"/broadcasts/{made['id']}/logs?limit=100")
    assert (len(early), len(late)) == (80, 100)
    assert set(early[0]) == {
        "broadcast",
        "recepientName",
        "countryCode",
        "phone",
        "status",
        "reply",
        "error",
        "createdAt",
        "updatedAt",
    }
    assert [row["phone"] for row in early] == [row["phone"] for row in late[:80]]
    assert {row["status"] for row in early} == {"sent", "failed"}
    assert {row["status"] for row in late} == {"delivered", "read", "replied", "failed"}


async def test_the_counters_are_those_of_the_rows(call: Caller, box: WhautomateSandbox) -> None:
    made = await broadcast(call)
    for seconds in (0.5, 1.0, 10.0, 30.0, 60.0):
        await advance(box, seconds)
        seen = await call.object("GET", f"/broadcasts/{made['id']}")
        rows = [
            row
            for page in (1, 2, 3)
            for row in await call.array(f"/broadcasts/{made['id']}/logs?limit=100&page={page}")
        ]
        said = [str(row["status"]) for row in rows]
        stats, delivery = seen["processedStats"], seen["deliveryStats"]
        assert isinstance(stats, dict)
        assert isinstance(delivery, dict)
        assert stats["successCount"] + stats["failureCount"] == len(rows)
        assert delivery["failedCount"] == said.count("failed")
        assert delivery["repliedCount"] == said.count("replied")
        assert delivery["readCount"] == said.count("read") + said.count("replied")
        assert delivery["deliveredCount"] == len(said) - said.count("failed") - said.count("sent")


async def test_a_schedule_is_kept_and_a_naive_one_refused(call: Caller, box: WhautomateSandbox) -> None:
    made = await broadcast(call, scheduleDateTime="2099-01-01T09:00:00.000Z")
    await advance(box, 3_600.0)
    assert "startedAt" not in await call.object("GET", f"/broadcasts/{made['id']}")
    status, _, _ = await call(
        "PUT", f"/broadcasts/{made['id']}", made | {"scheduleDateTime": "2099-01-01T09:00:00"}
    )
    assert status == 422


@pytest.mark.parametrize(("membership", "people"), [("start", 5), ("creation", 4)])
async def test_who_is_in_a_segment_is_decided_at_the_start_or_at_creation(
    membership: str, people: int
) -> None:
    clock = ManualClock()
    contacts = tuple(
        SandboxContact(id=f"CON{number}", name="x", country_code="+54", phone=f"9115555{number:04}")
        for number in range(4)
    )
    async with (
        WhautomateSandbox(clock=clock, contacts=contacts, crowds={}) as box,
        aiohttp.ClientSession() as session,
    ):
        box.settings.membership = "start" if membership == "start" else "creation"
        call = Caller(session, box)
        made = await broadcast(call, scheduleDateTime="2026-10-03T05:00:00.000Z")
        await call.object(
            "POST", "/contacts", {"name": "Late", "phoneNumber": "+5491155559999", "location": {"id": "L"}}
        )
        await clock.advance(86_400.0)
        stats = (await call.object("GET", f"/broadcasts/{made['id']}"))["processedStats"]
    assert stats == {"totalCount": people, "successCount": people - 1, "failureCount": 1}


async def test_those_who_wrote_stop_are_messaged_unless_the_segment_excludes_them(
    call: Caller, box: WhautomateSandbox
) -> None:
    every = await broadcast(call, criteria={"tags": ["everyone"]})
    fewer = await broadcast(call, criteria={"tags": ["everyone"], "exclusionTags": ["Unsubscribe"]})
    totals = []
    for made in (every, fewer):
        stats = (await call.object("GET", f"/broadcasts/{made['id']}"))["processedStats"]
        assert isinstance(stats, dict)
        totals.append(stats["totalCount"])
    assert totals == [200, 196]
    await advance(box, 60.0)
    rows = await call.array(f"/broadcasts/{fewer['id']}/logs?limit=100")
    assert "Person 50" not in {row["recepientName"] for row in rows}
    assert "Person 51" in {row["recepientName"] for row in rows}


async def test_a_wrong_key_counts_against_nobody_and_a_bearer_is_no_key(
    call: Caller, box: WhautomateSandbox
) -> None:
    assert (await call("GET", "/broadcasts", key="Bearer nonsense"))[0] == 401
    assert box.traffic.strangers["GET /broadcasts"] == 1
    assert box.traffic.by_token == {}


async def test_the_hundred_and_first_in_a_minute_is_429_without_a_word_on_how_long(
    call: Caller, box: WhautomateSandbox
) -> None:
    box.settings.throttled_body = b"slow down"
    for _ in range(100):
        await call.array("/segments")
    status, headers, body = await call("GET", "/segments")
    assert (status, body) == (429, b"slow down")
    assert not [name for name in headers if "retry" in name.lower() or "ratelimit" in name.lower()]


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (ErrorShape.ERROR_TEXT, b'{"error":"Not found"}'),
        (ErrorShape.ERROR_OBJECT, b'{"error":{"message":"Not found"}}'),
        (ErrorShape.MESSAGE, b'{"message":"Not found"}'),
        (ErrorShape.TEXT, b'"Not found"'),
        (ErrorShape.SUCCESS_FALSE, b'{"success":false,"message":"Not found"}'),
        (ErrorShape.PLAIN, b"Not found"),
    ],
)
async def test_an_error_has_the_shape_that_is_set_and_200_if_that_is(
    call: Caller, box: WhautomateSandbox, shape: ErrorShape, body: bytes
) -> None:
    box.settings.error_shape = shape
    assert (await call("GET", "/nowhere"))[::2] == (404, body)
    box.settings.errors_as_success = True
    assert (await call("GET", "/nowhere"))[::2] == (200, body)


async def test_pages_begin_where_they_are_set_to_and_limits_are_capped_in_silence(
    call: Caller, box: WhautomateSandbox
) -> None:
    box.stage("B1", starts_in=-3_600)
    first = await call.array("/broadcasts/B1/logs?page=1&limit=1000")
    assert len(first) == 100
    assert len(await call.array("/broadcasts/B1/logs")) == 20
    assert await call.array("/broadcasts/B1/logs?page=0&limit=100") == first
    box.settings.before_first = "empty"
    assert await call.array("/broadcasts/B1/logs?page=0&limit=100") == []
    box.settings.first_page = 0
    assert await call.array("/broadcasts/B1/logs?page=0&limit=100") == first
    assert await call.array("/broadcasts/B1/logs?page=1&limit=100") != first


def test_outcomes_are_counted_without_looking_at_everybody() -> None:
    shares = OutcomeShares(0.02, 0.6, 0.05)
    for people in (0, 1, 99, 100, 101, 1_234):
        outcomes = [shares.of(place) for place in range(people)]
        for outcome in ("failed", "delivered", "read", "replied"):
            assert shares.count(outcome, people) == outcomes.count(outcome)
    assert DeliveryRun(0.0, 10, 80.0, shares).done(1e9) == 10


async def test_the_windows_are_those_that_are_set() -> None:
    async with (
        WhautomateSandbox(
            clock=ManualClock(), windows=(Window("default", 2, 60.0),), rate_headers=True
        ) as box,
        aiohttp.ClientSession() as session,
    ):
        call = Caller(session, box)
        answers = [(await call("GET", "/segments"))[0] for _ in range(3)]
        assert answers == [200, 200, 429]
        assert (await call("GET", "/segments"))[1]["Retry-After"] == "60"
