"""Who is in the campaign already, and in which row, beside a dict that knows both."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.planning.dedupe import (
    FOUND_IN_A_STEP,
    FREED_IN_A_STEP,
    GROWTH,
    SEGMENT,
    SEGMENTS_IN_A_STEP,
    STEP,
    Deduper,
)

KEYS = range(1, 30)

blocks = st.lists(
    st.lists(st.tuples(st.sampled_from(KEYS), st.integers(1, 3), st.booleans()), min_size=1, max_size=6),
    max_size=12,
)
"""Of each row of a block: its key, how far it is from the row before, and whether it would be sent to."""


@pytest.mark.parametrize("large", [1, 4, 10**9])
@given(blocks)
def test_it_knows_what_a_dict_of_all_rows_knows(
    large: int, blocks: list[list[tuple[int, int, bool]]]
) -> None:
    seen, rows = Deduper(large=large), dict[int, int]()
    row = 0
    for block in blocks:
        numbers: list[int] = []
        for _, distance, _ in block:
            row += distance
            numbers.append(row)
        where = [place for place, (_, _, sent) in enumerate(block) if sent]
        keys = [block[place][0] for place in where]
        new = len(set(keys)) == len(keys) and rows.keys().isdisjoint(keys)

        if seen.full:
            seen.widen()
        assert seen.add(keys, numbers, where) is new
        if new:
            rows |= {key: numbers[place] for key, place in zip(keys, where, strict=True)}

        assert seen.again(KEYS) == [place for place, key in enumerate(KEYS) if key in rows]
        assert {key: at for step in seen.search(set(KEYS)) for key, at in step.items()} == rows
        assert len(seen) == len(rows)
        assert seen.full is (len(rows) >= large and not seen.compact)


def test_it_grows_with_the_block_that_brings_the_one_with_whom_it_is_full() -> None:
    seen, people = Deduper(), GROWTH - 10
    assert seen.add(range(people), range(1, people + 1), range(people))

    assert [seen.grows_with(count) for count in (9, 10, 1_000)] == [False, True, True]
    assert seen.add(range(people, GROWTH), range(people + 1, GROWTH + 1), range(10))
    assert not seen.grows_with(1_000)


def test_a_search_goes_on_until_everybody_is_found_and_tells_nobody_twice() -> None:
    seen = Deduper()
    people = 3 * SEGMENT * SEGMENTS_IN_A_STEP
    assert seen.add(range(people), range(1, people + 1), range(people))
    sought = {0, people // 2, people - 1, *range(people - 2 * FOUND_IN_A_STEP, people)}

    steps = list(seen.search(sought))

    assert {key: row for step in steps for key, row in step.items()} == {key: key + 1 for key in sought}
    assert sum(map(len, steps)) == len(sought)
    assert len(steps) > 3


def test_a_bitmap_takes_over_when_so_many_are_there_and_everybody_moves_there_bit_by_bit() -> None:
    seen = Deduper(large=3 * STEP)
    full: list[bool] = []
    for start in range(0, 3 * STEP, STEP):
        full.append(seen.full)
        assert seen.add(range(start, start + STEP), range(start, start + STEP), range(STEP))
    full.append(seen.full)
    seen.widen()
    assert [*full, seen.full] == [False, False, False, True, False]

    left = [3 * STEP]
    for start in range(3 * STEP, 9 * STEP, STEP):
        assert seen.add(range(start, start + STEP), range(start, start + STEP), range(STEP))
        left.append(len(seen._keys))

    assert left == [3000, 3000, 3000, 2000, 1000, 0, 0]  # from twice as many on, a step with each block
    assert seen.again(range(9 * STEP + 1)) == list(range(9 * STEP))


BLOCK = FREED_IN_A_STEP // 4


@pytest.mark.parametrize(("large", "steps"), [(10**9, 3), (BLOCK, 3 + 1 + 3)])
def test_everybody_is_let_go_of_some_at_a_time_and_each_once(large: int, steps: int) -> None:
    seen, people = Deduper(large=large), 3 * FREED_IN_A_STEP + 1
    for start in range(0, people, BLOCK):
        keys = range(start, min(start + BLOCK, people))
        assert seen.add(keys, range(1, people + 1), keys)
    if seen.full:  # those in the set are in nothing else then, so they are taken hold of before
        seen.widen()

    assert sum(1 for _ in seen.free()) == steps
    assert not seen._keys
    assert not list(seen.free())


def test_keys_are_kept_as_they_came_until_a_bitmap_takes_over_and_in_eight_bytes_each_from_then_on() -> None:
    seen = Deduper(large=2 * SEGMENT)
    came = [list(range(start, start + SEGMENT)) for start in range(0, 4 * SEGMENT, SEGMENT)]
    for keys in came[:2]:
        assert seen.add(keys, keys, range(SEGMENT))
    assert [kept is keys for kept, keys in zip(seen._order, came[:2], strict=True)] == [True, True]

    seen.widen()
    for keys in came[2:]:
        assert seen.add(keys, keys, range(SEGMENT))

    assert [each.itemsize for each in seen._order if isinstance(each, array)] == [8] * 4
    assert list(map(list, seen._order)) == came


@pytest.mark.parametrize("large", [1, 10**9])
def test_blocks_of_few_rows_are_kept_together(large: int) -> None:
    seen = Deduper(large=large)
    for key in range(3 * SEGMENT):
        if seen.full:
            seen.widen()
        assert seen.add([key], [key + 1], [0])

    assert list(map(len, seen._order)) == [SEGMENT] * 3
    assert {key: row for step in seen.search({0, SEGMENT, 3 * SEGMENT - 1}) for key, row in step.items()} == {
        key: key + 1 for key in (0, SEGMENT, 3 * SEGMENT - 1)
    }
