"""Which numbers one row of an opt-out list holds. Pure, but for the parser.

A row may hold several, with anything between, and a note, a date or a name beside them. In doubt a number
counts: that somebody is left out who need not be harms less than the other way round. But where a number is
expected, digits that cannot be read are nobody's note: they stop the plan.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identity
from keebai_async.model.limits import E164
from keebai_async.planning.number_forms import calling_code, is_certain
from keebai_async.planning.number_text import is_rounded, plain_digits, trimmed, without_wrapping
from keebai_async.planning.phone import NumberReader, PhoneNumber

NOBODY_BEFORE: Final = "nobody is messaged before that"
"""What such a row means to a list of people."""
LEAST_DIGITS: Final = 6
"""So many digits or more may be somebody's number, or a part of it."""
MOST_PIECES: Final = 9
_PIECES_TO_LOOK_AT: Final = re.compile(
    r"\+?[(]*\+?[0-9][0-9().\-\u2010-\u2015\u2212]*|[^\s,;|/\"']*@[^\s,;|\"']+|\S*wa\.me/\S+|\S*phone=\S+"
)
_IN_LINK: Final = re.compile(r"[+@]|wa\.me|phone=")
_WITH_CODE: Final = re.compile(r"[0-9](?:[ ().\-\u2010-\u2015\u2212]*[0-9]){10}")
"""Eleven digits: with the code of its country, a mobile of Latin America has as many. No date has."""
_DATE: Final = re.compile(
    r"\b(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2}))"
    r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?(?![0-9])"
)
_ROUNDED: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]{1,2}(?![0-9A-Za-z])")


def unreadable(where: str, row: int) -> InvalidInput:
    """What to say of a row without a number that can be read. Nothing of what stands in it."""
    return InvalidInput(
        f"{where}: not a number in E.164, such as +5491155555555: fix it; {NOBODY_BEFORE}",
        field="suppress",
        row=row,
    )


def numbers_in(
    cells: Sequence[str], reader: NumberReader, expected: Sequence[bool] | None = None
) -> list[str] | None:
    """The numbers in a row, in E.164; None if one cannot be read in a cell where it is expected.

    *expected* says of each cell whether it is for numbers; without it, and beyond it, all are.
    """
    found: list[str] = []
    elsewhere: list[tuple[str, list[str]]] = []
    for place, cell in enumerate(cells):
        numbers, whole = _in_cell(cell, reader)
        if expected is None or place >= len(expected) or expected[place]:
            if not whole:
                return None
            found += numbers
        elif numbers:
            elsewhere.append((cell, numbers))
    for cell, numbers in elsewhere:
        # An order of eight digits may read as a number: without a plus it counts only if there is no other,
        # or if it begins with the country code of that one.
        if not found or _IN_LINK.search(cell):
            found += numbers
        else:
            codes = {calling_code(number[1:]) for number in found}
            digits = plain_digits(without_wrapping(trimmed(cell)).text) or ""
            found += [each for each in numbers if each == f"+{digits}" and calling_code(digits) in codes]
    return found


def may_count_beside(cells: Iterable[str]) -> bool:
    """Whether cells that are not for numbers may hold one that counts beside another; no is certain."""
    text = "\n".join(cells)
    return _IN_LINK.search(text) is not None or _WITH_CODE.search(text) is not None


def may_hold_a_number(cells: Sequence[str]) -> bool:
    """Whether digits of any script in a row may be somebody's number: then it is no header."""
    return any(
        sum(map(str.isdigit, _DATE.sub("", cell))) >= LEAST_DIGITS or _ROUNDED.search(cell) for cell in cells
    )


def _in_cell(cell: str, reader: NumberReader) -> tuple[list[str], bool]:
    """The numbers in a cell, and whether no digits are left that may be one too."""
    text = trimmed(cell)
    if _digits(text) < LEAST_DIGITS:
        return [], not _ROUNDED.search(text)
    if whole := _readings(text, reader):
        return whole, True
    if _ROUNDED.search(text):
        return [], False
    return _in_text(_DATE.sub(" ", text), reader)


def _in_text(text: str, reader: NumberReader) -> tuple[list[str], bool]:
    found: list[str] = []
    whole, skipped = True, 0
    for stretch in _stretches(text):
        start = 0
        while start < len(stretch):
            for end in range(min(len(stretch), start + MOST_PIECES), start, -1):
                part = " ".join(stretch[start:end])
                if _digits(part) >= LEAST_DIGITS and (numbers := _readings(part, reader)):
                    found += numbers
                    start, skipped = end, 0
                    break
            else:
                skipped += _digits(stretch[start])
                whole = whole and skipped < LEAST_DIGITS + 1
                start += 1
        skipped = 0
    return found, whole


def _stretches(text: str) -> list[list[str]]:
    """Pieces of numbers that may belong together: nothing but blanks is between those of one stretch."""
    stretches: list[list[str]] = []
    end = -1
    for piece in _PIECES_TO_LOOK_AT.finditer(text):
        if end < 0 or text[end : piece.start()].strip() or piece[0].startswith("+"):
            stretches.append([])
        stretches[-1].append(piece[0].rstrip(".-("))
        end = piece.end()
    return stretches


def _readings(text: str, reader: NumberReader) -> list[str]:
    """What a text can be read as: in the list's way, and without a plus as a number with its country code."""
    found = reader.read(text)
    numbers = [found.e164] if isinstance(found, PhoneNumber) else []
    digits = plain_digits(without_wrapping(text).text)
    if digits and not digits.startswith(("+", "0")) and not is_rounded(digits):
        number = f"+{digits}"
        if number not in numbers and E164.fullmatch(number) and is_certain(identity(number)):
            numbers.append(number)
    return numbers


def _digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))
