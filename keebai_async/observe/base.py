"""What every record has: a fixed event name, flat fields, and texts that may be shown. Pure."""

import enum
import itertools
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from keebai_async.privacy import shown

LOGGER: Final = "keebai_async"
"""The name of the library's one logger."""

Field = str | int | float | bool
"""What a field of a record holds once it is flat."""

_FROM_OUTSIDE: Final = ("reason", "label")
_shown_route: Final = lru_cache(maxsize=256)(shown)  # of routes there are few, and each request has one
_spans: Final = itertools.count(1)

next_span: Final[Callable[[], int]] = _spans.__next__
"""A number that no other record of this process has: it tells which beginning an end belongs to."""


class BaseRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """Something that happened, told once. The tag is its event name; it holds nobody's number and no token.

    Texts that come from outside stand in `reason` (a server's words, an error's), `label` (a name that a
    user gave) and `route`. All pass the policy of privacy here, no matter who tells the record.
    """

    def __post_init__(self) -> None:
        for name in _FROM_OUTSIDE:
            text: str | None = getattr(self, name, None)
            if text:
                msgspec.structs.force_setattr(self, name, shown(text))
        route: str | None = getattr(self, "route", None)
        if route:
            msgspec.structs.force_setattr(self, "route", _shown_route(route))


def event_of(record: BaseRecord) -> str:
    """The fixed name of what happened."""
    return str(record.__struct_config__.tag)


def fields_of(record: msgspec.Struct) -> dict[str, Field]:
    """The fields by name, without those that are None. An end has the fields of its beginning, too.

    A `change` is for sums, not for people, and is left out.
    """
    found: dict[str, Field] = {}
    for name in record.__struct_fields__:
        value: object = getattr(record, name)
        if name == "change":
            continue
        if isinstance(value, msgspec.Struct):
            found |= fields_of(value)
        elif isinstance(value, enum.Enum):
            found[name] = str(value.value)
        elif isinstance(value, tuple):
            found[name] = ", ".join(str(each) for each in value)
        elif isinstance(value, float):
            found[name] = round(value, 3)
        elif isinstance(value, Field):
            found[name] = value
    return found
