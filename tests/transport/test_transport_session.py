"""One request on a real socket: what is evidence of what."""

import asyncio
import gc
import gzip
import warnings

import aiohttp
import anyio
import anyio.lowlevel
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from keebai_async.credentials import Token
from keebai_async.errors import InvalidInput, Misused
from keebai_async.transport.reply import Answer, Failure, Stage
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.session import REPLY_CAP, Session
from tests.transport.wire_server import (
    Behaviour,
    answers,
    answers_then_closes,
    closed_port,
    cuts_the_body_off,
    hangs,
    message,
    resets_after_reading,
    says_nothing,
    serving,
    speaks_first,
    stalls_in_the_body,
)

TOKEN = Token("kbai_pk_" + "5ec2e7" * 10)
SUBMIT = Request(method="POST", path="/messages/bulk", body=b'{"recipients":[]}', kind=RequestKind.SUBMIT)
READ = Request(method="GET", path="/me")
ENOUGH = 3.0
"""Seconds in which a request leaves, on any machine."""


async def outcome_of(
    url: str,
    request: Request = SUBMIT,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
) -> Answer | Failure:
    async with Session(url, TOKEN, timeouts=timeouts) as session:
        return await session.send(request)


async def test_a_request_arrives_whole_with_the_token_and_without_compression() -> None:
    async with serving(answers(message(202, b'{"broadcast_id":"b"}'))) as server:
        answer = await outcome_of(server.url)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.complete) == (202, b'{"broadcast_id":"b"}', True)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/messages/bulk HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN.reveal()}".encode() in head
    assert b"Content-Type: application/json" in head
    assert b"Content-Encoding" not in head
    assert b"Accept-Encoding: identity" in head
    assert body == SUBMIT.body


async def test_a_refused_connection_is_not_written() -> None:
    failure = await outcome_of(f"http://127.0.0.1:{closed_port()}")
    assert failure == Failure(stage=Stage.NOT_WRITTEN, reason="the connection failed: Connection refused")


async def test_a_failed_handshake_is_not_written() -> None:
    async with serving(speaks_first) as server:
        failure = await outcome_of(server.url.replace("http:", "https:"))
    assert isinstance(failure, Failure)
    assert failure.stage is Stage.NOT_WRITTEN


async def test_a_handshake_that_takes_too_long_is_not_written() -> None:
    async with serving(says_nothing) as server:
        failure = await outcome_of(server.url.replace("http:", "https:"), SUBMIT, Timeouts(connect=0.1))
    assert failure == Failure(stage=Stage.NOT_WRITTEN, reason="connecting took too long", timed_out=True)


async def test_a_whole_timeout_that_strikes_while_connecting_is_not_written() -> None:
    async with serving(says_nothing) as server:
        timeouts = Timeouts(connect=20.0, submit=0.1)
        failure = await outcome_of(server.url.replace("http:", "https:"), SUBMIT, timeouts)
    assert failure == Failure(stage=Stage.NOT_WRITTEN, reason="connecting took too long", timed_out=True)


class NoSuchName(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(None, "Name or service not known")

    async def close(self) -> None: ...


async def test_a_name_that_is_not_found_is_not_written() -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoSuchName())) as lent,
        Session("https://keebai.invalid/v1", TOKEN, client=lent) as session,
    ):
        failure = await session.send(SUBMIT)
    assert failure == Failure(stage=Stage.NOT_WRITTEN, reason="the host name was not found")


@pytest.mark.parametrize(
    ("behaviour", "timed_out"),
    [
        (resets_after_reading, False),
        (answers(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), False),
        (hangs, True),
    ],
)
async def test_without_an_answer_a_request_that_began_to_leave_is_written(
    behaviour: Behaviour, timed_out: bool
) -> None:
    async with serving(behaviour) as server:
        failure = await outcome_of(server.url, SUBMIT, Timeouts(submit=ENOUGH))
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.timed_out) == (Stage.WRITTEN, timed_out)


@pytest.mark.parametrize("behaviour", [cuts_the_body_off, stalls_in_the_body])
async def test_a_status_without_its_whole_body_is_an_incomplete_answer(behaviour: Behaviour) -> None:
    async with serving(behaviour) as server:
        answer = await outcome_of(server.url, SUBMIT, Timeouts(submit=ENOUGH))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.complete) == (202, False)


async def test_a_reply_is_read_up_to_the_cap_and_no_further() -> None:
    async with serving(answers(message(202, b" " * 9 * 1024 * 1024))) as server:
        answer = await outcome_of(server.url)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.complete) == (202, False)
    assert len(answer.body) <= REPLY_CAP


async def test_a_small_bomb_does_not_become_a_large_body() -> None:
    bomb = gzip.compress(b" " * 16 * 1024 * 1024)
    assert len(bomb) < 100_000
    async with serving(answers(message(200, bomb, headers=(("Content-Encoding", "gzip"),)))) as server:
        answer = await outcome_of(server.url, READ)
    assert isinstance(answer, Answer)
    assert (answer.complete, len(answer.body) <= REPLY_CAP) == (False, True)


async def test_a_reply_compressed_unasked_is_understood() -> None:
    packed = gzip.compress(b'{"id":"x"}')
    async with serving(answers(message(200, packed, headers=(("Content-Encoding", "gzip"),)))) as server:
        answer = await outcome_of(server.url, READ)
    assert isinstance(answer, Answer)
    assert (answer.complete, answer.body) == (True, b'{"id":"x"}')


async def test_a_redirect_is_not_followed_and_its_target_learns_nothing() -> None:
    async with serving(answers(message())) as elsewhere:
        location = (("Location", elsewhere.url),)
        async with serving(answers(message(307, b"", headers=location))) as server:
            answer = await outcome_of(server.url)
    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert elsewhere.connections == 0


async def test_a_read_on_a_dead_connection_is_not_repeated_behind_the_quotas_back() -> None:
    dying = answers_then_closes(message(200))
    async with serving(dying, answers(message(200))) as server, Session(server.url, TOKEN) as session:
        assert isinstance(await session.send(READ), Answer)
        lost = await session.send(READ)  # on the connection that the server is about to close
        assert isinstance(lost, Failure)
        assert lost.stage is Stage.WRITTEN
        assert len(server.requests) == 2
        assert isinstance(await session.send(READ), Answer)


async def test_a_timeout_of_one_call_goes_before_the_sessions() -> None:
    async with serving(hangs) as server, Session(server.url, TOKEN) as session:
        failure = await session.send(
            Request(method="POST", path="/x", body=b"{}", kind=RequestKind.SUBMIT, timeout=0.1)
        )
    assert isinstance(failure, Failure)
    assert failure.timed_out


async def test_closing_twice_is_harmless_and_a_closed_session_says_so() -> None:
    async with serving(answers(message())) as server:
        session = Session(server.url, TOKEN)
        await session.send(SUBMIT)
        await session.aclose()
        await session.aclose()
        with pytest.raises(Misused, match="closed"):
            await session.send(SUBMIT)
    assert len(server.requests) == 1


def test_a_second_event_loop_is_one_clear_error() -> None:
    port = closed_port()
    session = Session(f"http://127.0.0.1:{port}", TOKEN)

    async def use() -> None:
        await session.send(SUBMIT)

    with asyncio.Runner() as first:
        first.run(use())
        with asyncio.Runner() as second, pytest.raises(Misused, match="another event loop"):
            second.run(use())
        first.run(session.aclose())


async def test_a_forgotten_close_warns_once_in_our_words() -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    async with serving(answers(message())) as server:
        session = Session(server.url, TOKEN)
        await session.send(SUBMIT)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del session
            gc.collect()
            await anyio.lowlevel.checkpoint()
    loop.set_exception_handler(None)
    assert [(item.category, str(item.message)) for item in caught] == [
        (ResourceWarning, "a client was never closed: use `async with`, or await its aclose()")
    ]
    assert complaints == []


async def test_a_lent_session_gives_its_connector_and_nothing_else_and_stays_open() -> None:
    theirs = {"X-Theirs": "private", "Authorization": "Basic theirs"}
    async with serving(answers(message())) as server, aiohttp.ClientSession(headers=theirs) as lent:
        async with Session(server.url, TOKEN, client=lent) as session:
            await session.send(READ)
        assert not lent.closed
        async with lent.get(server.url) as response:
            assert response.status == 202
    assert b"theirs" not in server.requests[0].lower()
    assert server.connections == 2  # what we write on, nobody else does


async def test_a_closed_lent_session_is_misused() -> None:
    lent = aiohttp.ClientSession()
    await lent.close()
    with pytest.raises(Misused, match="session= is closed"):
        await Session("http://127.0.0.1:1", TOKEN, client=lent).send(SUBMIT)


async def test_cookies_are_not_kept() -> None:
    cookie = (("Set-Cookie", "tracked=1"),)
    giving = answers(message(200, headers=cookie))
    async with serving(giving) as server, Session(server.url, TOKEN) as session:
        await session.send(READ)
        await session.send(READ)
    assert b"tracked" not in server.requests[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.keebai.com/v1",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "ftp://127.0.0.1",
        "https://",
        "127.0.0.1:80",
        "https://api.keebai.com/v1?x=1",
        "https://user:secret@api.keebai.com",
        "https://api.keebai.com:port",
        "",
    ],
)
def test_the_token_goes_over_https_or_stays_on_this_machine(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Session(url, TOKEN)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.9", "http://[::1]:8080/v1/"])
def test_plain_http_to_this_machine_is_allowed(url: str) -> None:
    assert Session(url, TOKEN).base_url == url.rstrip("/")


def test_a_session_cannot_print_its_token() -> None:
    session = Session("https://api.keebai.com/v1", TOKEN)
    assert TOKEN.reveal() not in repr(session) + str(vars(session))
