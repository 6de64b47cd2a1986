"""Values out of replies whose documents disagree: names that differ, nulls, unknown fields. Pure.

Replies are read by hand and not into typed structs, because a submit that was accepted must not become
unreadable over a number that came as text in a field nobody needs.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

Fields = dict[str, object]
"""One JSON object."""


def json_of(body: bytes) -> object:
    """The value of a body.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON") from error
    return value


def object_in(body: bytes) -> Fields:
    """The object of a body, as `fields_of` gives it; empty if it is no JSON."""
    try:
        return fields_of(json_of(body))
    except ValueError:
        return {}


def fields_of(value: object) -> Fields:
    """*value* as an object, taken out of a `data` wrapped around it; empty if it is none."""
    if not isinstance(value, dict):
        return {}
    inner = value.get("data")
    return inner if isinstance(inner, dict) else value


def items_of(value: object) -> list[Fields] | None:
    """The objects of a list reply, under `items` or `data` or by itself; None if there is no list."""
    found: object = value
    if isinstance(value, dict):
        found = next((value[name] for name in ("items", "data") if isinstance(value.get(name), list)), None)
        if found is None and ("items" in value or "data" in value):
            found = [] if value.get("items", value.get("data")) is None else None
    if not isinstance(found, list):
        return None
    return [item for item in found if isinstance(item, dict)]


def text(fields: Fields, *names: str) -> str | None:
    """The first of *names* that holds a text or a number, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


MOST_COUNTED: Final = 10**15
"""More is no number of people; and each database takes this much."""


def count(fields: Fields, *names: str) -> int | None:
    """The first of *names* that holds a number of things, from 0 up."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:18])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return min(value, MOST_COUNTED)
    return None


def flag(fields: Fields, *names: str) -> bool | None:
    """The first of *names* that holds true or false."""
    return next((value for name in names if isinstance(value := fields.get(name), bool)), None)


def texts(value: object, name: str = "name") -> Iterator[str]:
    """The texts of a list of texts, or of a list of objects that have one under *name*."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            item = item.get(name)
        if isinstance(item, str | int) and not isinstance(item, bool):
            yield str(item)
