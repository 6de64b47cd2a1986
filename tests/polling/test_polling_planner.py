"""PollPlanner: what it looks at next, and when, by the figures."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.polling.planner import LONGEST_UNREAD, QUIET, TOLD_LATELY, Look, PollPlanner, Stuck, pace_of
from keebai_async.polling.sender_queue import RECENTLY
from keebai_async.quota.window import Quota

EARLY = 46.875  # three quarters of the 62.5 s that 5,000 messages take at 80 a second


def plan_of(*broadcasts: str, sender: str = "one") -> PollPlanner:
    plan = PollPlanner()
    for broadcast_id in broadcasts:
        plan.add(broadcast_id, recipients=5_000, sender=sender, now=0.0)
    return plan


def look(plan: PollPlanner, now: float = 0.0) -> Look:
    """Go on to the next look, and take it."""
    upcoming = plan.next(now)
    assert upcoming is not None
    if upcoming.at > now:
        upcoming = plan.next(upcoming.at)
        assert upcoming is not None
    return upcoming


def see(plan: PollPlanner, broadcast_id: str, done: int, now: float, total: int = 5_000) -> None:
    plan.saw(broadcast_id, done=done, total=total, final=done >= total, now=now)


def test_nothing_to_follow_is_nothing_to_look_at() -> None:
    assert PollPlanner().next(0.0) is None


def test_the_head_of_the_line_is_read_at_three_quarters_and_at_the_end_and_then_the_next_at_once() -> None:
    plan = plan_of("a", "b", "c")

    assert look(plan) == Look("a", EARLY)
    see(plan, "a", 3_750, EARLY)
    assert look(plan, EARLY) == Look("a", 62.75)
    see(plan, "a", 5_000, 62.75)
    assert look(plan, 62.75) == Look("b", 62.75)
    see(plan, "b", 20, 62.75)
    following = look(plan, 62.75)
    assert following.broadcast_id == "b"
    assert abs(following.at - (62.75 + 0.75 * 4_980 / 80)) < 0.5


@pytest.mark.parametrize(("floor", "first"), [(5.0, 1.0), (0.5, 0.5), (0.05, 0.25 + 2 / 80)])
def test_a_handful_is_read_after_a_second_or_sooner_where_looks_may_be_closer(
    floor: float, first: float
) -> None:
    plan = PollPlanner(floor=floor)
    plan.add("a", recipients=2, sender="one", now=0.0)

    assert look(plan) == Look("a", first)


def test_a_rate_is_named_when_it_was_seen_and_not_while_it_is_believed() -> None:
    plan = plan_of("a", "b")
    assert (plan.rate("one"), plan.rate("nobody")) == (None, None)

    look(plan)
    see(plan, "a", 2_500, EARLY)

    seen = plan.rate("one")
    assert seen is not None
    assert abs(seen - 2_500 / EARLY) < 1


def test_one_that_was_only_just_added_is_read_at_once_too_when_the_head_is_finished() -> None:
    plan = plan_of("a")
    look(plan)
    see(plan, "a", 3_750, EARLY)
    plan.add("b", recipients=5_000, sender="one", now=60.0)
    look(plan, EARLY)
    see(plan, "a", 5_000, 62.75)

    assert look(plan, 62.75) == Look("b", 62.75)


def test_what_was_accepted_longer_ago_than_its_delivery_takes_is_read_at_once() -> None:
    plan = PollPlanner()
    plan.add("old", recipients=5_000, sender="one", now=0.0, age=EARLY)
    plan.add("new", recipients=5_000, sender="two", now=0.0, age=EARLY - 10.0)

    assert look(plan) == Look("old", 0.0)
    assert look(plan) == Look("new", 10.0)


def test_what_was_done_before_it_was_followed_says_nothing_of_the_speed() -> None:
    plan = PollPlanner()
    for name in ("a", "b", "c"):
        plan.add(name, recipients=5_000, sender="one", now=0.0, age=1_000.0)
    assert look(plan) == Look("a", 0.0)
    see(plan, "a", 5_000, 0.5)
    assert look(plan, 0.5) == Look("b", 0.5)
    see(plan, "b", 2_600, 1.0)

    assert look(plan, 1.0) == Look("b", 1.0 + 0.75 * 2_400 / 80 + 0.25)


def test_one_look_teaches_the_speed_of_the_whole_line() -> None:
    plan = plan_of("a", "b")
    look(plan)
    see(plan, "a", 1_875, EARLY)  # half as fast as believed

    assert look(plan, EARLY).at == EARLY + 0.75 * 3_125 / 40 + 0.25


def test_a_reply_without_a_total_does_not_make_the_broadcast_look_finished() -> None:
    plan = plan_of("a")
    look(plan)
    plan.saw("a", done=3_750, total=0, final=False, now=EARLY)

    assert look(plan, EARLY) == Look("a", 62.75)


def test_a_broadcast_that_failed_half_way_does_not_make_its_sender_look_fast() -> None:
    plan = plan_of("a", "b")
    look(plan)
    see(plan, "a", 3_750, EARLY)
    look(plan, EARLY)
    plan.saw("a", done=4_000, total=5_000, final=True, now=62.75)
    look(plan, 62.75)
    see(plan, "b", 1_000, 62.75)

    assert abs(look(plan, 62.75).at - (62.75 + 0.75 * 4_000 / 80)) < 2.0


def test_all_out_but_not_final_is_read_again_and_less_and_less() -> None:
    plan = plan_of("a")
    now, looks = 0.0, 0
    while now < 1_800.0:
        now, looks = look(plan, now).at, looks + 1
        plan.saw("a", done=5_000, total=5_000, final=False, now=now)

    assert looks < 60


def test_a_look_under_way_is_not_handed_out_again() -> None:
    plan = plan_of("a")
    look(plan)

    assert plan.next(EARLY) is None
    assert plan.next(EARLY + 1_000) is None


def test_each_sender_has_a_line_of_its_own() -> None:
    plan = plan_of("a", "b")
    plan.add("c", recipients=5_000, sender="two", now=0.0)

    assert {look(plan).broadcast_id, look(plan, EARLY).broadcast_id} == {"a", "c"}


def test_a_head_that_does_not_move_three_times_makes_all_be_read_in_turn() -> None:
    plan = plan_of("a", "b", "c")
    now = 0.0
    for _ in range(3):
        taken = look(plan, now)
        assert taken.broadcast_id == "a"
        now = taken.at
        see(plan, "a", 0, now)
    turns: list[str] = []
    for _ in range(6):
        taken = look(plan, now)
        assert taken.at - now >= pace_of()
        now = taken.at
        turns.append(taken.broadcast_id)
        see(plan, taken.broadcast_id, 0, now)

    assert now < 200.0
    assert turns == ["b", "c", "a", "b", "c", "a"]


def test_a_head_that_moves_again_alone_is_followed_alone_again() -> None:
    plan = plan_of("a", "b")
    now = 0.0
    for _ in range(5):
        taken = look(plan, now)
        now = taken.at
        see(plan, taken.broadcast_id, 0, now)
    while (taken := look(plan, now)).broadcast_id != "a":
        now = taken.at
        see(plan, taken.broadcast_id, 0, now)
    now = taken.at
    see(plan, "a", 100, now)

    taken = look(plan, now)

    assert taken.broadcast_id == "a"
    assert taken.at - now > 40.0  # three quarters of what is left at 80 a second, not the next turn


def test_a_look_that_hangs_does_not_hold_up_the_others_of_its_line() -> None:
    plan = plan_of("a", "b")
    look(plan)

    assert look(plan, EARLY).broadcast_id == "b"


def test_a_broadcast_that_cannot_be_read_is_asked_less_and_less() -> None:
    plan = plan_of("a")
    now, waits = 0.0, []
    for _ in range(9):
        taken = look(plan, now)
        waits.append(taken.at - now)
        now = taken.at
        plan.missed("a", now)

    assert waits[1:4] == sorted(waits[1:4])
    assert waits[-1] == 300.0


def test_a_forgotten_broadcast_is_not_looked_at() -> None:
    plan = plan_of("a", "b")
    plan.forget("a")
    plan.forget("never known")

    assert len(plan) == 1
    assert look(plan).broadcast_id == "b"


def test_words_about_a_broadcast_that_is_not_followed_change_nothing() -> None:
    plan = plan_of("a")
    plan.missed("x", 1.0)
    see(plan, "x", 5_000, 1.0)

    assert look(plan) == Look("a", EARLY)


def test_what_does_not_move_is_called_stuck_once_until_it_moves_again() -> None:
    plan = PollPlanner(stuck_after=600.0)
    plan.add("a", recipients=5_000, sender="one", now=0.0)
    now, reports = 0.0, []
    while now < 3_000.0:
        now = look(plan, now).at
        see(plan, "a", 100 if now > 1_500.0 else 0, now)
        reports += [(stuck.broadcast_id, round(now, -2)) for stuck in plan.stuck(now)]

    assert [broadcast_id for broadcast_id, _ in reports] == ["a", "a"]
    assert 600.0 <= reports[0][1] <= 700.0
    assert 2_100.0 <= reports[1][1] <= 2_300.0


def test_waiting_in_line_is_not_stuck() -> None:
    plan = plan_of(*(str(number) for number in range(40)))
    now = 0.0
    while len(plan):
        taken = look(plan, now)
        now = taken.at
        see(
            plan, taken.broadcast_id, max(0, min(5_000, int(80 * now) - 5_000 * int(taken.broadcast_id))), now
        )
        assert plan.stuck(now) == []


def test_a_dead_sender_costs_few_looks() -> None:
    plan = plan_of(*(str(number) for number in range(10)))
    now, looks = 0.0, 0
    while now < 3_600.0:
        taken = look(plan, now)
        now, looks = taken.at, looks + 1
        see(plan, taken.broadcast_id, 0, now)

    assert looks < 150
    assert plan.stuck(now)[0] == Stuck("0", now)


def test_the_pace_is_what_the_tightest_quota_bears() -> None:
    assert abs(pace_of() - 3.96) < 1e-9
    assert pace_of((Quota(60, 60.0),)) == 1.1


Actions = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3_000), st.integers(0, 40)),
    min_size=5,
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(Actions, st.integers(1, 3))
def test_whatever_is_seen_the_floor_and_the_hour_hold(
    actions: list[tuple[int, bool, int, int]], senders: int
) -> None:
    plan = PollPlanner()
    for number in range(12):
        plan.add(str(number), recipients=1 + 700 * number, sender=str(number % senders), now=0.0)
    now = 0.0
    last: dict[str, float] = {}
    times: list[float] = []
    done: dict[str, int] = {}
    for kind, final, more, latency in actions:
        upcoming = plan.next(now)
        if upcoming is None:
            break
        if upcoming.at > now:
            now = upcoming.at
            continue
        one = upcoming.broadcast_id
        assert now - last.get(one, -100.0) >= 5.0 - 1e-6
        times.append(now)
        now += latency / 10
        last[one] = now
        if kind == 0:
            plan.missed(one, now)
        else:
            done[one] = done.get(one, 0) + (more if kind > 1 else 0)
            plan.saw(one, done=done[one], total=9_000, final=final and kind == 4, now=now)

    assert len([at for at in times if at < 600.0]) <= 120 + 600 / 3.96 + 1


@given(st.integers(1, 30), st.integers(20, 1_000))
def test_a_steady_sender_costs_at_most_four_looks_each_whatever_its_speed(count: int, speed: int) -> None:
    plan = plan_of(*(str(number) for number in range(count)))
    now, looks, late = 0.0, 0, []
    while len(plan):
        taken = look(plan, now)
        now, looks = taken.at, looks + 1
        number = int(taken.broadcast_id)
        see(plan, taken.broadcast_id, max(0, min(5_000, int(speed * now) - 5_000 * number)), now)
        late.append(now - 5_000 * (number + 1) / speed)

    assert looks <= 4 * count + 6


def test_what_webhooks_tell_of_is_read_once_when_everybody_was_told_of_in_any_order() -> None:
    plan = plan_of("a", "b", "c")
    plan.told("b", people=4_000, now=40.0)
    upcoming = plan.next(50.0)
    assert upcoming is not None
    assert upcoming.at > EARLY + 3  # at which the head would have been read

    plan.told("b", people=5_000, now=55.0)
    assert plan.next(55.0) == Look("b", 55.0)
    see(plan, "b", 5_000, 55.5)
    plan.told("a", people=5_000, now=60.0)
    assert plan.next(60.0) == Look("a", 60.0)


def test_one_of_whom_some_are_never_told_of_is_read_when_only_others_are() -> None:
    plan = plan_of("a", "b", "c")
    plan.told("a", people=4_000, now=50.0)
    plan.told("b", people=1, now=51.0)
    for second in range(52, 72):
        plan.told("b", people=second, now=float(second))
    assert plan.next(59.0) == Look("a", 50.0 + QUIET)
    assert plan.next(50.0 + QUIET) == Look("a", 50.0 + QUIET)
    see(plan, "a", 5_000, 61.0)
    assert len(plan) == 2


def test_a_sender_that_stands_still_costs_one_look_and_not_one_for_each_of_its_broadcasts() -> None:
    plan = plan_of(*"abcdefgh")
    for name in "abcdefgh":
        plan.told(name, people=100, now=20.0)
    assert plan.next(20.0 + QUIET) == Look("a", 20.0 + QUIET)
    see(plan, "a", 100, 20.5 + QUIET)
    upcoming = plan.next(20.5 + QUIET)
    assert upcoming is not None
    assert upcoming.at > 20.0 + TOLD_LATELY


def test_webhooks_that_stop_are_forgotten_soon_and_looks_go_on_as_without_them() -> None:
    plan = plan_of("a", "b")
    plan.told("a", people=400, now=5.0)
    see(plan, "a", 400, 5.0)
    silent = 5.0 + TOLD_LATELY
    assert plan.next(silent) == Look("a", silent + 0.25)

    without = plan_of("a", "b")
    see(without, "a", 400, 5.0)
    assert look(plan, silent + 1.0) == look(without, silent + 1.0)


def test_a_service_that_counts_more_slowly_than_it_tells_is_asked_more_and_more_rarely() -> None:
    plan = plan_of("a")
    now, looks = 60.0, []
    plan.told("a", people=5_000, now=now)
    plan.add("b", recipients=100_000, sender="one", now=now)
    for second in range(600):
        at = now + second
        plan.told("b", people=second + 1, now=at)
        upcoming = plan.next(at)
        if upcoming is not None and upcoming.at <= at:
            looks.append(at)
            see(plan, upcoming.broadcast_id, 10, at)
    assert 3 < len(looks) < 10


def read_while_others_are_told_of(plan: PollPlanner, every: float, *, until: float) -> list[float]:
    """When the head, "a", is read while webhooks tell of one more person of "b" *every* so many seconds."""
    now, news, reads = 0.0, every, []
    while now < until:
        upcoming = plan.next(now)
        if upcoming is not None and upcoming.at <= now:
            reads += [now] if upcoming.broadcast_id == "a" else []
            see(plan, upcoming.broadcast_id, 0, now)
            continue
        now = min(news, math.inf if upcoming is None else upcoming.at)
        if now == news:
            plan.told("b", people=int(news / every), now=now)
            news += every
    return reads


@pytest.mark.parametrize("every", [1.0, 20.0, TOLD_LATELY])
def test_a_head_of_which_nothing_is_told_is_not_put_off_for_ever_while_others_trickle(every: float) -> None:
    without = plan_of("a", "b")
    first = look(without)
    see(without, "a", 0, first.at)
    second = look(without, first.at)

    reads = read_while_others_are_told_of(plan_of("a", "b"), every, until=1_800.0)

    assert (first, second.broadcast_id) == (Look("a", EARLY), "a")
    assert reads[0] == EARLY + LONGEST_UNREAD
    assert reads[1] == reads[0] + (second.at - first.at) + LONGEST_UNREAD
    assert max(after - before for before, after in pairwise(reads)) <= LONGEST_UNREAD + 30.0


def reads_while_others_are_told_of_at(
    rate: float, seconds: float, *, then: float = math.inf
) -> tuple[list[float], float]:
    """When the head, "a", is read, and when the last of many were told of.

    Webhooks tell of *rate* others a second for so many *seconds*, after that of one every *then* seconds.
    """
    plan, now, people, ended = plan_of("a", "b"), 0.0, 0.0, 0.0
    plan.add("c", recipients=1_000_000, sender="one", now=0.0)
    reads = []
    while now < seconds + 300.0:
        now += 1.0 if now < seconds else min(then, 300.0)
        people += rate if now <= seconds else 1.0
        ended = now if now <= seconds else ended
        plan.told("c", people=int(people), now=now)
        while (upcoming := plan.next(now)) is not None and upcoming.at <= now:
            reads += [now] if upcoming.broadcast_id == "a" else []
            see(plan, upcoming.broadcast_id, 0 if upcoming.broadcast_id != "c" else int(people), now)
    return reads, ended


@pytest.mark.parametrize("rate", [45.0, 80.0, 200.0])
def test_a_head_is_not_read_while_webhooks_tell_of_as_many_others_as_the_sender_delivers_to(
    rate: float,
) -> None:
    reads, ended = reads_while_others_are_told_of_at(rate, 1_800.0)

    assert not [at for at in reads if at <= ended]


@pytest.mark.parametrize("then", [5.0, 20.0])
def test_when_many_others_become_few_the_head_is_read_within_a_minute(then: float) -> None:
    reads, ended = reads_while_others_are_told_of_at(80.0, 600.0, then=then)

    assert ended < reads[0] <= ended + RECENTLY + then


def test_a_third_of_what_a_sender_delivers_to_puts_its_head_off_by_a_minute_and_no_more() -> None:
    reads, _ = reads_while_others_are_told_of_at(27.0, 600.0)

    assert reads[0] == pytest.approx(EARLY + LONGEST_UNREAD, abs=1.0)


@given(st.lists(st.tuples(st.sampled_from("bc"), st.floats(10.0, 29.0)), min_size=12, max_size=30))
def test_whatever_trickles_about_others_a_head_is_read_a_minute_later_at_most(
    told: list[tuple[str, float]],
) -> None:
    plan, now, counts = plan_of("a", "b", "c"), 0.0, {"b": 0, "c": 0}
    read = False
    for name, seconds in told:
        now += seconds
        counts[name] += 1
        plan.told(name, people=counts[name], now=now)
        while (upcoming := plan.next(now)) is not None and upcoming.at <= now:
            read = read or upcoming.broadcast_id == "a"
            see(plan, upcoming.broadcast_id, counts.get(upcoming.broadcast_id, 0), now)
        assert read or now < EARLY + 60.0


def test_a_long_queue_that_is_read_in_turn_is_read_no_more_often_because_webhooks_tell_of_others() -> None:
    names = [chr(ord("a") + number) for number in range(20)]
    plan = plan_of(*names)
    for number in range(3):
        see(plan, "a", 0, 20.0 * (number + 1))  # the head did not move when it should: by now all in turn

    reads = read_while_others_are_told_of(plan, 20.0, until=1_800.0)

    gaps = [after - before for before, after in pairwise(reads)]
    assert gaps == [pytest.approx(20 * pace_of() + LONGEST_UNREAD)] * len(gaps)
    assert len(gaps) > 8


def test_what_is_told_twice_or_of_nobody_here_changes_nothing() -> None:
    plan, other = plan_of("a"), plan_of("a")
    for each in (plan, other):
        each.told("a", people=10, now=5.0)
    plan.told("a", people=10, now=20.0)
    plan.told("a", people=3, now=30.0)
    plan.told("gone", people=3, now=30.0)
    assert plan.next(31.0) == other.next(31.0)


@given(
    told=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5_000), st.floats(0.1, 40.0)), max_size=30
    ),
    seen=st.lists(st.integers(0, 5_000), max_size=30),
)
def test_whatever_webhooks_tell_every_broadcast_is_read_to_its_end(
    told: list[tuple[str, int, float]], seen: list[int]
) -> None:
    plan, now = plan_of("a", "b", "c"), 0.0
    for name, people, seconds in told:
        now += seconds
        plan.told(name, people=people, now=now)
        if (upcoming := plan.next(now)) and upcoming.at <= now:
            see(plan, upcoming.broadcast_id, seen.pop() if seen else 0, now)
    ended = now
    while len(plan):
        taken = look(plan, now)
        now = taken.at
        see(plan, taken.broadcast_id, 5_000, now)
    assert now - ended < 3_600.0
