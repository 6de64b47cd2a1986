"""Departures: the calls of a client outside of campaigns, none of which leaves once it is being closed."""

from keebai_async.draining import Drain
from keebai_async.transport.reply import Outcome
from keebai_async.transport.request import Request, Timeouts
from keebai_async.transport.slot import HttpTransport


class Departures:
    """Sends through *session*, until *drain* is closed: then nothing more leaves. An HttpTransport.

    What has left is waited for by the Exchange, which knows when it is settled.
    """

    def __init__(self, session: HttpTransport, drain: Drain) -> None:
        self._session = session
        self._drain = drain

    def check(self) -> None:
        """Raise Misused if nothing can be sent here and now, such as while the client is being closed."""
        self._drain.check()
        self._session.check()

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt; trouble on the way is a Failure. Raises Misused if nothing may leave any more."""
        self._drain.check()
        return await self._session.send(request, timeouts)
