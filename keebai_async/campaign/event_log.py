"""News of a run: everything it told, for any number of readers, each from the beginning."""

from collections.abc import AsyncIterator

import anyio

from keebai_async.model.events import AnyEvent


class News:
    """Events in the order they were told. It ends once, when the run does."""

    def __init__(self) -> None:
        self._told: list[AnyEvent] = []
        self._change = anyio.Event()
        self._over = anyio.Event()

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def tell(self, event: AnyEvent) -> None:
        self._told.append(event)
        self.wake()

    def end(self) -> None:
        """Nothing more will be told."""
        self._over.set()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits for a change look at the world again."""
        self._change.set()
        self._change = anyio.Event()

    async def change(self) -> None:
        """Wait until something is told, or somebody wakes us."""
        await self._change.wait()

    async def wait_over(self) -> None:
        await self._over.wait()

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        seen = 0
        while True:
            change = self._change
            while seen < len(self._told):
                yield self._told[seen]
                seen += 1
            if self.over:
                return
            await change.wait()
