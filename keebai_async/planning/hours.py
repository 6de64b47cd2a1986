"""Whether the hours that were asked for come at all, for everybody of a list."""

from collections.abc import Iterable

from keebai_async.errors import InvalidInput
from keebai_async.model.hours import Hours, next_inside
from keebai_async.planning.number_forms import country_name
from keebai_async.zones import zones_of


def check_zone(hours: Hours) -> None:
    """Read the zones of *hours*, from files. Raises InvalidInput if there are none."""
    if not hours.by_country:
        zones_of(hours.zone)


def check_hours(hours: Hours, countries: Iterable[str], now: float) -> None:
    """Find the next time in *hours* for people of each of *countries*, from the Unix time *now* on.

    Raises:
        InvalidInput: hours by country for numbers of no country, or that never come in one of them.
    """
    for country in dict.fromkeys(countries if hours.by_country else [hours.zone]):
        if not country:
            raise InvalidInput(
                "numbers of no country, such as those of satellites, have no hours of their own: give a zone,"
                " or name the countries to send to",
                field="zone",
            )
        if next_inside(hours, zones_of(country), now) is None:
            words = country_name(country)
            raise InvalidInput(
                f"it never is between {hours.opens} and {hours.closes} in all zones of {words} at once: give"
                f" one zone of it, wider hours, or send to people of {words} apart",
                field="hours",
            )
