"""The contract of every store: memory, a SQLite file, and a real Redis."""

import random
import time

import pytest

from keebai_async.errors import InvalidInput
from keebai_async.quota.books import Books
from keebai_async.quota.gate import Ending
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import HeldPlace, Store, Word
from keebai_async.quota.stores import open_store
from keebai_async.quota.window import LaneWindow, Quota, Wait
from tests.quota.benches import LONGEST, Bench

SOON = 4.0  # Redis's own clock goes on while a test runs, perhaps on a busy machine

SERVERS = {"redis", "postgres"}
"""Whose own clocks go on."""

ANSWERED = Word(ending=Ending.ANSWERED, grace=30.0)
UNSENT = Word(ending=Ending.UNSENT, grace=30.0)
UNANSWERED = Word(ending=Ending.UNANSWERED, grace=30.0)


def windows_of(*quotas: Quota) -> list[LaneWindow]:
    return [LaneWindow(quota=quota, per=quota.per, most=quota.limit) for quota in quotas]


MINUTE, HOUR = Quota(2, 60.0), Quota(3, 3_600.0)
TWO_A_MINUTE = windows_of(MINUTE)
BOTH = windows_of(MINUTE, HOUR)
PLENTY = windows_of(Quota(60, 60.0), Quota(1_000, 3_600.0))


async def held(store: Store, windows: list[LaneWindow]) -> HeldPlace:
    answer = await store.take(windows)
    assert isinstance(answer, HeldPlace), answer
    return answer


async def waits(store: Store, windows: list[LaneWindow]) -> Wait:
    answer = await store.take(windows)
    assert isinstance(answer, Wait)
    return answer


async def spend(store: Store, windows: list[LaneWindow], word: Word = ANSWERED) -> None:
    await store.settle(await held(store, windows), windows, word)


def about(seconds: float) -> object:
    return pytest.approx(seconds, abs=SOON)


async def test_a_place_is_free_a_window_after_the_reply(bench: Bench) -> None:
    store = bench.open("a")
    place = await held(store, TWO_A_MINUTE)
    await bench.advance(20.0)
    await store.settle(place, TWO_A_MINUTE, ANSWERED)
    await spend(store, TWO_A_MINUTE)

    wait = await waits(store, TWO_A_MINUTE)
    assert (wait.seconds, wait.quota, wait.loose) == (about(60.0), MINUTE, False)
    await bench.advance(60.0 + SOON)
    await held(store, TWO_A_MINUTE)
    await held(store, TWO_A_MINUTE)


async def test_the_window_that_binds_is_named(bench: Bench) -> None:
    store = bench.open("a")
    await spend(store, BOTH)
    await spend(store, BOTH)
    assert (await waits(store, BOTH)).quota == MINUTE
    await bench.advance(100.0)
    await spend(store, BOTH)

    wait = await waits(store, BOTH)
    assert (wait.seconds, wait.quota) == (about(3_500.0), HOUR)


async def test_places_under_way_are_counted_and_may_come_back_any_moment(bench: Bench) -> None:
    store = bench.open("a")
    first = await held(store, TWO_A_MINUTE)
    await held(store, TWO_A_MINUTE)

    wait = await waits(store, TWO_A_MINUTE)
    assert (wait.seconds, wait.loose) == (about(60.0), True)
    assert await store.settle(first, TWO_A_MINUTE, UNSENT)
    await held(store, TWO_A_MINUTE)


async def test_an_unanswered_request_counts_for_a_grace_more(bench: Bench) -> None:
    store = bench.open("a")
    await spend(store, TWO_A_MINUTE, UNANSWERED)
    await spend(store, TWO_A_MINUTE, UNANSWERED)

    assert (await waits(store, TWO_A_MINUTE)).seconds == about(90.0)


async def test_all_who_open_it_share_it_and_other_tokens_do_not(bench: Bench) -> None:
    await spend(bench.open("a"), TWO_A_MINUTE)
    await spend(bench.open("a"), TWO_A_MINUTE)

    assert (await waits(bench.open("a"), TWO_A_MINUTE)).seconds == about(60.0)
    await held(bench.open("b"), TWO_A_MINUTE)


async def test_one_process_can_end_what_it_took_after_another_opened_the_store(bench: Bench) -> None:
    mine, other = bench.open("a"), bench.open("a")
    place = await held(mine, TWO_A_MINUTE)
    await spend(other, TWO_A_MINUTE)
    await mine.settle(place, TWO_A_MINUTE, UNSENT)

    await held(other, TWO_A_MINUTE)


@pytest.mark.parametrize(
    "bench", ["sqlite", "redis", "postgres"], indirect=True
)  # memory dies with its process
async def test_the_place_of_a_process_that_died_lapses(bench: Bench) -> None:
    await held(bench.open("a"), TWO_A_MINUTE)
    await held(bench.open("a"), TWO_A_MINUTE)
    survivor = bench.open("a")

    await bench.advance(LONGEST + 1)
    wait = await waits(survivor, TWO_A_MINUTE)
    assert (wait.seconds, wait.loose) == (about(59.0), False)
    await bench.advance(60.0)
    await spend(survivor, TWO_A_MINUTE)
    await spend(survivor, TWO_A_MINUTE)
    await waits(survivor, TWO_A_MINUTE)


async def test_a_late_word_about_a_place_that_lapsed_still_counts(bench: Bench) -> None:
    store = bench.open("a")
    place = await held(store, TWO_A_MINUTE)
    await bench.advance(LONGEST + 50)
    await store.settle(place, TWO_A_MINUTE, ANSWERED)
    await spend(store, TWO_A_MINUTE)

    assert (await waits(store, TWO_A_MINUTE)).seconds == about(60.0)


async def test_a_pause_is_everybodys(bench: Bench) -> None:
    await spend(bench.open("a"), PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, pause=500.0))
    other = bench.open("a")

    wait = await waits(other, PLENTY)
    assert (wait.seconds, wait.quota) == (about(500.0), None)
    await bench.advance(501.0)
    await held(other, PLENTY)


@pytest.mark.parametrize("later", [60.0, 0.0])
async def test_a_pause_of_an_hour_is_not_cut_short_by_a_later_one(bench: Bench, later: float) -> None:
    store = bench.open("a")
    first, second = await held(store, PLENTY), await held(store, PLENTY)
    await store.settle(first, PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, pause=3_600.0))
    await bench.advance(100.0 - SOON)
    await store.settle(second, PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, pause=later))

    wait = await waits(bench.open("a"), PLENTY)
    assert (wait.seconds, wait.quota) == (about(3_500.0 + SOON), None)


async def test_a_guessed_pause_doubles_until_an_answer(bench: Bench) -> None:
    store = bench.open("a")
    refused = Word(ending=Ending.ANSWERED, grace=30.0, pause=0.0)
    for seconds in (60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0, 3_600.0, 3_600.0):
        await spend(store, PLENTY, refused)
        assert (await waits(store, PLENTY)).seconds == about(seconds)
        await bench.advance(seconds + 1)
    await spend(store, PLENTY)
    await spend(store, PLENTY, refused)

    assert (await waits(store, PLENTY)).seconds == about(60.0)


async def test_refusals_of_one_burst_are_one_refusal(bench: Bench) -> None:
    store = bench.open("a")
    refused = Word(ending=Ending.ANSWERED, grace=30.0, pause=0.0)
    burst = [await held(store, PLENTY) for _ in range(3)]
    for place in burst:
        await store.settle(place, PLENTY, refused)

    assert (await waits(store, PLENTY)).seconds == about(60.0)


async def test_after_a_pause_one_goes_alone(bench: Bench) -> None:
    store = bench.open("a")
    old = await held(store, PLENTY)
    await spend(store, PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, pause=50.0))
    await bench.advance(51.0 - SOON)
    await bench.advance(SOON)
    probe = await held(store, PLENTY)

    wait = await waits(store, PLENTY)
    assert (wait.quota, wait.loose) == (None, True)
    await store.settle(old, PLENTY, ANSWERED)
    await waits(store, PLENTY)
    assert await store.settle(probe, PLENTY, ANSWERED)
    await held(store, PLENTY)
    await held(store, PLENTY)


async def test_what_others_spent_is_taken_over(bench: Bench) -> None:
    minute, hour = (room.quota for room in PLENTY)
    store = bench.open("a")
    place = await held(store, PLENTY)
    word = Word(ending=Ending.ANSWERED, grace=30.0, left=((minute, 1), (hour, 900)))
    await store.settle(place, PLENTY, word)
    await spend(store, PLENTY)

    wait = await waits(store, PLENTY)
    assert (wait.seconds, wait.quota) == (about(60.0), minute)
    await bench.advance(60.0 + SOON)
    for _ in range(60):
        await spend(store, PLENTY)
    assert (await waits(store, PLENTY)).quota == minute


async def test_a_reply_that_leaves_nothing_fills_the_window(bench: Bench) -> None:
    minute = PLENTY[0].quota
    store = bench.open("a")
    await spend(store, PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, left=((minute, 0),)))
    await bench.advance(20.0)

    wait = await waits(bench.open("a"), PLENTY)
    assert (wait.seconds, wait.quota) == (about(40.0), minute)
    assert await store.spent(PLENTY) == (60, 1)


async def test_the_soonest_to_leave_of_those_given_up_is_waited_for(
    bench: Bench,
) -> None:
    store = bench.open("a")
    await held(store, PLENTY)
    for grace in (50.0, 30.0):
        await spend(store, PLENTY, Word(ending=Ending.UNANSWERED, grace=grace))

    # Three count where two may: the one under way is taken for answered, then the first given up leaves.
    assert (await waits(store, TWO_A_MINUTE)).seconds == about(90.0)


async def test_nobody_pauses_for_more_than_a_day(bench: Bench) -> None:
    store = bench.open("a")
    await spend(store, PLENTY, Word(ending=Ending.ANSWERED, grace=30.0, pause=1e9))

    assert (await waits(store, PLENTY)).seconds == about(86_400.0)


@pytest.mark.parametrize("bench", ["sqlite", "redis", "postgres"], indirect=True)  # in memory nothing lapses
async def test_a_place_that_lapsed_is_given_back_by_the_word_that_nothing_left(bench: Bench) -> None:
    store = bench.open("a")
    places = [await held(store, TWO_A_MINUTE) for _ in range(2)]
    await bench.advance(LONGEST + 10)
    await waits(store, TWO_A_MINUTE)
    for place in places:
        await store.settle(place, TWO_A_MINUTE, UNSENT)

    assert await store.spent(TWO_A_MINUTE) == (0,)


async def test_it_tells_how_long_one_behind_others_would_wait(bench: Bench) -> None:
    store = bench.open("a")
    assert await store.forecast(TWO_A_MINUTE, 1) is None
    await spend(store, TWO_A_MINUTE)
    await spend(store, TWO_A_MINUTE)

    waits = [await store.forecast(TWO_A_MINUTE, ahead) for ahead in (0, 1, 2, 4)]
    assert [wait.seconds for wait in waits if wait] == [about(60), about(60), about(120), about(180)]
    await bench.advance(61.0)
    await spend(store, TWO_A_MINUTE, Word(ending=Ending.ANSWERED, grace=30.0, pause=77.0))
    paused = await store.forecast(TWO_A_MINUTE, 0)
    assert paused is not None
    assert (paused.seconds, paused.quota) == (about(77.0), None)


@pytest.mark.parametrize("seed", range(4))
async def test_every_store_keeps_the_same_books(bench: Bench, seed: int) -> None:
    """A long random history, beside the pure books: the answers are the same, to the second."""
    chance = random.Random(seed)
    windows = windows_of(Quota(5, 40.0), Quota(12, 200.0))
    store, books, turned, began = bench.open("a"), Books(), 0.0, time.monotonic()
    under_way: list[tuple[HeldPlace, HeldPlace, float]] = []
    for step in range(120):
        move = chance.random()
        now = turned + (time.monotonic() - began if bench.kind in SERVERS else 0.0)
        if move < 0.45:
            answer, expected = await store.take(windows), books.take(str(step), windows, now)
            assert type(answer) is type(expected), step
            if isinstance(answer, HeldPlace) and isinstance(expected, HeldPlace):
                under_way.append((answer, expected, now))
            elif isinstance(answer, Wait) and isinstance(expected, Wait):
                assert answer.seconds == about(expected.seconds)
                assert (answer.quota, answer.loose) == (expected.quota, expected.loose)
        elif move < 0.8 and under_way:
            place, mirror, _ = under_way.pop(chance.randrange(len(under_way)))
            word = Word(
                ending=chance.choice([Ending.ANSWERED, Ending.ANSWERED, Ending.UNSENT, Ending.UNANSWERED]),
                grace=30.0,
                pause=chance.choice([None] * 12 + [0.0, 25.0]),
                left=((windows[0].quota, chance.randrange(6)),) if chance.random() < 0.2 else (),
            )
            sooner = books.settle(mirror, windows, word, now).sooner
            assert await store.settle(place, windows, word) == sooner, step
        else:
            # Odd steps, so that nothing is due within the moment by which Redis's own clock runs ahead.
            passed = chance.randrange(1, 12) * 2.0 + 1.0
            if any(now + passed - taken > LONGEST - 5 for _, _, taken in under_way):
                continue
            turned += passed
            await bench.advance(passed)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryStore),
        ("sqlite:quota.db", SqliteStore),
        ("sqlite:///tmp/quota.db", SqliteStore),
        ("redis://127.0.0.1:1/0", RedisStore),
        ("redis://:secret@127.0.0.1:1/0?when_gone=local&share=0.5", RedisStore),
    ],
)
async def test_a_url_names_a_store(url: str, kind: type[Store]) -> None:
    store = open_store(url, key="k")

    assert type(store) is kind
    await store.aclose()


@pytest.mark.parametrize(
    "url",
    ["", "memory:x", "sqlite:", "sqlite://", "redis:", "mysql://:secret@host", "quota.db",
     "redis://h/0?when_gone=secret", "redis://h/0?share=2", "redis://h/0?share=secret", "redis://h:secret/0"],
)  # fmt: skip
def test_nonsense_is_no_store_and_a_password_is_not_shown(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_store(url, key="k")
    assert ":secret@" not in str(caught.value)


async def test_what_is_spent_is_counted_by_window_and_with_what_is_under_way(bench: Bench) -> None:
    store = bench.open("a")
    await spend(store, PLENTY)
    await bench.advance(61.0)
    await spend(store, PLENTY)
    await spend(store, PLENTY, UNSENT)
    await held(store, PLENTY)

    assert await store.spent(PLENTY) == (2, 3)
    assert await bench.open("b").spent(PLENTY) == (0, 0)
