"""The sandbox's Whautomate, on a socket of this machine."""

from collections.abc import Mapping
from typing import Unpack

from keebai_async.clock import Clock
from keebai_async.sandbox.local_server import LocalServer
from keebai_async.sandbox.replies import Said
from keebai_async.sandbox.traffic import Traffic
from keebai_async.sandbox.whautomate.door import Visit
from keebai_async.sandbox.whautomate.ledger import WhautomateLedger
from keebai_async.sandbox.whautomate.replies import error
from keebai_async.sandbox.whautomate.service import Service
from keebai_async.sandbox.whautomate.settings import Options, Settings


class WhautomateSandbox(LocalServer[Visit]):
    """A Whautomate on this machine: open it with `async with`, and send to its `url` with its `key`.

    *port* 0 is any free one. Time is *clock*'s; without one it is the machine's, *speed* times as fast, and
    deliveries, quota windows and faults all follow it. The other keywords are those of Settings, which may
    be changed at `settings` while it runs. Closed and opened again, it is the same one on the same port.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        speed: float = 1.0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(port=port, host=host, clock=clock, speed=speed)
        self.settings = Settings(**options)
        self._service = Service(self.settings, self.clock)

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
        return self._service.ledger

    @property
    def traffic(self) -> Traffic:
        return self._service.door.turnstile.traffic

    def stage(self, broadcast_id: str, *, starts_in: float = 0.0) -> None:
        """Put a broadcast to everybody there without a request; it starts in so many seconds, or did."""
        self._service.broadcasts.stage(broadcast_id, starts_in=starts_in)

    def _admit(self, method: str, path: str, headers: Mapping[str, str]) -> Visit | Said:
        return self._service.door.admit(method, path, headers)

    def _act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        return self._service.act(visit, query, content)

    def _error(self, status: int) -> Said:
        return error(self.settings, status, f"The service answered {status}")
