"""The options that say when, as the library takes them: `--at`, `--hours` with `--zone`, `--per-hour`."""

import re
import time
from datetime import datetime, tzinfo
from typing import Final

from keebai_async.campaign.terms import NOW, OFF, NewTerms
from keebai_async.cli.options import given_time
from keebai_async.errors import InvalidInput
from keebai_async.model.hours import BY_COUNTRY, Hours
from keebai_async.zones import zones_of

_SPAN: Final = re.compile(r"([0-9]{1,5})([mhd])")
_SPAN_UNITS: Final = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}


def given_hours(hours: str | None, zone: str | None, *, at: str | None = None) -> Hours | None:
    """`--hours` with `--zone`; none if they are off. Raises InvalidInput.

    A zone alone is that of the time *at*, if there is one.
    """
    if hours is None or _is(hours, OFF):
        if zone is not None and (hours is not None or at is None):
            raise InvalidInput("a zone is that of hours, or of a time: add --hours 09:00-20:00", field="zone")
        return None
    made = Hours.parse(hours, zone)
    if not made.by_country:
        zones_of(made.zone)
    return made


def given_at(text: str | None, zone: str | None, *, now: float) -> datetime | None:
    """`--at`, by the clocks of `--zone` if it has no offset and there is one. Raises InvalidInput."""
    if text is None or _is(text, NOW):
        return None
    when = given_time(text, option="--at", zone=_only_zone(zone))
    if when.timestamp() < now:
        words = f"{text} has passed: write a time to come, or leave it out to send at once"
        raise InvalidInput(words, field="at", value=text)
    return when


def given_people(text: str | None, *, option: str) -> int | None:
    """`--per-hour`, `--per-day` or `--daily-limit`; none if it is off. Raises InvalidInput."""
    if text is None or _is(text, OFF):
        return None
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits)):
        raise InvalidInput(f"write a number of people, or off, not {text!r}", field=option, value=text)
    return int(digits)


def given_span(text: str | None, *, option: str) -> float | None:
    """Seconds of `3d`, `12h` or `90m`. Raises InvalidInput."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput(f"write a time as 3d, 12h or 90m, not {text!r}", field=option, value=text)
    return int(found[1]) * _SPAN_UNITS[found[2]]


def new_terms(
    at: str | None,
    hours: str | None,
    zone: str | None,
    per_hour: str | None,
    per_day: str | None,
    *,
    pace: str | None,
    daily_limit: str | None = None,
    before: Hours | None = None,
) -> NewTerms:
    """What a run is told, in the place of what was said *before*. Raises InvalidInput."""
    if zone is not None and hours is None and before is not None and at is None:
        hours = f"{before.opens}-{before.closes}"
    ends = hours is not None and _is(hours, OFF)
    known = zone or (None if before is None or hours is None or ends else before.zone)
    made = None if hours is None and zone is None else given_hours(hours, known, at=at)
    return NewTerms(
        pace=pace,
        at=NOW if at is not None and _is(at, NOW) else given_at(at, zone, now=time.time()),
        hours=OFF if ends else made,
        per_hour=given_people(per_hour, option="--per-hour") or per_hour,
        per_day=given_people(per_day, option="--per-day") or per_day,
        daily_limit=given_people(daily_limit, option="--daily-limit") or daily_limit,
    )


def _is(text: str, word: str) -> bool:
    return text.strip().lower() == word


def _only_zone(zone: str | None) -> tzinfo | None:
    """The zone by whose clocks a time without an offset is meant; none where several could be."""
    if zone is None or zone == BY_COUNTRY:
        return None
    zones = zones_of(zone)
    return zones[0] if len(zones) == 1 else None
