"""What a caller can ask of a plan, checked when it is asked."""

import math
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from keebai_async.errors import InvalidInput, PlanTooLarge
from keebai_async.model.cost import Price
from keebai_async.model.hours import Hours
from keebai_async.model.limits import E164
from keebai_async.model.moments import unix
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.plan import Guards, Pace, check_people, paces_of
from keebai_async.model.purged_people import HASHES_LAST
from keebai_async.planning.phone import known_region, parser_installed
from keebai_async.planning.price_table import PriceTable
from keebai_async.planning.suppress import SuppressList
from keebai_async.privacy import mask

_CHUNKS_OF_A_DAY: Final = 10
_MOST_MONEY: Final = Decimal("1e15")


def exactly(amount: Decimal | float) -> Decimal:
    """An amount of money as it is written: 0.0618 and not the nearest binary fraction."""
    if isinstance(amount, Decimal):
        return amount
    return Decimal(int(amount)) if amount == amount // 1 else Decimal(str(amount))


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to plan."""

    chunk_size: int | None = None
    """People in one request; as many as the service takes, if not given."""
    limit: int | None = None
    """Take the first so many people who are ready, and read no further."""
    default_region: str | None = None
    """The country of numbers without a plus, such as AR; needs the `phones` extra."""
    numbers: Literal["region", "international"] = "region"
    """What numbers without a plus begin with: as in *default_region*, or with their country code."""
    countries: Sequence[str] = ()
    """The only countries whose people are messaged, such as AR; all if there is none."""
    extra_variables: Literal["reject", "drop"] = "reject"
    """What to do with a variable that the template does not have, in the service's own shape."""
    fix_whitespace: bool = False
    """Flatten line breaks, tabs and runs of spaces in values instead of rejecting them."""
    suppress: Sequence[SuppressList] = ()
    """People who are not to be messaged: numbers, lists of numbers, files of numbers."""
    ignore_opt_outs: bool = False
    """Message also people who opted out. They said no."""
    rest_of: Sequence[str] = ()
    """Ids of campaigns whose people are left out: who got it, and who still will when those go on."""
    not_within: timedelta | float | None = None
    """Leave out everybody whom a campaign of the journal was sent to in this time (seconds) before."""
    max_recipients: int | None = None
    """Stop with PlanTooLarge when more people than this are ready."""
    unit_cost: Decimal | float | None = None
    """What one message costs, whatever its country; *prices* go before it."""
    prices: PriceTable | str | os.PathLike[str] | None = None
    """What one message costs by country and category: a table, or the path of a file of one."""
    max_cost: Decimal | float | None = None
    """Stop with PlanTooLarge when all would cost more than this, or somebody's price is not known.

    Needs *prices* or *unit_cost*.
    """
    test_to: Sequence[str] = ()
    """Plan a tiny campaign to these numbers instead, with the variables of the first row that is ready."""
    currency: str = "USD"
    """The currency of *unit_cost*, and of *prices* that do not name theirs."""
    pace: Pace | None = None
    """Submit no more people than this in any such time; chunks are no larger."""
    at: float | datetime | None = None
    """Submit nothing before this time: Unix time, or a time with its offset."""
    hours: Hours | None = None
    """Submit nothing outside of these hours of the day. By country, all of a chunk are of one country."""
    per_hour: int | None = None
    """Submit no more people of this campaign in any 3,600 s; chunks are no larger."""
    per_day: int | None = None
    """Submit no more people of this campaign in any 86,400 s; chunks are no larger."""
    daily_limit: int | None = None
    """Submit no more people of all campaigns of the journal in any 86,400 s; see `DailyRoom`.

    Chunks hold a tenth of it at most, so that what others left of a day can be used.
    """
    guards: Guards = Guards()
    """What stops the campaign by itself. The people of a canary are the first chunk."""
    marks: bool = True
    """Give each person a short mark in `meta_data`, by which webhooks say whose they are; it names nobody."""

    def __post_init__(self) -> None:
        if self.chunk_size is not None and self.chunk_size < 1:
            raise InvalidInput(f"a chunk holds at least 1 person, not {self.chunk_size}", field="chunk_size")
        if self.limit is not None and self.limit < 1:
            raise InvalidInput(f"limit is at least 1, not {self.limit}", field="limit")
        if self.chunk_size is not None:
            self._check_canary(self.chunk_size)
        if self.max_cost is not None and self.unit_cost is None and self.prices is None:
            raise InvalidInput(
                "max_cost needs prices, or unit_cost, which is what one message costs", field="max_cost"
            )
        for name, amount in (("unit_cost", self.unit_cost), ("max_cost", self.max_cost)):
            if amount is not None and not (math.isfinite(amount) and 0 <= amount < _MOST_MONEY):
                raise InvalidInput(f"{name} is an amount of money, not {amount}", field=name)
        for place, number in enumerate(self.test_to, start=1):
            if not E164.fullmatch(number):
                raise InvalidInput(
                    f"number {place} to test with ({mask(number)}) is not in E.164: write a plus, the country"
                    " code and the number, such as +5491155555555",
                    field="test_to",
                )
        if (within := self.not_within_seconds) is not None and not 0 < within <= HASHES_LAST:
            raise InvalidInput(
                "not_within is a time of up to 90 days: of purged campaigns nobody is known any longer",
                field="not_within",
            )
        check_people(self.per_hour, field="per_hour")
        check_people(self.per_day, field="per_day")
        check_people(self.daily_limit, field="daily_limit")
        if (self.guards.canary or 0) > (self.daily_limit or math.inf):
            raise InvalidInput(
                f"a canary leaves at once, so it is at most the daily limit of {self.daily_limit}",
                field="canary",
            )
        if self.at is not None:
            unix(self.at, field="at")
        if self.numbers not in {"region", "international"}:
            raise InvalidInput(
                f"numbers are of a region or international, not {self.numbers!r}", field="numbers"
            )
        if self.numbers == "international" and self.default_region is not None:
            raise InvalidInput(
                "numbers without a plus begin with their country code, or are of a region: say which",
                field="numbers",
            )
        for country in (self.countries,) if isinstance(self.countries, str) else self.countries:
            if not known_region(country):
                raise InvalidInput(
                    f"no such country: {country!r}; it is two capital letters, such as AR", field="countries"
                )
        region = self.default_region
        if region is not None and not parser_installed():
            raise InvalidInput(
                "to read numbers of a region, install keebai-async[phones]", field="default_region"
            )
        if region is not None and not known_region(region):
            raise InvalidInput(
                f"no such region: {region!r}; it is two capital letters, such as AR", field="default_region"
            )

    def chunk_size_for(self, largest: int) -> int:
        """People in one chunk, at a service that takes up to *largest*; no more than may leave at once.

        Raises:
            InvalidInput: *chunk_size* or the canary is larger.
        """
        if (self.chunk_size or 0) > largest:
            raise InvalidInput(
                f"a chunk holds 1 to {largest:,} people, not {self.chunk_size:,}", field="chunk_size"
            )
        size = self.chunk_size or largest
        self._check_canary(size)
        most = [each.people for each in paces_of(self.pace, self.per_hour, self.per_day)]
        if self.daily_limit is not None:
            most.append(max(1, self.daily_limit // _CHUNKS_OF_A_DAY))
        return min([size, *most])

    def _check_canary(self, size: int) -> None:
        if (self.guards.canary or 0) > size:
            raise InvalidInput(f"a canary is one chunk, of at most {size:,} people", field="canary")

    @property
    def not_within_seconds(self) -> float | None:
        """*not_within* in seconds."""
        within = self.not_within
        return within.total_seconds() if isinstance(within, timedelta) else within

    def sent_since(self, now: float) -> float | None:
        """The Unix time since when nobody may have been sent anything."""
        within = self.not_within_seconds
        return None if within is None else now - within

    @property
    def not_before(self) -> float | None:
        """*at* as Unix time."""
        return None if self.at is None else unix(self.at, field="at")

    @property
    def price(self) -> Price | None:
        if self.unit_cost is None or self.prices is not None:
            return None
        return Price(unit=exactly(self.unit_cost), currency=self.currency)

    @property
    def most(self) -> int | None:
        """How many people may be ready, by number or by cost."""
        limits = (self.max_recipients, self._most_for_the_cost)
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def _most_for_the_cost(self) -> int | None:
        if self.max_cost is None or (price := self.price) is None or not price.unit:
            return None
        # Fractions, because a quotient of more digits than Decimal holds is an error there.
        return Fraction(exactly(self.max_cost)) // Fraction(price.unit)

    def too_many(self) -> PlanTooLarge:
        """What to say when more people are ready than `most`: in money, if that is what was limited."""
        most = self.most
        more = f"more than {people_words(most or 0)} {agreeing(most or 0, 'is', 'are')} ready"
        if most == self._most_for_the_cost:
            money = f"{exactly(self.max_cost or 0)} {self.currency}"
            each = exactly(self.unit_cost or 0)
            return PlanTooLarge(
                f"it costs more than {money}, which is the most that was allowed: at {each} each"
                f" that is enough for {most}, and {more}",
                field="max_cost",
            )
        return PlanTooLarge(f"{more}, which is the most that was allowed", field="max_recipients")
