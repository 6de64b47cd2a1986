"""The socket at which `webhooks serve` listens, and how it is closed without turning anybody away."""

from collections.abc import Callable
from typing import Final

import anyio
from aiohttp import web

from keebai_async.webhooks.aiohttp_handler import webhook_handler
from keebai_async.webhooks.receiver import DEADLINE, WebhookReceiver

IDLE: Final = 75.0
"""Seconds for which a connection may say nothing, or not all of a request's head."""
_GOODBYE: Final = 1.0
"""Seconds in which connections that stay open between requests are told that they end."""
_LINGER: Final = 1.0
"""Seconds in which the rest of a body that is too long is still taken in, so that its answer is heard."""
_LOOK_EVERY: Final = 0.02


class ListeningAt:
    """A place to listen at; *shared* lets other processes listen at the same port."""

    __slots__ = ("host", "path", "port", "shared")

    def __init__(self, host: str, port: int, path: str, *, shared: bool = False) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.shared = shared


class Door:
    """Takes deliveries for *receiver*, from `open` to `close`."""

    def __init__(self, receiver: WebhookReceiver, at: ListeningAt) -> None:
        self._take = webhook_handler(receiver)
        self._at = at
        self._ending = False
        self._under_way = 0
        app = web.Application()
        app.router.add_route("*", at.path, self._handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=0.0,  # `close` waited
            keepalive_timeout=IDLE,
            lingering_time=_LINGER,
            auto_decompress=False,  # the signature is over the bytes as they came
        )

    async def open(self) -> str:
        """Listen; gives the address. Raises OSError."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._at.host, self._at.port, reuse_port=self._at.shared or None)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}{self._at.path}"

    async def close(self) -> None:
        """Answer what has begun, and end.

        A service keeps its connections, and may send on one at the moment at which it is closed: a delivery
        that failed. So each is told with its next answer that it ends, while new ones are still taken.
        """
        self._ending = True
        await self._wait(_GOODBYE, lambda: self._connections)
        for site in list(self._runner.sites):
            await site.stop()
        await self._wait(DEADLINE, lambda: self._under_way)
        await self._runner.cleanup()

    @property
    def _connections(self) -> int:
        server = self._runner.server
        return 0 if server is None else len(server.connections)

    async def _wait(self, longest: float, left: Callable[[], int]) -> None:
        with anyio.move_on_after(longest):
            while left():  # noqa: ASYNC110 - aiohttp tells nobody when a connection is gone
                await anyio.sleep(_LOOK_EVERY)

    async def _handle(self, request: web.Request) -> web.Response:
        self._under_way += 1
        try:
            response = await self._take(request)
        finally:
            self._under_way -= 1
        if self._ending:
            response.force_close()
        return response
