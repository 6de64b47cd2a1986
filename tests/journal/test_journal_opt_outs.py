"""The ledger of opt-outs: the newest word of each person wins, in any order, for good."""

import random
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.contract import Journal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.identity import identity
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.opt_outs import (
    PAGES,
    ConsentWord,
    OptOut,
    OptOutPage,
    OptOutSource,
    counted,
    find_in,
    keys_out,
    page_of,
)
from tests.journal.journal_kit import keep, plan_of

ANA = identity("+5491155550101")
BETO = identity("+5215512345678")
TOLD = (OptOutSource.CODE, OptOutSource.PREFERENCE, OptOutSource.WORD, OptOutSource.BUTTON)

said = st.builds(
    ConsentWord,
    key=st.sampled_from([ANA, ANA + PAGES]),
    stop=st.booleans(),
    source=st.sampled_from(TOLD),
    at=st.integers(1, 6).map(float),
)


def stop(source: OptOutSource = OptOutSource.WORD, *, at: float = 1.0, key: int = ANA) -> ConsentWord:
    return ConsentWord(key=key, stop=True, source=source, at=at)


def resume(source: OptOutSource = OptOutSource.WORD, *, at: float = 1.0, key: int = ANA) -> ConsentWord:
    return ConsentWord(key=key, stop=False, source=source, at=at)


@given(words=st.lists(said, max_size=12), chance=st.randoms(use_true_random=False))
def test_the_newest_word_counts_in_any_order_and_however_often_it_comes(
    words: list[ConsentWord], chance: random.Random
) -> None:
    once, again = OptOutPage(), OptOutPage()
    repeated = words + chance.choices(words, k=5) if words else []
    chance.shuffle(repeated)

    for word in words:
        once.take(word)
    for word in repeated:
        again.take(word)

    assert once.packed == again.packed == OptOutPage(once.packed).packed
    assert not any(once.take(word) for word in words)
    out = set()
    for key in (ANA, ANA + PAGES):
        mine = [(word.at, word.stop) for word in words if word.key == key]
        if mine and max(mine)[1]:  # of two at the same instant the stop is the larger one
            out.add(key)
    assert {each.key for each in once} == set(keys_out(once.packed)) == out


@given(
    words=st.lists(
        st.one_of(
            said,
            st.builds(
                ConsentWord,
                key=st.just(ANA),
                stop=st.booleans(),
                source=st.sampled_from([OptOutSource.FILE, OptOutSource.HAND]),
                at=st.integers(1, 6).map(float),
            ),
        )
    )
)
def test_the_quick_reading_of_a_page_is_the_careful_one(words: list[ConsentWord]) -> None:
    page = OptOutPage()
    for word in words:
        page.take(word)

    assert keys_out(page.packed) == sorted(each.key for each in page)
    few = [ANA, ANA + PAGES, ANA - PAGES, ANA + 2 * PAGES]
    for keys in (few, few + [ANA + number * PAGES for number in range(5, 25)]):
        assert find_in(page.packed, keys) == [each for key in keys if (each := page.get(key))]


def test_what_somebody_wrote_down_is_undone_by_hand_only() -> None:
    page = OptOutPage()
    for source in (OptOutSource.FILE, OptOutSource.HAND):
        assert page.take(stop(source, at=10.0))
        assert not page.take(stop(source, at=11.0))
        assert page.take(resume(OptOutSource.PREFERENCE, at=20.0))
        assert page.get(ANA) == OptOut(key=ANA, source=source, since=10.0)
        assert page.take(resume(OptOutSource.HAND, at=5.0))  # whatever the clock says
        assert page.get(ANA) is None
        assert not page.take(resume(OptOutSource.HAND, at=6.0))
        page = OptOutPage()


def test_what_a_hand_undid_stays_undone_until_the_person_says_it_again() -> None:
    page = OptOutPage()
    page.take(stop(at=10.0))
    page.take(resume(OptOutSource.HAND, at=12.0))

    assert not page.take(stop(at=10.0))
    page.take(stop(OptOutSource.CODE, at=11.0))  # came late
    assert page.get(ANA) is None
    page.take(stop(at=12.0))
    assert page.get(ANA) == OptOut(key=ANA, source=OptOutSource.WORD, since=12.0)


def test_the_person_s_own_word_is_told_before_what_somebody_wrote_down() -> None:
    page = OptOutPage()
    page.take(stop(OptOutSource.FILE, at=1.0))
    page.take(stop(OptOutSource.BUTTON, at=2.0))

    assert [each.source for each in page] == [OptOutSource.BUTTON]
    page.take(resume(at=3.0))
    assert [each.source for each in page] == [OptOutSource.FILE]


def test_what_is_no_page_is_an_error() -> None:
    with pytest.raises(ValueError, match="multiple"):
        OptOutPage(b"x")


def test_people_are_counted_by_how_it_is_known_with_the_first_time() -> None:
    found = [OptOut(key=n, source=OptOutSource.WORD, since=float(n)) for n in (3, 2)]
    found.append(OptOut(key=1, source=OptOutSource.CODE, since=9.0))

    assert [(each.source, each.people, each.since) for each in counted(found)] == [
        (OptOutSource.CODE, 1, 9.0),
        (OptOutSource.WORD, 2, 2.0),
    ]


async def test_a_journal_keeps_who_is_out_for_all_campaigns(journal: Journal) -> None:
    assert await journal.opted_out([ANA]) == ()
    assert await journal.say([stop(), stop(), stop(key=BETO, at=2.5), resume(key=BETO, at=2.4)]) == 3

    assert await journal.opted_out([BETO, ANA, 5]) == (
        OptOut(key=BETO, source=OptOutSource.WORD, since=2.5),
        OptOut(key=ANA, source=OptOutSource.WORD, since=1.0),
    )
    assert await journal.say([stop(), resume(key=BETO, at=2.4)]) == 0
    changes = await journal.opt_out_changes()
    assert {page: count for page, count in enumerate(changes, start=1) if count} == {
        page_of(ANA): 1,
        page_of(BETO): 1,
    }
    pages = await journal.opt_out_pages([page_of(ANA), 3])
    assert (keys_out(pages[page_of(ANA)]), pages[3]) == ([ANA], b"")


async def test_no_purge_and_no_removal_forgets_who_is_out(journal: Journal) -> None:
    await keep(journal, plan_of("sent", chunks=(2,)))
    await keep(journal, plan_of("planned", chunks=(2,)))
    async with journal.lease("sent"):
        await journal.record("sent", Submit(number=1, step=1, at=1.0))
        await journal.record("sent", Accept(number=1, step=2, accepted=2))
    await journal.say([stop()])

    assert await journal.purge_finished() == ["sent"]
    await journal.remove("planned")

    assert [each.key for each in await journal.opted_out([ANA])] == [ANA]


async def test_two_programs_say_it_at_once_and_nothing_is_lost(path: Path, clock: ManualClock) -> None:
    one, other = SqliteJournal(path, clock=clock), SqliteJournal(path, clock=clock)
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(one.say, [stop(key=ANA + number, at=1.0)])
            tasks.start_soon(other.say, [stop(key=ANA + number, at=2.0)])

    found = await one.opted_out([ANA + number for number in range(50)])
    assert [each.since for each in found] == [2.0] * 50
    await one.aclose()
    await other.aclose()


async def test_many_words_are_kept_a_part_at_a_time(journal: Journal) -> None:
    words = [stop(OptOutSource.FILE, key=ANA + number) for number in range(5_000)]

    assert await journal.say(words) == 5_000
    assert await journal.say(words) == 0
    assert len(await journal.opted_out([word.key for word in words])) == 5_000


async def test_a_page_that_cannot_be_read_stops_everything(path: Path, clock: ManualClock) -> None:
    journal = SqliteJournal(path, clock=clock)
    await journal.say([stop()])
    await journal.aclose()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE opt_outs SET packed = ?", (zlib.compress(b"a"),))

    journal = SqliteJournal(path, clock=clock)
    with pytest.raises(JournalUnusable):
        await journal.opted_out([ANA])
    with pytest.raises(JournalUnusable):
        await journal.opt_out_pages([page_of(ANA)])
    with pytest.raises(JournalUnusable):
        await journal.opt_out_changes()
    await journal.aclose()
