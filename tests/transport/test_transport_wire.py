"""Evidence, byte by byte: foreign code that raises, early answers, what lies in a connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
import anyio.lowlevel
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec.structs import replace

from keebai_async.credentials import Token
from keebai_async.errors import Misused
from keebai_async.transport.reply import Answer, Failure, Stage
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.session import Session
from tests.transport.wire_server import (
    answers,
    closed_port,
    hangs,
    message,
    request_of,
    serving,
)

TOKEN = Token("kbai_pk_" + "5ec2e7" * 10)
SUBMIT = Request(method="POST", path="/messages/bulk", body=b'{"recipients":[]}', kind=RequestKind.SUBMIT)
LARGE = Request(method="POST", path="/messages/bulk", body=b" " * 16 * 1024 * 1024, kind=RequestKind.SUBMIT)
READ = Request(method="GET", path="/me")


@asynccontextmanager
async def lending(url: str, lent: aiohttp.ClientSession) -> AsyncIterator[Session]:
    async with lent, Session(url, TOKEN, client=lent) as session:
        yield session


def hooked(signal: str, error: BaseException) -> aiohttp.ClientSession:
    """A session of somebody whose hook at *signal* raises."""

    async def hook(*_: object) -> None:
        raise error

    trace = aiohttp.TraceConfig()
    getattr(trace, signal).append(hook)
    return aiohttp.ClientSession(trace_configs=[trace])


class Elapsed(BaseException):
    """As some libraries raise, such as gevent with its timeouts."""


ERRORS = (
    RuntimeError("hook"),
    ExceptionGroup("hooks", [ValueError("hook")]),
    asyncio.CancelledError(),
    Elapsed("hook"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "signal",
    ["on_request_start", "on_connection_create_start", "on_connection_create_end", "on_request_headers_sent"],
)
async def test_a_hook_that_raises_before_the_first_byte_leaves_nothing_written(
    signal: str, error: BaseException
) -> None:
    async with serving(answers(message())) as server, lending(server.url, hooked(signal, error)) as session:
        outcome = await session.send(SUBMIT)
    assert isinstance(outcome, Failure)
    assert (outcome.stage, server.requests) == (Stage.NOT_WRITTEN, [])
    assert type(error).__name__ in outcome.reason


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("signal", ["on_request_end", "on_response_chunk_received"])
async def test_a_hook_that_raises_when_the_answer_is_there_does_not_make_it_unknown(
    signal: str, error: BaseException
) -> None:
    async with (
        serving(answers(message(202))) as server,
        lending(server.url, hooked(signal, error)) as session,
    ):
        outcome = await session.send(SUBMIT)
    assert isinstance(outcome, Answer)
    assert (outcome.status, len(server.requests)) == (202, 1)


@pytest.mark.parametrize(("signal", "left"), [("on_request_start", False), ("on_request_end", True)])
async def test_a_hook_that_never_ends_does_not_hold_a_request_beyond_its_limit(
    signal: str, left: bool
) -> None:
    async def hook(*_: object) -> None:
        await asyncio.Event().wait()

    trace = aiohttp.TraceConfig()
    getattr(trace, signal).append(hook)
    lent = aiohttp.ClientSession(trace_configs=[trace])
    async with serving(answers(message(202))) as server, lending(server.url, lent) as session:
        outcome = await session.send(replace(SUBMIT, timeout=2.0))
    assert len(server.requests) == left
    if left:
        assert isinstance(outcome, Answer)
    else:
        assert isinstance(outcome, Failure)
        assert (outcome.stage, outcome.timed_out) == (Stage.NOT_WRITTEN, True)


async def test_a_hook_that_raises_over_the_body_of_a_request_is_judged_by_the_bytes_that_left() -> None:
    lent = hooked("on_request_chunk_sent", RuntimeError("hook"))
    async with serving(answers(message())) as server, lending(server.url, lent) as session:
        outcome = await session.send(SUBMIT)
    assert isinstance(outcome, Failure)
    assert (outcome.stage is Stage.NOT_WRITTEN) == (server.requests == [])


class Resolves(AbstractResolver):
    """Gives these addresses for any name, or raises."""

    def __init__(self, *hosts: str, error: Exception | None = None) -> None:
        self.hosts, self.error = hosts, error

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        if self.error is not None:
            raise self.error
        return [
            ResolveResult(hostname=host, host=address, port=port, family=0, proto=0, flags=0)
            for address in self.hosts
        ]

    async def close(self) -> None: ...


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("no"), ExceptionGroup("no", [OSError("no")])])
async def test_a_resolver_that_raises_anything_leaves_nothing_written(error: Exception) -> None:
    connector = aiohttp.TCPConnector(resolver=Resolves(error=error))
    async with lending("https://keebai.test/v1", aiohttp.ClientSession(connector=connector)) as session:
        outcome = await session.send(SUBMIT)
    assert isinstance(outcome, Failure)
    assert outcome.stage is Stage.NOT_WRITTEN


async def test_a_connector_that_raises_anything_leaves_nothing_written() -> None:
    class Broken(aiohttp.TCPConnector):
        async def connect(self, *_: object, **__: object) -> aiohttp.connector.Connection:
            raise LookupError("no")

    async with lending("https://keebai.test/v1", aiohttp.ClientSession(connector=Broken())) as session:
        outcome = await session.send(SUBMIT)
    assert outcome == Failure(
        stage=Stage.NOT_WRITTEN, reason="LookupError was raised before anything was written"
    )


async def test_a_lent_session_closed_while_a_connection_is_waited_for_leaves_nothing_written() -> None:
    lent = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    outcomes: list[Answer | Failure] = []
    async with serving(hangs) as server, lending(server.url, lent) as session:

        async def send() -> None:
            outcomes.append(await session.send(SUBMIT))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            while not server.requests:
                await anyio.lowlevel.checkpoint()
            tasks.start_soon(send)
            await asyncio.sleep(0.05)
            await lent.close()
        with pytest.raises(Misused, match="session= is closed"):
            await session.send(SUBMIT)
    assert {outcome.stage for outcome in outcomes if isinstance(outcome, Failure)} == {
        Stage.WRITTEN,
        Stage.NOT_WRITTEN,
    }


async def test_a_cancellation_is_passed_on_at_every_stage() -> None:
    async with serving(hangs) as server, Session(server.url, TOKEN) as session:
        with anyio.move_on_after(0.2) as scope:
            await session.send(SUBMIT)
    assert scope.cancelled_caught


async def test_each_submit_has_a_connection_of_its_own_and_reads_share_one() -> None:
    async with serving(answers(message(200))) as server, Session(server.url, TOKEN) as session:
        for request in (SUBMIT, SUBMIT, READ, READ, SUBMIT, READ):
            assert isinstance(await session.send(request), Answer)
    assert server.connections == 4


async def answers_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each request is answered, and a while later once more."""
    while True:
        request = await request_of(reader)
        writer.write(message(200, request.split(b" ")[1]))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(message(200, b"late " + request.split(b" ")[1]))
        await writer.drain()


async def answers_two_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        path = (await request_of(reader)).split(b" ")[1]
        writer.write(message(200, path) + message(200, b"late " + path))
        await writer.drain()


@pytest.mark.parametrize("behaviour", [answers_twice, answers_two_at_once])
@pytest.mark.parametrize(
    ("kind", "pause"), [(RequestKind.SUBMIT, 0.0), (RequestKind.SUBMIT, 0.1), (RequestKind.READ, 0.1)]
)
async def test_a_second_reply_is_never_the_answer_to_the_next_request(
    behaviour: object, kind: RequestKind, pause: float
) -> None:
    async with serving(behaviour) as server, Session(server.url, TOKEN) as session:  # type: ignore[arg-type]
        for number in range(4):
            outcome = await session.send(Request(method="GET", path=f"/{number}", kind=kind))
            if isinstance(outcome, Answer):
                assert outcome.body == b"/v1/%d" % number
            await asyncio.sleep(pause)
    assert len(server.requests) == 4 or kind is RequestKind.READ


async def test_bytes_that_lie_in_a_kept_connection_cost_no_attempt() -> None:
    async with serving(answers_twice) as server, Session(server.url, TOKEN) as session:
        for number in range(3):
            answer = await session.send(Request(method="GET", path=f"/{number}"))
            assert isinstance(answer, Answer)
            assert answer.body == b"/v1/%d" % number
            # The loop does not run meanwhile: what comes stays in the socket, unread.
            deadline = asyncio.get_running_loop().time() + 0.1
            await asyncio.sleep(0.06)
            while asyncio.get_running_loop().time() < deadline:
                pass
    assert server.connections == 3


@asynccontextmanager
async def listening(first: bytes = b"", *, close: bool = False) -> AsyncIterator[str]:
    """A server that speaks or closes before it is asked; both have arrived when a client is connected."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(listener)
            connection.sendall(first)
            if close:
                connection.shutdown(socket.SHUT_WR)
            kept.append(connection)

    kept: list[socket.socket] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(accept)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            tasks.cancel_scope.cancel()
            for connection in kept:
                connection.close()
            listener.close()


def slow_to_write() -> aiohttp.ClientSession:
    """Between the connection and the request some time passes."""

    async def hook(*_: object) -> None:
        await asyncio.sleep(0.1)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(hook)
    return aiohttp.ClientSession(trace_configs=[trace])


@pytest.mark.parametrize("first", [message(202, b'{"broadcast_id":"b"}'), message(408), b"220 hello\r\n"])
async def test_a_service_that_speaks_before_it_is_asked_is_asked_nothing(first: bytes) -> None:
    async with listening(first) as url, lending(url, slow_to_write()) as session:
        failure = await session.send(SUBMIT)
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN


async def test_an_end_of_file_that_lies_in_the_socket_is_seen_before_anything_is_written() -> None:
    async with listening(close=True) as url, lending(url, slow_to_write()) as session:
        failure = await session.send(SUBMIT)
    assert failure == Failure(
        stage=Stage.NOT_WRITTEN, reason="the connection was closed before anything was written"
    )


def answers_the_head(reply: bytes) -> object:
    """Answer as soon as the head is there, and read no more for a while."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(reply)
        await writer.drain()
        await asyncio.sleep(0.2)
        while await reader.read(65536):
            pass

    return behave


@pytest.mark.parametrize("status", [202, 200, 500, 302])
async def test_an_answer_that_comes_before_the_request_has_left_is_none(status: int) -> None:
    reply = message(status, b'{"broadcast_id":"b"}')
    async with (
        serving(answers_the_head(reply)) as server,  # type: ignore[arg-type]
        Session(server.url, TOKEN) as session,
    ):
        failure = await session.send(LARGE)
    assert failure == Failure(stage=Stage.WRITTEN, reason="an answer came before the request had left")


@pytest.mark.parametrize("status", [413, 401, 429])
async def test_a_refusal_that_comes_before_the_request_has_left_holds_because_the_rest_never_leaves(
    status: int,
) -> None:
    reply = message(status, b"{}", headers=(("Retry-After", "7"),))
    async with (
        serving(answers_the_head(reply)) as server,  # type: ignore[arg-type]
        Session(server.url, TOKEN) as session,
    ):
        answer = await session.send(LARGE)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.complete, answer.header("retry-after")) == (status, False, "7")


async def test_an_interim_reply_is_no_answer() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with serving(answers(hint + message(202))) as server, Session(server.url, TOKEN) as session:
        answer = await session.send(SUBMIT)
    assert isinstance(answer, Answer)
    assert answer.status == 202


async def test_a_host_with_a_dead_ipv6_address_is_reached_by_its_other_one() -> None:
    full = socket.create_server(
        ("127.0.0.2", 0), backlog=0
    )  # takes no connection: who connects waits for ever
    port = full.getsockname()[1]
    filling = [socket.socket() for _ in range(3)]
    try:
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        async with serving(answers(message(202)), port=port) as server:
            connector = aiohttp.TCPConnector(resolver=Resolves("127.0.0.2", "127.0.0.1"))
            lent = aiohttp.ClientSession(connector=connector)
            async with lending(server.url.replace("127.0.0.1", "localhost"), lent) as session:
                with anyio.fail_after(90):
                    answer = await session.send(SUBMIT, Timeouts(connect=60.0))
    finally:
        for one in (full, *filling):
            one.close()
    assert isinstance(answer, Answer)


async def test_an_address_of_another_family_that_refuses_does_not_matter() -> None:
    async with serving(answers(message(202))) as server:
        connector = aiohttp.TCPConnector(resolver=Resolves("::1", "127.0.0.1"))
        lent = aiohttp.ClientSession(connector=connector)
        async with lending(server.url.replace("127.0.0.1", "localhost"), lent) as session:
            assert isinstance(await session.send(SUBMIT), Answer)


async def test_a_session_of_another_loop_or_a_port_where_nobody_listens_is_no_foreign_exception() -> None:
    async with Session(f"http://127.0.0.1:{closed_port()}", TOKEN) as session:
        failure = await session.send(SUBMIT)
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN


@pytest.mark.parametrize("body", [b"{}", b" " * 2 * 1024 * 1024])
async def test_what_may_not_leave_any_more_leaves_no_byte_though_it_is_connected(body: bytes) -> None:
    asked: list[int] = []

    async with serving(hangs) as server, Session(server.url, TOKEN) as session:

        def object_to_it() -> str:
            asked.append(server.connections)
            return "it is too old"

        outcome = await session.send(replace(SUBMIT, body=body, objection=object_to_it))

    assert outcome == Failure(stage=Stage.NOT_WRITTEN, reason="it is too old")
    assert asked == [1], "the question is the last thing before the first byte, and is asked once"
    assert server.requests == []


async def test_an_objection_is_too_late_after_the_first_byte() -> None:
    answers_given = iter([None, "too late"])

    async with serving(answers(message())) as server, Session(server.url, TOKEN) as session:
        large = replace(LARGE, objection=lambda: next(answers_given))
        outcome = await session.send(large)

    assert isinstance(outcome, Answer)
    assert len(server.requests) == 1
