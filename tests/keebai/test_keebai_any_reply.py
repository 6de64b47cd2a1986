"""Whatever a service answers, its campaign comes to an end: the sums add up, nobody twice, nobody lost."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keebai_async import Guards, Keebai, KeebaiError, PlanOptions, Quota, Report
from keebai_async.clock import ScaledClock
from tests.transport.wire_server import message

TEMPLATE = {"id": "t", "name": "promo", "language": "es", "status": "APPROVED", "variables": []}
SIZE, CHUNKS = 3, 4


class Reply(msgspec.Struct, frozen=True):
    """What is answered to one request; *None* for a status closes the connection without a word."""

    status: int | None
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def taken(self) -> bool:
        """Whether the service may have taken the people: all but what the contract says of a refusal."""
        refused = self.status in {400, 401, 403, 404, 413, 422, 429}
        return not refused or b"META_MISSING" in self.body

    @property
    def wire(self) -> bytes:
        return message(self.status or 0, self.body, headers=self.headers)


class Service:
    """Answers submits and looks with what it is given, and after that as it should."""

    def __init__(self, submits: list[Reply], looks: list[Reply]) -> None:
        self.submits, self.looks = list(submits), list(looks)
        self.taken: list[str] = []
        self.made = 0

    def reply_to(self, method: str, path: str, body: bytes) -> Reply:
        if method == "POST":
            people = [person["to"] for person in json.loads(body)["recipients"]]
            self.made += 1
            good = {"broadcast_id": f"good-{self.made}", "total_recipients": len(people)}
            reply = self.submits.pop(0) if self.submits else Reply(202, json.dumps(good).encode())
            if reply.taken:
                self.taken += people
            return reply
        if "/messages/bulk/" in path:
            final = {"status": "COMPLETED", "total_recipients": SIZE, "sent": SIZE, "failed": 0, "pending": 0}
            return self.looks.pop(0) if self.looks else Reply(200, json.dumps(final).encode())
        if path.endswith("/whatsapp/numbers"):
            return Reply(200, json.dumps({"data": [{"id": "1", "status": "active"}]}).encode())
        return Reply(200, json.dumps({"id": "me", "items": [TEMPLATE], "total": 1}).encode())


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                method, path, _ = head.decode("latin-1").split(" ", 2)
                reply = service.reply_to(method, path, body)
                if reply.status is None:
                    break
                writer.write(reply.wire)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


async def to_its_end(url: str, canary: int | None) -> list[Report]:
    """Plan a campaign and run it, again and again while somebody is left; its report after each run."""
    clock = ScaledClock(2_000)
    quotas = (Quota(100_000, 1.0),)
    people = [{"to": f"+54911{50_000_000 + number}"} for number in range(SIZE * CHUNKS)]
    reports = []
    async with Keebai(
        "t" * 20, base_url=url, phone_number_id="1", journal="memory:", clock=clock, quotas=quotas
    ) as keebai:
        options = PlanOptions(chunk_size=SIZE, guards=Guards(canary=canary))
        plan = await keebai.campaigns.plan(people, template="promo", language="es", name="P", options=options)
        for _ in range(10):
            with suppress(KeebaiError):
                async with keebai.campaigns.resume(plan.campaign_id) as run:
                    await run.report()
            reports.append(await keebai.campaigns.status(plan.campaign_id))
            if reports[-1].unsent == 0:
                break
    return reports


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([" ", ".", "..", "", "\u202e", "a/b", "\0", "b1", "b1", "x" * 5_000, "-1", "9" * 40]),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.just({"broadcast_id": "b1"}),
)
NAMES = [
    "broadcast_id",
    "broadcastId",
    "id",
    "status",
    "total_recipients",
    "accepted",
    "total",
    "sent",
    "failed",
    "pending",
    "data",
    "items",
    "error",
]
bodies = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), values, max_size=6).map(lambda body: json.dumps(body).encode()),
    st.fixed_dictionaries({"broadcast_id": values}).map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=30),
    st.sampled_from(
        [b"", b"null", b"[]", b"{", b"<html>", b'"b"', b'{"code":"META_MISSING_MESSAGE_ID"}', b"[" * 5_000]
    ),
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["Content-Encoding", "Retry-After-x", "X-RateLimit-Remaining", "Date", "Location"]),
        st.sampled_from(
            ["gzip", "br", "0", "1", "-5", "nan", "9" * 30, "x", "Thu, 01 Jan 1970 00:00:00 GMT"]
        ),
    ),
    max_size=2,
).map(tuple)
STATUSES = [200, 201, 202, 202, 202, 204, 302, 400, 401, 404, 413, 422, 429, 500, 503, 999, None]
replies = st.builds(Reply, st.sampled_from(STATUSES), bodies, headers)


@pytest.mark.timeout(600)  # some of the replies never come, and are waited for on real sockets
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    submits=st.lists(replies, max_size=5),
    looks=st.lists(replies, max_size=4),
    canary=st.sampled_from([None, None, SIZE]),
)
def test_no_reply_wedges_a_campaign(submits: list[Reply], looks: list[Reply], canary: int | None) -> None:
    async def story() -> None:
        service = Service(submits, looks)
        async with serving(service) as url:
            with anyio.fail_after(60):
                reports = await to_its_end(url, canary)
        for report in reports:
            assert report.errors() == ()
        last = reports[-1]
        assert len(service.taken) == len(set(service.taken))
        assert last.accepted <= len(service.taken) <= last.accepted + last.unknown + last.refused
        assert last.unsent == 0 or (last.reason is not None and canary is not None)

    anyio.run(story)


async def test_a_second_chunk_under_the_id_of_the_first_is_accepted_and_not_followed() -> None:
    same = Reply(202, b'{"broadcast_id":"b1","total_recipients":3}')
    service = Service([same, same], [])
    async with serving(service) as url:
        (report,) = await to_its_end(url, None)
    assert (report.accepted, report.untracked, report.unknown, report.sent) == (12, 3, 0, 9)
    assert len(set(service.taken)) == len(service.taken) == 12


async def test_an_id_that_can_be_none_stops_a_campaign_once_at_most_and_only_for_its_canary() -> None:
    for bad in (" ", "..", "."):
        poison = Reply(202, json.dumps({"broadcast_id": bad, "total_recipients": 3}).encode())
        async with serving(Service([poison], [])) as url:
            (report,) = await to_its_end(url, None)
        assert (report.untracked, report.unsent, report.state.value) == (3, 0, "finished")
        async with serving(Service([poison], [])) as url:
            first, second = await to_its_end(url, SIZE)
        assert (first.accepted, first.unsent, second.untracked, second.unsent) == (3, 9, 3, 0)
