"""How far somebody has read, in a campaign and in a list over several senders: as numbers, and as a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.model.event_place import EventPlace, place_of
from keebai_async.model.events import Waiting
from keebai_async.model.part import part_id, part_ids, whole_id

ONE, WHOLE = "promo-1a2b3c4d", "promo-1a2b3c4d-x3"
FIRST, SECOND, THIRD = part_ids(WHOLE)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=99))
def test_a_place_is_read_back_from_its_text_and_from_the_ids_by_campaign(seen: list[int]) -> None:
    whole = whole_id(ONE, len(seen))
    parts = tuple(part_id(whole, number + 1) for number in range(len(seen)))
    place = EventPlace(parts, tuple(seen))

    assert place_of(whole, str(place)) == place
    assert place_of(whole, dict(zip(parts, seen, strict=True))) == place
    assert place_of(ONE, seen[0]) == place_of(ONE, str(seen[0])) == EventPlace((ONE,), (seen[0],))


def test_who_sees_an_event_is_behind_it_in_its_own_part() -> None:
    place = place_of(WHOLE, "12.0.7").behind(Waiting(campaign_id=SECOND, id=3, seconds=1.0, why="hours"))

    assert str(place) == "12.3.7"
    assert place == place_of(WHOLE, {FIRST: 12, SECOND: 3, THIRD: 7})


@pytest.mark.parametrize("nothing", [0, "", {}, "0.0.0"])
def test_who_has_seen_nothing_is_before_the_first_event_of_each_part(nothing: int | str) -> None:
    assert place_of(WHOLE, nothing) == EventPlace((FIRST, SECOND, THIRD), (0, 0, 0))


@pytest.mark.parametrize(
    "after", ["12", "1.2", "1.2.3.4", "1.2.", "1..2", "1.2.x", "1.2.٣", "1.2." + 19 * "9", "1. 2.3"]
)
def test_what_is_no_place_in_a_list_is_refused_and_one_is_shown(after: str) -> None:
    with pytest.raises(InvalidInput, match=r"one id for each of its 3 parts, like 12\.12\.12"):
        place_of(WHOLE, after)


def test_an_id_alone_is_no_place_in_a_list_nor_is_that_of_another_campaign() -> None:
    with pytest.raises(InvalidInput, match="one id for each"):
        place_of(WHOLE, 12)
    with pytest.raises(InvalidInput, match="promo-1a2b3c4d is no part of promo-1a2b3c4d-x3"):
        place_of(WHOLE, {ONE: 12})
    with pytest.raises(InvalidInput, match="no negative number"):
        place_of(WHOLE, {FIRST: -1})
    with pytest.raises(InvalidInput, match="that is an event's id, like 12"):
        place_of(ONE, "1.2")
