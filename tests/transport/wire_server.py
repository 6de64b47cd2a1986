"""Servers on a real socket that do one thing each, right or wrong."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class WireServer:
    """What arrived, and where to send more."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def serving(
    *behaviours: Behaviour, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[WireServer]:
    """Serve each connection by the next of *behaviours*, and the last one for all after."""
    seen = WireServer()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        behaviour = behaviours[min(seen.connections, len(behaviours) - 1)]
        seen.connections += 1
        try:
            await behaviour(_Recorder(reader, seen), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class _Recorder(asyncio.StreamReader):
    """A reader that keeps each whole request it reads."""

    def __init__(self, reader: asyncio.StreamReader, seen: WireServer) -> None:
        self._inner = reader
        self._seen = seen

    async def read_request(self) -> bytes:
        head = await self._inner.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        request = head + await self._inner.readexactly(length)
        self._seen.requests.append(request)
        return request

    async def read(self, n: int = -1) -> bytes:
        return await self._inner.read(n)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    assert isinstance(reader, _Recorder)
    return await reader.read_request()


def message(
    status: int = 202,
    body: bytes = b"{}",
    *,
    content_type: str = "application/json",
    headers: tuple[tuple[str, str], ...] = (),
    length: int | None = None,
) -> bytes:
    """A reply as bytes; *length* lies about the body."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answers(*replies: bytes) -> Behaviour:
    """Answer one request after another on a connection, the last reply for all after."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(replies)
        while True:
            await request_of(reader)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    return behave


async def resets_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    reset(writer)


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    await reader.read()  # until the other side gives up


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def speaks_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"this is not TLS\r\n")
    await reader.read()


async def cuts_the_body_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(message(202, b'{"broadcast_id":', length=500))
    await writer.drain()
    writer.close()


async def stalls_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_of(reader)
    writer.write(message(202, b'{"broadcast_id":', length=500))
    await writer.drain()
    await reader.read()


def answers_then_closes(reply: bytes, times: int = 1) -> Behaviour:
    """Answer *times* requests of a connection, read the next one, and close without a word."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await request_of(reader)
            writer.write(reply)
            await writer.drain()
        await request_of(reader)

    return behave


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a RST, as a crashed process or an impatient proxy does."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
