"""Which spellings are one person. Numbers are published examples: country pages and numbering plans."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keebai_async.model.identity import (
    identities,
    identities_if_e164,
    identities_in,
    identity,
    not_in_e164,
    spelling,
)
from keebai_async.model.limits import E164
from keebai_async.planning.number_text import is_spreadsheet_number

e164 = st.from_regex(E164, fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5491155555555", "+541155555555"),  # Argentina, Buenos Aires
        ("+5493513333333", "+543513333333"),  # Argentina, Córdoba
        ("+5215512345678", "+525512345678"),  # Mexico City
        ("+5218112345678", "+528112345678"),  # Monterrey
        ("+5511961234567", "+551161234567"),  # Brazil, São Paulo
        ("+5551981234567", "+555181234567"),  # Brazil, Porto Alegre, where old accounts keep eight digits
    ],
)
def test_one_person_in_two_spellings(one: str, other: str) -> None:
    assert identity(one) == identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5491155555555", "+5491155555556"),
        ("+5511923456789", "+551123456789"),  # a mobile, and a landline of São Paulo
        ("+12015550123", "+442015550123"),
        ("+549115555555", "+5491155555555"),
        ("+525512345678", "+55512345678"),
    ],
)
def test_two_people(one: str, other: str) -> None:
    assert identity(one) != identity(other)


@given(st.lists(e164, min_size=1))
@settings(deadline=None)
def test_many_keys_at_once_are_the_keys_one_by_one(numbers: list[str]) -> None:
    assert identities(numbers) == [identity(number) for number in numbers]


@given(
    st.lists(st.one_of(e164, st.text(alphabet="+0123456789\n, ٣_"), st.just("+5491155555555\n")), min_size=1)
)
@example(["+"])
@example(["+1234567", "+5491234", "+123456789012345", "+549123456789012"])
@example(["+5491234567890123"])
@example(["+5491155555555", "5+491155555555"])
@settings(deadline=None)
def test_a_list_is_in_e164_exactly_when_each_number_is(numbers: list[str]) -> None:
    all_good = all(E164.fullmatch(number) for number in numbers)
    assert identities_if_e164(numbers) == (identities(numbers) if all_good else None)


@given(st.lists(st.one_of(e164, st.text(alphabet="+0123456789\n\0 ٣_"), st.just("+5491155555555\n"))))
@example(["+5491155555555", "+0123456789"])
@example(["+5491155555555", "", "+5491155555555", ""])
@example(["+5491155555555", "+5491155555555\0+5491155555555", "+5491155555555"])
@settings(deadline=None)
def test_those_of_many_that_are_not_in_e164_are_found_as_if_each_was_asked(numbers: list[str]) -> None:
    asked = [place for place, number in enumerate(numbers) if not E164.fullmatch(number)]
    assert not_in_e164(numbers) == asked


@given(st.from_regex(r"\+55[0-9]{10,12}", fullmatch=True))
@settings(deadline=None)
def test_the_ninth_digit_of_brazil_is_taken_from_mobiles_alone(number: str) -> None:
    without = re.sub(r"^(\+55[1-9]{2})9(?=[6-9][0-9]{7}$)", r"\1", number)

    assert identity(number) == int(without)


@pytest.mark.parametrize("rest", ["12345", "123456", "1234567", "12345678"])
def test_in_every_area_of_brazil_the_nine_before_six_to_nine_is_the_added_one(rest: str) -> None:
    numbers = [f"+55{area_and_first:04}{rest}" for area_and_first in range(10_000)]
    numbers = [number for number in numbers if E164.fullmatch(number)]
    without = [re.sub(r"^(\+55[1-9]{2})9(?=[6-9][0-9]{7}$)", r"\1", number) for number in numbers]

    assert identities(numbers) == identities_if_e164(numbers) == [int(number) for number in without]


@pytest.mark.parametrize("number", ["+999999", "+531442", "+1000000", "+9999999", "+100000000000000"])
def test_a_number_is_as_short_and_as_long_as_e164_says(number: str) -> None:
    assert identities_if_e164([number]) == ([int(number)] if E164.fullmatch(number) else None)


FEW = ["+5491155555555", "+541155555555", "+5511961234567", "+551161234567", "+12015550123", "+1", "+", ""]


@given(
    st.lists(st.one_of(st.sampled_from(FEW), e164), max_size=5),
    st.builds(range, st.sampled_from([0, 54 * 10**10, 541155555555, 541155555556]), st.integers(0, 10**13)),
)
@example(["+5491155555555"], range(541155555555, 541155555556))
@example(["+5491155555555"], range(541155555556, 541155555557))
@example(["+5511961234567"], range(10**12))
@example(["+"], range(1, 10))
@example(["+431150"], range(431100, 431200))
@example(["+999999999999999"], range(10**16))
@settings(deadline=None)
def test_that_numbers_are_where_they_are_expected_is_said_and_changes_nothing(
    numbers: list[str], expected: range
) -> None:
    found = identities_in(" ".join(numbers), len(numbers), expected)

    keys = identities_if_e164(numbers)
    assert (None if found is None else found[0]) == keys
    if keys and found is not None:
        brazil = any(number.startswith("+55") for number in numbers)
        short = [key in expected and key < 10**14 for key in keys]
        assert found[1] == (not brazil and all(short))


@given(
    st.one_of(e164, st.from_regex(r"\+(55[1-9]{2}9?[5-9]|549?11[1-9]|521?[1-9]{3})[0-9]{7}", fullmatch=True))
)
@example("+549123456789012")
@example("+54123456789012")
@example("+541234567890123")
@example("+5215512345678")
@example("+521551234567")
@settings(deadline=None)
def test_a_number_that_is_spelled_by_its_key_has_this_key(number: str) -> None:
    key = identity(number)

    assert identity(spelling(key)) == key
    assert E164.fullmatch(spelling(key))


@pytest.mark.parametrize(
    ("number", "today"),
    [
        ("+541155555555", "+5491155555555"),
        ("+54123456789012", "+549123456789012"),
        ("+5215512345678", "+525512345678"),
        ("+551161234567", "+5511961234567"),
        ("+551151234567", "+551151234567"),
        ("+12015550123", "+12015550123"),
    ],
)
def test_a_key_is_spelled_as_phones_have_it_today(number: str, today: str) -> None:
    assert spelling(identity(number)) == today


def test_two_numbers_hidden_in_one_do_not_pass() -> None:
    for between in "\n, ":
        assert identities_if_e164([f"+5491155555555{between}+5491155555556"]) is None
        assert identities_if_e164(["", f"+5491155555555{between}+5491155555556"]) is None


@pytest.mark.parametrize("text", ["5.49116E+12", "5,49116E+12", "+5.49e12", "5491155555555.000"])
def test_what_a_spreadsheet_makes_of_a_number_is_recognised(text: str) -> None:
    assert is_spreadsheet_number(text)
