"""A service on a socket of this machine, and the faults that only a socket can have."""

import socket
import struct
import threading
from typing import Final, Self

import anyio
from aiohttp import web

from keebai_async.clock import Clock, ScaledClock, SystemClock, wait_for
from keebai_async.sandbox import faults
from keebai_async.sandbox.faults import AnyFault, FaultPlan, FaultRecord
from keebai_async.sandbox.own_thread import OwnThread
from keebai_async.sandbox.replies import SandboxReply
from keebai_async.sandbox.service import IncomingRequest, SandboxService
from keebai_async.sandbox.traffic import Traffic

PREFIX: Final = "/v1"
CONTROL: Final = "/sandbox/webhooks"
"""Where webhooks are switched over HTTP: of the sandbox itself, not of the service."""
_NO_LINGER = struct.pack("ii", 1, 0)  # on, for 0 seconds: close() then sends RST instead of FIN
_BLANKS: Final = b" " * 65_536


def sandbox_clock(clock: Clock | None, speed: float) -> Clock:
    """*clock*, or without one the machine's time, *speed* times as fast."""
    if clock is not None:
        return clock
    return SystemClock() if speed == 1.0 else ScaledClock(speed)


class LocalServer:
    """Serves one service: `async with` on the running event loop, `with` on a thread with a loop of its own.

    *port* 0 is any free one. Closed and opened again, it is the same one on the same port.

    What it counted and accepted may be read from any thread, and faults and settings may be changed from any.
    """

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "clock": "What the server takes for the time.",
        "faults": "Which request meets which fault.",
    }

    clock: Clock
    faults: FaultPlan

    def __init__(self, service: SandboxService, *, port: int, host: str, clock: Clock) -> None:
        self.clock = clock
        self.faults = FaultPlan()
        self._service = service
        self._one_at_a_time = threading.Lock()
        """Held while the service looks at or changes what it knows: a test may ask it from another thread."""
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._thread: OwnThread | None = None
        self._stopping = anyio.Event()
        self._busy: dict[int, web.Request] = {}

    @property
    def url(self) -> str:
        """The base URL, version included. The port is known once it is open."""
        return f"http://{self._host}:{self._port}{PREFIX}"

    @property
    def traffic(self) -> Traffic:
        """All requests that arrived, by route and by token."""
        return self._service.traffic

    def __enter__(self) -> Self:
        self._thread = OwnThread(self, name=f"{type(self).__name__} {self._host}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=0)  # its own cap is the service's to tell
        application.router.add_route("*", "/{tail:.*}", self._handle)
        self._stopping = anyio.Event()
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._stopping.set()
        for request in self._busy.values():
            _reset(request)
        with anyio.CancelScope(shield=True):
            await runner.cleanup()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        self._busy[id(http)] = http
        try:
            return await self._answer(http)
        finally:
            del self._busy[id(http)]

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        path = http.path.removeprefix(PREFIX) if http.path.startswith(f"{PREFIX}/") else "/nowhere"
        with self._one_at_a_time:
            request = self._service.admit(http.method, path, http.headers)
        if isinstance(request, SandboxReply):
            await http.read()  # unread bytes would turn this reply into a reset
            return _response(request)
        fault = self.faults.next(request.route)
        if isinstance(fault, faults.ResetBeforeReading):
            self._note(request.route, fault, accepted=False)
            return _reset(http)
        content = await http.read()
        if http.content_type != "application/json":
            content = b"{}"  # the service's framework passes over a body that it has no parser for
        if fault is None:
            reply = self._act(request, http, content)
            return _response(SandboxReply(reply.status, reply.body, (*reply.headers, *request.reply_headers)))
        reply = self._act(request, http, content) if fault.accepted else self._service.error(503)
        self._note(request.route, fault, accepted=fault.accepted and reply.status < 300)
        return await self._inject(http, fault, reply)

    def _act(self, request: IncomingRequest, http: web.Request, content: bytes) -> SandboxReply:
        with self._one_at_a_time:
            return self._service.act(request, http.query, content)

    def _note(self, route: str, fault: AnyFault, *, accepted: bool) -> None:
        self.faults.given.append(FaultRecord(route=route, fault=fault, accepted=accepted))

    async def _inject(self, http: web.Request, fault: AnyFault, reply: SandboxReply) -> web.StreamResponse:
        match fault:
            case faults.Hang(seconds=seconds):
                await self._wait(seconds)
                return _reset(http)
            case faults.Late(seconds=seconds):
                await self._wait(seconds)
                return _response(reply)
            case faults.Status(status=status) | faults.GatewayError(status=status):
                return _response(self._service.error(status))
            case faults.NotJson():
                return _response(SandboxReply(reply.status, b'{"broadcast_id": "66aa0011'))
            case faults.Html(status=status):
                return _page(status)
            case faults.Redirect(status=status, location=location):
                return web.Response(status=status, headers={"Location": location})
            case faults.Huge(size=size):
                return await _huge(http, reply, size)
            case faults.CutOff():
                return await _cut_off(http, reply)
            case faults.Reset() | faults.ResetBeforeReading():
                return _reset(http)

    async def _wait(self, seconds: float | None) -> None:
        """Until *seconds* have passed or the sandbox stops, whatever comes first."""
        if seconds is None:
            await self._stopping.wait()
        else:
            await wait_for(self.clock, self._stopping, seconds)


def _response(reply: SandboxReply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=reply.headers, content_type="application/json"
    )


def _page(status: int) -> web.Response:
    page = "<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>"
    return web.Response(status=status, text=page, content_type="text/html")


def _reset(http: web.Request) -> web.Response:
    """Reset the connection; the response that comes back goes nowhere."""
    transport = http.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.fileno() != -1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    return web.Response()


async def _huge(http: web.Request, reply: SandboxReply, size: int) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status)
    response.content_type = "application/json"
    await response.prepare(http)
    for start in range(0, size, len(_BLANKS)):
        await response.write(_BLANKS[: size - start])
    await response.write(reply.body)
    return response


async def _cut_off(http: web.Request, reply: SandboxReply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status)
    response.content_type = "application/json"
    response.content_length = len(reply.body)
    await response.prepare(http)
    await response.write(reply.body[: len(reply.body) // 2])
    if http.transport is not None:
        http.transport.close()
    return response
