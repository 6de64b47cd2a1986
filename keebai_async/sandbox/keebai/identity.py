"""Which numbers reach the same person: the sandbox's own opinion, to judge others by."""

import re
from typing import Final

_RULES: Final = (
    (re.compile(r"\+549(\d{10})"), r"+54\1"),
    (re.compile(r"\+521(\d{10})"), r"+52\1"),
    (re.compile(r"\+55(\d\d)9(\d{8})"), r"+55\1\2"),
)


def identity(number: str) -> str:
    """One spelling for all that reach the same person; *number* is strict E.164.

    Source: contract, section 10: Argentina with and without 9, Mexico with and without 1, Brazil with and
    without the ninth digit.
    """
    for spelling, same in _RULES:
        if match := spelling.fullmatch(number):
            return match.expand(same)
    return number
