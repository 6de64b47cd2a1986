"""Campaigns in a web app, whatever its framework: what runs them, and streams of what is told of them.

    async with Keebai(journal="campaigns.db") as keebai, WebCampaigns(keebai) as web:
        ...  # the lifespan of the app, or its cleanup_ctx
        stream = await web.events(campaign_id, request.headers.get("last-event-id"))
        ...  # a response with stream.status, stream.headers, and its bytes

A stream speaks the format of Server-Sent Events, which every browser reads (`new EventSource(url)`). It is
made from the journal, event by event, so it does not matter which process runs the campaign, when the browser
came, nor how often its connection or the server ended: the browser says which event it has seen last
(Last-Event-ID), and the stream goes on behind it.

The problem is the end. A web server that is told to stop (SIGTERM) first waits for its open responses, and
only then ends the lifespan of the app: an open browser keeps it alive, and in all that time campaigns go on
being submitted. No server tells its app before. So inside `async with` we hear the signal, too: nothing more
is submitted from that instant, and all streams end by themselves. The signal then goes where it went before.

Who reads slowly, or never, is waited for by the server, not by us: of each stream there is one page of events
in memory.
"""

import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Final, Protocol, Self

import anyio
import msgspec

from keebai_async.errors import InvalidInput, JournalUnusable
from keebai_async.loops import running_loop
from keebai_async.model.event_place import EventPlace, place_of
from keebai_async.model.events import EventPage
from keebai_async.supervisor import SupervisedClient, Supervisor, supervisor_of

KEEP_ALIVE: Final = 15.0
"""Seconds of silence after which a stream shows that it is there: proxies close a silent connection."""

_RECONNECT_AFTER: Final = b"retry: 2000\n\n"
"""How many milliseconds a browser waits before it comes again."""

_SIGN_OF_LIFE: Final = b": \n\n"
_NO_MORE: Final = b"event: end\ndata: {}\n\n"

_HEADERS: Final = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # or nginx keeps events back until it has a few thousand bytes
}


class WebClient(SupervisedClient, Protocol):
    """What the campaigns of a web app use of the client they belong to."""


class WebCampaigns:
    """The campaigns of *client* in a web app, inside `async with`.

    With *at_once* it runs what is wanted (as `client.supervise` does); None leaves that to other processes.
    From SIGTERM or SIGINT on, or `close`, nothing more is submitted and all streams end. *keep_alive* is how
    many seconds a stream may be silent.

    Raises InvalidInput, on entering, if *at_once* is less than 1.
    """

    def __init__(self, client: WebClient, *, at_once: int | None = 8, keep_alive: float = KEEP_ALIVE) -> None:
        self._client = client
        self._at_once = at_once
        self._keep_alive = keep_alive
        self._closed = False
        self._supervisor: Supervisor | None = None
        self._waiting: set[anyio.CancelScope] = set()

    async def __aenter__(self) -> Self:
        self._life = self._live()
        await self._life.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._life.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        async with self._supervised() as self._supervisor:
            with _hearing_signals(self.close):
                try:
                    yield
                finally:
                    self.close()

    def _supervised(self) -> AbstractAsyncContextManager[Supervisor | None]:
        if self._at_once is None:
            return _nobody()
        return supervisor_of(self._client, at_once=self._at_once)

    def close(self) -> None:
        """Submit nothing more, and let all streams end. What has left is awaited at the end of the block.

        For a server that is ended without a signal: call it before it waits for its responses.
        """
        self._closed = True
        if self._supervisor is not None:
            self._supervisor.close()
        for scope in self._waiting:
            scope.cancel()

    async def events(self, campaign_id: str, last_event_id: str | int | None = None) -> "EventStream":
        """The answer to a browser that asks for the events of a campaign after the one it has seen last.

        *last_event_id* is what its header `Last-Event-ID` says; without one, or where it is no id, the stream
        begins with the first event. Where nothing is left to tell, its status is 204, and the browser comes
        no more.

        Of a list over several senders the stream has the events of all parts, and its ids are places in all
        of them, such as `12.0.7` (see `campaigns.watch`).

        Raises:
            CampaignNotFound: there is no such campaign.
            JournalUnusable: the journal cannot be read. (One that is away for a while is waited for.)
        """
        place = _place_of(campaign_id, last_event_id)
        try:
            page = await self._client.journal.events(campaign_id, after=str(place))
        except JournalUnusable as error:
            if not error.temporary:
                raise
            page = EventPage()
        return EventStream(self, campaign_id, page, place)

    async def _more(self, campaign_id: str, place: EventPlace) -> EventPage | None:
        """What comes next; an empty page if nothing did for a while, and None if the stream is to end."""
        page = EventPage()
        with anyio.move_on_after(self._keep_alive) as scope:
            self._waiting.add(scope)
            try:
                if not self._closed:
                    page = await self._client.campaigns.next_events(campaign_id, after=str(place))
            finally:
                self._waiting.discard(scope)
        return None if self._closed else page


class EventStream:
    """A response of Server-Sent Events: *status* and *headers*, and an async iterable of its bytes.

    Each event is one JSON object in `data`, with its id; the last one, of type `end`, says that there are no
    more. Without it the stream was cut, and the browser comes again by itself.
    """

    __slots__ = {
        "_campaign_id": "",
        "_first": "",
        "_place": "",
        "_web": "",
        "headers": "The headers of the response.",
        "status": "The status of the response.",
    }

    status: int
    headers: Mapping[str, str]

    def __init__(self, web: WebCampaigns, campaign_id: str, first: EventPage, place: EventPlace) -> None:
        self._web = web
        self._campaign_id = campaign_id
        self._first = first
        self._place = place
        self.status = 204 if first.over else 200
        self.headers = {"cache-control": "no-store"} if first.over else _HEADERS

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.status == 204:
            return
        yield _RECONNECT_AFTER
        page: EventPage | None = self._first
        place = self._place
        while page is not None and not page.over:
            messages = []
            for event in page.events:
                place = place.behind(event)
                messages.append(b"id: %b\ndata: %b\n\n" % (str(place).encode(), _json(event)))
            if messages:
                yield b"".join(messages)
            page = await self._web._more(self._campaign_id, place)
            if page == EventPage():
                yield _SIGN_OF_LIFE
        if page is not None:
            yield _NO_MORE


def _json(event: msgspec.Struct) -> bytes:
    return msgspec.json.encode(event)  # in which no line break is left


def _place_of(campaign_id: str, given: str | int | None) -> EventPlace:
    """The place that a browser names, or the beginning for anything else that it may say."""
    with suppress(InvalidInput):
        return place_of(campaign_id, str(given or "").strip())
    return place_of(campaign_id, 0)


@asynccontextmanager
async def _nobody() -> AsyncIterator[None]:
    """In the place of a supervisor, where other processes run what is wanted."""
    yield


@contextmanager
def _hearing_signals(tell: Callable[[], None]) -> Iterator[None]:
    """Call *tell* in this event loop at SIGTERM and SIGINT, inside `with`, and let them go where they went.

    Only where they went to somebody: what would end the process at once still does. Signals are heard in the
    main thread alone; elsewhere this does nothing.
    """
    loop = running_loop()
    before: dict[int, Callable[[int, FrameType | None], object]] = {}

    def hear(number: int, frame: FrameType | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nothing is left to end
            loop.call_soon_threadsafe(tell)
        before[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for heard in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(heard)
            if callable(handler):
                before[heard] = handler
                signal.signal(heard, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)
