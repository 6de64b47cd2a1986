"""The sandbox's Keebai, on a socket of this machine."""

from collections.abc import Mapping, Sequence
from typing import Self, Unpack

import msgspec
from aiohttp import web

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai.bodies import BadRequest
from keebai_async.sandbox.keebai.delivery import Counters
from keebai_async.sandbox.keebai.ledger import Ledger
from keebai_async.sandbox.keebai.service import KeebaiService
from keebai_async.sandbox.keebai.settings import SandboxOptions, SandboxSettings
from keebai_async.sandbox.keebai.subscriptions import TOLD_OF_MESSAGES, Subscription
from keebai_async.sandbox.keebai.webhook_control import control
from keebai_async.sandbox.keebai.webhooks import SandboxWebhooks
from keebai_async.sandbox.local_server import CONTROL, PREFIX, LocalServer, sandbox_clock


class Sandbox(LocalServer):
    """A Keebai on this machine: open it with `async with` or `with`, and send to its `url` with its `token`.

    `async with` serves on the running event loop; `with` on a thread of its own, for tests and programs that
    have no event loop. *port* 0 is any free one. Time is *clock*'s; without one it is the machine's, *speed*
    times as fast, and deliveries, quota windows and faults all follow it. The other keywords are those of
    SandboxSettings, which may be changed at `settings` while it runs. Closed and opened again, it is the same
    one on the same port.
    """

    __slots__ = {
        "settings": "How it behaves; may be changed while it runs.",
    }

    settings: SandboxSettings

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        speed: float = 1.0,
        **options: Unpack[SandboxOptions],
    ) -> None:
        self.settings = SandboxSettings(**options)
        clock = sandbox_clock(clock, speed)
        self._keebai = KeebaiService(self.settings, clock)
        super().__init__(self._keebai, port=port, host=host, clock=clock)

    @property
    def token(self) -> str:
        """The first of its tokens."""
        return self.settings.tokens[0].secret

    @property
    def phone_number_id(self) -> str:
        """The first of its senders, by Meta's id."""
        return self.settings.senders[0].phone_number_id

    @property
    def channel_id(self) -> str:
        """The first of its senders, by Keebai's id."""
        return self.settings.senders[0].channel_id

    @property
    def ledger(self) -> Ledger:
        """Everything it accepted."""
        return self._keebai.sending.ledger

    @property
    def webhooks(self) -> SandboxWebhooks:
        """Its webhooks: subscriptions, switches, and what really became of everybody."""
        return SandboxWebhooks(self._keebai.webhooks)

    @property
    def malformed(self) -> set[str]:
        """Numbers that this server alone finds malformed: add to it."""
        return self.settings.malformed

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._keebai.webhooks.opened(subscribed=bool(self._keebai.webhooks.subscriptions.known))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._keebai.webhooks.aclose()
        await super().__aexit__(*error)

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        if http.path.startswith(CONTROL):
            return control(self.webhooks, http.method, http.path.removeprefix(CONTROL), await http.read())
        response = await super()._answer(http)
        late = self.webhooks.switches.before_answer
        if late and http.method == "POST" and http.path.startswith(f"{PREFIX}/messages/"):
            await self._wait(late)
        return response

    def subscribe(
        self, url: str, *, events: Sequence[str] = TOLD_OF_MESSAGES, headers: Mapping[str, str] | None = None
    ) -> Subscription:
        """Have events delivered to *url* on this machine, without a request; its `secret` signs them.

        From any thread. Raises ValueError for an address elsewhere or an event that does not exist.
        """
        body = {"name": "subscribed", "url": url, "events": list(events), "headers": dict(headers or {})}
        with self._one_at_a_time:
            try:
                one = self._keebai.webhooks.subscriptions.make(
                    self.settings.tokens[0].company, msgspec.json.encode(body)
                )
            except BadRequest as bad:
                raise ValueError(str(bad)) from bad
        self._keebai.webhooks.subscribed()
        return one

    def counters(self, broadcast_id: str) -> Counters:
        """Where a broadcast stands now, without a request. Raises KeyError."""
        with self._one_at_a_time:
            return self._keebai.sending.counters(broadcast_id)

    def set_template_status(self, name: str, status: str) -> None:
        """Let the templates of that name be `PAUSED`, say, or `APPROVED` again, from the next request on."""
        self.settings.templates = tuple(
            msgspec.structs.replace(one, status=status) if one.name == name else one
            for one in self.settings.templates
        )
