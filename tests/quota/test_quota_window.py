"""Windows over past requests: reading quotas, and when the next request fits."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.quota.books import Books
from keebai_async.quota.gate import Allowance
from keebai_async.quota.window import (
    CAUTIOUS_QUOTAS,
    LaneWindow,
    Quota,
    Wait,
    forecast,
    opens,
    pair,
    parse_quotas,
    unaccounted,
)


def window(limit: int, per: float, *, reserve: int = 0) -> LaneWindow:
    return LaneWindow(quota=Quota(limit, per), per=per, most=limit - reserve)


@pytest.mark.parametrize(
    ("text", "quotas"),
    [
        ("60/60s,1000/3600s", (Quota(60, 60.0), Quota(1000, 3600.0))),
        ("1000/1h, 60/1m", (Quota(60, 60.0), Quota(1000, 3600.0))),
        ("60/m", (Quota(60, 60.0),)),
        (" 5 / 0.5 s ", (Quota(5, 0.5),)),
    ],
)
def test_a_quota_is_read_in_any_unit_and_order(text: str, quotas: tuple[Quota, ...]) -> None:
    assert parse_quotas(text) == quotas


def test_who_names_no_quota_gets_what_every_known_service_allows() -> None:
    assert parse_quotas("60/60s,1000/3600s") == CAUTIOUS_QUOTAS


@pytest.mark.parametrize(
    "text",
    ["", ",", "60", "60/", "60/60", "0/60s", "60/0s", "-1/60s", "60/60s,", "a/60s", "60/60d", "1e3/1h",
     "٦٠/60s", "60/60s,70/1m", "60/.s", "60/1.2.3s", "1.5/1s"],
)  # fmt: skip
def test_nonsense_is_no_quota(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_quotas(text)


def test_a_quota_without_end_is_none() -> None:
    for per in (float("inf"), float("nan")):
        with pytest.raises(InvalidInput):
            Quota(1, per)


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 86_400)), min_size=1, unique_by=lambda q: q[1])
)
def test_a_quota_survives_being_written_and_read(pairs: list[tuple[int, int]]) -> None:
    quotas = tuple(sorted((Quota(limit, float(per)) for limit, per in pairs), key=lambda quota: quota.per))

    assert parse_quotas(",".join(str(quota) for quota in quotas)) == quotas


def test_a_request_leaves_the_window_a_whole_window_after_its_reply() -> None:
    two_a_minute = window(2, 60.0)

    assert opens(two_a_minute, [100.0, 110.0], 0, 120.0) == 160.0
    assert opens(two_a_minute, [100.0, 110.0], 0, 160.0) == 160.0


def test_a_reserve_is_left_to_others() -> None:
    assert opens(window(2, 60.0, reserve=1), [100.0], 0, 120.0) == 160.0


def test_one_under_way_counts_as_if_it_were_answered_now() -> None:
    assert opens(window(1, 60.0), [], 1, 120.0) == 180.0


def test_a_place_comes_when_as_many_have_left_the_window_as_are_too_many() -> None:
    assert opens(window(2, 60.0), [10.0, 20.0, 30.0], 0, 40.0) == 80.0
    assert opens(window(2, 60.0), [-100.0, 10.0, 20.0, 30.0], 0, 40.0) == 80.0  # the first counts no more


def test_one_under_way_leaves_before_one_that_was_given_up_and_may_still_arrive() -> None:
    assert opens(window(3, 60.0), [10.0, 50.0], 1, 40.0) == 70.0  # the one of 10 s has left
    assert opens(window(2, 60.0), [10.0, 50.0], 1, 40.0) == 100.0  # and the one under way
    assert opens(window(1, 60.0), [10.0, 50.0], 1, 40.0) == 110.0  # and the one that was given up


def test_a_wait_says_what_is_waited_for() -> None:
    assert str(Wait(seconds=59.6, quota=Quota(60, 60.0))) == "60 s: the quota of 60/60s is spent"
    assert str(Wait(seconds=5.0)) == "5 s: the service asked for a pause"


Spent = st.lists(st.integers(0, 200), max_size=12).map(lambda ended: [float(at) for at in sorted(ended)])


@given(Spent, st.integers(0, 5), st.integers(1, 6), st.integers(1, 60), st.integers(0, 150))
def test_the_answer_is_the_soonest_at_which_one_more_fits(
    ended: list[float], held: int, limit: int, per: int, now: int
) -> None:
    one = window(limit, float(per))
    # At best, those under way are answered now.
    counted = sorted(ended + [float(now)] * held)

    def fits(at: float) -> bool:
        return sum(end + per > at for end in counted) < limit

    soonest = opens(one, ended, held, float(now))

    assert soonest == now or not fits(soonest - 0.5)
    assert fits(soonest) or (soonest == now and sum(end + per > now for end in ended) + held < limit)


@given(Spent, st.integers(1, 4), st.integers(1, 40), st.integers(0, 12))
def test_a_forecast_is_what_happens_if_all_take_their_turn(
    ended: list[float], limit: int, per: int, ahead: int
) -> None:
    one, now = window(limit, float(per)), 200.0
    wait = forecast([(one, ended)], 0, now, ahead=ahead)

    spent, at = list(ended), now
    for _ in range(ahead + 1):
        while sum(end + per > at for end in spent) >= limit:
            at += 1.0
        spent.append(at)
    assert (now if wait is None else now + wait.seconds) == at


def test_a_forecast_ends_while_requests_under_way_fill_the_window() -> None:
    one, two = window(1, 60.0), window(2, 60.0)
    wait = forecast([(one, [])], 1, 100.0, ahead=0)
    assert wait is not None
    assert (wait.seconds, wait.quota, wait.loose) == (60.0, one.quota, True)
    later = forecast([(two, [])], 2, 100.0, ahead=2)
    assert later is not None
    assert later.seconds == 120.0


def test_requests_of_others_fill_a_window_too() -> None:
    assert opens(window(2, 60.0), [110.0], 0, 120.0, [100.0]) == 160.0
    assert opens(window(3, 60.0), [110.0], 1, 120.0, [100.0]) == 160.0


def believed(ended: list[float], held: int, taken: float, others: Sequence[float] = ()) -> int:
    """What the service may have had in its minute when a request that left at *taken* came to it."""
    books = Books()
    books.ended, books.others = ended, {60.0: list(others)}
    books.held = {str(number): taken for number in range(held)}
    return books.counted(window(60, 60.0), taken - 60.0)


def test_what_a_reply_does_not_leave_was_spent_by_others() -> None:
    assert unaccounted(60, 50, believed([100.0, 101.0], 1, 100.0)) == 7
    assert unaccounted(60, 57, believed([100.0, 101.0], 1, 100.0)) == 0
    assert unaccounted(60, 60, believed([100.0], 0, 100.0)) == 0
    assert unaccounted(60, 50, believed([100.0], 1, 100.0, [99.0, 99.5])) == 6
    assert unaccounted(60, -5, believed([100.0], 1, 100.0)) == 58


def test_requests_that_left_the_window_while_this_one_was_on_its_way_are_still_ours() -> None:
    # Ended at 100, window 60: gone at 160, but the server may have counted at 155, when we left.
    assert unaccounted(60, 58, believed([100.0, 170.0], 0, 155.0)) == 0


def test_allowances_find_their_windows() -> None:
    minute, hour = Quota(60, 60.0), Quota(1000, 3600.0)

    def left(*pairs: tuple[int, int]) -> list[tuple[Quota, int]]:
        return pair((minute, hour), [Allowance(limit=limit, remaining=rest) for limit, rest in pairs])

    assert left((1000, 7), (60, 3)) == [(hour, 7), (minute, 3)]
    assert left((1000, 7)) == [(hour, 7)]
    assert left((2000, 7), (120, 3)) == [(minute, 3), (hour, 7)]
    assert left((2000, 7)) == []
    assert left((2000, 7), (1000, 8), (5, 9)) == [(hour, 8)]
    assert left((60, 3), (5, 9), (7, 1)) == [(minute, 3)]
    odd = (Quota(50, 60.0), Quota(40, 3600.0))  # the longer window is the tighter one
    said = [Allowance(limit=limit, remaining=rest) for limit, rest in ((100, 1), (80, 2))]
    assert pair(odd, said) == [(odd[1], 2), (odd[0], 1)]
