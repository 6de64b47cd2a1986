"""The hours of the day in which people may be messaged, by the clock on the wall where they live. Pure.

The problem: "from nine to eight" is not a stretch of time, but what a clock on a wall says, and clocks are
set forward and back. The naive way reckons the next opening from midnight, or from the last one, and is an
hour early once a year; and where a country has several zones it is early for half of it. Here an instant is
inside if the clock of every zone says so at that instant, which nobody can get wrong; the next opening is the
first such instant. An hour that comes twice (clocks go back) is inside both times if it is inside. One that
is left out (clocks go forward) is not missed: what opens in it opens when it is over.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput

BY_COUNTRY: Final = "country"
"""In the place of a zone: that of each person's number."""

_WHOLE_DAY: Final = 86_400
_HORIZON: Final = 400 * _WHOLE_DAY
"""Seconds after which hours that have not opened never will: a year has every offset that a zone uses."""
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")
_HOURS: Final = re.compile(r"\s*([0-9:]+)\s*-\s*([0-9:]+)(?:\s+(\S+))?\s*")


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """From *opens* until before *closes*, such as 09:00 and 20:00, by the clock of *zone*.

    *zone* is a name of the tz database (`America/Lima`), a country (`PE`: in all its zones at once), or
    `country`, which is that of each person's number. Hours that close before they open go past midnight;
    24:00 is the end of a day.

    Raises:
        InvalidInput: either is no time of a day, both are the same, or there is no zone.
    """

    opens: str
    closes: str
    zone: str

    def __post_init__(self) -> None:
        if _second(self.opens) == _second(self.closes):
            raise InvalidInput(
                f"hours open and close at different times, not {self.opens}-{self.closes};"
                " for the whole day leave them out",
                field="hours",
            )
        if not self.zone.strip():
            raise InvalidInput(
                "hours need a zone: a name such as America/Lima, a country such as PE, or the word country,"
                " which is that of each person's number",
                field="zone",
            )

    @classmethod
    def parse(cls, text: str, zone: str | None = None) -> "Hours":
        """Read `09:00-20:00`, with *zone*, or with the zone behind it. Raises InvalidInput."""
        found = _HOURS.fullmatch(text)
        if found is None:
            raise InvalidInput(f"write the hours as 09:00-20:00, not {text!r}", field="hours", value=text)
        return cls(opens=found[1], closes=found[2], zone=found[3] or zone or "")

    def __str__(self) -> str:
        return f"{self.opens}-{self.closes} {self.zone}"

    @property
    def by_country(self) -> bool:
        return self.zone == BY_COUNTRY

    @property
    def first(self) -> int:
        """The second of the day at which they open."""
        return _second(self.opens)

    @property
    def last(self) -> int:
        """The second of the day at which they close; 86,400 is its end."""
        return _second(self.closes) or _WHOLE_DAY


def _second(clock: str) -> int:
    found = _CLOCK.fullmatch(clock)
    second = -1 if found is None else int(found[1]) * 3_600 + int(found[2]) * 60
    if not 0 <= second <= _WHOLE_DAY:
        raise InvalidInput(f"write a time of the day as 09:00, not {clock!r}", field="hours", value=clock)
    return second


def is_inside(hours: Hours, zones: Iterable[tzinfo], at: float) -> bool:
    """Whether the clocks of all *zones* are within *hours* at the Unix time *at*."""
    first, last = hours.first, hours.last
    for zone in zones:
        second = (math.floor(at) + _offset(zone, at)) % _WHOLE_DAY
        if not (first <= second < last if first < last else second >= first or second < last):
            return False
    return True


def next_inside(hours: Hours, zones: Iterable[tzinfo], at: float) -> float | None:
    """The first Unix time from *at* on at which the clocks of all *zones* are within *hours*.

    None if there is none within a year: two zones may be so far apart that they never are.
    """
    places, now = tuple(zones), at
    while now < at + _HORIZON:
        later = max((_opens(hours, zone, now) for zone in places), default=now)
        if later == now:
            return now
        now = later
    return None


def _opens(hours: Hours, zone: tzinfo, at: float) -> float:
    """The first time from *at* on that is inside in one *zone*."""
    now = at
    while not is_inside(hours, (zone,), now):
        offset = _offset(zone, now)
        local = math.floor(now) + offset
        ahead = local - local % _WHOLE_DAY + hours.first - offset
        ahead += 0 if ahead > now else _WHOLE_DAY
        now = _change(zone, math.floor(now), ahead)
    return now


def _change(zone: tzinfo, start: int, end: int) -> int:
    """The first second after *start* at which the clocks of *zone* are set; *end* if none is until then."""
    offset = _offset(zone, start)
    if _offset(zone, end) == offset:
        return end
    while end - start > 1:
        middle = (start + end) // 2
        if _offset(zone, middle) == offset:
            start = middle
        else:
            end = middle
    return end


def _offset(zone: tzinfo, at: float) -> int:
    """Seconds by which the clocks of *zone* are ahead of UTC."""
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
