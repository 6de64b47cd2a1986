"""What the people of a plan cost by a table of prices, while it is made: for its limit, and for the plan."""

from collections.abc import Sequence
from functools import partial

import anyio.to_thread

from keebai_async.errors import PlanTooLarge
from keebai_async.model.cost import CountryCount, Rates, cost_by_country
from keebai_async.model.people_words import people_words
from keebai_async.planning.number_forms import NumberForms, country_name
from keebai_async.planning.options import PlanOptions, exactly
from keebai_async.planning.price_table import PriceTable, read_price_table


def people_by_country(forms: NumberForms) -> tuple[CountryCount, ...]:
    """The people who were let in, the most first."""
    return tuple(
        CountryCount(region=region, name=country_name(region), people=people)
        for region, people in forms.by_region()
    )


class Pricing:
    """The table of prices of *options*, for a template's *category*; of no use where there is none."""

    def __init__(self, options: PlanOptions, category: str) -> None:
        self._options = options
        self._category = category
        self._table: PriceTable | None = None

    async def prepare(self) -> None:
        """Read the table. Raises InvalidInput."""
        given = self._options.prices
        if given is None or isinstance(given, PriceTable):
            self._table = given
            return
        read = partial(read_price_table, given, currency=self._options.currency)
        self._table = await anyio.to_thread.run_sync(read)

    @property
    def limited(self) -> bool:
        """Whether there is something to check."""
        return self._table is not None and self._options.max_cost is not None

    def rates(self, countries: Sequence[CountryCount]) -> Rates | None:
        """The prices of those countries that have one; None if there is no table."""
        if self._table is None:
            return None
        return self._table.rates(self._category, [country.region for country in countries])

    def check(self, forms: NumberForms) -> None:
        """Raises PlanTooLarge if the people so far cost more than was allowed, or one has no price."""
        countries = people_by_country(forms)
        rates = self.rates(countries)
        if rates is None or self._options.max_cost is None:
            return
        cost, most = cost_by_country(countries, rates), exactly(self._options.max_cost)
        if cost.unpriced:
            unpriced = next(one.name for one in cost.countries if one.unit is None)
            raise PlanTooLarge(self._not_known(unpriced), field="max_cost")
        if cost.total > most:
            people = sum(country.people for country in countries)
            who = f"{people_words(people)} of the list"
            words = f"at the prices of {cost.source}, {who} already cost {cost.total}"
            raise PlanTooLarge(
                f"it costs more than {most} {cost.currency}, which is the most that was allowed: {words}",
                field="max_cost",
            )

    def _not_known(self, country: str) -> str:
        if not self._category:
            why = "the service does not say of what category the template is"
        else:
            source = "" if self._table is None else self._table.source
            why = f"{source} has no {self._category.upper()} price for {country}"
        return f"what it costs is not known, so it may be more than was allowed: {why}"
