"""To which of several senders a person belongs: one, and always the same."""

from hypothesis import given
from hypothesis import strategies as st

from keebai_async.planning.dealing import Dealer
from keebai_async.planning.key_set import KeySet

SENDERS = [f"phone_number_id {100_000_000_000_000 + number}" for number in range(7)]
keys = st.lists(st.integers(10**9, 10**15), unique=True, max_size=60)
several = st.lists(st.sampled_from(SENDERS), min_size=1, max_size=6, unique=True)


def owners(senders: list[str], people: list[int], written: list[KeySet] | None = None) -> dict[int, str]:
    dealt = Dealer(senders, written or [], bits=8).deal(people)
    return {people[place]: sender for sender, places in zip(senders, dealt, strict=True) for place in places}


@given(several, keys)
def test_everybody_is_dealt_to_one_sender_in_the_order_of_the_list(
    senders: list[str], people: list[int]
) -> None:
    dealt = Dealer(senders, bits=8).deal(people)

    assert sorted(place for places in dealt for place in places) == list(range(len(people)))
    assert all(places == sorted(places) for places in dealt)


@given(several, keys, st.randoms())
def test_neither_the_order_of_the_senders_nor_who_stands_beside_somebody_matters(
    senders: list[str], people: list[int], chance: object
) -> None:
    before = owners(senders, people)

    assert owners(senders[::-1], people[::-1]) == before
    assert {key: owners(senders, [key])[key] for key in people} == before


@given(several, keys)
def test_one_sender_more_takes_from_the_others_and_moves_nobody_between_them(
    senders: list[str], people: list[int]
) -> None:
    more = [*senders, "phone_number_id new"]
    before, after = owners(senders, people), owners(more, people)

    assert {after[key] for key in people if after[key] != before[key]} <= {"phone_number_id new"}


@given(several, keys)
def test_one_sender_less_gives_its_own_people_away_and_nobody_else_s(
    senders: list[str], people: list[int]
) -> None:
    before = owners([*senders, "phone_number_id gone"], people)

    after = owners(senders, people)

    moved = {key for key in people if after[key] != before[key]}
    assert moved == {key for key in people if before[key] == "phone_number_id gone"}


@given(several, keys, st.data())
def test_who_was_written_to_by_a_sender_stays_with_it(
    senders: list[str], people: list[int], data: st.DataObject
) -> None:
    known = {key: data.draw(st.sampled_from(senders)) for key in people[::2]}
    written = [KeySet(key for key, sender in known.items() if sender == each) for each in senders]

    dealt = owners(senders, people, written)

    assert dealt == owners(senders, people) | known


def test_each_sender_gets_about_as_many_and_the_same_ones_on_every_machine() -> None:
    people = [549_110_000_0000 + number for number in range(100_000)]

    dealt = Dealer(SENDERS[:5]).deal(people)

    assert sorted(map(len, dealt)) == [19_837, 19_922, 20_032, 20_050, 20_159]
    assert [places[:3] for places in dealt] == [[7, 10, 12], [1, 2, 9], [3, 5, 11], [8, 22, 23], [0, 4, 6]]
