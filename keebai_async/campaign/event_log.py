"""EventLog: everything that a run told, for any number of readers, each from the beginning."""

from collections.abc import AsyncIterator

import anyio

from keebai_async.model.events import AnyEvent


class EventLog:
    """Events in the order in which they were told. It is closed once, when the last one is."""

    def __init__(self) -> None:
        self._told: list[AnyEvent] = []
        self._change = anyio.Event()
        self._closed = anyio.Event()

    def tell(self, event: AnyEvent) -> None:
        self._told.append(event)
        self._wake()

    def close(self) -> None:
        """Nothing more will be told."""
        self._closed.set()
        self._wake()

    @property
    def closed(self) -> bool:
        """Whether the last event was told."""
        return self._closed.is_set()

    async def until_closed(self) -> None:
        await self._closed.wait()

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        seen = 0
        while True:
            change = self._change
            while seen < len(self._told):
                yield self._told[seen]
                seen += 1
            if self._closed.is_set():
                return
            await change.wait()

    def _wake(self) -> None:
        self._change.set()
        self._change = anyio.Event()
