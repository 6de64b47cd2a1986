"""Words for people go to stderr; stdout is for data."""

import os
import sys

from keebai_async.cli.interrupts import interruptible


def say(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr, flush=True)


def answer(text: str) -> None:
    """What was asked for, on stdout."""
    print(text, flush=True)


def drop_output() -> None:
    """From now on stdout leads nowhere: whoever read it is gone, and what is left would raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def can_ask() -> bool:
    """A person can read the question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on stderr and wait for a word; only `y` and `yes` (in any case) mean yes."""
    with interruptible():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
