"""The books of a token as sums: what counts, until when, and what is forgotten."""

from keebai_async.quota.books import Books
from keebai_async.quota.gate import Ending
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait

MINUTE, HOUR = Quota(2, 60.0), Quota(5, 3_600.0)
WINDOWS = [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in (MINUTE, HOUR)]
ANSWERED = Word(ending=Ending.ANSWERED, grace=30.0)
UNANSWERED = Word(ending=Ending.UNANSWERED, grace=30.0)


def taken(books: Books, name: str, now: float) -> HeldPlace:
    place = books.take(name, WINDOWS, now)
    assert isinstance(place, HeldPlace)
    return place


def test_what_was_given_up_first_may_end_last() -> None:
    books = Books()
    lost, prompt = taken(books, "lost", 0.0), taken(books, "prompt", 0.0)
    books.settle(lost, WINDOWS, UNANSWERED, 1.0)
    books.settle(prompt, WINDOWS, ANSWERED, 2.0)

    assert books.ended == [2.0, 31.0]
    assert books.take("next", WINDOWS, 10.0) == Wait(seconds=52.0, quota=MINUTE)


def test_a_request_without_an_answer_does_not_end_a_pause() -> None:
    books = Books()
    books.settle(taken(books, "a", 0.0), WINDOWS, Word(ending=Ending.ANSWERED, grace=30.0, pause=50.0), 0.0)
    books.settle(taken(books, "b", 60.0), WINDOWS, UNANSWERED, 61.0)

    assert books.pause.proving
    taken(books, "probe", 118.0)
    assert books.take("next", WINDOWS, 119.0) == Wait(seconds=1.0, loose=True)
    books.settle(HeldPlace("probe", 118.0), WINDOWS, Word(ending=Ending.UNSENT, grace=30.0), 120.0)
    books.settle(taken(books, "c", 121.0), WINDOWS, ANSWERED, 122.0)
    assert not books.pause.proving


def test_a_forecast_adds_what_comes_after_the_pause() -> None:
    books = Books()
    for name in "ab":
        books.settle(taken(books, name, 0.0), WINDOWS, ANSWERED, 0.0)
    books.settle(HeldPlace("c", 0.0), WINDOWS, Word(ending=Ending.ANSWERED, grace=30.0, pause=40.0), 0.0)

    assert books.forecast(WINDOWS, 0, 10.0) == Wait(seconds=50.0, quota=MINUTE)
    assert books.forecast(WINDOWS, 0, 60.0) is None


def test_a_forecast_counts_what_others_spent() -> None:
    books = Books()
    word = Word(ending=Ending.ANSWERED, grace=30.0, left=((MINUTE, 0),))
    books.settle(taken(books, "a", 0.0), WINDOWS, word, 5.0)

    assert books.others == {60.0: [5.0]}
    assert books.spent(WINDOWS, 10.0) == (2, 1)
    assert books.forecast(WINDOWS, 0, 10.0) == Wait(seconds=55.0, quota=MINUTE)


def test_a_place_is_free_from_the_instant_at_which_its_window_ends() -> None:
    books = Books()
    for name in "ab":
        books.settle(taken(books, name, 0.0), WINDOWS, ANSWERED, 0.0)

    assert isinstance(books.take("c", WINDOWS, 59.0), Wait)
    taken(books, "c", 60.0)


def test_the_past_is_kept_as_long_as_a_request_under_way_may_need_it_to_be_explained() -> None:
    books = Books()
    word = Word(ending=Ending.ANSWERED, grace=30.0, left=((MINUTE, 0),))
    books.settle(taken(books, "a", 0.0), WINDOWS, word, 0.0)
    taken(books, "slow", 60.0)

    books.forget(60.0, 119.0)
    assert (books.ended, books.others) == ([], {})  # they left every window before the slow one was taken
    books.settle(taken(books, "b", 119.0), WINDOWS, ANSWERED, 119.0)
    books.forget(60.0, 400.0)
    assert books.ended == [119.0]
    assert books.remembered(400.0) == 60.0
