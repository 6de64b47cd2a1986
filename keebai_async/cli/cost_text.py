"""What people cost, in words: the same lines for a plan, a report and their pages. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from keebai_async.cli.figures import figure, money, people_figure
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import country_words
from keebai_async.cli.shown import shown_text
from keebai_async.model.cost import Cost


def cost_rows(cost: Cost) -> Iterator[tuple[str, str, str]]:
    """A label, a figure and a note: the sum, each country that has a price, and who has none."""
    if cost.unit is not None:
        total = _amount(cost.total, cost)
        yield phrase("price"), phrase("{price} ({unit} each)", price=total, unit=_each(cost.unit)), ""
        return
    if not cost.category:
        why = phrase("the service does not say of what category the template is")
        yield phrase("price"), phrase("not known", about="price"), why
        return
    category, source = shown_text(cost.category), shown_text(cost.source)
    note = phrase(
        "at the {category} prices of {source}, if all are delivered", category=category, source=source
    )
    yield phrase("price"), _amount(cost.total, cost), note
    for country in cost.countries:
        if country.unit is not None and country.total is not None:
            people = phrase("{number} at {unit}", number=figure(country.people), unit=_each(country.unit))
            yield f"  {country_words(country.name)}", _amount(country.total, cost), people
    if cost.unpriced:
        unpriced = (one for one in cost.countries if one.unit is None)
        where = "; ".join(f"{country_words(one.name)} {figure(one.people)}" for one in unpriced)
        yield f"  {phrase('without a price')}", people_figure(cost.unpriced), where


def _amount(amount: Decimal, cost: Cost) -> str:
    return f"{money(amount)} {shown_text(cost.currency)}"


def _each(unit: Decimal) -> str:
    return f"{unit:f}"
