"""What messages cost, by one price for all or by a table of prices: for each country, and in all. Pure.

All of it is Decimal: most prices are no binary fraction, and a sum of many must come out to the last digit.
Source: contract, section 13: a message is priced by its category and the country code of its number, and
charged when it is delivered. So this is the most that these people cost at the prices that were given.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one message costs, as the caller said."""

    unit: Decimal
    currency: str = "USD"


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What one message of a *category* costs by country (AR), from the table *source*.

    A country that is not in it has no price there. *category* is empty if the service did not tell it: then
    nobody has a price.
    """

    currency: str
    category: str
    source: str
    by_country: dict[str, Decimal] = {}


class CountryCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many people are messaged in a country: *region* is its two letters (AR), *name* its words."""

    region: str
    name: str
    people: int


class CountryCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the *people* of a country cost, at *unit* each; both None where no price is known for them."""

    region: str
    name: str
    people: int
    unit: Decimal | None = None
    total: Decimal | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What all people together cost who have a price, and how many have none: *unpriced*.

    With one price for everybody it is *unit*, and there are no *countries*. *category* is that of the
    template, for which the prices of the file *source* are; empty if it is not known, and then nobody has
    a price.
    """

    total: Decimal
    currency: str
    unpriced: int = 0
    unit: Decimal | None = None
    countries: tuple[CountryCost, ...] = ()
    category: str = ""
    source: str = ""


def cost_at(prices: Price | Rates | None, people: int, countries: Iterable[CountryCount]) -> Cost | None:
    """What so many *people* of these *countries* cost; None without prices."""
    if isinstance(prices, Price):
        return Cost(total=prices.unit * people, currency=prices.currency, unit=prices.unit)
    return None if prices is None else cost_by_country(countries, prices)


def cost_by_country(countries: Iterable[CountryCount], rates: Rates) -> Cost:
    """What the people of these countries cost."""
    each = tuple(_of_country(country, rates) for country in countries)
    return Cost(
        total=sum((one.total for one in each if one.total is not None), Decimal()),
        currency=rates.currency,
        unpriced=sum(one.people for one in each if one.total is None),
        countries=each,
        category=rates.category,
        source=rates.source,
    )


def _of_country(country: CountryCount, rates: Rates) -> CountryCost:
    unit = rates.by_country.get(country.region)
    return CountryCost(
        region=country.region,
        name=country.name,
        people=country.people,
        unit=unit,
        total=None if unit is None else unit * country.people,
    )
