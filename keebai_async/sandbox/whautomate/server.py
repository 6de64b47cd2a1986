"""The sandbox's Whautomate, on a socket of this machine."""

from typing import Self, Unpack

from aiohttp import web

from keebai_async.clock import Clock
from keebai_async.sandbox.local_server import CONTROL, LocalServer, sandbox_clock
from keebai_async.sandbox.whautomate.ledger import WhautomateLedger
from keebai_async.sandbox.whautomate.service import WhautomateService
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxOptions, WhautomateSandboxSettings
from keebai_async.sandbox.whautomate.webhook_control import control_whautomate
from keebai_async.sandbox.whautomate.webhook_feed import WhautomateFeed
from keebai_async.sandbox.whautomate.webhooks import WhautomateSandboxWebhooks


class WhautomateSandbox(LocalServer):
    """A Whautomate on this machine: open it with `async with` or `with`; send to its `url` with its `key`.

    It runs and keeps time as Sandbox does. The other keywords are those of WhautomateSandboxSettings, which
    may be changed at `settings` while it runs.
    """

    __slots__ = {
        "settings": "How it behaves; may be changed while it runs.",
    }

    settings: WhautomateSandboxSettings

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        speed: float = 1.0,
        **options: Unpack[WhautomateSandboxOptions],
    ) -> None:
        self.settings = WhautomateSandboxSettings(**options)
        clock = sandbox_clock(clock, speed)
        self._whautomate = WhautomateService(self.settings, clock)
        super().__init__(self._whautomate, port=port, host=host, clock=clock)

    @property
    def key(self) -> str:
        """The first of its keys."""
        return self.settings.keys[0]

    @property
    def location(self) -> str:
        """The id of the first of its locations."""
        return self.settings.locations[0]

    @property
    def ledger(self) -> WhautomateLedger:
        """Everything it accepted."""
        return self._whautomate.ledger

    @property
    def webhooks(self) -> WhautomateSandboxWebhooks:
        """Its webhooks: switches, what really became of everybody, how many deliveries wait."""
        return WhautomateSandboxWebhooks(self._feed)

    @property
    def _feed(self) -> WhautomateFeed:
        return self._whautomate.webhooks

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._feed.opened(subscribed=bool(self._feed.subscriptions.known))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._feed.aclose()
        await super().__aexit__(*error)

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        if http.path.startswith(CONTROL):
            path, content = http.path.removeprefix(CONTROL), await http.read()
            reply = control_whautomate(self._feed, http.method, path, content)
            return web.Response(status=reply.status, body=reply.body, content_type="application/json")
        return await super()._answer(http)

    def stage(self, broadcast_id: str, *, starts_in: float = 0.0) -> None:
        """Put a broadcast to everybody there without a request; it starts in so many seconds, or did."""
        with self._one_at_a_time:
            self._whautomate.broadcasts.stage(broadcast_id, starts_in=starts_in)
        self._feed.wake()
