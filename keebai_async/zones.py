"""Time zones by name and by country, from the tz database of the machine or of the package `tzdata`.

Which zones a country has stands in the database's own table, `zone.tab`. A country that has several is in all
of them: nobody can tell from a number in which of them its owner is.
"""

import importlib.resources
import zoneinfo
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from keebai_async.errors import InvalidInput

MISSING: Final = (
    "this machine has no time zones: install them (the package tzdata of its system), or keebai-async[zones]"
)

_NOT_IN_THE_TABLE: Final = {"AC": ("Atlantic/St_Helena",), "XK": ("Europe/Belgrade",)}
"""Countries with a calling code of their own and without one in ISO 3166, which the table goes by."""


@cache
def zones_of(name: str) -> tuple[zoneinfo.ZoneInfo, ...]:
    """The zones of *name*: a country's two letters (all of its zones), or the name of a zone.

    It reads files, and keeps what it read. Raises InvalidInput if there is no such zone, or the machine has
    none at all.
    """
    names = _by_country().get(name, (name,))
    try:
        return tuple(map(zoneinfo.ZoneInfo, names))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"no such time zone: {name!r}; write a name such as America/Lima, or a country such as PE",
            field="zone",
            value=name,
        ) from error


@cache
def _by_country() -> Mapping[str, tuple[str, ...]]:
    """Raises InvalidInput if the machine has no time zones."""
    found = defaultdict[str, tuple[str, ...]](tuple, _NOT_IN_THE_TABLE)
    for line in _table().splitlines():
        if not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            found[country] += (name,)
    return dict(found)


def _table() -> str:
    places = [Path(folder) / "zone.tab" for folder in zoneinfo.TZPATH]
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    try:
        return (importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    except (ModuleNotFoundError, OSError) as error:
        raise InvalidInput(MISSING, field="zone") from error
