"""What stands around the digits of a number in a cell: marks, links, brackets. Pure.

Taken off is only what says nothing about whose number it is. Letters would be read as keys of a telephone by
the parser, two numbers in a cell as the first of them, and an extension would be dropped: each of them is
another person's number, so they stay and the cell is no number.
"""

import re
from typing import Final

import msgspec

_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SCIENTIFIC: Final = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_POINT_ZERO: Final = re.compile(r"(\+?[0-9]{7,15})[.,]0{1,2}")
_FRACTION: Final = re.compile(r"\+?[0-9]{7,15}[.,]0+")
# One plus, in front of the first digit, and between digits what a person puts there.
_SPELLING: Final = re.compile(r"[( ]*\+?[( ]*[0-9][0-9() .\-\u2010-\u2015\u2212]*")
_SIMPLE: Final = re.compile(r"[( ]*\+?[( ]*[0-9][0-9() -]*")
_FILLING: Final = dict.fromkeys(map(ord, "() -"))
NO_DIGIT: Final = re.compile(r"[^0-9]+")
_TEXT_FORMULA: Final = re.compile(r'="(.*)"', re.DOTALL)
_SCHEME: Final = re.compile(r"(?:tel|whatsapp|callto|sms):(?://)?(?:send/?\?phone=)?", re.IGNORECASE)
_LINK: Final = re.compile(
    r"(?:https?://)?(?:www\.)?(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?phone=)(\+?[0-9]+)/?(?:[?&].*)?",
    re.IGNORECASE,
)
_OF_A_PERSON: Final = re.compile(r"([0-9]+)(?::[0-9]+)?@(?:s\.whatsapp\.net|c\.us)", re.IGNORECASE)
_WRAPS: Final = frozenset("@:/.,")
_HIDDEN: Final = "@lid"
_WHOLE_NUMBER: Final = 7
_PARTED: Final = re.compile(r"[/,;|\n]|\b(?:y|e|o|ou|and|or)\b|:::|(?<=[0-9])\s+\+", re.IGNORECASE)
_EXTENSION: Final = re.compile(
    r"[0-9)][ ,;.(-]*(?:int|ext|extn|ramal|anexo|interno|x)[.:= ]*[0-9]{1,6}\)?", re.IGNORECASE
)
_BEGIN_QUANTITY: Final = frozenset("+0123456789")
_LOST_DIGITS: Final = "000000"
_ROUNDED_FROM: Final = 11
_GROUP: Final = "@g.us"


def oddness(text: str) -> str:
    """What a cell holds that is more than a number, in words."""
    if _holds_two(text):
        return "more than one number: leave the one that is meant"
    if _EXTENSION.search(text):
        return "a number with an extension, which nobody has in WhatsApp: give the number alone"
    if "@" in text:
        return "an address, not a phone number"
    return "not a phone number: something in it is neither a digit nor between digits"


def _holds_two(text: str) -> bool:
    """Whether there are two numbers in *text*, or more, with something between them."""
    if len(text) <= 2 * _WHOLE_NUMBER or len(NO_DIGIT.sub("", text)) < 2 * _WHOLE_NUMBER:
        return False
    return sum(len(NO_DIGIT.sub("", part)) >= _WHOLE_NUMBER for part in _PARTED.split(text)) > 1


class Unwrapped(msgspec.Struct, frozen=True, gc=False):
    """The text of a number without its link. *international*: it begins with a country code.

    *hidden* says, if there is no number in it, what it is.
    """

    text: str
    international: bool = False
    hidden: str = ""


def trimmed(cell: str) -> str:
    """A cell without the blanks around it, invisible marks, and what keeps it text in a spreadsheet."""
    text = cell if cell.isascii() else _INVISIBLE.sub("", cell)
    text = text.strip()
    if text.startswith("="):
        text = _TEXT_FORMULA.sub(r"\1", text).strip()
    return text.removeprefix("'")


def without_wrapping(text: str) -> Unwrapped:
    """A number without what a program or a link puts around it."""
    if text[-1:].isdigit() and _WRAPS.isdisjoint(text):
        return Unwrapped(text)  # as nearly all are
    lowered = text.lower()
    if lowered.endswith(_HIDDEN):
        return Unwrapped(text, hidden="a hidden id of WhatsApp, which is no phone number: ask for the number")
    if lowered.endswith(_GROUP):
        return Unwrapped(text, hidden="the id of a group of WhatsApp, which is nobody's phone number")
    for pattern in (_OF_A_PERSON, _LINK):
        if found := pattern.fullmatch(text):
            return Unwrapped(found[1], international=True)
    if found := _SCHEME.match(text):
        return Unwrapped(text[found.end() :].strip())
    if found := _POINT_ZERO.fullmatch(text):
        return Unwrapped(found[1])
    return Unwrapped(text)


def simple_digits(cell: str) -> str | None:
    """`plain_digits` of a cell of digits, blanks, brackets and dashes alone; None of others."""
    if cell.isascii() and (cell.isdigit() or (cell.startswith("+") and cell[1:].isdigit())):  # as most
        return _with_plus(cell)
    return _with_plus(cell.translate(_FILLING)) if _SIMPLE.fullmatch(cell) else None


def plain_digits(text: str) -> str | None:
    """The digits of a spelling, with a plus if it has one; None if there is more in it than a number."""
    if not text.isascii():
        text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\uff0b", "+")
    if not _SPELLING.fullmatch(text):
        return None
    digits = NO_DIGIT.sub("", text)
    return _with_plus(f"+{digits}" if "+" in text else digits)


def _with_plus(digits: str) -> str:
    """The digits behind a plus without the `00` that stands for another."""
    return "+" + digits[3:] if digits.startswith("+00") else digits


def is_rounded(digits: str) -> bool:
    """Whether digits without a plus are what is left of `5.49116E+12` once it was read as a number.

    A spreadsheet that keeps six digits has made six zeros and more of the others. A list with such numbers
    would message the few strangers who have them.
    """
    return len(digits) >= _ROUNDED_FROM and digits.endswith(_LOST_DIGITS)


def is_spreadsheet_number(text: str) -> bool:
    """Whether a spreadsheet has turned the number into a quantity that is not exact: `5.49116E+12`."""
    if text.isdigit() or text[:1] not in _BEGIN_QUANTITY:  # as nearly all
        return False
    return bool(_SCIENTIFIC.fullmatch(text) or _FRACTION.fullmatch(text))
