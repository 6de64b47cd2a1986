"""A sandbox of any service that serves until it is told to stop."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import anyio

from keebai_async.cli.interrupts import interrupts
from keebai_async.errors import InvalidInput


async def serve_until_told(
    server: AbstractAsyncContextManager[object], port: int, introduce: Callable[[], None]
) -> None:
    """Open *server*, introduce it, and close it at Ctrl-C, SIGTERM or SIGHUP.

    Raises:
        InvalidInput: the port is taken.
    """
    with _port_errors(port):
        await server.__aenter__()
    try:
        told = anyio.Event()
        with interrupts.stopping(told.set, last_words="left at once"):
            introduce()
            await told.wait()
    finally:
        await server.__aexit__(None, None, None)


@contextmanager
def _port_errors(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"cannot listen on port {port}: {os.strerror(error.errno or 0)};"
            " choose another, or 0 for a free one",
            field="--port",
        ) from error
