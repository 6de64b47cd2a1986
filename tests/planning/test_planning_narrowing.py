"""The bad rows among many are found, and taken out, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from keebai_async.planning.narrowing import fine_places, picked, without

bad_of_many = st.integers(0, 200).flatmap(
    lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)) if count else st.just(set()))
)
few_of_many = st.tuples(st.just(200), st.sets(st.integers(0, 199), max_size=12))


@given(st.one_of(bad_of_many, few_of_many))
def test_all_are_left_but_those_who_are_taken_out(made: tuple[int, set[int]]) -> None:
    count, bad = made
    names = [f"n{place}" for place in range(count)]
    left = [place for place in range(count) if place not in bad]

    assert without(range(count), sorted(bad)) == left
    assert without(names, sorted(bad)) == picked(names, left)
    assert len(names) == count  # what they are taken out of is as it was


@given(st.one_of(bad_of_many, few_of_many))
def test_the_fine_ones_are_found_by_a_check_of_many(made: tuple[int, set[int]]) -> None:
    count, bad = made
    found = fine_places(count, lambda start, end: bad.isdisjoint(range(start, end)))
    assert found == [place for place in range(count) if place not in bad]
