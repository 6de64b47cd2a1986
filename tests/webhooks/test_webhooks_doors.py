"""The two doors, on real sockets, in processes that are killed."""

import asyncio
import random
import signal
import time
from pathlib import Path
from typing import Final

import aiohttp
import anyio
import pytest

from keebai_async.webhooks import Spool, WebhookApp, WebhookReceiver, WebhookSecrets, read_event
from tests.webhooks.kit import SECRET, delivery, receiving, signed
from tests.webhooks.receiving import PATH

DOORS: Final = ["asgi", "aiohttp"]
_GONE: Final = (aiohttp.ClientError, ConnectionError, TimeoutError)


async def raw(port: int, request: bytes) -> bytes:
    """What is answered to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read(4_096)
    writer.close()
    return answer


@pytest.mark.parametrize("door", DOORS)
async def test_a_door_answers_by_the_contract(door: str, tmp_path: Path) -> None:
    path = tmp_path / "webhooks.db"
    with receiving(door, path) as (_, port):
        url = f"http://127.0.0.1:{port}{PATH}"
        async with aiohttp.ClientSession() as session:

            async def post(body: bytes, headers: dict[str, str]) -> int:
                async with session.post(url, data=body, headers=headers) as reply:
                    assert await reply.read() == b""
                    return reply.status

            body = delivery(1)
            assert await post(body, signed(body, time.time())) == 204
            assert await post(body, {}) == 401
            assert await post(body, signed(body, time.time() - 400)) == 401
            assert await post(body + b" ", signed(body, time.time())) == 401
            async with session.get(url) as reply:
                assert reply.status == 405
            assert await post(body, signed(body, time.time())) == 204
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\n"
        piece = b"80001\r\n" + b"x" * 0x80001 + b"\r\n"
        long = await raw(port, f"{head}Content-Length: 1048577\r\n\r\n".encode())
        endless = await raw(port, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + 2 * piece)
        for answer in (long, endless):
            assert answer.startswith(b"HTTP/1.1 413")
            assert b"connection: close" in answer.lower()
    spool = Spool(path)
    assert [each.body for each in await spool.take()] == [delivery(1), delivery(1)]
    await spool.aclose()


@pytest.mark.parametrize("door", DOORS)
async def test_killed_at_any_moment_nothing_that_was_answered_is_lost(door: str, tmp_path: Path) -> None:
    chance = random.Random(door)
    path = tmp_path / "webhooks.db"
    numbers = iter(range(10**6))
    answered: list[int] = []
    port = 0
    for _ in range(2):
        with receiving(door, path, port) as (process, port):
            url = f"http://127.0.0.1:{port}{PATH}"
            end = len(answered) + chance.randint(1, 300)

            async def send(session: aiohttp.ClientSession, url: str = url) -> None:
                while True:
                    number = next(numbers)
                    body = delivery(number)
                    try:
                        async with session.post(url, data=body, headers=signed(body, time.time())) as reply:
                            if reply.status == 204:
                                answered.append(number)
                    except _GONE:
                        return

            async with aiohttp.ClientSession() as session, anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(send, session)
                while len(answered) < end:  # noqa: ASYNC110 - any moment will do
                    await anyio.sleep(0.001)
                process.send_signal(signal.SIGKILL)

    spool = Spool(path)
    kept = [read_event(each.body).id for each in await spool.take(limit=10**6)]
    await spool.aclose()
    assert {f"evt_{number}" for number in answered} <= set(kept)
    assert len(kept) == len(set(kept))


async def test_the_application_alone_closes_its_spool_with_the_server(tmp_path: Path) -> None:
    receiver = WebhookReceiver(tmp_path / "webhooks.db", secrets=WebhookSecrets(SECRET))
    await receiver.spool.put(b"{}")
    told = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": next(told)}

    async def send(message: object) -> None:
        said.append(message)

    await WebhookApp(receiver)({"type": "lifespan"}, receive, send)

    assert said == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert not (tmp_path / "webhooks.db-wal").exists()


async def test_a_websocket_is_closed(tmp_path: Path) -> None:
    said: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        said.append(message)

    app = WebhookApp(WebhookReceiver(tmp_path / "webhooks.db", secrets=WebhookSecrets(SECRET)))
    await app({"type": "websocket"}, receive, send)

    assert said == [{"type": "websocket.close", "code": 1003}]
