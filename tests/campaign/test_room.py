"""How many people may leave, and when the next ones: by the paces of a campaign and the limit of a day."""

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.campaign.pace import pace_wait
from keebai_async.campaign.timetable import NotYet, Timetable, daily_room, last_departure
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.hours import Hours
from keebai_async.model.plan import DailyRoom, Pace
from tests.campaign.test_timetable import plan_of

HOUR, DAY = 3_600.0, 86_400.0
NOW = 1_790_000_000.0
NO_CHUNK: dict[int, Chunk] = {}
A_DAY_OF_100 = "the daily limit of 100"


def accepted(number: int, people: int, at: float) -> Chunk:
    return Chunk(number=number, recipients=people, state=ChunkState.ACCEPTED, submitted_at=at)


def room(
    terms: RunTerms,
    own: list[tuple[float, int]],
    *,
    in_journal: list[tuple[float, int]] | None = None,
    leaving: int = 0,
) -> NotYet | None:
    """What a chunk of 10 waits for after its campaign's departures *own* and those of all in the journal."""
    chunks = [accepted(number, people, at) for number, (at, people) in enumerate(own, start=1)]
    timetable = Timetable(terms, plan_of([10] * 20), {chunk.number: chunk for chunk in chunks}.__getitem__)
    return timetable.room(10, chunks, NOW, leaving=leaving, in_journal=in_journal or ())


def test_with_neither_pace_nor_limit_nothing_is_waited_for() -> None:
    assert room(RunTerms(), [(NOW, 1_000_000)]) is None


def test_who_left_for_other_campaigns_counts_for_the_limit_of_a_day_alone() -> None:
    terms, others = RunTerms(daily_limit=100, per_hour=100), [(NOW - HOUR / 2, 95)]

    assert room(terms, [], in_journal=others) == NotYet(until=NOW + DAY - HOUR / 2, why=A_DAY_OF_100)
    assert room(RunTerms(per_hour=100), [], in_journal=others) is None


def test_of_a_limit_and_a_pace_the_one_that_takes_longer_is_told() -> None:
    own = [(NOW - HOUR / 2, 95)]
    slow = Pace(people=100, per=2 * DAY)
    in_two_days = NotYet(until=NOW + 2 * DAY - HOUR / 2, why=f"the pace of {slow}")

    assert room(RunTerms(daily_limit=100, pace=slow), own, in_journal=own) == in_two_days
    longer = room(RunTerms(daily_limit=100, per_hour=100), own, in_journal=own)
    assert longer == NotYet(until=NOW + DAY - HOUR / 2, why=A_DAY_OF_100)


def test_of_a_limit_and_a_pace_that_take_as_long_the_pace_is_told() -> None:
    own = [(NOW - HOUR, 95)]

    held = room(RunTerms(daily_limit=100, per_day=100), own, in_journal=own)

    assert held == NotYet(until=NOW + DAY - HOUR, why=f"the pace of {Pace(people=100, per=DAY)}")


def test_a_pace_that_is_used_up_holds_also_where_the_day_has_room() -> None:
    own = [(NOW - HOUR / 2, 15)]

    held = room(RunTerms(daily_limit=100, per_hour=20), own, in_journal=own)

    assert held == NotYet(until=NOW + HOUR / 2, why=f"the pace of {Pace(people=20, per=HOUR)}")


def test_of_several_paces_the_one_that_takes_longest_is_told_and_of_two_alike_the_first() -> None:
    own = [(NOW - HOUR / 2, 95)]
    first = Pace(people=100, per=DAY)

    longest = room(RunTerms(pace=Pace(people=100, per=HOUR / 2 + 1), per_hour=100, per_day=100), own)
    alike = room(RunTerms(pace=first, per_day=101), own)

    assert longest == NotYet(until=NOW + DAY - HOUR / 2, why=f"the pace of {Pace(people=100, per=DAY)}")
    assert alike == NotYet(until=NOW + DAY - HOUR / 2, why=f"the pace of {first}")


def test_who_is_on_the_way_counts_for_the_limit_and_for_the_paces() -> None:
    assert room(RunTerms(daily_limit=100), [], leaving=91) == NotYet(until=NOW + DAY, why=A_DAY_OF_100)
    assert room(RunTerms(per_hour=100), [], leaving=91) is not None
    assert room(RunTerms(daily_limit=100, per_hour=100), [], leaving=90) is None


def test_a_day_ends_when_it_is_a_day_ago() -> None:
    plan = replace(plan_of([40, 40, 40]), daily_limit=100)

    found = daily_room(plan, [(NOW - DAY - 1, 70), (NOW - DAY, 80), (NOW - DAY + 60, 30)], NOW)

    assert found == DailyRoom(at=NOW, used=30, at_once=40, next_at=NOW + 60, ends_at=NOW + DAY)


def test_all_of_a_plan_that_has_room_leaves_at_once() -> None:
    found = daily_room(replace(plan_of([40, 40]), daily_limit=100), [], NOW)

    assert found == DailyRoom(at=NOW, used=0, at_once=80, next_at=None, ends_at=NOW)


def test_the_room_of_a_plan_for_later_is_that_of_its_time() -> None:
    plan = replace(plan_of([40, 40]), daily_limit=100, not_before=NOW + DAY)

    found = daily_room(plan, [(NOW - HOUR, 100)], NOW)

    assert found == DailyRoom(at=NOW + DAY, used=0, at_once=80, next_at=None, ends_at=NOW + DAY)
    late = daily_room(replace(plan, not_before=NOW - DAY), [(NOW - HOUR, 100)], NOW)
    assert late is not None
    assert (late.at, late.used, late.next_at) == (NOW, 100, NOW + DAY - HOUR)


sizes = st.lists(st.integers(1, 60), min_size=1, max_size=30)


@given(
    sizes, st.integers(60, 200), st.lists(st.tuples(st.floats(0, 2 * DAY), st.integers(1, 60)), max_size=6)
)
@settings(deadline=None)
def test_what_a_plan_says_of_its_days_is_what_chunk_after_chunk_comes_to(
    chunks: list[int], limit: int, before: list[tuple[float, int]]
) -> None:
    plan, pace = replace(plan_of(chunks), daily_limit=limit), Pace(people=limit, per=DAY)
    left = sorted((NOW - ago, people) for ago, people in before)

    found = daily_room(plan, left, NOW)

    wall, times, everybody = NOW, list[float](), list(left)
    for people in chunks:
        wall += pace_wait(pace, everybody, people, wall)
        times.append(wall)
        everybody.append((wall, people))
    assert found == DailyRoom(
        at=NOW,
        used=sum(people for at, people in left if at > NOW - DAY),
        at_once=sum(people for at, people in zip(times, chunks, strict=True) if at == NOW),
        next_at=next((at for at in times if at > NOW), None),
        ends_at=wall,
    )


@given(sizes, st.integers(60, 200), st.integers(60, 400))
@settings(deadline=None)
def test_the_last_departure_is_what_chunk_after_chunk_comes_to(
    chunks: list[int], hour: int, day: int
) -> None:
    terms = RunTerms(per_hour=hour, per_day=day)

    found = last_departure(terms, plan_of(chunks), {}, NOW)

    wall, left = NOW, list[tuple[float, int]]()
    for people in chunks:
        while wait := max(pace_wait(pace, left, people, wall) for pace in terms.paces):
            wall += wait
        left.append((wall, people))
    assert found == wall


@pytest.mark.parametrize(
    ("chunks", "hours"), [([60, 40], 0), ([60, 41], 1), ([50, 50, 60, 40], 1), ([40, 50, 50, 60], 2)]
)
def test_the_last_departure_is_that_of_the_chunks_in_their_order(chunks: list[int], hours: int) -> None:
    assert last_departure(RunTerms(per_hour=100), plan_of(chunks), {}, NOW) == NOW + hours * HOUR


def test_who_left_is_remembered_for_the_longest_of_all_paces() -> None:
    terms = RunTerms(per_hour=100, per_day=150)

    assert last_departure(terms, plan_of([100, 50, 1]), {}, NOW) == NOW + DAY


def test_where_hours_are_the_same_for_all_the_first_who_waits_is_next() -> None:
    timetable = Timetable(RunTerms(not_before=NOW + 60), plan_of([5, 6, 7]), NO_CHUNK.__getitem__)

    assert timetable.next_of([3, 1, 2], NOW) == (0, NotYet(until=NOW + 60, why="its time"))
    assert timetable.next_of([3, 1, 2], NOW + 60) == (0, None)


def test_the_last_departure_of_a_plan_without_a_pace_is_at_once_or_at_its_time() -> None:
    plan = plan_of([5, 5, 5])

    assert last_departure(RunTerms(), plan, {}, NOW) == NOW
    assert last_departure(RunTerms(not_before=NOW + 60), plan, {}, NOW) == NOW + 60


def test_hours_that_never_come_are_looked_for_again_the_next_day() -> None:
    hours = Hours.parse("09:00-10:00", zone="UTC")
    zones = {"": (UTC, timezone(timedelta(hours=12)))}
    timetable = Timetable(RunTerms(hours=hours), plan_of([5]), NO_CHUNK.__getitem__, zones=zones)

    assert timetable.opens(1, NOW) == NotYet(until=NOW + DAY, why="the hours 09:00-10:00 UTC")


def test_a_clock_that_is_set_back_is_asked_again_when_the_hours_come() -> None:
    hours = Hours.parse("09:00-10:00", zone="UTC")
    timetable = Timetable(RunTerms(hours=hours), plan_of([5]), NO_CHUNK.__getitem__, zones={"": (UTC,)})
    nine = NOW - NOW % DAY + 9 * HOUR

    def until(wall: float) -> float | None:
        held = timetable.opens(1, wall)
        return None if held is None else held.until

    assert until(nine + 2 * HOUR) == until(nine + 3 * HOUR) == nine + DAY
    assert until(nine - HOUR) == until(nine - HOUR) == nine
    assert until(nine) is None
    assert until(nine + DAY + 2 * HOUR) == nine + 2 * DAY
