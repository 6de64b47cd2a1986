"""A list of people as marketing teams have them: mostly good, with everything in it that goes wrong.

The same count and seed give the same list, so that a summary of what was put in can be compared with
what a campaign made of it.
"""

import csv
import enum
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

COLUMNS: Final = ("to", "nombre", "codigo", "meta_order", "city")
"""The sandbox's `promo` asks for nombre and codigo; no template asks for city."""

MAX_ROWS: Final = 10_000_000


class RowKind(enum.Enum):
    """What a row is there for."""

    GOOD = "good"
    REPEATED = "the same number again"
    REPEATED_ARGENTINA = "Argentina, without the 9"
    REPEATED_MEXICO = "Mexico, with the 1"
    REPEATED_BRAZIL = "Brazil, without the ninth digit"
    LETTERS = "letters in the number"
    SHORT = "too short a number"
    SCIENTIFIC = "a number in a spreadsheet's scientific notation"
    EMPTY = "no number"
    NO_PLUS = "a number without its plus"
    BLANK_VARIABLE = "a blank variable"
    MISSING_VARIABLE = "a row that ends before its variables do"
    NEWLINE = "a newline in a variable"
    TAB = "a tab in a variable"


DUPLICATES: Final = frozenset(
    {RowKind.REPEATED, RowKind.REPEATED_ARGENTINA, RowKind.REPEATED_MEXICO, RowKind.REPEATED_BRAZIL}
)
MALFORMED: Final = frozenset(
    {RowKind.LETTERS, RowKind.SHORT, RowKind.SCIENTIFIC, RowKind.EMPTY, RowKind.NO_PLUS}
)
BAD_VARIABLES: Final = frozenset(
    {RowKind.BLANK_VARIABLE, RowKind.MISSING_VARIABLE, RowKind.NEWLINE, RowKind.TAB}
)

_SHARES: Final = {
    RowKind.REPEATED: 0.004,
    RowKind.REPEATED_ARGENTINA: 0.004,
    RowKind.REPEATED_MEXICO: 0.002,
    RowKind.REPEATED_BRAZIL: 0.002,
    RowKind.LETTERS: 0.0004,
    RowKind.SHORT: 0.0004,
    RowKind.SCIENTIFIC: 0.0004,
    RowKind.EMPTY: 0.0004,
    RowKind.NO_PLUS: 0.0004,
    RowKind.BLANK_VARIABLE: 0.0005,
    RowKind.MISSING_VARIABLE: 0.0003,
    RowKind.NEWLINE: 0.0004,
    RowKind.TAB: 0.0003,
}
_FIRST_NAMES: Final = (
    "Ana",
    "José",
    "María Inés",
    "Peña, Julián",
    "Lucía",
    'Roberto "Tito"',
    "João",
    "Nuria",
)
_CITIES: Final = ("Buenos Aires", "Ciudad de México", "São Paulo", "Bogotá", "Madrid")
_COUNTRIES: Final = ("argentina", "mexico", "brazil", "colombia", "spain")
_PEOPLE_KEPT: Final = 2_000  # people of each country that later rows may repeat


class MessyList(msgspec.Struct, frozen=True, kw_only=True):
    """What a list holds, by kind. It adds up: rows = good + duplicates + malformed + bad_variables."""

    rows: int
    kinds: dict[RowKind, int]

    @property
    def good(self) -> int:
        """Rows that can be sent, each to another person."""
        return self.kinds[RowKind.GOOD]

    @property
    def duplicates(self) -> int:
        """Rows that are correct, but whose person is reached by an earlier good row."""
        return self._sum(DUPLICATES)

    @property
    def malformed(self) -> int:
        """Rows without a strict E.164 number."""
        return self._sum(MALFORMED)

    @property
    def bad_variables(self) -> int:
        """Rows with a good number that no other row has, and with variables that cannot be sent."""
        return self._sum(BAD_VARIABLES)

    def _sum(self, kinds: frozenset[RowKind]) -> int:
        return sum(self.kinds[kind] for kind in kinds)


def make_messy_list(path: Path | str, *, count: int = 50_000, seed: int = 7) -> MessyList:
    """Write a CSV of *count* rows and a header, for the template `promo`, readable by its owner only.

    Raises:
        ValueError: *count* is outside 0..10,000,000.
    """
    kinds = _kinds(count, random.Random(seed))  # noqa: S311 - no secret
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        Path(path).chmod(0o600)  # one that was there before kept its mode
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(messy_rows(count=count, seed=seed))
    tally = dict.fromkeys(RowKind, 0)
    for kind in kinds.values():
        tally[kind] += 1
    tally[RowKind.GOOD] = count - len(kinds)
    return MessyList(rows=count, kinds=tally)


def messy_rows(*, count: int = 50_000, seed: int = 7) -> Iterator[list[str]]:
    """The rows of that list, without its header. One that misses its variables is shorter than COLUMNS."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    kinds = _kinds(count, chance)
    people = _PeopleMaker(chance)
    for place in range(count):
        kind = kinds.get(place, RowKind.GOOD)
        country = place % len(_COUNTRIES)
        row = [
            people.number(kind, place, _COUNTRIES[country]),
            _FIRST_NAMES[chance.randrange(len(_FIRST_NAMES))],
            f"{chance.randrange(10**6):06d}",
            f"A-{place + 1}",
            _CITIES[country],
        ]
        yield _spoiled(row, kind)


def _kinds(count: int, chance: random.Random) -> dict[int, RowKind]:
    """The places of the rows that are not good. The first five are, one of each country, to be repeated."""
    if not 0 <= count <= MAX_ROWS:
        raise ValueError(f"a messy list has 0 to {MAX_ROWS} rows, not {count}")
    wanted = [kind for kind, share in _SHARES.items() for _ in range(round(share * count))]
    places = chance.sample(range(len(_COUNTRIES), count), len(wanted)) if wanted else []
    return dict(zip(places, wanted, strict=True))


class _PeopleMaker:
    """Gives each place a person of its own, and remembers some to repeat."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._known: dict[str, list[str]] = {country: [] for country in _COUNTRIES}

    def number(self, kind: RowKind, place: int, country: str) -> str:
        number = _number(country, place)
        match kind:
            case RowKind.GOOD:
                known = self._known[country]
                if len(known) < _PEOPLE_KEPT:
                    known.append(number)
                return number
            case RowKind.REPEATED:
                return self._somebody(country)
            case RowKind.REPEATED_ARGENTINA:
                return "+54" + self._somebody("argentina").removeprefix("+549")
            case RowKind.REPEATED_MEXICO:
                return "+521" + self._somebody("mexico").removeprefix("+52")
            case RowKind.REPEATED_BRAZIL:
                somebody = self._somebody("brazil")
                return somebody[:5] + somebody[6:]
            case RowKind.LETTERS:
                return number[:6] + "ABCD" + number[10:]
            case RowKind.SHORT:
                return number[:5]
            case RowKind.SCIENTIFIC:
                return f"{int(number):.2E}"
            case RowKind.EMPTY:
                return ""
            case RowKind.NO_PLUS:
                return number[1:]
            case _:
                return number

    def _somebody(self, country: str) -> str:
        return self._chance.choice(self._known[country])


def _number(country: str, place: int) -> str:
    """A mobile number in E.164 that no other place has, in any of its spellings."""
    digits = place * 7_654_321 % 40_000_000  # no common factor, so nothing comes twice in 40 million
    match country:
        case "argentina":
            return f"+54911{20_000_000 + digits}"
        case "mexico":
            return f"+5255{20_000_000 + digits}"
        case "brazil":
            return f"+55119{60_000_000 + digits}"
        case "colombia":
            return f"+5730{digits:08d}"
        case _:
            return f"+346{20_000_000 + digits}"


def _spoiled(row: list[str], kind: RowKind) -> list[str]:
    match kind:
        case RowKind.BLANK_VARIABLE:
            row[1] = "  "
        case RowKind.MISSING_VARIABLE:
            return row[:2]
        case RowKind.NEWLINE:
            row[1] += "\nGómez"
        case RowKind.TAB:
            row[2] = f"{row[2]}\t{row[2]}"
        case _:
            pass
    return row
