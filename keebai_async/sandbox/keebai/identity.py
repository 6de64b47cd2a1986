"""Which numbers reach the same person: the sandbox's own opinion, to judge others by."""

import re
from typing import Final

_OPTIONAL_DIGITS: Final = (
    (re.compile(r"\+549\d{10}"), 3),
    (re.compile(r"\+521\d{10}"), 3),
    (re.compile(r"\+55\d\d9\d{8}"), 5),
)
"""The spellings with a digit that others leave out, and the place of that digit."""


def identity(number: str) -> str:
    """One spelling for all that reach the same person; *number* is strict E.164.

    Source: contract, section 10: Argentina with and without 9, Mexico with and without 1, Brazil with and
    without the ninth digit.
    """
    for spelling, place in _OPTIONAL_DIGITS:
        if spelling.fullmatch(number):
            return number[:place] + number[place + 1 :]
    return number
