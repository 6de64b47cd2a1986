"""Which numbers one row of an opt-out list holds. Pure, but for the parser.

A row may hold several, with anything between, and a note, a date or a name beside them. In doubt a number
counts: that somebody is left out who need not be harms less than the other way round. But where a number is
expected, digits that cannot be read are nobody's note: they stop the plan.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from keebai_async.errors import InvalidInput
from keebai_async.planning.bare_numbers import bare_readings
from keebai_async.planning.number_forms import calling_code
from keebai_async.planning.number_text import is_rounded, plain_digits, trimmed, without_wrapping
from keebai_async.planning.phone import NumberReader, PhoneNumber

NOBODY_BEFORE: Final = "nobody is messaged before that"
"""What such a row means to a list of people."""
LEAST_DIGITS: Final = 6
"""So many digits or more may be somebody's number, or a part of it."""
MOST_PIECES: Final = 9
_LOCAL_DIGITS: Final = 8
"""The fewest that a mobile of Latin America has without its country code."""
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
_MORE_DIGITS: Final = re.compile(
    r"[)\s]*(?:/|&|\b(?:y|e|o|u|ou|and|or)\b)\s*[0-9]{2,5}(?![0-9/:]|[\s().\-]*[0-9])", re.IGNORECASE
)
"""What stands behind a number for another one of which only the last digits are written: `5555-0101/02`.

With more digits behind them, these begin another one that is written in full: `/ 0341 15 555-0103`.
"""
_ROUNDED: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]{1,2}(?![0-9A-Za-z])")


def unreadable(where: str, row: int, hint: str = "") -> InvalidInput:
    """What to say of a row without a number that can be read. Nothing of what stands in it."""
    return InvalidInput(
        f"{where}: not a number in E.164, such as +5491155555555: fix it{hint}; {NOBODY_BEFORE}",
        field="suppress",
        row=row,
    )


def hint_for(cells: Sequence[str], reader: NumberReader) -> str:
    """What else may be done for a row that cannot be read: to say of which country a number is."""
    if reader.region is not None or reader.international:
        return ""
    bare = any(_digits(cell) >= LEAST_DIGITS and "+" not in cell for cell in cells)
    return (
        ", or say what numbers without a plus are, --default-region or --numbers international"
        if bare
        else ""
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


def may_be_a_number(cell: str) -> bool:
    """Whether a cell is nothing but digits as a number has them, with a country code or without."""
    digits = plain_digits(without_wrapping(trimmed(_DATE.sub("", cell))).text)
    return digits is not None and len(digits) >= _LOCAL_DIGITS


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
        start, cut = 0, stretch[0].text.startswith("+")
        while start < len(stretch):
            for end in range(min(len(stretch), start + MOST_PIECES), start, -1):
                part = " ".join(piece.text for piece in stretch[start:end])
                if _digits(part) >= LEAST_DIGITS and (numbers := _readings(part, reader)):
                    # What is left of a number whose plus and country code say something else is nobody's.
                    whole = (
                        whole and not (cut and start) and not _MORE_DIGITS.match(text, stretch[end - 1].end)
                    )
                    found += numbers
                    start, skipped, cut = end, 0, False
                    break
            else:
                skipped += _digits(stretch[start].text)
                whole = whole and skipped < LEAST_DIGITS + 1
                start += 1
        skipped = 0
    return found, whole


class _NumberPiece(NamedTuple):
    text: str
    end: int


def _stretches(text: str) -> list[list[_NumberPiece]]:
    """Pieces of numbers that may belong together: nothing but blanks is between those of one stretch."""
    stretches: list[list[_NumberPiece]] = []
    end = -1
    for piece in _PIECES_TO_LOOK_AT.finditer(text):
        if end < 0 or text[end : piece.start()].strip() or piece[0].startswith("+"):
            stretches.append([])
        end = piece.end()
        stretches[-1].append(_NumberPiece(piece[0].rstrip(".-("), end))
    return stretches


def _readings(text: str, reader: NumberReader) -> list[str]:
    """What a text can be read as: in the list's way, and without a plus as a number with its country code."""
    found = reader.read(text)
    numbers = [found.e164] if isinstance(found, PhoneNumber) else []
    digits = plain_digits(without_wrapping(text).text)
    if digits and not reader.international and not digits.startswith(("+", "0")) and not is_rounded(digits):
        readings = bare_readings(digits, alone=reader.region is None)
        numbers += [number for number in readings if number not in numbers]
    return numbers


def _digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))
