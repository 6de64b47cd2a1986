"""A service on a socket of this machine, and the faults that only a socket can have."""

import socket
import struct
from collections.abc import Mapping
from typing import Final, Generic, Protocol, Self, TypeVar

import anyio
from aiohttp import web

from keebai_async.clock import Clock, ScaledClock, SystemClock, wait_for
from keebai_async.sandbox import faults
from keebai_async.sandbox.faults import AnyFault, FaultPlan, Given
from keebai_async.sandbox.replies import Said

PREFIX: Final = "/v1"
_LINGER_NOT = struct.pack("ii", 1, 0)  # on, for 0 seconds: close() then sends RST instead of FIN
_BLANKS: Final = b" " * 65_536


class Admitted(Protocol):
    """A request that came in: its route, and the headers that its answer carries anyway."""

    @property
    def route(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...


Visit = TypeVar("Visit", bound=Admitted)


class LocalServer(Generic[Visit]):
    """Serves one service: a child says who comes in, what is answered, and how an error looks.

    *port* 0 is any free one. Time is *clock*'s; without one it is the machine's, *speed* times as fast.
    Closed and opened again, it is the same one on the same port.
    """

    def __init__(self, *, port: int, host: str, clock: Clock | None, speed: float) -> None:
        self.clock: Clock = clock or (SystemClock() if speed == 1.0 else ScaledClock(speed))
        self.faults = FaultPlan()
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._stopping = anyio.Event()
        self._busy: dict[int, web.Request] = {}

    @property
    def url(self) -> str:
        """The base URL, version included. The port is known once it is open."""
        return f"http://{self._host}:{self._port}{PREFIX}"

    def _admit(self, method: str, path: str, headers: Mapping[str, str]) -> Visit | Said:
        """Count a request and let it in, or answer it at once."""
        raise NotImplementedError

    def _act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        """Do what a request that came in asks for, or refuse it."""
        raise NotImplementedError

    def _error(self, status: int) -> Said:
        """The service's usual body for an error that nobody chose."""
        raise NotImplementedError

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

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._busy[id(request)] = request
        try:
            return await self._answer(request)
        finally:
            del self._busy[id(request)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX) if request.path.startswith(f"{PREFIX}/") else "/nowhere"
        visit = self._admit(request.method, path, request.headers)
        if isinstance(visit, Said):
            await request.read()  # unread bytes would turn this answer into a reset
            return _response(visit)
        fault = self.faults.next(visit.route)
        if isinstance(fault, faults.ResetBeforeReading):
            self._note(visit.route, fault, accepted=False)
            return _reset(request)
        content = await request.read()
        if request.content_type != "application/json":
            content = b"{}"  # the service's framework passes over a body that it has no parser for
        if fault is None:
            said = self._act(visit, request.query, content)
            return _response(Said(said.status, said.body, (*said.headers, *visit.headers)))
        said = self._act(visit, request.query, content) if fault.accepted else self._error(503)
        self._note(visit.route, fault, accepted=fault.accepted and said.status < 300)
        return await self._befall(request, fault, said)

    def _note(self, route: str, fault: AnyFault, *, accepted: bool) -> None:
        self.faults.given.append(Given(route=route, fault=fault, accepted=accepted))

    async def _befall(self, request: web.Request, fault: AnyFault, said: Said) -> web.StreamResponse:
        match fault:
            case faults.Hang(seconds=seconds):
                await self._wait(seconds)
                return _reset(request)
            case faults.Late(seconds=seconds):
                await self._wait(seconds)
                return _response(said)
            case faults.Status(status=status) | faults.Refuse(status=status):
                return _response(self._error(status))
            case faults.NotJson():
                return _response(Said(said.status, b'{"broadcast_id": "66aa0011'))
            case faults.Html(status=status):
                return _page(status)
            case faults.Redirect(status=status, location=location):
                return web.Response(status=status, headers={"Location": location})
            case faults.Huge(size=size):
                return await _huge(request, said, size)
            case faults.CutOff():
                return await _cut_off(request, said)
            case faults.Reset() | faults.ResetBeforeReading():
                return _reset(request)

    async def _wait(self, seconds: float | None) -> None:
        """Until *seconds* have passed or the sandbox stops, whatever comes first."""
        if seconds is None:
            await self._stopping.wait()
        else:
            await wait_for(self.clock, self._stopping, seconds)


def _response(said: Said) -> web.Response:
    return web.Response(
        status=said.status, body=said.body, headers=said.headers, content_type="application/json"
    )


def _page(status: int) -> web.Response:
    page = "<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>"
    return web.Response(status=status, text=page, content_type="text/html")


def _reset(request: web.Request) -> web.Response:
    """Reset the connection; the response that comes back goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.fileno() != -1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    return web.Response()


async def _huge(request: web.Request, said: Said, size: int) -> web.StreamResponse:
    response = web.StreamResponse(status=said.status)
    response.content_type = "application/json"
    await response.prepare(request)
    for start in range(0, size, len(_BLANKS)):
        await response.write(_BLANKS[: size - start])
    await response.write(said.body)
    return response


async def _cut_off(request: web.Request, said: Said) -> web.StreamResponse:
    response = web.StreamResponse(status=said.status)
    response.content_type = "application/json"
    response.content_length = len(said.body)
    await response.prepare(request)
    await response.write(said.body[: len(said.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
