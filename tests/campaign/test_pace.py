"""The pace that a caller asked for holds in every window, across takings back, stops and resumes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.campaign.pace import pace_seconds, pace_wait
from keebai_async.errors import InvalidInput
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.places import departures
from keebai_async.model.plan import Pace

PACES = st.builds(Pace, people=st.integers(1, 50), per=st.integers(1, 100).map(float))


@given(PACES, st.lists(st.integers(1, 60), min_size=1, max_size=12), st.floats(0, 30))
def test_in_no_window_are_more_people_than_the_pace_unless_one_chunk_is_larger(
    pace: Pace, sizes: list[int], late: float
) -> None:
    left: list[tuple[float, int]] = []
    now = 1_000.0
    for size in sizes:
        while wait := pace_wait(pace, left, size, now):
            now += wait
        left.append((now, size))
        now += late

    for first, _ in left:
        window = [count for at, count in left if first <= at < first + pace.per]
        assert len(window) == 1 or sum(window) <= pace.people


@given(PACES, st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_the_estimate_is_what_the_pace_takes(pace: Pace, sizes: list[int]) -> None:
    left: list[tuple[float, int]] = []
    now = 0.0
    for size in sizes:
        while wait := pace_wait(pace, left, size, now):
            now += wait
        left.append((now, size))

    assert pace_seconds(pace, sizes) == pytest.approx(now)
    assert all(before <= after for (before, _), (after, _) in pairwise(left))


def test_who_may_leave_already_has_a_place() -> None:
    pace = Pace(people=10, per=60.0)

    assert pace_wait(pace, [], 5, 0.0, leaving=5) == 0.0
    assert pace_wait(pace, [], 5, 0.0, leaving=6) == 60.0


def test_a_chunk_leaves_as_soon_as_there_is_room_for_it() -> None:
    pace, left = Pace(people=10, per=60.0), [(0.0, 5), (10.0, 5)]

    assert pace_wait(pace, left, 5, 20.0) == 40.0  # once the first five are a minute ago
    assert pace_wait(pace, left, 6, 20.0) == 50.0


def test_what_was_taken_back_or_refused_does_not_count_and_what_is_unknown_does() -> None:
    states = (ChunkState.PLANNED, ChunkState.REFUSED, ChunkState.UNKNOWN, ChunkState.ACCEPTED)
    chunks = [
        Chunk(number=number, recipients=number, state=state, submitted_at=10.0 - number)
        for number, state in enumerate(states, start=1)
    ]

    assert departures(chunks) == [(6.0, 4), (7.0, 3)]


@pytest.mark.parametrize(
    ("words", "pace"),
    [
        ("5000/10m", Pace(people=5_000, per=600.0)),
        ("100/s", Pace(people=100, per=1.0)),
        (" 20000/1H ", Pace(people=20_000, per=3_600.0)),
    ],
)
def test_a_pace_is_written_as_people_and_a_time(words: str, pace: Pace) -> None:
    assert Pace.parse(words) == pace
    assert Pace.parse(str(pace)) == pace


@pytest.mark.parametrize("words", ["", "5000", "5000/10", "0/1m", "5,000/10m", "5000/0m", "-1/1m", "5000/1d"])
def test_what_is_no_pace_says_how_to_write_one(words: str) -> None:
    with pytest.raises(InvalidInput, match="pace"):
        Pace.parse(words)
