"""Ctrl-C and SIGTERM: the first stops in good order, the second leaves at once."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import anyio

from keebai_async.cli.exit_codes import Exit


async def watch_interrupts(stop: Callable[[], None], *, farewell: str) -> None:
    """Call *stop* at the first signal; at the second print *farewell* and end the process.

    Runs until it is cancelled. What must survive is on disk before it is told to anyone, so the second
    signal may end the process wherever it stands.
    """
    if sys.platform == "win32":
        # No loop there takes signal handlers: Ctrl-C arrives as KeyboardInterrupt.
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        asked = False
        async for _ in signals:
            if asked:
                leave(farewell)
            asked = True
            print("stopping; what is under way is waited for. Once more to leave at once.", file=sys.stderr)
            stop()


def leave(farewell: str) -> NoReturn:
    """Print *farewell* and end the process now, without waiting for anything."""
    print(farewell, file=sys.stderr, flush=True)
    os._exit(Exit.INTERRUPTED)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside a blocking question.

    The event loop's own handler only cancels a task, which a program that waits for a key never notices.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
