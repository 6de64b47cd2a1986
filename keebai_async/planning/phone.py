"""Phone numbers: what may be sent.

Sent is a number in strict E.164, as the caller gave it, if it looks like a phone of its country for certain
(`number_forms.py`). Blanks, brackets and dashes between its digits say nothing, so a number is judged by its
digits alone: two spellings of one number have one fate. What is not certain goes to a real parser (the
`phones` extra), which knows every number plan, or is rejected: reading `011` as an international prefix once
made a US number of an Argentine one. Which two numbers are one person, `identity.py` says; how a cell is
cleaned, `number_text.py`.
"""

import importlib.util
import re
from functools import cache, lru_cache
from typing import Final

import msgspec

from keebai_async.model.identity import identity
from keebai_async.model.limits import E164
from keebai_async.model.recipient import Reason
from keebai_async.planning.number_forms import (
    calling_code,
    country_name,
    is_fixed,
    is_possible,
    looks_certain,
    region_of_number,
)
from keebai_async.planning.number_lengths import POSSIBLE, REGIONS, TRUNK
from keebai_async.planning.number_text import (
    is_rounded,
    is_spreadsheet_number,
    oddness,
    plain_digits,
    simple_digits,
    trimmed,
    without_wrapping,
)
from keebai_async.planning.rejections import Problem

MOST_WITH_CARRIER: Final = 17
MOST_KEPT: Final = 20_000
_ARGENTINE_AREAS: Final = frozenset({
    "220", "221", "223", "230", "236", "237", "249", "260", "261", "263", "264", "266", "280", "291", "294",
    "297", "298", "299", "336", "341", "342", "343", "345", "348", "351", "353", "358", "362", "364", "370",
    "376", "379", "380", "381", "383", "385", "387", "388",
})  # fmt: skip
"""The areas of Argentina with three digits; Buenos Aires has two, all others four."""
_LONGEST_ARGENTINE: Final = len("+5491155550101")
_TRUNKS: Final = {str(code): trunk for code, trunk in TRUNK.items()}
_MEXICO: Final = ("044", "045", "01", "1")
"""What was dialled before a Mexican number until 2019, and still stands in lists."""
_SPREADSHEET: Final = Problem(
    Reason.SPREADSHEET_NUMBER,
    "a spreadsheet has rounded the number: format the column as text and fill it again",
    "to",
)
_NO_NUMBER: Final = Problem(Reason.NO_NUMBER, "there is no number: give one, or leave the row out", "to")


class PhoneNumber(msgspec.Struct, frozen=True, gc=False):
    """A number as it will be sent. *parsed*: it was written in another way; *landline*: it is no mobile.

    *ambiguous*: it had no plus, and its digits are also a number of another country.
    """

    e164: str
    parsed: bool = False
    landline: bool = False
    ambiguous: bool = False


class NumberReader:
    """Reads the numbers of one list; the same text is read once.

    A number without a plus is one of *region*; or, if they are *international*, begins with a country code.
    """

    def __init__(self, region: str | None = None, *, international: bool = False) -> None:
        self.region = region
        self.international = international
        self._read: dict[str, PhoneNumber | Problem] = {}

    def read(self, cell: str) -> PhoneNumber | Problem:
        """The number in a cell, or what is wrong with it."""
        found = self._read.get(cell)
        if found is None:
            if len(self._read) >= MOST_KEPT:
                self._read.clear()
            found = self._read[cell] = self._number(cell)
        return found

    def _number(self, cell: str) -> PhoneNumber | Problem:
        if (plain := simple_digits(cell)) is not None:
            return self._of_digits(plain, cell.strip())
        number = trimmed(cell)
        if not number:
            return _NO_NUMBER
        bare = without_wrapping(number)
        if bare.hidden:
            return _bad(bare.hidden)
        if is_spreadsheet_number(bare.text):
            return _SPREADSHEET
        digits = plain_digits(bare.text)
        if digits is None:
            return _not_e164(oddness(bare.text))
        return self._of_digits(digits, number, international=bare.international)

    def _of_digits(self, digits: str, number: str, *, international: bool = False) -> PhoneNumber | Problem:
        """Read the *digits* of a *number*, with a plus if it has one."""
        if digits.startswith("+"):
            found = from_international(digits)
        elif digits.startswith("00"):
            found = from_international("+" + digits[2:])
        elif not international and is_rounded(digits):
            return _SPREADSHEET
        elif international or self.international:
            found = from_international("+" + digits)
        else:
            found = self._local(digits)
        if isinstance(found, str):
            return _not_e164(found)
        return found if found.e164 != number else PhoneNumber(number)

    def _local(self, digits: str) -> PhoneNumber | str:
        if self.region is not None:
            return from_region(digits, self.region)
        if looks_certain(f"+{digits}") and E164.fullmatch(f"+{digits}"):
            return "it has no plus; if all begin with their country code, say --numbers international"
        if parser_installed():
            return (
                "it has no plus; to read local spellings (keebai-async[phones] is installed), give"
                " --default-region"
            )
        return (
            "it has no plus; to read local spellings, install keebai-async[phones] and give --default-region"
        )


def from_international(number: str) -> PhoneNumber | str:
    """Read a plus and digits; for what is no phone, why, in words."""
    if (
        number.startswith("+549")
        and len(number) > _LONGEST_ARGENTINE
        and (mobile := _argentine_twice(number[4:]))
    ):
        return PhoneNumber(mobile, parsed=True)
    if not E164.fullmatch(number):
        # With a zero and the code of a carrier, a number is longer than it can be.
        with_carrier = len(number) <= MOST_WITH_CARRIER and number.startswith("+55")
        return parse(number, None) if with_carrier and parser_installed() else _unlike(number)
    if looks_certain(number):
        return PhoneNumber(number, parsed=True, landline=is_fixed(number))
    if number.startswith("+52") and (mexican := _mexican(number[3:])):
        return PhoneNumber(mexican, parsed=True)
    if not parser_installed():
        return PhoneNumber(number, parsed=True) if is_possible(identity(number)) else _unlike(number)
    code = calling_code(number[1:])
    if code and is_nobodys(local := number[1 + len(code) :], code):
        return _unlike_in(code, len(local))
    return parse(number, None)


def from_region(digits: str, region: str) -> PhoneNumber | str:
    """Read digits without a plus as they are dialled in *region*; for what is none of its phones, why."""
    code = _code_of(region)
    found = _plainly(digits, code, region)
    if found is None:
        parsed = _unlike(f"+{code}{digits}") if is_nobodys(digits, code) else parse(digits, region)
        if isinstance(parsed, str):
            return parsed
        if calling_code(parsed.e164[1:]) != code:
            return f"no number of {country_name(region)}: write it with a plus and its country code"
        found = parsed
    other = f"+{digits}"
    if found.e164 != other and looks_certain(other) and E164.fullmatch(other):
        return PhoneNumber(found.e164, parsed=True, landline=found.landline, ambiguous=True)
    return found


def _plainly(digits: str, code: str, region: str) -> PhoneNumber | None:
    """The usual spellings of a region, for which its parser would take 100 microseconds."""
    local = digits.removeprefix(_TRUNKS.get(code, ""))
    if code == "54" and (areas := _areas_before_15(local)):
        # With 15, digits that are too few may be as many as they should be without it.
        mobile = _argentine(local, areas)
        return PhoneNumber(mobile, parsed=True) if mobile else None
    if code == "52" and (mexican := _mexican(digits)):
        return PhoneNumber(mexican, parsed=True)
    found = _certain_of(f"+{code}{digits}", region)
    if found is None and local != digits:
        found = _certain_of(f"+{code}{local}", region)
    if found is None and digits.startswith(code):
        found = _certain_of(f"+{digits}", region)
    return found


def _certain_of(number: str, region: str) -> PhoneNumber | None:
    """A plus and digits, if they certainly are a phone of *region*."""
    if looks_certain(number) and region_of_number(number) == region and E164.fullmatch(number):
        return PhoneNumber(number, parsed=True, landline=is_fixed(number))
    return None


def _areas_before_15(local: str) -> list[int]:
    """How long the code of an area may be, in Argentina, if a 15 is behind it."""
    if "15" not in local or len(local) not in {10, 12}:
        return []
    if local.startswith("11"):
        return [2] if local.startswith("15", 2) else []
    return [size for size in (3, 4) if local.startswith("15", size)]


def _argentine(local: str, areas: list[int]) -> str | None:
    """A mobile as it is dialled in Argentina, with 15 behind the code of its area.

    Where there is no such area, what is left without the 15 may be a stranger's number of another one.
    """
    if len(local) != 12 or len(areas) != 1:
        return None
    (size,) = areas
    in_short_area = local[:3] in _ARGENTINE_AREAS
    if size == 3 and not in_short_area:
        return None
    number = f"+549{local[:size]}{local[size + 2 :]}"
    if not looks_certain(number):
        return None
    if size == 4 and in_short_area:  # some of four digits begin as one of three does
        found = parse(f"0{local}", "AR") if parser_installed() else ""
        return number if isinstance(found, PhoneNumber) and found.e164 == number else None
    return number


def _argentine_twice(local: str) -> str | None:
    """A mobile of Argentina with what is dialled there (0, 15) behind the 9 that stands for it abroad."""
    dialled = local.removeprefix("0")
    if areas := _areas_before_15(dialled):
        return _argentine(dialled, areas)
    number = f"+549{dialled}"
    return number if looks_certain(number) else None


def _mexican(local: str) -> str | None:
    """A number with what was dialled before it in Mexico, without it."""
    for prefix in _MEXICO:
        if local.startswith(prefix) and len(local) == len(prefix) + 10:
            number = f"+52{local.removeprefix(prefix)}"
            return number if looks_certain(number) else None
    return None


@cache
def parser_installed() -> bool:
    """Whether the `phones` extra is there. Nothing is imported."""
    return importlib.util.find_spec("phonenumbers") is not None


def load_parser() -> None:
    """Import the parser, which takes a while, if it is installed."""
    if parser_installed():
        parse("+5491155555555", None)


def is_nobodys(local: str, code: str) -> bool:
    """Whether the parser would certainly find no number in *local*, behind a calling code or in its region.

    To say so takes it ten times as long. A number of whatever kind looks as its country says in general; and
    there is nothing here that the parser would take off before it looks.
    """
    if not (patterns := _patterns_of(code)) or local.startswith(code):
        return False
    number, prefix = patterns
    return number.fullmatch(local) is None and (prefix is None or prefix.match(local) is None)


@cache
def _patterns_of(code: str) -> tuple[re.Pattern[str], re.Pattern[str] | None] | None:
    """What numbers of a calling code look like, and what stands before them; None if countries share it."""
    import phonenumbers as pn
    from phonenumbers.phonemetadata import PhoneMetadata

    regions = pn.region_codes_for_country_code(int(code))
    metadata = PhoneMetadata.metadata_for_region(regions[0]) if len(regions) == 1 else None
    if metadata is None or metadata.general_desc is None:
        return None
    # One that matches nothing takes nothing off.
    found = filter(None, (metadata.national_prefix_for_parsing, metadata.international_prefix))
    prefixes = "|".join(f"(?:{each})(?<=.)" for each in found)
    number = metadata.general_desc.national_number_pattern or ""
    return re.compile(number), re.compile(prefixes) if prefixes else None


def parse(digits: str, region: str | None) -> PhoneNumber | str:
    """Read digits with the `phones` extra; a number without a plus is one of *region*.

    The number must be valid for its region, not only possible: a wrong one messages a stranger. For one that
    is not, why, in words.
    """
    import phonenumbers as pn

    try:
        number = pn.parse(digits, region)
    except pn.NumberParseException as error:
        if error.error_type == pn.NumberParseException.INVALID_COUNTRY_CODE:
            return "no such country code"
        return str(error).split(") ", 1)[-1].rstrip(".").lower()
    if digits.startswith("+") and not digits.startswith(f"+{number.country_code}"):
        return "no such country code"
    if not pn.is_possible_number(number):
        return _REASONS.get(pn.is_possible_number_with_reason(number), "impossible in its country")
    if not pn.is_valid_number(number):
        name = country_name(pn.region_code_for_country_code(number.country_code or 0))
        return f"no number of {name} is like this"
    kind = pn.number_type(number)
    if region is not None and not digits.startswith("+") and kind not in _KINDS_OF_PEOPLE:
        return f"a number of {country_name(region)} that is nobody's phone, such as a free one"
    e164 = pn.format_number(number, pn.PhoneNumberFormat.E164)
    if not E164.fullmatch(e164):
        return "not a number that can be dialled from abroad"
    return PhoneNumber(e164, parsed=True, landline=kind == pn.PhoneNumberType.FIXED_LINE)


# PhoneNumberType's numbers: fixed line, mobile, either, over the internet, personal.
_KINDS_OF_PEOPLE: Final = frozenset({0, 1, 2, 6, 7})

# What ValidationResult's numbers say, for people.
_REASONS: Final = {
    1: "no such country code",
    2: "too short",
    3: "too long",
    4: "only for local calls",
    5: "too long or too short",
}


def known_region(region: str) -> bool:
    """Whether there is a region of this name, such as AR."""
    return region in REGIONS.values() or country_name(region) != region


@cache
def _code_of(region: str) -> str:
    import phonenumbers as pn

    return str(pn.country_code_for_region(region))


def _unlike(number: str) -> str:
    """What to say of a plus and digits that are no phone."""
    code = calling_code(number[1:])
    if not code:
        return "too short" if len(number) < 4 else "no such country code"
    return _unlike_in(code, len(number) - 1 - len(code))


@lru_cache
def _unlike_in(code: str, digits: int) -> str:
    """The same of so many *digits* behind a calling code."""
    lengths, name = POSSIBLE[int(code)], country_name(REGIONS[int(code)])
    if digits in lengths:
        return f"no phone of {name} begins like this"
    word = "short" if digits < max(lengths) else "long"
    *others, last = map(str, lengths)
    needed = f"{', '.join(others)} or {last}" if others else last
    return f"too {word} for {name} ({digits} digits behind +{code}, {needed} needed)"


@lru_cache  # nearly all of a list are wrong in the same few ways
def _not_e164(why: str) -> Problem:
    return _bad(f"{why}: write it in E.164, such as +5491155555555")


@lru_cache
def _bad(detail: str) -> Problem:
    return Problem(Reason.BAD_NUMBER, detail, "to")
