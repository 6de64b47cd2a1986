"""The person at the terminal: whether there is one, and what the answer is."""

import platform
import sys
from importlib import metadata

from keebai_async.cli.interrupts import interrupts


def can_ask() -> bool:
    """A person can read the question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on stderr and wait for a word; only `y` and `yes` (in any case) mean yes."""
    with interrupts.asking():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}


def version() -> str:
    """`keebai-async 0.1.0, Python 3.11.9`, as the installed package says."""
    try:
        installed = metadata.version("keebai-async")
    except metadata.PackageNotFoundError:
        installed = "(not installed, run from its source)"
    return f"keebai-async {installed}, Python {platform.python_version()}"
