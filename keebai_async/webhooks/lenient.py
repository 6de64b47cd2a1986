"""Reading JSON that nobody promised a shape of: what is not as expected counts as not there. Pure."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, cast

import msgspec

JsonMap = dict[str, object]

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
_USER_ID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
"""Source: contract, section 4.4."""
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_MILLISECONDS: Final = 1e11
"""A time above this is no time in seconds for three thousand years to come."""


def json_map(content: bytes | str) -> JsonMap:
    """The object that *content* is, empty if it is none."""
    try:
        found = msgspec.json.decode(content)
    except _UNREADABLE:
        return {}
    return as_map(found)


def as_map(value: object) -> JsonMap:
    """*value* as an object; one that is written in a text counts too."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return json_map(value)
    return cast("JsonMap", value) if isinstance(value, dict) else {}


def maps(value: object) -> Iterator[JsonMap]:
    """The objects of a list, or the one that stands there alone."""
    found = value if isinstance(value, list) else [value]
    yield from (each for each in map(as_map, found) if each)


def text(value: object) -> str:
    """*value* if it is a text; a whole number as its digits, all else as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def first_text(source: JsonMap, *names: str) -> str:
    """The first of these fields that holds something."""
    return next((found for name in names if (found := text(source.get(name)).strip())), "")


def whole(value: object, *, missing: int) -> int:
    """A whole number, or the digits of one; else *missing*."""
    found = text(value).strip()
    return int(found) if 0 < len(found) <= 15 and found.isascii() and found.isdigit() else missing


def flag(value: object) -> bool | None:
    """True or false, also as a text; None if it is neither."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(text(value).strip().lower())


def unix_time(value: object) -> float:
    """Seconds since 1970, of a number, its digits, or ISO-8601; 0.0 for what is no time."""
    if isinstance(value, str):
        value = value.strip()
        if not value[:15].replace(".", "", 1).isdigit():
            return _iso_time(value)
        try:
            value = float(value[:20])
        except ValueError:
            return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        seconds = float(value)
    except OverflowError:
        return 0.0
    if not math.isfinite(seconds) or seconds < 0:
        return 0.0
    seconds = seconds / 1_000 if seconds > _MILLISECONDS else seconds
    return seconds if seconds < _MILLISECONDS else 0.0


def _iso_time(value: str) -> float:
    try:
        found = datetime.fromisoformat(value[:40])
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return max(0.0, found.timestamp())
    except (ValueError, OverflowError):
        return 0.0


def phone(value: object) -> str:
    """A number in E.164, whatever stands around its digits; empty if there are too few or too many."""
    found = text(value)
    if len(found) > 40 or _USER_ID.fullmatch(found.strip()):
        return ""
    digits = _NO_DIGITS.sub("", found)
    return f"+{digits}" if 7 <= len(digits) <= 15 and digits[0] != "0" else ""


def user_id(value: object) -> str:
    """A business-scoped user id; empty if it is none."""
    found = text(value).strip()
    return found if _USER_ID.fullmatch(found) else ""
