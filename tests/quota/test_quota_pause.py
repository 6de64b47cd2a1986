"""The pause after a 429, as sums: how long it is, what makes it longer, what ends it."""

import math

import pytest

from keebai_async.quota.pause import LONGEST_PAUSE, NO_PAUSE, Pause, answered, refused


def after(pause: Pause, *, taken: float, now: float, asked: float = 0.0) -> Pause:
    return refused(pause, taken=taken, now=now, asked=asked, shortest=60.0, longest=3_600.0)


def test_a_pause_of_an_hour_is_not_cut_short_by_a_later_one_of_a_minute() -> None:
    hour = after(NO_PAUSE, taken=0.0, now=10.0, asked=3_600.0)
    assert hour == Pause(until=3_610.0, proving=True)
    assert after(hour, taken=5.0, now=20.0, asked=60.0).until == 3_610.0
    assert after(hour, taken=5.0, now=20.0).until == 3_610.0
    assert after(hour, taken=5.0, now=20.0, asked=3_600.0).until == 3_620.0


@pytest.mark.parametrize("asked", [math.inf, math.nan, -5.0, 0.0])
def test_a_reply_that_names_no_time_is_a_guess_of_the_shortest_window(asked: float) -> None:
    assert after(NO_PAUSE, taken=0.0, now=10.0, asked=asked) == Pause(until=70.0, step=60.0, proving=True)


def test_a_pause_of_less_than_a_second_is_believed() -> None:
    assert after(NO_PAUSE, taken=0.0, now=10.0, asked=0.5).until == 10.5


def test_without_a_refusal_there_is_nothing_to_wait_for_and_nothing_to_prove() -> None:
    assert Pause(until=-math.inf, step=0.0, proving=False) == NO_PAUSE


def test_nobody_is_believed_who_asks_for_more_than_a_day() -> None:
    assert LONGEST_PAUSE == 86_400.0
    assert after(NO_PAUSE, taken=0.0, now=10.0, asked=1e9).until == 86_410.0


def test_each_further_refusal_doubles_the_guess_and_a_pause_that_was_told_does_not_forget_it() -> None:
    first = after(NO_PAUSE, taken=0.0, now=0.0)
    second = after(first, taken=60.0, now=60.0)  # it left as soon as it might
    assert (second.until, second.step) == (180.0, 120.0)
    told = after(second, taken=180.0, now=180.0, asked=5.0)
    assert (told.until, told.step) == (185.0, 120.0)
    third = after(told, taken=185.0, now=185.0)
    assert (third.until, third.step) == (425.0, 240.0)


def test_a_guess_grows_up_to_the_longest_window() -> None:
    pause = Pause(until=0.0, step=2_000.0, proving=True)
    assert after(pause, taken=0.0, now=0.0).step == 3_600.0


def test_refusals_of_what_left_before_are_the_same_refusal() -> None:
    first = after(NO_PAUSE, taken=0.0, now=1.0)
    same = after(first, taken=0.5, now=2.0)
    assert (same.until, same.step) == (62.0, 60.0)


def test_only_an_answer_to_what_left_after_the_pause_ends_it() -> None:
    pause = after(NO_PAUSE, taken=0.0, now=0.0)
    assert answered(pause, taken=59.0) is pause
    assert answered(pause, taken=60.0) == NO_PAUSE
    assert answered(NO_PAUSE, taken=5.0) == NO_PAUSE
