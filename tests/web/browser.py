"""A browser's EventSource: it comes again by itself, and says which event it has seen last."""

from collections.abc import Callable
from contextlib import suppress

import aiohttp
import anyio
import msgspec

from keebai_async.model.events import AnyEvent

COMES_AGAIN_AFTER = 0.05
"""Seconds; the stream asks for two, which a test need not wait for."""

_EVENT: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class Browser:
    """What it got of one stream: *events*, how often it was *connected*, and whether it *ended*."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: list[AnyEvent] = []
        self.connected = 0
        self.ended = False
        self.last_event_id = ""
        self._change = anyio.Event()

    @property
    def ids(self) -> list[int]:
        return [event.id for event in self.events]

    async def look(self) -> None:
        """Until the stream says that it is over; whatever cuts it is no end."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not self.ended:
                with suppress(aiohttp.ClientError, ConnectionError):
                    await self._once(session)
                await anyio.sleep(COMES_AGAIN_AFTER)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when *holds* does; it is asked after each event."""
        while not holds():
            await self._change.wait()

    async def _once(self, session: aiohttp.ClientSession) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        async with session.get(self.url, headers=headers) as response:
            if response.status == 204:
                self.ended = True
                return
            assert response.status == 200, await response.text()
            assert response.headers["content-type"] == "text/event-stream"
            self.connected += 1
            message: list[str] = []
            async for line in response.content:
                text = line.decode()
                assert text.endswith("\n")
                if text != "\n":
                    message.append(text[:-1])
                elif message:
                    self._take(message)
                    message = []

    def _take(self, message: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in message if not line.startswith(":"))
        if fields.get("event") == "end":
            self.ended = True
        elif "data" in fields:
            event = _EVENT.decode(fields["data"])
            assert fields["id"] == str(event.id)
            self.last_event_id = fields["id"]
            self.events.append(event)
            self._change.set()
            self._change = anyio.Event()
