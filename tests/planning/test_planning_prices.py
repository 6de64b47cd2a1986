"""A table of prices: what it may look like, what is wrong with it, and what people cost by it."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput, PlanTooLarge
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.cost import CountryCount, Price, Rates, cost_at
from keebai_async.model.plan import Plan
from keebai_async.model.report import report_of
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.price_table import parse_price_table, read_price_table
from tests.planning.made import PROMO, person, planned

MARKETING = msgspec.structs.replace(PROMO, category="MARKETING")
METAS = """Cost per message in USD,,,,,,
Effective some day,,,,,,
Market,Currency,Marketing,Utility,Authentication,"Authentication-
International",Service
Argentina,$US,0.0618,0.0260,0.0260,n/a,n/a
Brazil,$US,0.0625,0.0068,0.0068,n/a,n/a
North America,$US,0.0250,0.0034,0.0034,n/a,n/a
Rest of Latin America,$US,0.0740,0.0113,0.0113,n/a,n/a
Other,$US,0.0604,n/a,0.0077,n/a,n/a
"""
OURS = "country,category,price,currency\nAR,MARKETING,0.0618,USD\nPE,marketing,0.07,USD\n"


def test_metas_own_rate_card_is_read_with_its_markets() -> None:
    table = parse_price_table(METAS, source="card.csv")

    rates = table.rates("MARKETING", ["AR", "BR", "US", "CA", "UY", "VA"])

    assert rates == Rates(
        currency="USD",
        category="MARKETING",
        source="card.csv",
        by_country={
            "AR": Decimal("0.0618"),
            "BR": Decimal("0.0625"),
            "US": Decimal("0.0250"),
            "CA": Decimal("0.0250"),
            "UY": Decimal("0.0740"),
            "VA": Decimal("0.0604"),
        },
    )
    assert table.rates("utility", ["VA"]).by_country == {}


def test_a_country_with_a_line_of_its_own_goes_before_its_group_wherever_that_stands() -> None:
    own = "Uruguay,$US,0.01,n/a,n/a,n/a,n/a\n"
    for text in (METAS + own, METAS.replace("Argentina,", own + "Argentina,", 1)):
        table = parse_price_table(text, source="card.csv")
        assert table.rates("MARKETING", ["UY"]).by_country == {"UY": Decimal("0.01")}
        assert table.rates("UTILITY", ["UY"]).by_country == {}


def test_a_table_as_excel_in_spanish_writes_it() -> None:
    text = "\ufeffcountry;category;price\r\nMéxico;Marketing;0,0305\r\n;;\r\n*;MARKETING;0,05\r\n"

    table = parse_price_table(text.removeprefix("\ufeff"), source="t.csv", currency="EUR")

    assert table.currency == "EUR"
    assert table.rates("MARKETING", ["MX", "PE"]).by_country == {
        "MX": Decimal("0.0305"),
        "PE": Decimal("0.05"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "t.csv has no header that is known"),
        ("to,nombre\n+549,Ana\n", "t.csv has no header that is known"),
        (OURS + "XX,MARKETING,1,USD\n", "t.csv, line 4: no country is called 'XX'"),
        (OURS + "UY,PROMO,1,USD\n", "t.csv, line 4: no category is called 'PROMO'"),
        (OURS + "UY,MARKETING,free,USD\n", "t.csv, line 4: 'free' is no price"),
        (OURS + "UY,MARKETING,-1,USD\n", "t.csv, line 4: '-1' is no price"),
        (OURS + "UY,MARKETING,nan,USD\n", "t.csv, line 4: 'nan' is no price"),
        (OURS + "UY,MARKETING,1.250,USD\n", "t.csv, line 4: 1.250 can be read in two ways: write 1.2500"),
        (OURS + "UY,MARKETING,1,ARS\n", "t.csv, line 4: ARS after USD"),
        (OURS + "Argentina,MARKETING,1,USD\n", "t.csv, line 4: Argentina has a MARKETING price in line 2"),
        ("country,category,price\nAR,MARKETING,\n", "t.csv holds no price"),
        (METAS + "Brasil,$US,1,1,1,1,1\n", "t.csv, line 10: Brasil has a MARKETING price in line 6"),
    ],
)
def test_a_table_that_is_wrong_is_told_by_its_line(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_price_table(text, source="t.csv")

    assert str(refused.value).startswith(says)
    assert refused.value.field == "prices"


@pytest.mark.parametrize(
    ("data", "says"), [(b"\xff\xfe", "save it as a CSV in UTF-8"), (b"a\0b", "is a CSV of some lines")]
)
def test_what_is_no_table_at_all_is_told_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)

    with pytest.raises(InvalidInput, match=says):
        read_price_table(tmp_path / "t.csv")
    with pytest.raises(InvalidInput, match=r"gone\.csv cannot be read"):
        read_price_table(tmp_path / "gone.csv")


def in_three_countries(argentina: int = 3) -> list[dict[str, object]]:
    numbers = [*(f"+54911{n:08}" for n in range(argentina)), "+51987654321", "+56987654321"]
    return [person(n) | {"to": to} for n, to in enumerate(numbers)]


async def test_a_plan_has_what_each_country_costs_and_who_has_no_price(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(OURS)

    plan = (await planned(in_three_countries(), MARKETING, options=PlanOptions(prices=path))).plan

    cost = plan.cost
    assert cost is not None
    assert [(one.region, one.people, one.unit, one.total) for one in cost.countries] == [
        ("AR", 3, Decimal("0.0618"), Decimal("0.1854")),
        ("CL", 1, None, None),
        ("PE", 1, Decimal("0.07"), Decimal("0.07")),
    ]
    assert (cost.total, cost.currency, cost.unpriced) == (Decimal("0.2554"), "USD", 1)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan).cost == cost


async def test_a_report_has_the_cost_of_its_plan(tmp_path: Path) -> None:
    table = parse_price_table(METAS, source="card.csv")
    journal = MemoryJournal()

    made = await planned(in_three_countries(), MARKETING, options=PlanOptions(prices=table), journal=journal)

    assert report_of(await journal.load("promo-1")).cost == made.plan.cost is not None


async def test_a_template_of_unknown_category_has_no_price_and_says_so() -> None:
    table = parse_price_table(METAS, source="card.csv")

    cost = (await planned(in_three_countries(), options=PlanOptions(prices=table))).plan.cost

    assert cost is not None
    assert (cost.category, cost.total, cost.unpriced) == ("", Decimal(), 5)
    with pytest.raises(PlanTooLarge, match="does not say of what category"):
        await planned(in_three_countries(), options=PlanOptions(prices=table, max_cost=1_000))


async def test_the_most_that_it_may_cost_counts_by_the_table_to_the_last_digit() -> None:
    options = PlanOptions(prices=parse_price_table(METAS, source="card.csv"), max_cost=Decimal("0.3062"))

    made = await planned(in_three_countries(), MARKETING, options=options)

    assert made.plan.cost is not None
    assert made.plan.cost.total == Decimal("0.3062")
    with pytest.raises(PlanTooLarge, match=r"more than 0\.3062 USD, .*card\.csv, 6 people"):
        await planned(in_three_countries(4), MARKETING, options=options)


async def test_with_a_limit_on_money_nobody_may_be_without_a_price() -> None:
    options = PlanOptions(prices=parse_price_table(OURS, source="t.csv"), max_cost=1_000.0)

    with pytest.raises(PlanTooLarge, match=r"t\.csv has no MARKETING price for Chile"):
        await planned(in_three_countries(), MARKETING, options=options)


async def test_one_price_for_all_is_exact_and_a_table_goes_before_it() -> None:
    flat = (await planned(in_three_countries(), MARKETING, options=PlanOptions(unit_cost=0.0618))).plan
    table = parse_price_table(METAS, source="card.csv")
    both = PlanOptions(unit_cost=0.0618, prices=table)

    assert flat.price == Price(unit=Decimal("0.0618"))
    assert flat.cost is not None
    assert flat.cost.total == Decimal("0.3090")
    plan = (await planned(in_three_countries(), MARKETING, options=both)).plan
    assert (plan.price, plan.rates is None) == (None, False)


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_money_is_an_amount(amount: float) -> None:
    with pytest.raises(InvalidInput, match="unit_cost is an amount of money"):
        PlanOptions(unit_cost=amount)


money = st.decimals(0, 9_999, allow_nan=False, places=4)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.none() | money), max_size=9))
def test_what_is_shown_by_country_comes_to_the_sum(countries: list[tuple[int, Decimal | None]]) -> None:
    counts = [CountryCount(region=f"R{n}", name="", people=people) for n, (people, _) in enumerate(countries)]
    known = {f"R{n}": unit for n, (_, unit) in enumerate(countries) if unit is not None}
    rates = Rates(currency="USD", category="UTILITY", source="t.csv", by_country=known)

    cost = cost_at(rates, 0, counts)

    assert cost is not None
    assert cost.total == sum(people * unit for people, unit in countries if unit is not None)
    assert cost.unpriced == sum(people for people, unit in countries if unit is None)
