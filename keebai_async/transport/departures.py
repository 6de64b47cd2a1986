"""Departures: the submits of a client outside of campaigns, which are awaited when it is closed."""

from keebai_async.draining import Drain
from keebai_async.transport.exchange import HttpTransport
from keebai_async.transport.reply import Outcome
from keebai_async.transport.request import Request, RequestKind, Timeouts


class Departures:
    """Sends through *session*, until *drain* is closed: then nothing more leaves. An HttpTransport."""

    def __init__(self, session: HttpTransport, drain: Drain, *, timeouts: Timeouts) -> None:
        self._session = session
        self._drain = drain
        self._timeouts = timeouts

    def check(self) -> None:
        """Raise Misused if nothing can be sent here and now, such as while the client is being closed."""
        self._drain.check()
        self._session.check()

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt; trouble on the way is a Failure. A submit is waited for by the Drain."""
        if request.kind is not RequestKind.SUBMIT:
            return await self._session.send(request, timeouts)
        whole = request.timeout or (timeouts or self._timeouts).submit
        with self._drain.inside(seconds=whole + 1.0):
            return await self._session.send(request, timeouts)
