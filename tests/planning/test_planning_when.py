"""A list for hours by country is cut by country: everybody stays ready, and all of a chunk are of one."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.hours import Hours
from keebai_async.model.plan import Guards, Pace
from keebai_async.model.row_numbers import RowNumbers
from keebai_async.planning.number_forms import region_of_number
from keebai_async.planning.plan import PlanOptions
from tests.planning.made import PLAIN, flat, planned

BY_COUNTRY = Hours.parse("09:00-20:00", "country")
STARTS = {"AR": "+54911", "UY": "+59899", "MX": "+52155", "US": "+1212555", "CA": "+1416555", "PE": "+519"}
DIGITS = {"AR": 8, "UY": 6, "MX": 8, "US": 4, "CA": 4, "PE": 8}


def number(country: str, person: int) -> str:
    return f"{STARTS[country]}{1_000 + person:0{DIGITS[country]}}"


def rows(countries: list[str]) -> list[dict[str, object]]:
    return [{"to": number(country, person)} for person, country in enumerate(countries)]


@given(st.lists(st.sampled_from(list(STARTS)), min_size=1, max_size=60), st.integers(1, 7), st.booleans())
async def test_everybody_is_in_a_chunk_of_their_country_and_nobody_else_is(
    countries: list[str], size: int, marks: bool
) -> None:
    people = rows(countries)
    options = PlanOptions(chunk_size=size, hours=BY_COUNTRY)

    made = await planned(people, PLAIN, options=options, marks=marks)

    assert sorted(map(str, made.numbers)) == sorted(str(each["to"]) for each in people)
    for chunk, country in zip(made.chunks, made.plan.chunk_countries, strict=True):
        assert {region_of_number(str(person["to"])) for person in chunk} == {country}
    partly = Counter(
        country
        for chunk, country in zip(made.chunks, made.plan.chunk_countries, strict=True)
        if len(chunk) < size
    )
    assert all(count == 1 for count in partly.values())  # only the last of a country is not full
    if marks:
        found = [str(person["meta_data"]) for person in made.people]
        assert len(set(found)) == len(people)
        for place, chunk in enumerate(made.chunks, start=1):
            assert all(f".{place}.{index}'" in str(each["meta_data"]) for index, each in enumerate(chunk))


@given(st.lists(st.sampled_from(list(STARTS)), min_size=1, max_size=60), st.integers(1, 7))
async def test_a_list_has_the_same_fingerprint_however_it_is_cut(countries: list[str], size: int) -> None:
    people = rows(countries)

    plain = await planned(people, PLAIN, options=PlanOptions(chunk_size=5))
    cut = await planned(people, PLAIN, options=PlanOptions(chunk_size=size, hours=BY_COUNTRY))

    assert cut.plan.fingerprint == plain.plan.fingerprint
    assert plain.plan.chunk_countries == ()


async def test_a_canary_is_of_the_country_of_the_first_person() -> None:
    options = PlanOptions(chunk_size=4, hours=BY_COUNTRY, guards=Guards(canary=2))

    made = await planned(rows(["PE", "AR", "AR", "PE", "PE", "AR", "AR"]), PLAIN, options=options)

    assert made.plan.chunks == (2, 1, 4)
    assert made.plan.chunk_countries == ("PE", "PE", "AR")


async def test_rows_are_known_while_people_stand_in_the_order_of_the_list_and_not_after_it_was_cut() -> None:
    of_one, of_two = [
        (await planned(rows(countries), PLAIN, options=PlanOptions(chunk_size=2, hours=BY_COUNTRY))).plan
        for countries in (["AR", "AR", "AR"], ["AR", "PE", "AR"])
    ]

    assert RowNumbers(of_one, []).row(2, 0) == 3
    assert RowNumbers(of_two, []).row(1, 1) is None


async def test_people_of_no_country_have_no_hours_by_country() -> None:
    people = [{"to": "+5491155550101"}, {"to": "+881612345678"}]

    with pytest.raises(InvalidInput, match="numbers of no country"):
        await planned(people, PLAIN, options=PlanOptions(hours=BY_COUNTRY))


async def test_hours_that_never_come_in_a_country_are_refused_by_its_name() -> None:
    hours = Hours.parse("09:00-18:00", "country")
    journal = MemoryJournal()

    with pytest.raises(InvalidInput, match="between 09:00 and 18:00 in all zones of Ru"):
        await planned([{"to": "+79161234567"}], PLAIN, options=PlanOptions(hours=hours), journal=journal)
    assert list(await journal.campaigns()) == []


async def test_a_zone_that_is_none_is_told_before_the_list_is_read() -> None:
    read = []

    def people() -> Iterator[dict[str, object]]:
        read.append("somebody")
        yield flat(1)

    with pytest.raises(InvalidInput, match="no such time zone"):
        await planned(people(), options=PlanOptions(hours=Hours.parse("09:00-20:00", "Mars/Base")))
    assert read == []


@pytest.mark.parametrize(
    "options",
    [
        PlanOptions(per_hour=2),
        PlanOptions(per_day=2, per_hour=5),
        PlanOptions(pace=Pace(people=2, per=60.0), per_hour=4),
    ],
)
async def test_no_chunk_is_larger_than_what_may_leave_at_once(options: PlanOptions) -> None:
    made = await planned([flat(person) for person in range(5)], options=options)

    assert made.plan.chunks == (2, 2, 1)
    assert (made.plan.per_hour, made.plan.per_day) == (options.per_hour, options.per_day)


def test_times_and_numbers_that_are_none_are_refused_when_they_are_given() -> None:
    with pytest.raises(InvalidInput, match="per_hour is at least 1"):
        PlanOptions(per_hour=0)
    with pytest.raises(InvalidInput, match="per_day is at least 1"):
        PlanOptions(per_day=-5)
    with pytest.raises(InvalidInput, match="no offset"):
        PlanOptions(at=datetime(2026, 10, 3))  # noqa: DTZ001 - that is the point
    assert PlanOptions(at=datetime(2026, 10, 3, tzinfo=UTC)).not_before == 1_790_985_600.0
