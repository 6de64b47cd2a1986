"""Which numbers in E.164 look like a phone of their country for certain, many at once, without the parser.

A plus does not make a phone: WhatsApp's hidden ids, numbers that were cut off, and numbers with the zero of
national calls behind the country code have one too, and each of them may be a stranger's. The parser knows,
but takes 100 microseconds for each. So `number_lengths.py` holds, for each calling code, how long fixed lines
and mobiles are and with which two digits they begin. What fits is certain; what does not is no mistake yet:
the parser is asked (`phone.py`).

Asked here are keys of `identity.py`, which are the digits of a number. Numbers of one country and kind follow
one another without a gap, so where a block's least and greatest key are in one such stretch, all are. For
other blocks, what is known of the first digits is kept, and each person costs a division and a look-up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from operator import floordiv
from typing import Final

from keebai_async.model.identity import identities_in, identity
from keebai_async.planning.number_lengths import AREAS, FIXED_LINE, MOBILE, NAMES, POSSIBLE, REGIONS

BEGINNING: Final = 10**6
"""What the last six digits of a number are cut off with."""
LAST: Final = 6
DECISIVE: Final = 5
"""Digits that decide with the length of a key whether it is certain: a calling code, and two more."""
MOST_KNOWN: Final = 100_000
NOWHERE: Final = ""
"""The region of a number of no country, such as one of a satellite."""


@cache
def _starts() -> dict[str, Mapping[int, frozenset[str]]]:
    """By calling code and length: the first two digits, taken out of the ranges of the table."""
    return {
        str(code): {
            length: _spread(FIXED_LINE[code].get(length, "")) | _spread(MOBILE[code].get(length, ""))
            for length in (*FIXED_LINE[code], *MOBILE[code])
        }
        for code in REGIONS
    }


@cache
def _areas() -> dict[str, str]:
    """The region of the first four digits of shared calling codes."""
    return {start: region for region, starts in AREAS.items() for start in starts.split()}


@cache
def _spread(ranges: str) -> frozenset[str]:
    ends = [each.partition("-")[::2] for each in ranges.split()]
    return frozenset(f"{start:02}" for one, two in ends for start in range(int(one), int(two or one) + 1))


def calling_code(digits: str) -> str:
    """The calling code that *digits* begin with; nothing if they begin with none."""
    return _code(digits[:3])


@cache
def _code(start: str) -> str:
    starts = _starts()
    for size in (2, 1, 3):  # none is the beginning of another
        if start[:size] in starts:
            return start[:size]
    return ""


def is_certain(key: int) -> bool:
    """Whether a number with this identity key certainly looks like a fixed line or mobile of its country."""
    digits = str(key)
    return _fits(digits[:DECISIVE], len(digits))


def looks_certain(number: str) -> bool:
    """`is_certain` of a plus and digits. What was once asked of how they begin is kept."""
    # In Brazil one more says whether a nine was added.
    decisive = DECISIVE + 1 if number.startswith("+55") else DECISIVE
    return _certain(number[1 : 1 + decisive], len(number) - 1)


@lru_cache(MOST_KNOWN)
def _certain(start: str, digits: int) -> bool:
    """Whether a number of so many *digits* is certain. No more of it than its *start* matters."""
    return start[:1] not in {"", "0"} and is_certain(identity(f"+{start:0<{digits}}"))


def is_possible(key: int) -> bool:
    """Whether it has a length that its country uses, and no zero of national calls: all that can be said
    without the parser."""
    digits = str(key)
    code = calling_code(digits)
    local = digits[len(code) :]
    return bool(code) and len(local) in POSSIBLE[int(code)] and (local[0] != "0" or is_certain(key))


def is_fixed(e164: str) -> bool:
    """Whether a number is a fixed line and no mobile, as it is written."""
    return _fixed(e164[1:7], len(e164) - 1)


@lru_cache(MOST_KNOWN)
def _fixed(start: str, digits: int) -> bool:
    code = calling_code(start)
    length = digits - len(code)
    begins = start[len(code) : len(code) + 2]
    return (
        bool(code)
        and begins in _spread(FIXED_LINE[int(code)].get(length, ""))
        and begins not in _spread(MOBILE[int(code)].get(length, ""))
    )


def region_of(key: int) -> str:
    """The region of a number with this identity key, such as AR; NOWHERE if there is none."""
    return _region(str(key))


def region_of_number(e164: str) -> str:
    """The region of a number as it is written; NOWHERE if there is none."""
    return _region_of_start(e164[1:7])


@cache
def _region_of_start(start: str) -> str:
    return region_of(identity(f"+{start:0<7}"))


def country_name(region: str) -> str:
    """A country in words: `Perú` of PE."""
    return NAMES.get(region, region) if region else "no country"


def known_regions() -> frozenset[str]:
    """Those of all numbers that can be told, by their two letters."""
    return frozenset((*REGIONS.values(), *AREAS, *NAMES))


def _region(digits: str) -> str:
    code = calling_code(digits)
    return _areas().get(digits[:4], REGIONS[int(code)]) if code else NOWHERE


@lru_cache(MOST_KNOWN)
def _fits(start: str, digits: int) -> bool:
    """Whether a number of so many *digits* that begins with *start* is certain."""
    code = calling_code(start)
    allowed = _starts().get(code, {}).get(digits - len(code), frozenset())
    return start[len(code) : len(code) + 2] in allowed


def certain_stretch(key: int) -> tuple[range, str]:
    """Keys about this one that are all certain, and their region; empty if this one is not.

    So it is for countries that share a calling code too: which of them it is takes more digits to say.
    """
    digits = str(key)
    code = calling_code(digits)
    size = len(digits) - len(code) - 2
    allowed = _starts().get(code, {}).get(size + 2, frozenset())
    begins = digits[len(code) : len(code) + 2]
    if begins not in allowed or code in _shared_codes():
        return range(0), NOWHERE
    first = last = int(begins)
    while f"{first - 1:02}" in allowed:
        first -= 1
    while f"{last + 1:02}" in allowed:
        last += 1
    start = int(code) * 10 ** (size + 2)
    return range(start + first * 10**size, start + (last + 1) * 10**size), REGIONS[int(code)]


@cache
def _shared_codes() -> frozenset[str]:
    return frozenset(map(calling_code, _areas()))


class NumberForms:
    """What is known of the numbers of one list. With *countries* (AR), those of all others are not fine.

    Nor are those of the regions *closed*, to which nothing of this kind is delivered.
    """

    def __init__(self, countries: Iterable[str] = (), closed: Iterable[str] = ()) -> None:
        self.countries = frozenset(countries)
        self.closed = frozenset(closed)
        self._fine: dict[int, str] = {}
        """The region of first digits behind which all numbers are fine."""
        self._people: Counter[str] = Counter()
        self._stretch = range(0)
        """Keys that are all fine, about one that was met; they are of `_of_stretch`."""
        self._of_stretch = NOWHERE
        self._alike = False
        """Whether the last ones were all of the stretch, so that the next ones may be, too."""

    def allows(self, key: int) -> bool:
        """Whether the country of a number is one that was asked for, and not closed."""
        return not self.filters or self._open(region_of(key))

    @property
    def filters(self) -> bool:
        """Whether some countries are left out."""
        return bool(self.countries or self.closed)

    def _open(self, region: str) -> bool:
        return region not in self.closed and (not self.countries or region in self.countries)

    def keys_of(self, numbers: str, count: int) -> tuple[list[int] | None, list[int], str | None]:
        """The keys of *count* numbers in one text, as `identities_in`, and what `doubtful` says of them."""
        found = identities_in(numbers, count, self._stretch if self._alike else None)
        if found is None:
            return None, [], None
        keys, alike = found
        return (keys, [], self._of_stretch) if alike and keys else (keys, *self.doubtful(keys))

    def doubtful(self, keys: Sequence[int]) -> tuple[list[int], str | None]:
        """The places of keys that are not certain, or not allowed; and the region of all, if there is one."""
        region = self._region_of_all(min(keys), max(keys)) if keys else NOWHERE
        self._alike = bool(region)
        if region:
            return [], region
        starts = set(map(floordiv, keys, repeat(BEGINNING)))
        unknown = starts.difference(self._fine)
        if unknown:
            self._learn(unknown)
            unknown.difference_update(self._fine)
        places = [place for place, key in enumerate(keys) if key // BEGINNING in unknown] if unknown else []
        places = [place for place in places if not (is_certain(keys[place]) and self.allows(keys[place]))]
        regions = set(map(self._fine.get, starts))
        return places, regions.pop() if len(regions) == 1 else None

    def count(self, keys: Sequence[int], region: str | None = None) -> None:
        """Count people by country; faster when all are known to be of one *region*."""
        if region is not None:
            self._people[region] += len(keys)
            return
        regions = self.regions(keys)
        self._people.update(filter(None, regions))
        self._people[NOWHERE] += regions.count(NOWHERE)

    def regions(self, keys: Sequence[int]) -> list[str]:
        """The region of each; NOWHERE where there is none."""
        regions = list(map(self._fine.get, map(floordiv, keys, repeat(BEGINNING))))
        return [region_of(key) if known is None else known for known, key in zip(regions, keys, strict=True)]

    def by_region(self) -> list[tuple[str, int]]:
        """How many people there are of each region, the most first."""
        return sorted((+self._people).items(), key=lambda each: (-each[1], each[0]))

    def _region_of_all(self, least: int, most: int) -> str:
        """The region of all keys from *least* to *most* if all of them are fine."""
        if least not in self._stretch:
            stretch, region = certain_stretch(least)
            if most not in stretch or not self._open(region):
                return NOWHERE
            self._stretch, self._of_stretch = stretch, region
        return self._of_stretch if most in self._stretch else NOWHERE

    def _learn(self, starts: Iterable[int]) -> None:
        if len(self._fine) > MOST_KNOWN:
            self._fine.clear()
        for start in starts:
            text = str(start)
            # Of a short number, one digit behind the calling code may be all that is here.
            if len(text) >= len(calling_code(text)) + 2 and _fits(text, len(text) + LAST):
                region = _region(text)
                if self._open(region):
                    self._fine[start] = region
