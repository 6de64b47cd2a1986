"""The terminal: words for people on stderr, data on stdout, questions, Ctrl-C."""

import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import NoReturn

import anyio

from keebai_async.cli.exit_codes import Exit


def say(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr, flush=True)


def answer(text: str) -> None:
    """What was asked for, on stdout."""
    print(text, flush=True)


def drop_output() -> None:
    """From now on stdout leads nowhere: its reader is gone, and what is left would raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def can_ask() -> bool:
    """A person can read the question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on stderr and wait for a word; only `y` and `yes` (in any case) mean yes."""
    with _ctrl_c_raises():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


@contextmanager
def _ctrl_c_raises() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside a blocking question.

    The event loop's own handler only cancels a task, which a program that waits for a key never notices.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def stop_on_signals(stop: Callable[[], None], *, last_words: str) -> None:
    """Call *stop* at the first Ctrl-C or SIGTERM; at the second print *last_words* and end the process.

    Runs until it is cancelled. What must survive is on disk before it is told to anyone, so the second
    signal may end the process wherever it stands.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        # No signal arrives here: on Windows Ctrl-C is KeyboardInterrupt, and a thread gets none.
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        asked = False
        async for _ in signals:
            if asked:
                _leave(last_words)
            asked = True
            say("stopping: waiting for the requests under way. Press Ctrl-C again to leave at once.")
            stop()


def _leave(last_words: str) -> NoReturn:
    say(last_words)
    os._exit(Exit.INTERRUPTED)


def version() -> str:
    """`keebai-async 0.1.0, Python 3.11.9`, as the installed package says."""
    try:
        installed = metadata.version("keebai-async")
    except metadata.PackageNotFoundError:
        installed = "(not installed, run from its source)"
    return f"keebai-async {installed}, Python {platform.python_version()}"
