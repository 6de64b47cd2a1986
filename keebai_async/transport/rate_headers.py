"""What the headers of a reply say of the quota. Pure.

The throttler behind the service names one header per window, with the window's name as a suffix
(`Retry-After-hour`), and none at all for a window without a name: any suffix is understood.
"""

import math
import re
from email.utils import parsedate_to_datetime
from functools import lru_cache

from keebai_async.quota.gate import Allowance
from keebai_async.quota.pause import LONGEST_PAUSE
from keebai_async.transport.reply import Answer

_RETRY_AFTER = re.compile(r"retry-after(-[\w-]+)?")
_LIMIT = re.compile(r"x-ratelimit-(limit|remaining)(-[\w-]+)?")
_COUNT = re.compile(r"\s*(\d{1,12})")


def pause_of(answer: Answer, *, wall: float) -> float:
    """Seconds to wait by the largest of the `Retry-After*` headers; 0.0 if there is none to read.

    More than LONGEST_PAUSE is a mistake, and taken for that. *wall* is Unix time, for a date in a reply that
    has no `Date` of its own.
    """
    now = _seconds_of_date(answer.header("Date") or "")
    base = wall if now is None else now
    pauses = [
        _pause(name.lower(), value, base)
        for name, value in answer.headers
        if _RETRY_AFTER.fullmatch(name.lower())
    ]
    return min(max(pauses, default=0.0), LONGEST_PAUSE)


def allowances_of(answer: Answer) -> tuple[Allowance, ...]:
    """One for each window whose limit and remainder are both told, whatever the suffix."""
    headers = answer.headers
    told: list[Allowance] = []
    for limit_at, remaining_at in _windows_among(tuple([name for name, _ in headers])):
        limit, remaining = _count_in(headers[limit_at][1]), _count_in(headers[remaining_at][1])
        if limit is not None and remaining is not None:
            told.append(Allowance(limit=limit, remaining=remaining))
    return tuple(told)


@lru_cache(maxsize=64)  # all replies of one service have the same names, and each reply is asked for them
def _windows_among(names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Where the limit and the remainder of each window stand; of one that is told twice, the last."""
    places: dict[str, dict[str, int]] = {}
    for place, name in enumerate(names):
        if header := _LIMIT.fullmatch(name.lower()):
            places.setdefault(header[2] or "", {})[header[1]] = place
    return tuple((window["limit"], window["remaining"]) for window in places.values() if len(window) == 2)


def _count_in(value: str) -> int | None:
    if len(value) <= 12 and value.isdecimal():
        return int(value)
    count = _COUNT.match(value)
    return None if count is None else int(count[1])


def _pause(name: str, value: str, now: float) -> float:
    try:
        seconds = float(value)
    except ValueError:
        date = _seconds_of_date(value)
        return 0.0 if date is None else max(0.0, date - now)
    if not math.isfinite(seconds) or seconds < 0:
        return 0.0
    return seconds / 1000 if name.endswith("-ms") else seconds


def _seconds_of_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
