"""Phone numbers: what may be sent.

Sent is a number in strict E.164, as the caller gave it; a cell's surrounding blanks are not part of it.
Anything else is never guessed at by rules of our own: reading `011` as an international prefix once
made a US number of an Argentine one. It goes to a real parser (the `phones` extra), or is rejected. Here is
the place for whatever a number must be besides; which two numbers are one person, `identity.py` says.
"""

import importlib.util
import re
from functools import cache
from typing import Final

import msgspec

from keebai_async.model.limits import E164
from keebai_async.model.recipient import Reason
from keebai_async.planning.rejections import Problem

_SCIENTIFIC: Final = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
# What a person puts between digits. The parser would read letters as keys of a telephone, stop at the first
# of two numbers in a cell, and drop an extension: each of them is another person's number.
_SPELLING: Final = re.compile(r"[+(]?[0-9][0-9() .\-\u00a0\u2010-\u2015\u202f]*")

_DECIMAL: Final = re.compile(r"\+?[0-9]{7,15}[.,]0+")


class PhoneNumber(msgspec.Struct, frozen=True):
    """A number as it will be sent. *parsed*: it was written in another way; *landline*: it is no mobile."""

    e164: str
    parsed: bool = False
    landline: bool = False


def read_number(cell: str, region: str | None) -> PhoneNumber | Problem:
    """The number in a cell; without a plus it is one of *region*. Says of any other what is wrong with it."""
    number = trimmed(cell)
    if not number:
        return Problem(Reason.NO_NUMBER, "there is no number: give one, or leave the row out", "to")
    if E164.fullmatch(number):
        return PhoneNumber(number)
    if is_spreadsheet_number(number):
        return Problem(
            Reason.SPREADSHEET_NUMBER,
            "a spreadsheet has rounded the number: format the column as text and fill it again",
            "to",
        )
    if not parser_installed():
        return _bad(
            "not a number in E.164, such as +5491155555555; to read local spellings, install"
            " keebai-async[phones] and give --default-region"
        )
    if region is None and not number.startswith("+"):
        return _bad(
            "not a number in E.164, such as +5491155555555; to read local spellings (keebai-async[phones] is"
            " installed), give --default-region"
        )
    found = parse(number, region)
    return _bad(f"{found}: write it in E.164, such as +5491155555555") if isinstance(found, str) else found


def trimmed(cell: str) -> str:
    """A cell without the blanks around it and the apostrophe that marks text."""
    return cell.strip().removeprefix("'")


def is_spreadsheet_number(text: str) -> bool:
    """Whether a spreadsheet has turned the number into a quantity: `5.49116E+12`, `5491155555555.0`."""
    return bool(_SCIENTIFIC.fullmatch(text) or _DECIMAL.fullmatch(text))


@cache
def parser_installed() -> bool:
    """Whether the `phones` extra is there. Nothing is imported."""
    return importlib.util.find_spec("phonenumbers") is not None


def load_parser() -> None:
    """Import the parser, which takes a while, if it is installed."""
    if parser_installed():
        parse("+5491155555555", None)


def parse(text: str, region: str | None) -> PhoneNumber | str:
    """Read a spelling with the `phones` extra; a number without a plus is one of *region*.

    The number must be valid for its region, not only possible: a wrong one messages a stranger. For one that
    is not, why, in words.
    """
    if not _SPELLING.fullmatch(text):
        return "not a phone number: something in it is neither a digit nor between digits"
    import phonenumbers as pn

    try:
        number = pn.parse(text, region)
    except pn.NumberParseException as error:
        return str(error).split(") ", 1)[-1].rstrip(".").lower()
    if not pn.is_possible_number(number):
        return _REASONS.get(pn.is_possible_number_with_reason(number), "impossible in its country")
    if not pn.is_valid_number(number):
        return f"no number of {pn.region_code_for_country_code(number.country_code or 0)} is like this"
    e164 = pn.format_number(number, pn.PhoneNumberFormat.E164)
    if not E164.fullmatch(e164):
        return "not a number that can be dialled from abroad"
    landline = pn.number_type(number) == pn.PhoneNumberType.FIXED_LINE
    return PhoneNumber(e164, parsed=True, landline=landline)


# What ValidationResult's numbers say, for people.
_REASONS: Final = {
    1: "no such country code",
    2: "too short",
    3: "too long",
    4: "only for local calls",
    5: "too long or too short",
}


def known_region(region: str) -> bool:
    """Whether the parser knows a region, such as AR. True without the parser."""
    if not parser_installed():
        return True
    import phonenumbers as pn

    return region in pn.SUPPORTED_REGIONS


def _bad(detail: str) -> Problem:
    return Problem(Reason.BAD_NUMBER, detail, "to")
