import asyncio
import errno
from collections.abc import Callable

import aiohttp
import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.sandbox import Sandbox, faults
from keebai_async.sandbox.faults import AnyFault
from keebai_async.testing import SandboxFactory
from tests.sandbox.caller import Caller, people

BULK = "POST /messages/bulk"
NO_REPLY: tuple[AnyFault, ...] = (faults.Reset(), faults.Reset(accepted=False), faults.ResetBeforeReading())
REPLIES: tuple[tuple[AnyFault, int], ...] = (
    (faults.Status(), 500),
    (faults.Status(status=504, accepted=False), 504),
    (faults.GatewayError(), 503),
    (faults.GatewayError(status=502), 502),
    (faults.NotJson(), 202),
    (faults.Html(), 200),
    (faults.Html(accepted=True), 200),
    (faults.Redirect(), 307),
    (faults.Redirect(status=302, accepted=True), 302),
)


@pytest.mark.parametrize("fault", NO_REPLY, ids=repr)
async def test_a_reset_is_a_reset(keebai_sandbox: Sandbox, caller: Caller, fault: AnyFault) -> None:
    keebai_sandbox.faults.on(BULK, fault)

    with pytest.raises(aiohttp.ClientOSError) as lost:
        await caller.bulk(keebai_sandbox, people(5_000))

    assert lost.value.errno == errno.ECONNRESET
    assert len(keebai_sandbox.ledger) == fault.accepted


@pytest.mark.parametrize(("fault", "status"), REPLIES, ids=repr)
async def test_a_bad_reply_says_nothing_about_acceptance_but_the_ledger_does(
    keebai_sandbox: Sandbox, caller: Caller, fault: AnyFault, status: int
) -> None:
    keebai_sandbox.faults.on(BULK, fault)

    reply = await caller.bulk(keebai_sandbox, people(5))

    assert reply.status == status
    assert len(keebai_sandbox.ledger) == fault.accepted
    assert [(given.route, given.accepted) for given in keebai_sandbox.faults.given] == [
        (BULK, fault.accepted)
    ]


async def test_a_redirect_leads_elsewhere(keebai_sandbox: Sandbox, caller: Caller) -> None:
    keebai_sandbox.faults.on("GET /me", faults.Redirect(location="https://elsewhere.example/v1/me"))

    assert (await caller.get(keebai_sandbox, "/me")).headers["Location"] == "https://elsewhere.example/v1/me"


async def test_a_reply_that_is_cut_off_announced_more(keebai_sandbox: Sandbox, caller: Caller) -> None:
    keebai_sandbox.faults.on(BULK, faults.CutOff())

    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.bulk(keebai_sandbox, people(5))

    assert len(keebai_sandbox.ledger) == 1


async def test_a_huge_reply_is_right_at_its_end(keebai_sandbox: Sandbox, caller: Caller) -> None:
    keebai_sandbox.faults.on(BULK, faults.Huge())

    reply = await caller.bulk(keebai_sandbox, people(5))

    assert len(reply.body) > 8 * 1024 * 1024
    assert reply.json["total_recipients"] == 5


async def test_a_late_reply_was_accepted_at_once(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock)
    sandbox.faults.on(BULK, faults.Late(seconds=45.0))

    async with clock.running():
        reply = await caller.bulk(sandbox, people(5))

    assert reply.status == 202
    assert clock.now() - sandbox.ledger.submissions[0].at == 45.0


async def test_a_hung_request_is_reset_in_the_end(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock)
    sandbox.faults.on(BULK, faults.Hang(seconds=300.0))

    async with clock.running():
        with pytest.raises(aiohttp.ClientOSError):
            await caller.bulk(sandbox, people(5))

    assert clock.now() - sandbox.ledger.submissions[0].at == 300.0


async def test_only_the_nth_request_of_its_route_meets_a_fault(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    keebai_sandbox.faults.on("GET /messages/bulk/{broadcast_id}", faults.GatewayError(), nth=2, times=2)

    statuses = []
    for number in range(4):
        await caller.get(keebai_sandbox, "/templates")
        statuses.append((await caller.get(keebai_sandbox, f"/messages/bulk/{number:024x}")).status)

    assert statuses == [404, 503, 503, 404]


async def test_a_fault_may_last_until_it_is_cleared(keebai_sandbox: Sandbox, caller: Caller) -> None:
    keebai_sandbox.faults.on("*", faults.Status(), times=None)
    before = [(await caller.get(keebai_sandbox, path)).status for path in ("/me", "/templates", "/me")]
    keebai_sandbox.faults.clear()

    assert before == [500, 500, 500]
    assert (await caller.get(keebai_sandbox, "/me")).status == 200


async def test_a_refused_request_is_not_accepted_whatever_befalls_its_reply(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    keebai_sandbox.faults.on(BULK, faults.Status())

    await caller.bulk(keebai_sandbox, [{"to": "nobody"}])

    assert [given.accepted for given in keebai_sandbox.faults.given] == [False]


@pytest.mark.parametrize("fault", [faults.Hang(), faults.Late(seconds=3_600.0)], ids=repr)
async def test_a_sandbox_that_stops_lets_nobody_hang(caller: Caller, fault: AnyFault) -> None:
    before = asyncio.all_tasks()
    ended: list[str] = []

    async def ask(sandbox: Sandbox) -> None:
        try:
            await caller.bulk(sandbox, people(5))
        except aiohttp.ClientError as error:
            ended.append(type(error).__name__)

    with anyio.fail_after(10.0):  # the runner's own patience would be a minute
        async with anyio.create_task_group() as tasks, Sandbox() as sandbox:
            sandbox.faults.on("*", fault, times=None)
            for _ in range(5):
                tasks.start_soon(ask, sandbox)
            await _until(lambda: len(sandbox.ledger) == 5)

    assert len(ended) == 5
    await _until(lambda: asyncio.all_tasks() <= before)


async def test_a_client_that_gives_up_takes_the_hung_request_with_it(
    sandbox_here: Sandbox, caller: Caller
) -> None:
    sandbox_here.faults.on(BULK, faults.Hang())
    before = len(asyncio.all_tasks())

    with anyio.CancelScope() as patience:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller.bulk, sandbox_here, people(5))
            await _until(lambda: len(sandbox_here.ledger) == 1)
            patience.cancel()

    await _until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_sandbox_can_be_stopped_while_a_connection_idles(caller: Caller) -> None:
    async with Sandbox() as sandbox:
        await caller.get(sandbox, "/me")
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.get(sandbox, "/me")


async def test_half_a_request_is_not_accepted_and_nobody_complains(
    sandbox_here: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(sandbox_here.url.split(":")[2].split("/")[0])
    head = f"POST /v1/messages/bulk HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {sandbox_here.token}\r\n"
    before = asyncio.all_tasks()

    stream = await anyio.connect_tcp("127.0.0.1", port)
    async with stream:
        await stream.send(head.encode() + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
        await _until(lambda: sandbox_here.traffic.requests.total() == 1)

    await _until(lambda: asyncio.all_tasks() <= before)
    assert len(sandbox_here.ledger) == 0
    assert caplog.records == []


async def test_a_sandbox_that_comes_back_remembers(caller: Caller) -> None:
    sandbox = Sandbox()
    async with sandbox:
        await caller.bulk(sandbox, people(2))
    async with sandbox:
        await caller.bulk(sandbox, people(3, first=2))

    assert len(sandbox.ledger.times_messaged()) == 5


async def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_behind(keebai_sandbox: Sandbox) -> None:
    port = int(keebai_sandbox.url.split(":")[2].split("/")[0])

    with pytest.raises(OSError, match="in use"):
        async with Sandbox(port=port):
            pass


async def _until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(10.0):
        while not true():  # noqa: ASYNC110 - the other side of a socket sets no event of ours
            await anyio.sleep(0.001)
