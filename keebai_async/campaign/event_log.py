"""EventLog: everything that a run told, for any number of readers, each from the beginning."""

from bisect import bisect_left
from collections.abc import AsyncIterator
from typing import Final

import anyio

from keebai_async.model.events import AnyEvent, topic_of

KEPT_WHOLE: Final = 10_000
"""Events of one run that are kept whatever they are."""


class EventLog:
    """Events in the order in which they were told. It is closed once, when the last one is.

    A run may last for days. When KEPT_WHOLE are there, an event that makes an older one out of date, such as
    counters of the same chunk, takes its place: who reads along gets both, who comes later the newer one.
    """

    def __init__(self) -> None:
        self._told: list[AnyEvent] = []
        self._places: list[int] = []  # of each of them, among all that were ever told
        self._next = 0
        self._topics: dict[str, int] = {}
        self._change = anyio.Event()
        self._closed = anyio.Event()

    def tell(self, event: AnyEvent) -> None:
        if topic := topic_of(event):
            if len(self._told) >= KEPT_WHOLE:
                self._drop(self._topics.get(topic))
            self._topics[topic] = self._next
        self._told.append(event)
        self._places.append(self._next)
        self._next += 1
        self._wake()

    def _drop(self, place: int | None) -> None:
        if place is not None:
            at = bisect_left(self._places, place)
            del self._told[at], self._places[at]

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
        place = 0
        while True:
            change = self._change
            while (at := bisect_left(self._places, place)) < len(self._told):
                place = self._places[at] + 1
                yield self._told[at]
            if self._closed.is_set():
                return
            await change.wait()

    def _wake(self) -> None:
        self._change.set()
        self._change = anyio.Event()
