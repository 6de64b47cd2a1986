"""`webhooks serve` as it is run: hostile requests, restarts, a locked journal, a full disk, a rotation."""

import asyncio
import gzip
import json
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import aiohttp
import anyio
import pytest

from keebai_async.cli.webhooks.door import Door, ListeningAt
from keebai_async.model.marks import tag_of
from keebai_async.sandbox import Sandbox
from keebai_async.webhooks import Spool, WebhookReceiver, WebhookSecrets
from tests.webhooks.kit import SECRET, delivery, signed
from tests.webhooks.people import client, people
from tests.webhooks.serving import Served, serving

OTHER: Final = "whsec_" + "fedcba9876543210" * 4


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One receiver for all that is thrown at it: it must survive everything."""
    async with serving(tmp_path_factory.mktemp("served")) as one:
        yield one
        assert await one.end() == 0


def head(served: Served, *lines: str, method: str = "POST", path: str | None = None) -> bytes:
    path = "/" + served.url.split("/", 3)[3] if path is None else path
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: hooks.example.com", *lines, "", "")).encode()


def good(body: bytes, *, off: float = 0, secret: str = SECRET) -> str:
    (value,) = signed(body, time.time() + off, secret).values()
    return f"X-Keebai-Signature: {value}"


async def answers(served: Served, *parts: bytes) -> list[int]:
    """The statuses of everything that is answered to these bytes, until the connection is closed.

    One that is closed while more is on its way to it is reset, and a stream forgets then what it was told.
    """
    loop = asyncio.get_running_loop()
    found = b""
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.setblocking(False)
        with suppress(ConnectionError):
            for part in (*parts, b"GET /the-end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"):
                await loop.sock_sendall(connection, part)
        with suppress(ConnectionError):
            while heard := await loop.sock_recv(connection, 65_536):
                found += heard
    return [int(line[9:12]) for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.")]


async def answer(served: Served, *parts: bytes) -> int:
    return (await answers(served, *parts))[0]


def post(served: Served, body: bytes, *lines: str) -> bytes:
    return head(served, f"Content-Length: {len(body)}", *lines) + body


BODY: Final = delivery(1)
A_DAY: Final = 86_400


async def test_what_is_signed_is_taken_however_it_comes(served: Served) -> None:
    body = delivery(2)
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"
    for request in (
        post(served, body, good(body), "Content-Type: application/json"),
        post(served, body, good(body), "Content-Type: image/png; charset=utf-16"),
        post(served, body, good(body), 'Content-Type: multipart/form-data; boundary="'),
        post(served, body, good(body).lower()),
        post(served, body, good(body), "X-Keebai-Event: \xe9\xff\x80", "X-Odd:", f"X-Long: {'x' * 4_000}"),
        post(served, body, good(body), "Expect: 100-continue"),
        post(served, body, good(body), "Origin: https://evil.example", "Cookie: a=b"),
        head(served, good(body), "Transfer-Encoding: chunked") + parts,
        post(served, body, good(body), "X-Forwarded-For: 192.0.2.1"),
    ):
        found = await answers(served, request)
        assert [status for status in found if status != 100] == [204, 404], request


async def test_a_packed_body_is_compared_as_it_came(served: Served) -> None:
    packed = gzip.compress(delivery(3))
    bomb = gzip.compress(b" " * 50_000_000)

    assert await answer(served, post(served, packed, good(packed), "Content-Encoding: gzip")) == 204
    assert await answer(served, post(served, packed, good(delivery(3)), "Content-Encoding: gzip")) == 401
    assert await answer(served, post(served, bomb, good(bomb), "Content-Encoding: gzip")) == 204
    assert await answer(served, post(served, b"no gzip", good(b"no gzip"), "Content-Encoding: gzip")) == 204


@pytest.mark.parametrize(
    ("why", "lines"),
    [
        ("unsigned", list),
        ("a replay", lambda: [good(BODY, off=-301)]),
        ("a replay of yesterday", lambda: [good(BODY, off=-A_DAY)]),
        ("a clock that is ahead", lambda: [good(BODY, off=400)]),
        ("another secret", lambda: [good(BODY, secret=OTHER)]),
        ("another body", lambda: [good(b"{}")]),
        ("two times", lambda: [good(BODY), good(BODY)]),
        ("no digest", lambda: [good(BODY).partition(",")[0]]),
        ("a digest alone", lambda: ["X-Keebai-Signature: " + good(BODY).partition(",")[2]]),
        ("a short digest", lambda: [good(BODY)[:-1]]),
        ("a long header", lambda: [f"X-Keebai-Signature: t={int(time.time())}," + "v1=00," * 1_000]),
        ("a digest in capitals", lambda: [good(BODY).replace("v1=", "v1=").upper().replace("V1=", "v1=")]),
        ("bytes that are no text", lambda: ["X-Keebai-Signature: t=\xff,v1=\xfe"]),
        ("Meta's signature", lambda: ["X-Hub-Signature-256: sha256=" + "0" * 64]),
    ],
)
async def test_what_is_not_signed_as_it_must_be_is_not_let_in(
    served: Served, why: str, lines: Callable[[], list[str]]
) -> None:
    assert await answers(served, post(served, BODY, *lines())) == [401, 404], why


async def test_two_signatures_that_were_one_are_let_in_and_a_wrong_one_beside_harms_nothing(
    served: Served,
) -> None:
    time_, _, digest = good(BODY).removeprefix("X-Keebai-Signature: ").partition(",")

    cut = [f"X-Keebai-Signature: {time_}", f"X-Keebai-Signature: {digest}"]
    beside = f"X-Keebai-Signature: {time_},v1={'0' * 64},{digest},v2=x"
    assert await answer(served, post(served, BODY, *cut)) == 204
    assert await answer(served, post(served, BODY, beside)) == 204


async def test_what_is_too_long_is_not_read(served: Served) -> None:
    endless = head(served, good(b""), "Transfer-Encoding: chunked") + 5 * (
        b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
    )

    assert await answer(served, head(served, good(b""), "Content-Length: 1048577")) == 413
    assert await answer(served, head(served, good(b""), "Content-Length: 999999999999999")) == 413
    assert await answer(served, endless) == 413


async def test_other_methods_paths_and_what_is_no_http_are_answered_and_harm_nobody(served: Served) -> None:
    body = good(BODY)
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert await answer(served, head(served, body, method=method)) == 405
    for path in ("/", "/webhooks", "/webhooks/keebai/", "/webhooks/keebai/../../etc/passwd", "/%00"):
        assert await answer(served, head(served, "Content-Length: 0", path=path)) == 404
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        b"POST\r\n\r\n",
        head(served, "Content-Length: 5", "Content-Length: 6") + b"{}",
        head(served, "Content-Length: 5", "Transfer-Encoding: chunked") + b"{}",
        head(served, f"X: {'x' * 100_000}"),
        head(served, "Bad header\x00name: 1"),
    ):
        assert 400 <= (await answers(served, noise) or [400])[0] < 500
    assert await answer(served, post(served, BODY, good(BODY))) == 204


async def test_requests_in_a_row_without_waiting_are_each_answered(served: Served) -> None:
    wrong = post(served, BODY, good(b"other"))
    right = post(served, BODY, good(BODY))

    assert await answers(served, right + wrong + right, right[:10], right[10:]) == [204, 401, 204, 204, 404]


async def test_one_who_goes_away_in_the_middle_is_not_heard(served: Served) -> None:
    for length in (f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(head(served, good(BODY[:9]), length) + b"9\r\n" + BODY[:9])
        await writer.drain()
        writer.write_eof()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):  # noqa: PT012
            await reader.readexactly(len(b"HTTP/1.1 204"))
            raise ConnectionError
        writer.close()
    assert "Traceback" not in served.said


async def test_one_who_sends_slowly_is_not_waited_for_and_holds_nobody_up(served: Served) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(50)]
    for _, writer in slow:
        writer.write(head(served, good(BODY), f"Content-Length: {len(BODY)}") + BODY[:1])

    assert await answer(served, post(served, BODY, good(BODY))) == 204
    for reader, writer in slow:
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_one_who_never_ends_the_head_of_a_request_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keebai_async.cli.webhooks.door.IDLE", 0.01)
    async with WebhookReceiver(tmp_path / "webhooks.db", secrets=WebhookSecrets(SECRET)) as receiver:
        door = Door(receiver, ListeningAt("127.0.0.1", 0, "/webhooks/keebai"))
        port = int((await door.open()).split(":")[2].partition("/")[0])
        for begun in (b"", b"POST /webhooks/keebai HTTP/1.1\r\nHost: a\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()
        await door.close()


async def test_after_all_that_nothing_of_it_was_kept_and_nothing_was_complained_of(tmp_path: Path) -> None:
    async with serving(tmp_path) as one:
        for body in (delivery(1), delivery(2)):
            assert await answer(one, post(one, body, good(body))) == 204
            assert await answer(one, post(one, body, good(b"other"))) == 401
            assert await answer(one, post(one, body, good(body, off=-A_DAY))) == 401
        await worked_off(tmp_path)
        assert await one.end() == 0
    assert "2 deliveries taken, 4 refused" in one.said
    assert one.said.count("\n") == 3


async def worked_off(folder: Path) -> None:
    spool = Spool(folder / "webhooks.db")
    while await spool.count():  # noqa: ASYNC110 - it is worked off in another process
        await anyio.sleep(0.01)
    await spool.aclose()


async def test_told_to_end_it_ends_what_began_and_takes_nothing_more(tmp_path: Path) -> None:
    async with serving(tmp_path) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        request = post(one, BODY, good(BODY))
        writer.write(request[:-1])
        await writer.drain()
        assert await answer(one, post(one, delivery(2), good(delivery(2)))) == 204

        one.process.send_signal(signal.SIGTERM)
        while await is_open(one):  # noqa: ASYNC110 - it ends by itself
            await anyio.sleep(0.01)
        writer.write(request[-1:])
        assert (await reader.read()).startswith(b"HTTP/1.1 204")
        writer.close()
        await one.listen()
        assert await one.process.wait() == 0
    assert "2 deliveries taken, 0 refused" in one.said
    async with serving(tmp_path) as one:
        await worked_off(tmp_path)
        assert await one.end() == 0
    assert "0 wait in the spool" in one.said


async def is_open(one: Served) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", one.port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_one_takes_over_from_another_at_the_same_port_and_nobody_is_turned_away(
    tmp_path: Path,
) -> None:
    statuses: set[int] = set()
    async with aiohttp.ClientSession() as session, serving(tmp_path, "--share-port") as first:
        ending = anyio.Event()

        async def send() -> None:
            number = 0
            while not ending.is_set():
                body = delivery(number := number + 1)
                async with session.post(first.url, data=body, headers=signed(body, time.time())) as reply:
                    statuses.add(reply.status)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            async with serving(tmp_path, "--share-port", port=first.port) as second:
                assert await first.end() == 0
                body = delivery(0)
                assert await answer(second, post(second, body, good(body))) == 204
                ending.set()
                assert await second.end() == 0
    assert statuses == {204}


async def test_while_the_journal_is_locked_deliveries_wait_and_are_told_of(tmp_path: Path) -> None:
    async with Sandbox() as box, client(box, tmp_path / "campaigns.db") as keebai:
        plan = await keebai.campaigns.plan(people(20), template="promo", language="es", name="Promo")
        tag = tag_of(plan.campaign_id)
        async with serving(tmp_path) as one:
            with closing(sqlite3.connect(tmp_path / "campaigns.db", isolation_level=None)) as locking:
                locking.execute("BEGIN IMMEDIATE")
                for place in range(20):
                    body = delivery(place, meta_data={"_kb": f"{tag}.1.{place}"})
                    assert await answer(one, post(one, body, good(body))) == 204
                await one.listen(until="deliveries wait in the spool")
                assert (await keebai.campaigns.fates(plan.campaign_id)).read == 0
            await worked_off(tmp_path)
            assert await one.end() == 0
        assert (await keebai.campaigns.fates(plan.campaign_id)).read == 20
    assert "20 told something new, 0 of no campaign here; 0 wait in the spool" in one.said


async def test_on_a_full_disk_nothing_is_answered_204_and_afterwards_it_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path, limit=200_000) as one:
        statuses: list[int] = []
        body = delivery(1, padding="x" * 20_000)
        while 503 not in statuses:
            statuses.append(await answer(one, post(one, body, good(body))))
        assert set(statuses) == {204, 503}
        await one.listen(until="answered 503")
        one.lift_limit()
        assert await answer(one, post(one, body, good(body))) == 204
        await one.listen(until="kept again")
        assert await one.end() == 0
    kept = len(statuses)
    assert f"{kept} deliveries taken, 1 refused" in one.said


async def test_two_secrets_are_heard_while_they_change_and_only_the_new_one_afterwards(
    tmp_path: Path,
) -> None:
    file = tmp_path / "webhooks.json"

    def keep(**kept: object) -> None:
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"wh_1": kept}))
        new.chmod(0o600)
        new.rename(file)

    old, new = good(BODY, secret=SECRET), good(BODY, secret=OTHER)
    keep(secret=SECRET)
    async with serving(tmp_path, secret="") as one:

        async def told(line: str) -> int:
            return await answer(one, post(one, BODY, line))

        assert [await told(old), await told(new)] == [204, 401]
        keep(secret=SECRET, rotating=True)
        assert [await told(old), await told(new)] == [204, 503]
        keep(secret=OTHER, previous=SECRET)
        assert [await told(old), await told(new)] == [204, 204]
        keep(secret=OTHER)
        assert [await told(old), await told(new)] == [401, 204]
        assert await one.end() == 0
