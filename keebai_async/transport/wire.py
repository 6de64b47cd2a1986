"""What happens to one request on its connection: our own evidence, from the bytes themselves.

The problem: a submit of which no byte left may be made again, and any other may not; and an answer is one
only if it came after the request. What an HTTP library raises proves neither: the same exception comes before
and after the first byte, and a hook or a resolver of somebody else may raise anything at any time. Nor does
a connection that was used before: what lies in it, a late second reply, would be taken for the answer to the
next request, which is then not even written.

Our choice: the WatchedRequest puts a Wire between aiohttp and the connection, in the last instant before the
head is written. The Wire sees each byte that is given to the connection, and each that comes out of it.

- Bytes or an end of file that lie in the connection before the request close it, and nothing is written.
- Bytes that come while the request is still being written are no answer to it. The rest of the request is
  then thrown away, so the service never has it whole.
- Bytes that come when nothing was asked close the connection.
- A submit gets a connection that nobody used before, and nobody uses it afterwards. One is opened for each,
  at most 60 a minute: we can look at a kept one as hard as we like, a reply may still be on its way to it.
- A request that may not leave any more, says its objection, is thrown away in the instant before its first
  byte: it may have taken long to get here, and its process may have been frozen on the way.
- Reads keep theirs for a moment, and share it with nobody, such as the owner of a session that was lent.

This module imports aiohttp, which takes a third of a second: it is imported where it is used.
"""

import asyncio
import re
import select
import socket
from collections.abc import Iterable, Sequence
from itertools import count
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Objection

_marks = count(1)


def new_mark() -> int:
    """A name for connections that only requests with this mark are written on."""
    return next(_marks)


_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_END_OF_HEAD = b"\r\n\r\n"


class Unusable(Exception):
    """Raised into aiohttp: this connection is not one to write a request on. Nothing was written."""


class SecondAttempt(Exception):
    """Raised into aiohttp when it is about to write the same request again, on a new connection.

    It repeats a GET by itself when an old connection turned out to be dead, and the quota would not have
    counted the second one.
    """


class Wire(asyncio.Protocol):
    """One attempt at a request with a body of *size* bytes.

    It goes out on a connection that was kept under the mark *kept*, or on a new one that is kept under it.
    Without a mark it goes out on a new connection, and nobody uses that afterwards.

    Nothing of it leaves if *objection* gives a reason for that, in the instant before its first byte.

    *written* is set before the first byte is given to the connection, *unusable* says why none was.
    *response* is aiohttp's, once the request is on its way.
    """

    def __init__(self, *, size: int, kept: int | None = None, objection: Objection | None = None) -> None:
        self.mark = new_mark() if kept is None else kept
        self.fresh = kept is None
        self.written = False
        self.unusable: str | None = None
        self.response: aiohttp.ClientResponse | None = None
        self._objection = objection
        self._left = size  # of the request, to be given to the connection; the head is added when it is known
        self._early = b""
        self._answering = False
        self._finished = False

    def begin(self, protocol: ResponseHandler) -> None:
        """Take a place between *protocol* and its connection. Raises Unusable, or SecondAttempt."""
        if self.written:
            raise SecondAttempt
        transport = protocol.transport
        used = isinstance(transport, _Counted)
        if used:
            transport = cast("_Counted", transport).inner
        self.unusable = _why_unusable(protocol, transport, used=used)
        if self.unusable is not None or transport is None:
            raise Unusable
        self._protocol, self._transport = protocol, transport
        if self.fresh:
            protocol.force_close()  # when the answer was read
        protocol.transport = cast("asyncio.Transport", _Counted(transport, self))
        transport.set_protocol(self)

    def finish(self) -> None:
        """The answer was read: what comes on this connection now was not asked for."""
        self._finished = True

    def may_write(self, pieces: Sequence[bytes]) -> bool:
        """These bytes are about to be given to the connection. False if they must not be."""
        if not self.written:
            if self._objection is not None and self.unusable is None:
                self.unusable = self._objection()
            if self.unusable is not None:
                self._transport.abort()
                return False
            self.written = True
            end = bytes(pieces[0]).find(_END_OF_HEAD)  # aiohttp writes a head in one piece
            self._left += len(pieces[0]) if end < 0 else end + len(_END_OF_HEAD)
        for piece in pieces:
            self._left -= len(piece)
        return True

    @property
    def complete(self) -> bool:
        """Whether the last byte of the request was given to the system."""
        return self.written and self._left <= 0 and _waiting_bytes(self._transport) == 0

    @property
    def answered_early(self) -> bool:
        """Whether something came before the request had left, so that its rest never left."""
        return bool(self._early)

    def refusal(self) -> Answer | None:
        """The 4xx that came before the request had left, as far as it came; None if it was anything else.

        A proxy refuses a body that is too large by its head alone. That is certain: it did not get the rest.
        """
        status = _STATUS_LINE.match(self._early)
        if status is None or not 400 <= int(status[1]) < 500:
            return None
        head, _, body = self._early.partition(_END_OF_HEAD)
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
        headers = tuple((name.strip(), value.strip()) for name, _, value in lines)
        return Answer(status=int(status[1]), headers=headers, body=body, complete=False)

    def data_received(self, data: bytes) -> None:
        if self._finished:
            self._transport.abort()
        elif self._answering or self.complete:
            self._answering = True
            self._protocol.data_received(data)
        elif data.startswith(b"HTTP/1.1 1"):
            self._protocol.data_received(data)  # "continue", or hints: not an answer yet
        else:
            self._early += data
            self._transport.abort()

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


class WatchedRequest(aiohttp.ClientRequest):
    """A request that is written under the eyes of its Wire."""

    wire: Wire | None = None

    @property
    def connection_key(self) -> ConnectionKey:
        key = super().connection_key
        if self.wire is None:
            return key
        # Connections are kept by this key; `_replace` would take several times as long.
        host, port, secure, ssl, proxy, proxy_auth, _, server = key
        return ConnectionKey(host, port, secure, ssl, proxy, proxy_auth, self.wire.mark, server)

    async def send(self, conn: "aiohttp.connector.Connection") -> aiohttp.ClientResponse:
        if self.wire is None or conn.protocol is None:
            raise Unusable
        self.wire.begin(conn.protocol)
        self.wire.response = await super().send(conn)
        return self.wire.response


def watched_by(wire: Wire) -> aiohttp.ClientMiddlewareType:
    """What ties *wire* to the requests that aiohttp makes of one call."""

    async def tie(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if isinstance(request, WatchedRequest):
            request.wire = wire
        return await handler(request)

    return tie


class _Counted:
    """A transport that tells its Wire what is written. Everything else is the transport's own."""

    def __init__(self, inner: asyncio.Transport, wire: Wire) -> None:
        self.inner = inner
        self._wire = wire
        # Asked for several times in each request, which `__getattr__` would make slow.
        self.is_closing = inner.is_closing
        self.resume_reading = inner.resume_reading

    def write(self, data: bytes) -> None:
        if self._wire.may_write((data,)):
            self.inner.write(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        pieces = list(pieces)
        if self._wire.may_write(pieces):
            self.inner.writelines(pieces)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def _why_unusable(
    protocol: ResponseHandler, transport: asyncio.Transport | None, *, used: bool
) -> str | None:
    """Why nothing can be written on this connection, or None. *used*: we wrote on it before."""
    if transport is None or transport.is_closing():
        return "the connection was closed before anything was written"
    if protocol.should_close:
        return "the service spoke before it was asked"
    found = _peek(transport)
    if found == b"":
        return "the connection was closed before anything was written"
    # In TLS the first bytes after the handshake are its own (tickets), later ones are not.
    secure = transport.get_extra_info("sslcontext") is not None
    if found is not None and (used or not secure):
        return "the service spoke before it was asked"
    return None


def _peek(transport: asyncio.Transport) -> bytes | None:
    """The byte that lies in the socket unread, `b""` for an end of file or a reset; None if nothing does."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return None
    try:
        if hasattr(select, "POLLRDHUP"):
            # Sees the end of file behind bytes that are not read yet, and mostly that there is nothing.
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN | select.POLLRDHUP)
            ready = poll.poll(0)
            if not ready:
                return None
            if ready[0][1] & ~select.POLLIN:
                return b""
        with socket.fromfd(connection.fileno(), connection.family, connection.type) as copy:
            copy.setblocking(False)
            return copy.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _waiting_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the transport took and did not give to the system yet; under TLS of both of its layers."""
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return transport.get_write_buffer_size() + (0 if below is None else below.get_write_buffer_size())
