"""The sandbox's Whautomate, on a socket of this machine."""

from typing import Unpack

from keebai_async.clock import Clock
from keebai_async.sandbox.local_server import LocalServer, sandbox_clock
from keebai_async.sandbox.whautomate.ledger import WhautomateLedger
from keebai_async.sandbox.whautomate.service import WhautomateService
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxOptions, WhautomateSandboxSettings


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

    def stage(self, broadcast_id: str, *, starts_in: float = 0.0) -> None:
        """Put a broadcast to everybody there without a request; it starts in so many seconds, or did."""
        with self._one_at_a_time:
            self._whautomate.broadcasts.stage(broadcast_id, starts_in=starts_in)
