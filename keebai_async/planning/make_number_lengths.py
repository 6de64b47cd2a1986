"""Writes `number_lengths.py` from the metadata of the parser that is installed (the `phones` extra).

    python -m keebai_async.planning.make_number_lengths

The metadata has a regular expression for each kind of number of each region. Of those of fixed lines and
mobiles we take how long they are, and with which two digits they begin: enough to say "certainly like a phone
of that country" by arithmetic, without the parser. What is not certain is asked of the parser.
"""

import re._parser as pattern_parser  # type: ignore[import-not-found]  # typeshed does not know it
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import phonenumbers
from phonenumbers.geodata.locale import LOCALE_DATA
from phonenumbers.phonemetadata import PhoneMetadata

TARGET = Path(__file__).with_name("number_lengths.py")
MOST_DIGITS = 13
"""Longer numbers of fixed lines exist, but WhatsApp's hidden ids look like them: they are for the parser."""
LINE_KINDS = ("fixed_line", "mobile")
SPANISH = frozenset(
    (
        "AR",
        "BO",
        "CL",
        "CO",
        "CR",
        "CU",
        "DO",
        "EC",
        "ES",
        "GT",
        "HN",
        "MX",
        "NI",
        "PA",
        "PE",
        "PR",
        "PY",
        "SV",
    )
) | {"UY", "VE"}
PORTUGUESE = frozenset(["AO", "BR", "CV", "MZ", "PT", "ST"])
SHARED = (1, 7)
"""Calling codes of which the digits that follow say the country."""
HEAD = '''"""How phones of each calling code are written. Made by make_number_lengths.py: do not edit.

From the metadata of phonenumbers; see `number_forms.py` for what is read in it.
"""

from typing import Final

# ruff: noqa: E501
# fmt: off

'''

Begun = frozenset[tuple[str, int]]
"""How texts that match a pattern can begin, each with how long it is."""


def begun(pattern: str, digits: int) -> Begun:
    """The first *digits* of all that *pattern* matches, with the length of each."""
    return _sequence(pattern_parser.parse(pattern).data, digits)


def _sequence(parts: Iterable[tuple[Any, Any]], digits: int) -> Begun:
    found: Begun = frozenset({("", 0)})
    for part in parts:
        found = _joined(found, _one(part, digits), digits)
    return found


def _joined(left: Begun, right: Begun, digits: int) -> Begun:
    return frozenset(((a + b)[:digits], n + m) for a, n in left for b, m in right if n + m <= 17)


def _one(part: tuple[Any, Any], digits: int) -> Begun:
    operation, argument = part
    match str(operation):
        case "LITERAL":
            return frozenset({(chr(argument), 1)})
        case "IN":
            return frozenset((digit, 1) for digit in "0123456789" if _in(digit, argument))
        case "BRANCH":
            return frozenset().union(*(_sequence(branch, digits) for branch in argument[1]))
        case "SUBPATTERN":
            return _sequence(argument[3], digits)
        case "MAX_REPEAT":
            least, most, inner = argument
            once, found, power = _sequence(inner, digits), set[tuple[str, int]](), frozenset({("", 0)})
            for times in range(int(most) + 1):
                found |= power if times >= least else frozenset()
                power = _joined(power, once, digits)
            return frozenset(found)
    raise ValueError(f"a pattern of the metadata has {operation}, which is new")


def _in(digit: str, choices: Iterable[tuple[Any, Any]]) -> bool:
    for operation, argument in choices:
        match str(operation):
            case "LITERAL" if ord(digit) == argument:
                return True
            case "RANGE" if argument[0] <= ord(digit) <= argument[1]:
                return True
            case "CATEGORY":
                return True
    return False


def metadata_of(code: int) -> Iterator[PhoneMetadata]:
    """What the parser knows of each region of a calling code."""
    for region in phonenumbers.region_codes_for_country_code(code):
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is not None:
            yield metadata


def pattern_of(metadata: PhoneMetadata, kind: str) -> str:
    """What all numbers of a kind look like; nothing if there are none."""
    found = getattr(metadata, kind)
    return "" if found is None else found.national_number_pattern or ""


def starts_of(code: int, kind: str) -> dict[int, str]:
    """By the length of a number without its calling code: the two digits it may begin with."""
    by_length = defaultdict[int, set[str]](set)
    for metadata in metadata_of(code):
        for start, length in begun(pattern_of(metadata, kind), 2):
            by_length[length].add(start)
    for length in list(by_length):
        # Keys of identity have no mobile 9 of Argentina, so two nines would pass.
        if length + len(str(code)) > MOST_DIGITS or (code == 54 and length != 10):
            del by_length[length]
    return {length: ranges(by_length[length]) for length in sorted(by_length)}


def possible_of(code: int) -> tuple[int, ...]:
    """All lengths that a number of a calling code can have, whatever its kind."""
    general = next(metadata_of(code)).general_desc  # of several regions, the largest
    lengths = () if general is None else general.possible_length
    return (10,) if code == 54 else tuple(sorted(lengths))


def ranges(starts: Iterable[str]) -> str:
    """`20 22-25`: numbers of two or three digits, in order."""
    parts: list[list[str]] = []
    for start in sorted(starts):
        if parts and int(parts[-1][-1]) + 1 == int(start):
            parts[-1] = [parts[-1][0], start]
        else:
            parts.append([start])
    return " ".join("-".join(part) for part in parts)


def areas() -> Iterator[tuple[str, str]]:
    """Of calling codes that countries share: each country but the largest, with how its numbers begin."""
    for code in SHARED:
        for metadata in list(metadata_of(code))[1:]:
            found = {start for kind in LINE_KINDS for start, _ in begun(pattern_of(metadata, kind), 3)}
            yield str(metadata.id), " ".join(f"{code}{start}" for start in sorted(found) if len(start) == 3)


def name_of(region: str) -> str:
    """The name of a country in its own language, if that is Spanish or Portuguese, else in English."""
    names = LOCALE_DATA.get(region, {})
    language = "es" if region in SPANISH else "pt" if region in PORTUGUESE else "en"
    name = str(names.get(language) or names.get("en") or region)
    return str(names[name[1:]]) if name.startswith("*") else name  # said in another language already


def table() -> str:
    """The text of the module."""
    codes = sorted(
        {phonenumbers.country_code_for_region(region) for region in phonenumbers.SUPPORTED_REGIONS}
    )
    regions = {code: phonenumbers.region_codes_for_country_code(code)[0] for code in codes}
    shared = list(areas())
    named = sorted({*phonenumbers.SUPPORTED_REGIONS})
    lines = [HEAD]
    lines.append("REGIONS: Final = {\n" + "".join(f'    {c}: "{r}",\n' for c, r in regions.items()) + "}\n")
    lines.append('"""The region of each calling code; of several, the largest."""\n\n')
    lines.append("AREAS: Final = {\n" + "".join(f'    "{r}": "{a}",\n' for r, a in shared) + "}\n")
    lines.append('"""How the numbers of other regions of shared calling codes begin."""\n\n')
    for kind in LINE_KINDS:
        lines.append(f"{kind.upper()}: Final = {{\n")
        for code in codes:
            each = ", ".join(f'{length}: "{starts}"' for length, starts in starts_of(code, kind).items())
            lines.append(f"    {code}: {{{each}}},\n")
        lines.append("}\n")
        lines.append('"""By calling code and length behind it: the first two digits."""\n\n')
    trunks = {code: next(metadata_of(code)).national_prefix for code in codes}
    lines.append("TRUNK: Final = {\n" + "".join(f'    {c}: "{t}",\n' for c, t in trunks.items() if t) + "}\n")
    lines.append(
        '"""What is dialled before a number within its country, and never behind the calling code."""\n\n'
    )
    lines.append("POSSIBLE: Final = {\n" + "".join(f"    {c}: {possible_of(c)},\n" for c in codes) + "}\n")
    lines.append('"""All lengths behind a calling code, of whatever kind of number."""\n\n')
    lines.append("NAMES: Final = {\n" + "".join(f'    "{r}": "{name_of(r)}",\n' for r in named) + "}\n")
    lines.append(
        '"""Names of countries: in Spanish and Portuguese where that is spoken, else in English."""\n'
    )
    return "".join(lines)


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8", newline="\n")
