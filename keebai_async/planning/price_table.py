"""A table of prices, as a file has it: Meta's own rate card, or a line for each country and category. Pure.

Nothing is guessed: a line that cannot be read for certain ends it, and says which it is. A price of nothing
would be worse than none, so what a table does not hold has no price.
"""

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.cost import Rates
from keebai_async.planning.markets import ALL_OTHERS, countries_of_market
from keebai_async.privacy import shown
from keebai_async.sources.header import unaccented

_LONGEST: Final = 2_000_000
"""Bytes of a file that may be a table of prices: Meta's have some thousand."""
_HEADER_WITHIN: Final = 20
"""Lines among which the header is: Meta writes some text above it."""
_CATEGORIES: Final = ("MARKETING", "UTILITY", "AUTHENTICATION")
_NO_PRICE: Final = frozenset({"", "n/a", "na", "-"})
_AMOUNT: Final = re.compile(r"[$\u20ac\u00a3\u20b9]?\s?([0-9]{1,7})(?:[.,]([0-9]{1,9}))?")
_THOUSANDS_OR_NOT: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
"""To one reader a thousand, to another one a fraction."""
_CURRENCIES: Final = {
    "$US": "USD",
    "US$": "USD",
    "$": "USD",
    "\u20ac": "EUR",
    "\u00a3": "GBP",
    "\u20b9": "INR",
}
"""How Meta's rate cards write some of them."""


class PriceTable(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of one message, by country (AR) or ALL_OTHERS and category; None where the table says none.

    *source* is the name of its file.
    """

    source: str
    currency: str
    prices: Mapping[tuple[str, str], Decimal | None]

    def rates(self, category: str, regions: Iterable[str]) -> Rates:
        """The prices of a template's *category* in these countries; those that have none are not in it."""
        category = category.upper()
        found = {region: self._price(region, category) for region in regions}
        known = {region: price for region, price in found.items() if price is not None}
        return Rates(currency=self.currency, category=category, source=self.source, by_country=known)

    def _price(self, region: str, category: str) -> Decimal | None:
        own = (region, category)
        return self.prices[own] if own in self.prices else self.prices.get((ALL_OTHERS, category))


def read_price_table(path: str | os.PathLike[str], *, currency: str = "USD") -> PriceTable:
    """Read a file of prices; *currency* is theirs if it does not name one.

    Raises:
        InvalidInput: it cannot be read, or a line of it is wrong; says which.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST + 1)
    except OSError as error:
        raise _bad(f"{file.name} cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(f"{file.name} is no table of prices: save it as a CSV in UTF-8") from error
    if len(data) > _LONGEST or "\0" in text:
        raise _bad(f"{file.name} is no table of prices: it is a CSV of some lines")
    return parse_price_table(text, source=file.name, currency=currency)


def parse_price_table(text: str, *, source: str, currency: str = "USD") -> PriceTable:
    """The table that *text* holds. Raises InvalidInput."""
    found = _Prices(source, currency)
    rows = csv.reader(StringIO(text), delimiter=";" if text.count(";") > text.count(",") else ",")
    header: dict[str, int] | None = None
    try:
        for row in rows:
            if header is None:
                header = _header(row)
                if header is None and rows.line_num > _HEADER_WITHIN:
                    break
            elif any(cell.strip() for cell in row):
                found.take(row, header, rows.line_num)
    except csv.Error as error:
        raise _bad(f"{source}, line {rows.line_num}: {error}") from error
    if header is None:
        raise _bad(
            f"{source} has no header that is known: country,category,price, or that of Meta's rate card"
            " (Market,Currency,Marketing,Utility,Authentication,...)"
        )
    return found.table()


def _header(row: Sequence[str]) -> dict[str, int] | None:
    """The places of the columns, if this is the header."""
    names = [unaccented(cell).replace("- ", "-").strip() for cell in row]
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    if "market" in places:
        places.setdefault("country", places["market"])
    is_ours = {"country", "category", "price"} <= places.keys()
    is_metas = "country" in places and any(each.lower() in places for each in _CATEGORIES)
    return places if is_ours or is_metas else None


class _Prices:
    """The lines that were read."""

    def __init__(self, source: str, currency: str) -> None:
        self._source = source
        self._currency = ""
        self._default = currency
        self._own: dict[tuple[str, str], Decimal | None] = {}
        self._groups: dict[tuple[str, str], Decimal | None] = {}
        self._lines: dict[tuple[str, str], int] = {}

    def take(self, row: Sequence[str], header: Mapping[str, int], line: int) -> None:
        """Take a line in. Raises InvalidInput."""

        def cell(name: str) -> str:
            place = header.get(name)
            return row[place].strip() if place is not None and place < len(row) else ""

        market = cell("country")
        countries = countries_of_market(market)
        if not countries:
            words = f"no country is called {shown(market)!r}: write its two letters, such as AR"
            raise self._wrong(line, words)
        self._take_currency(cell("currency"), line)
        for category, written in self._prices_of(cell, header, line):
            self._put(countries, market, category, self._amount(written, line), line)

    def _prices_of(
        self, cell: Callable[[str], str], header: Mapping[str, int], line: int
    ) -> Iterator[tuple[str, str]]:
        if "category" not in header:
            yield from ((each, cell(each.lower())) for each in _CATEGORIES if each.lower() in header)
            return
        category = cell("category").upper()
        if category not in _CATEGORIES:
            words = f"no category is called {shown(category)!r}: it is {', '.join(_CATEGORIES[:-1])}"
            raise self._wrong(line, f"{words} or {_CATEGORIES[-1]}")
        yield category, cell("price")

    def _put(
        self, countries: Sequence[str], market: str, category: str, price: Decimal | None, line: int
    ) -> None:
        name = (countries[0] if len(countries) == 1 else market.lower(), category)
        if name in self._lines:
            words = f"{shown(market)} has a {category} price in line {self._lines[name]} already"
            raise self._wrong(line, words)
        self._lines[name] = line
        kept = self._own if len(countries) == 1 else self._groups
        kept.update(((country, category), price) for country in countries)

    def _take_currency(self, written: str, line: int) -> None:
        currency = _CURRENCIES.get(written.upper(), written.upper())
        if not currency:
            return
        if self._currency and currency != self._currency:
            words = f"{shown(currency)} after {self._currency}: a table has one currency, or nothing adds up"
            raise self._wrong(line, words)
        self._currency = currency

    def _amount(self, words: str, line: int) -> Decimal | None:
        if words.lower() in _NO_PRICE:
            return None
        found = _AMOUNT.fullmatch(words)
        if _THOUSANDS_OR_NOT.fullmatch(words):
            raise self._wrong(line, f"{words} can be read in two ways: write {words}0, or leave the mark out")
        if found is None:
            what = f"{shown(words)!r} is no price: write it as 0.0618, or n/a where there is none"
            raise self._wrong(line, what)
        return Decimal(f"{found[1]}.{found[2] or 0}")

    def table(self) -> PriceTable:
        if not any(price is not None for price in (self._own | self._groups).values()):
            raise _bad(f"{self._source} holds no price")
        return PriceTable(
            source=self._source,
            currency=self._currency or self._default,
            prices=self._groups | self._own,  # a country's own line goes before that of its group
        )

    def _wrong(self, line: int, words: str) -> InvalidInput:
        return _bad(f"{self._source}, line {line}: {words}")


def _bad(words: str) -> InvalidInput:
    return InvalidInput(words, field="prices")
