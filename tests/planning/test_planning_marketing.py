"""Meta delivers no marketing in the United States: nobody there is let into such a campaign."""

import msgspec
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.planning.check_row import Tolerance
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.reader import Reader
from keebai_async.sources.block import ObjectBlock
from tests.planning.made import PROMO, person, planned

MARKETING = msgspec.structs.replace(PROMO, category="MARKETING")
UTILITY = msgspec.structs.replace(PROMO, category="UTILITY")

NEW_YORK, TORONTO, KINGSTON, SANTO_DOMINGO = "+12125550123", "+14165550123", "+18765550123", "+18095551234"
PEOPLE = [person(n) | {"to": to} for n, to in enumerate([NEW_YORK, TORONTO, KINGSTON, SANTO_DOMINGO])]


async def test_a_marketing_template_leaves_out_the_united_states_and_no_other_country_of_plus_one() -> None:
    made = await planned([*PEOPLE, person(9)], MARKETING)

    assert made.numbers == [TORONTO, KINGSTON, SANTO_DOMINGO, "+5491100000009"]
    assert made.reasons == [(1, "no marketing there", "to")]
    assert "United States" in made.rejections[0].detail
    assert (made.plan.rejected, made.plan.ready, made.plan.read) == (1, 4, 5)


@pytest.mark.parametrize("to", ["+1 (212) 555-0123", "001 212 555 0123"])
async def test_another_spelling_of_such_a_number_is_left_out_as_well(to: str) -> None:
    made = await planned([person(1), person(2) | {"to": to}], MARKETING)

    assert made.reasons == [(2, "no marketing there", "to")]


async def test_a_utility_template_goes_to_the_united_states() -> None:
    made = await planned(PEOPLE, UTILITY)

    assert made.numbers == [NEW_YORK, TORONTO, KINGSTON, SANTO_DOMINGO]
    assert made.plan.notes == ()


async def test_a_template_of_unknown_category_is_a_note_if_somebody_is_there() -> None:
    made = await planned(PEOPLE)

    assert made.plan.ready == 4
    (note,) = made.plan.notes
    assert "does not say of what category" in note
    assert note.endswith("numbers of the United States, of which the list has 1")
    assert (await planned([person(1)])).plan.notes == ()


async def test_with_countries_asked_for_the_united_states_stay_closed() -> None:
    made = await planned(PEOPLE, MARKETING, options=PlanOptions(countries=["US", "CA"]))

    assert made.numbers == [TORONTO]
    assert [reason for _, reason, _ in made.reasons] == [
        "no marketing there",
        "other country",
        "other country",
    ]


async def test_a_test_of_a_marketing_template_to_such_a_number_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"number 2 to test with .* United States") as refused:
        await planned([person(1)], MARKETING, options=PlanOptions(test_to=[TORONTO, NEW_YORK]))

    assert refused.value.field == "test_to"
    assert (await planned([person(1)], UTILITY, options=PlanOptions(test_to=[NEW_YORK]))).plan.ready == 1


AMERICAN = st.tuples(st.integers(200, 999), st.integers(2_000_000, 9_999_999))


@given(st.lists(AMERICAN, min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
async def test_nobody_whom_the_number_plans_put_there_is_let_in(numbers: list[tuple[int, int]]) -> None:
    rows: list[object] = [person(n) | {"to": f"+1{area}{local}"} for n, (area, local) in enumerate(numbers)]
    codec = RowCodec(MARKETING)
    closed = Tolerance(closed=frozenset({"US"}))

    fast = await Reader(codec, {}, closed).read(ObjectBlock(first=1, items=rows))
    slow = await Reader(codec, {}, closed, fast=False).read(ObjectBlock(first=1, items=rows))

    assert list(fast.rejections) == list(slow.rejections)
    assert codec.encode(fast.ready) == codec.encode(slow.ready)
    there = [phonenumbers.region_code_for_number(phonenumbers.parse(row.to)) for row in fast.ready]
    assert "US" not in there
