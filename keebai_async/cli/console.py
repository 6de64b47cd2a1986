"""The person at the terminal: whether there is one, and what the answer is."""

import platform
import re
import sys
from contextlib import suppress
from importlib import metadata
from typing import Final

from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.language import phrase

COUNT_FROM: Final = 1_000
"""People from which on their number is typed in the place of `y`."""

_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[.,' \u00a0\u202f_](?=[0-9]{3})")


def can_ask() -> bool:
    """A person can read the question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on stderr and wait for a word; only `y` and `yes` (in any case) mean yes, and what they are in
    the language of the question.
    """
    yes = phrase("y yes", about="answer").split()
    return _answer(f"{question} [{yes[0]}/N] ").lower() in yes


def confirm_people(question: str, people: int) -> bool:
    """Ask whether so many *people* are to be messaged; from 1,000 on their number is the only yes."""
    if people < COUNT_FROM:
        return confirm(question)
    answer = _answer(
        phrase("{question} If so, type their number ({number}): ", question=question, number=figure(people))
    )
    return _BETWEEN_DIGITS.sub("", answer) == str(people)


def confirm_again(question: str, people: int) -> bool:
    """Ask whether so many *people* are to get once more what they got.

    The word `again` before their number is the only yes: the number alone is what one types at each launch.
    """
    again = phrase("again", about="answer")
    answer = _answer(
        phrase(
            "{question} If so, type {again} and their number ({again} {number}): ",
            question=question,
            again=again,
            number=figure(people),
        )
    )
    word, _, number = answer.partition(" ")
    return word.lower() == again and _BETWEEN_DIGITS.sub("", number.strip()) == str(people)


def confirm_name(question: str, name: str) -> bool:
    """Ask where nobody can say how many people it is about: the *name* of the thing is the only yes."""
    return _answer(phrase("{question} If so, type its name ({name}): ", question=question, name=name)) == (
        name.strip()
    )


def _answer(question: str) -> str:
    """The line typed after *question* is on the screen: what was typed before is no answer to it."""
    _forget_what_was_typed()
    sys.stderr.write(question)  # as a whole: a signal in the middle of it would show parts of it twice
    sys.stderr.flush()
    answer = ""
    try:
        with interrupts.asking():
            interrupts.heed()
            answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):  # the end of the input or a signal, and the question keeps its line
            sys.stderr.write("\n")
    return answer.strip()


def _forget_what_was_typed() -> None:
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        with suppress(termios.error, OSError, ValueError):  # no terminal
            termios.tcflush(sys.stdin, termios.TCIFLUSH)


def version() -> str:
    """`keebai-async 0.1.0, Python 3.11.9`, as the installed package says."""
    try:
        installed = metadata.version("keebai-async")
    except metadata.PackageNotFoundError:
        installed = "(not installed, run from its source)"
    return f"keebai-async {installed}, Python {platform.python_version()}"
