"""One request on the wire, there and back.

What matters here is evidence: whether a byte of the request left, and whether what came is its answer. A Wire
sees both (`wire.py`); an exception's class tells neither, and is used for words alone. So whatever is raised
before the first byte, by our code or another's, is NOT_WRITTEN, and whatever is raised after it is WRITTEN.
"""

import asyncio
import importlib
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import lru_cache
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import anyio.to_thread

from keebai_async.credentials import Token
from keebai_async.errors import Misused
from keebai_async.loops import running_loop
from keebai_async.transport.address import check_base_url, url_of
from keebai_async.transport.decoding import Decoder
from keebai_async.transport.proxy import Proxy, checked_proxy, proxy_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage, mark_unwritten
from keebai_async.transport.request import Request, RequestKind, Timeouts

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from keebai_async.transport.wire import Wire

REPLY_CAP: Final = 8 * 1024 * 1024
"""Bytes of a reply that are read, after decompression."""

IDLE_SECONDS: Final = 2.0
"""How long a connection of reads is kept unused. Node closes its end after 5 s. Submits have their own."""

_GRACE: Final = 1.0
"""Seconds after a request's limit, at most, in which aiohttp ends it by itself, with what it has read."""

_DEFAULT_TIMEOUTS = Timeouts()
_NONE_NEEDED: Final[nullcontext[None]] = nullcontext()


class Session:
    """Sends requests to one base URL with one token, and to nowhere else.

    *client* lends its connector, which makes our connections, and its proxy; both are left open at the end,
    and its trace hooks are told. Nothing else of it is used: neither headers nor cookies, nor connections
    that it keeps. *environment* (by default that of the process) names a proxy where the lent session has
    none (`proxy.py`), but not for a connector that is not aiohttp's own for TCP: that one finds its own way.

    Raises:
        InvalidInput: *base_url* is unusable or plain http to another machine, or the proxy is unusable.
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
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._own: aiohttp.ClientSession | None = None  # first, because __del__ reads it
        self.base_url = check_base_url(base_url)
        self._proxy = _proxy_of_lent(client) if client is not None else None
        if self._proxy is None and _goes_its_usual_way(client):
            self._proxy = proxy_of(self.base_url, os.environ if environment is None else environment)
        self.timeouts = timeouts
        self._token = token
        self._header = header
        self._scheme = scheme
        self._lent = client
        self._reply_cap = reply_cap
        self._mark: int | None = None  # of the connections that are kept for reads
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
        if self._lent is not None and self._lent.closed:
            raise Misused("the aiohttp session given as session= is closed")

    @property
    def proxy(self) -> str:
        """How requests get to the service, in words: through which proxy, by whose word."""
        if self._proxy is None:
            return "no proxy"
        return f"through the proxy {self._proxy.name} ({self._proxy.source})"

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt. Trouble on the way is a Failure, not an exception.

        Raises:
            Misused: this session is closed, or was opened in another event loop, or none of asyncio's runs.
        """
        self.check()
        if _WIRE not in sys.modules:
            await _import_aside()
            self.check()
        from keebai_async.transport.wire import Wire, new_mark, watched_by

        timeouts = timeouts or self.timeouts
        if self._mark is None:
            self._mark = new_mark()
        size = len(request.body or b"")
        kept = None if request.kind is RequestKind.SUBMIT else self._mark
        wire = Wire(size=size, kept=kept, objection=request.objection)
        outcome = await self._attempt(request, timeouts, wire, watched_by(wire))
        if wire.unusable is not None and not wire.fresh:
            # A kept connection that went bad while nobody looked, and nothing was written on it.
            wire = Wire(size=size, objection=request.objection)
            outcome = await self._attempt(request, timeouts, wire, watched_by(wire))
        return outcome

    async def _attempt(
        self, request: Request, timeouts: Timeouts, wire: "Wire", watching: "aiohttp.ClientMiddlewareType"
    ) -> Outcome:
        whole = _whole(request, timeouts)
        try:
            client = self._open()
            async with (
                self._backstop(whole),
                client.request(
                    request.method,
                    _parsed(url_of(self.base_url, request.path, request.query)),
                    data=_in_pieces(request.body),
                    headers=self._headers(request),
                    allow_redirects=False,
                    timeout=_client_timeout(whole, timeouts.connect),
                    proxy=None if self._proxy is None else self._proxy.url,
                    middlewares=(watching,),
                ) as response,
            ):
                return await self._read(response, wire)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                if not wire.written:
                    mark_unwritten(error)
                raise
            return self._without_answer(error, wire, request, timeouts)  # nobody cancelled us: it was raised
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a hook may raise what some libraries raise around everything
            return self._without_answer(error, wire, request, timeouts)

    def _backstop(self, whole: float) -> AbstractAsyncContextManager[object]:
        """What ends a request of *whole* seconds where aiohttp's own limit does not hold.

        That is while a hook of somebody runs before the connection is made; a session of ours has none.
        """
        return _NONE_NEEDED if self._lent is None else asyncio.timeout(whole + min(whole, _GRACE))

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

    async def _read(self, response: "aiohttp.ClientResponse", wire: "Wire") -> Answer:
        """The answer, as far as it could be read: with a status line there is always one."""
        body = bytearray()
        decoder = Decoder(response.headers.get("Content-Encoding", ""), self._reply_cap)
        try:
            content = response.content
            while not content.at_eof():
                body += decoder.feed(await content.readany())
            body += decoder.finish()
            complete = True
            wire.finish()
        except Exception:  # of a hook, too: what was read is evidence all the same
            complete = False
            response.close()  # what is left on this connection is not worth reading
        return self._answer(_headers_of(response), response.status, bytes(body), complete=complete)

    def _answer(
        self, headers: tuple[tuple[str, str], ...], status: int, body: bytes, *, complete: bool
    ) -> Answer:
        # A service may name in an error what it was given, or half of it: nobody is to read the token there.
        plain = self._token.hidden_in(body, pieces=status >= 300)
        return Answer(status=status, headers=headers, body=plain, complete=complete)

    def _without_answer(
        self, error: BaseException, wire: "Wire", request: Request, timeouts: Timeouts
    ) -> Outcome:
        """What is known when an exception came in place of a response."""
        from keebai_async.transport.failure_words import words_of

        timed_out = isinstance(error, TimeoutError)
        if not wire.written:
            words = wire.unusable or words_of(error, proxy=self._proxy, environment=os.environ)
            return Failure(stage=Stage.NOT_WRITTEN, reason=words, timed_out=timed_out)
        if wire.answered_early:
            refusal = wire.refusal()
            if refusal is not None:
                return self._answer(refusal.headers, refusal.status, refusal.body, complete=False)
            reason = "an answer came before the request had left"
        elif (response := wire.response) is not None and _has_status(response):
            # A hook raised when the answer was there: then its status is known, if not its body.
            return self._answer(_headers_of(response), response.status, b"", complete=False)
        elif timed_out:
            reason = f"no answer within {_whole(request, timeouts):g} s"
        else:
            reason = "the connection was lost before an answer came"
        return Failure(stage=Stage.WRITTEN, reason=reason, timed_out=timed_out)

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


_WIRE = "keebai_async.transport.wire"
_KNOW_AIOHTTP = ("keebai_async.transport.failure_words", _WIRE)


def _import_what_knows_aiohttp() -> None:
    for name in _KNOW_AIOHTTP:
        importlib.import_module(name)


async def _import_aside() -> None:
    """Import what knows aiohttp in a thread: a third of a second is too long to hold the loop.

    Also what words a failure: when a submit has left, another version of us may lie in its place.
    """
    try:
        await anyio.to_thread.run_sync(_import_what_knows_aiohttp)
    except asyncio.CancelledError as error:
        mark_unwritten(error)
        raise


def _client(lent: "aiohttp.ClientSession | None") -> "aiohttp.ClientSession":
    import aiohttp

    from keebai_async.transport.wire import WatchedRequest

    if lent is None:
        connector: aiohttp.BaseConnector = aiohttp.TCPConnector(keepalive_timeout=IDLE_SECONDS)
    elif lent.connector is None:
        raise Misused("the aiohttp session given as session= is closed")
    else:
        connector = lent.connector
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=lent is None,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trace_configs=[] if lent is None else lent.trace_configs,
        request_class=WatchedRequest,
    )


def _in_pieces(body: bytes | None) -> "bytes | BytesIO | None":
    """*body*, as a file if it is large: then aiohttp writes it in pieces, and does not warn of its size."""
    return body if body is None or len(body) <= 1024 * 1024 else BytesIO(body)


def _goes_its_usual_way(lent: "aiohttp.ClientSession | None") -> bool:
    """Whether aiohttp's own connector for TCP makes the connections, and not one with ways of its own."""
    if lent is None:
        return True
    import aiohttp

    return type(lent.connector) is aiohttp.TCPConnector


def _proxy_of_lent(lent: "aiohttp.ClientSession") -> Proxy | None:
    """The proxy that a lent session was made with. Raises InvalidInput if it cannot be used."""
    given, auth = (getattr(lent, f"_default_{name}", None) for name in ("proxy", "proxy_auth"))
    if not given:
        return None
    from yarl import URL

    url = URL(str(given))
    if auth is not None:
        url = url.with_user(auth.login).with_password(auth.password)
    return checked_proxy(str(url), source="session=")


def _headers_of(response: "aiohttp.ClientResponse") -> tuple[tuple[str, str], ...]:
    return tuple([(str(name), value) for name, value in response.headers.items()])


def _has_status(response: "aiohttp.ClientResponse") -> bool:
    status: int | None = response.status  # None until its head was read
    return status is not None


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


def _drop(client: "aiohttp.ClientSession", *, lent: bool) -> None:
    """Let go of a client that nobody will close, without a second warning in aiohttp's words."""
    connector = client.connector
    client.detach()
    if connector is not None and not lent:
        # No loop can be waited on here: one step closes the connections, and nothing more is said over TLS.
        closing = connector.close().__await__()
        with suppress(StopIteration, RuntimeError):
            next(closing)
