"""Phone numbers: what may be sent as it stands, and which two spellings are one person.

Sent is a number in strict E.164, as the caller gave it; a cell's surrounding blanks are not part of it.
Anything else is never guessed at by rules of our own: reading `011` as an international prefix once
made a US number of an Argentine one. It goes to a real parser (the `phones` extra), or is rejected.

Compared is an identity key. Source: contract, section 10: Argentine mobiles are written with and
without the 9 after +54, Mexican ones with and without the 1 after +52, Brazilian ones with and without
the ninth digit.
"""

import importlib.util
import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Final

import msgspec

from keebai_async.model.limits import E164

# A Brazilian mobile that got its ninth digit was an eight-digit mobile before, and those began with
# 6 to 9. A nine before 1 to 5 is no added digit: without it the number is somebody's landline. So these
# are the first six of all thirteen digits, each with what to take from the number to be without the nine.
_BRAZIL: Final = {
    (5_500 + area) * 100 + 90 + digit: ((5_500 + area) * 9 + 9) * 10**8
    for area in range(11, 100)
    if area % 10
    for digit in range(6, 10)
}

_NUMBERS: Final = msgspec.json.Decoder(list[int])
# JSON knows no zero in front, no blank within and no sign but a minus, so this reads E.164 and nothing
# else. One digit less than E.164 allows: a key may have lost one.
_CERTAIN: Final = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=10**6, lt=10**14)]])
_DIGITS: Final = b"0123456789"

_SCIENTIFIC: Final = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
# What a person puts between digits. The parser would read letters as keys of a telephone, stop at the first
# of two numbers in a cell, and drop an extension: each of them is another person's number.
_SPELLING: Final = re.compile(r"[+(]?[0-9][0-9() .\-\u00a0\u2010-\u2015\u202f]*")

_DECIMAL: Final = re.compile(r"\+?[0-9]{7,15}[.,]0+")


def identity(e164: str) -> int:
    """The key of the person behind a number in E.164: equal keys would be one phone, billed twice.

    The key is itself the digits of a number. Nothing in it says which spelling the phone's owner uses.
    """
    (key,) = identities([e164])
    return key


def identities(numbers: Sequence[str]) -> list[int]:
    """`identity` of each number. All must be in E.164."""
    return _keys(",".join(("", *numbers)).encode(), _NUMBERS)


def identities_if_e164(numbers: Sequence[str]) -> list[int] | None:
    """`identity` of each number, or None if any is not in strict E.164."""
    try:
        data = ",".join(("", *numbers)).encode()
    except UnicodeEncodeError:
        return None
    # What is no digit is a plus behind each comma, and one for each number: with a comma inside, a number
    # would pass as two.
    if data.translate(None, _DIGITS) != b",+" * len(numbers):
        return None
    try:
        keys = _keys(data, _CERTAIN)
    except msgspec.DecodeError:  # as short or as long as can be, or a plus where none belongs
        return _keys(data, _NUMBERS) if all(map(E164.fullmatch, numbers)) else None
    return keys if len(keys) == len(numbers) else None  # a plus alone is no number, and no mistake in JSON


def _keys(data: bytes, decoder: "msgspec.json.Decoder[list[int]]") -> list[int]:
    """The keys of numbers, with a comma before each."""
    brazil = False
    data = data.replace(b",+549", b",54")
    if b"+" in data:
        data = data.replace(b",+521", b",52").replace(b",+", b",")
        brazil = b",55" in data
    # An array of numbers is read in C many times faster than each of them by int().
    keys = decoder.decode(b"[%b]" % data[1:])
    return [key - _BRAZIL.get(key // 10**7, 0) for key in keys] if brazil else keys


class Parsed(msgspec.Struct, frozen=True):
    """A number in E.164 as the parser reads a spelling; *fixed* says that it is no mobile."""

    e164: str
    fixed: bool = False


class Unreadable(msgspec.Struct, frozen=True):
    """Why the parser does not take a spelling, in words."""

    why: str


@cache
def parser_installed() -> bool:
    """Whether the `phones` extra is there. Nothing is imported."""
    return importlib.util.find_spec("phonenumbers") is not None


def parse(text: str, region: str | None) -> Parsed | Unreadable:
    """Read a spelling with the `phones` extra; a number without a plus is one of *region*.

    The number must be valid for its region, not only possible: a wrong one messages a stranger.
    """
    if not _SPELLING.fullmatch(text):
        return Unreadable("not a phone number: something in it is neither a digit nor between digits")
    import phonenumbers as pn

    try:
        number = pn.parse(text, region)
    except pn.NumberParseException as error:
        return Unreadable(str(error).split(") ", 1)[-1].rstrip(".").lower())
    if not pn.is_possible_number(number):
        why = pn.is_possible_number_with_reason(number)
        return Unreadable(_REASONS.get(why, "impossible in its country"))
    if not pn.is_valid_number(number):
        return Unreadable(
            f"no number of {pn.region_code_for_country_code(number.country_code or 0)} is like this"
        )
    e164 = pn.format_number(number, pn.PhoneNumberFormat.E164)
    if not E164.fullmatch(e164):
        return Unreadable("not a number that can be dialled from abroad")
    return Parsed(e164, pn.number_type(number) == pn.PhoneNumberType.FIXED_LINE)


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


def bare(cell: str) -> str:
    """A cell without the blanks around it and the apostrophe that marks text."""
    return cell.strip().removeprefix("'")


def is_spreadsheet_number(text: str) -> bool:
    """Whether a spreadsheet has turned the number into a quantity: `5.49116E+12`, `5491155555555.0`."""
    return bool(_SCIENTIFIC.fullmatch(text) or _DECIMAL.fullmatch(text))
