"""One request on the wire, there and back: the only module that knows aiohttp's client.

What matters here is evidence. When no answer comes, the question is whether a byte of the request left,
because a submit of which none left may be made again and any other may not. An exception's class alone
does not tell: the same timeout strikes while connecting and while waiting. So aiohttp is asked to say when
it begins to write a request's head (a trace signal, fired before the first byte); a failure without that
signal is NOT_WRITTEN, everything else is WRITTEN.

The same signal stops aiohttp from repeating a GET by itself on a new connection after an old one turned
out to be dead: the quota would not have counted the second one.
"""

import asyncio
import importlib
import os
import sys
import warnings
from contextlib import suppress
from functools import lru_cache
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Final, Self

import anyio.to_thread

from keebai_async.credentials import Token
from keebai_async.errors import Misused
from keebai_async.loops import running_loop
from keebai_async.transport.address import check_base_url, url_of
from keebai_async.transport.decoding import BodyUnreadable, Decoder
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage, mark_unwritten
from keebai_async.transport.request import Request, Timeouts

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

REPLY_CAP: Final = 8 * 1024 * 1024
"""Bytes of a reply that are read, after decompression."""

IDLE_SECONDS: Final = 2.0
"""How long an unused connection is kept. Node closes its end after 5 s: a submit written on a connection
that is being closed over there would be an unknown that nobody needed."""

_DEFAULT_TIMEOUTS = Timeouts()


class _Attempt:
    """What the trace signal tells about one request."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = False


class _SecondAttempt(Exception):
    """Raised into aiohttp when it is about to write the same request again."""


class Session:
    """Sends requests to one base URL with one token, and to nowhere else.

    *client* lends its connections (its connector): they are used, and left open at the end. Nothing else
    of it is used, neither headers nor cookies.

    Raises:
        InvalidInput: *base_url* is unusable or plain http to another machine.
    """

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        header: str = "Authorization",
        scheme: str = "Bearer",
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        client: "aiohttp.ClientSession | None" = None,
        reply_cap: int = REPLY_CAP,
    ) -> None:
        self._own: aiohttp.ClientSession | None = None  # first, because __del__ reads it
        self.base_url = check_base_url(base_url)
        self.timeouts = timeouts
        self._token = token
        self._header = header
        self._scheme = scheme
        self._lent = client
        self._reply_cap = reply_cap
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def check(self) -> None:
        """Raise Misused if this session cannot be used here and now."""
        if self._closed:
            raise Misused("this client is closed: open another one")
        loop = running_loop()
        if self._loop is not None and self._loop is not loop:
            raise Misused("this client was opened in another event loop: open one in each loop")

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt. Trouble on the way is a Failure, not an exception.

        Raises:
            Misused: this session is closed, or was opened in another event loop, or none of asyncio's runs.
        """
        self.check()
        if "aiohttp" not in sys.modules:
            await _import_aside()
        import aiohttp

        self.check()
        client = self._open()
        attempt = _Attempt()
        timeouts = timeouts or self.timeouts
        try:
            async with client.request(
                request.method,
                _parsed(url_of(self.base_url, request.path, request.query)),
                data=request.body,
                headers=self._headers(request),
                allow_redirects=False,
                timeout=_client_timeout(_whole(request, timeouts), timeouts.connect),
                trace_request_ctx=attempt,
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, _SecondAttempt) as error:
            return _failure(error, attempt, request, timeouts)
        except asyncio.CancelledError as error:
            if not attempt.written:
                mark_unwritten(error)
            raise

    async def aclose(self) -> None:
        """Close what this session opened. Harmless when repeated."""
        self._closed = True
        own, self._own = self._own, None
        if own is not None:
            await own.close()

    def _open(self) -> "aiohttp.ClientSession":
        if self._own is None:
            self._loop = running_loop()
            self._own = _client(self._lent)
        return self._own

    def _headers(self, request: Request) -> dict[str, str]:
        """The only place where the token is revealed."""
        headers = {
            self._header: f"{self._scheme} {self._token.reveal()}".lstrip(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "keebai-async",
        }
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    async def _read(self, response: "aiohttp.ClientResponse") -> Answer:
        """The answer, as far as it could be read: with a status line there is always one."""
        import aiohttp

        body = bytearray()
        complete = True
        decoder = Decoder(response.headers.get("Content-Encoding", ""), self._reply_cap)
        try:
            while piece := await response.content.readany():
                body += decoder.feed(piece)
            complete = decoder.finished
        except (aiohttp.ClientError, TimeoutError, OSError, BodyUnreadable):
            complete = False
            response.close()  # what is left on this connection is not worth reading
        headers = tuple((str(name), value) for name, value in response.headers.items())
        # A service may name in an error what it was given, or half of it: nobody is to read the token there.
        plain = self._token.hidden_in(bytes(body), pieces=response.status >= 300)
        return Answer(status=response.status, headers=headers, body=plain, complete=complete)

    def __repr__(self) -> str:
        return f"Session({self.base_url!r})"

    def __del__(self) -> None:
        own, self._own = self._own, None
        if own is None:
            return
        warnings.warn(
            "a client was never closed: use `async with`, or await its aclose()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )
        _drop(own, lent=self._lent is not None)


async def _import_aside() -> None:
    """Import aiohttp in a thread: a third of a second is too long to hold the loop."""
    try:
        await anyio.to_thread.run_sync(importlib.import_module, "aiohttp")
    except asyncio.CancelledError as error:
        mark_unwritten(error)
        raise


def _client(lent: "aiohttp.ClientSession | None") -> "aiohttp.ClientSession":
    import aiohttp

    traces = [_trace()]
    if lent is None:
        connector: aiohttp.BaseConnector = aiohttp.TCPConnector(keepalive_timeout=IDLE_SECONDS)
    elif lent.connector is None:
        raise Misused("the aiohttp session given as session= is closed")
    else:
        connector = lent.connector
        traces = [*lent.trace_configs, *traces]
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=lent is None,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trace_configs=traces,
    )


def _trace() -> "aiohttp.TraceConfig":
    import aiohttp

    async def head_is_being_written(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        attempt = context.trace_request_ctx
        if isinstance(attempt, _Attempt):
            if attempt.written:
                raise _SecondAttempt
            attempt.written = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(head_is_being_written)
    return trace


@lru_cache(maxsize=64)
def _client_timeout(whole: float, connect: float) -> "aiohttp.ClientTimeout":
    import aiohttp

    return aiohttp.ClientTimeout(total=whole, connect=connect)


@lru_cache(maxsize=64)
def _parsed(url: str) -> "URL":
    from yarl import URL

    return URL(url, encoded=True)


def _whole(request: Request, timeouts: Timeouts) -> float:
    return timeouts.whole(request.kind) if request.timeout is None else request.timeout


def _failure(error: Exception, attempt: _Attempt, request: Request, timeouts: Timeouts) -> Failure:
    timed_out = isinstance(error, TimeoutError)
    if attempt.written:
        reason = (
            f"no answer within {_whole(request, timeouts):g} s"
            if timed_out
            else "the connection was lost before an answer came"
        )
        return Failure(stage=Stage.WRITTEN, reason=reason, timed_out=timed_out)
    return Failure(stage=Stage.NOT_WRITTEN, reason=_why_not_connected(error), timed_out=timed_out)


def _why_not_connected(error: Exception) -> str:
    import aiohttp

    match error:
        case TimeoutError():
            return "connecting took too long"
        case aiohttp.ClientConnectorDNSError():
            return "the host name was not found"
        case aiohttp.ClientSSLError():
            return "the secure connection (TLS) could not be made"
        case aiohttp.ClientConnectorError():
            return f"the connection failed: {os.strerror(error.errno) if error.errno else 'refused'}"
        case _:
            return "the connection failed"


def _drop(client: "aiohttp.ClientSession", *, lent: bool) -> None:
    """Let go of a client that nobody will close, without a second warning in aiohttp's words."""
    connector = client.connector
    client.detach()
    if connector is not None and not lent:
        # No loop can be waited on here: one step closes the connections, and nothing more is said over TLS.
        closing = connector.close().__await__()
        with suppress(StopIteration, RuntimeError):
            next(closing)
