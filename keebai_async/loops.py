"""Which event loop a thing belongs to. This library runs on asyncio's, under anyio or without it."""

import asyncio

from keebai_async.errors import Misused


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop that runs here. Raises Misused where none of asyncio's does: under trio, or outside of all."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise Misused(
            "keebai_async runs on asyncio, and no event loop of asyncio runs here: start it with"
            ' asyncio.run(), or anyio.run(..., backend="asyncio"); trio is not supported'
        ) from None


class OneLoop:
    """Holds *what* to the event loop in which it is first used."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Raise Misused in any other loop, also if the first one has ended."""
        loop = running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise Misused(f"{self._what} was opened in another event loop: open one in each loop")
