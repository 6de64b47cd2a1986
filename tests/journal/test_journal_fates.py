"""What webhooks told of people: the same in the end, in any order, however often, no matter who tells."""

import random
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.fates import ChunkFates, Fate, FateCounts, PersonNews, PersonState
from tests.journal.journal_kit import keep, plan_of

PEOPLE = 3
told = st.builds(
    PersonNews,
    campaign_id=st.just("promo"),
    chunk=st.sampled_from([1, 2]),
    place=st.integers(0, PEOPLE - 1),
    fate=st.sampled_from(Fate),
    at=st.integers(0, 5).map(float),
    code=st.sampled_from([0, 131026, 131049]),
    replied=st.booleans(),
)


def news(fate: Fate, place: int = 0, *, at: float = 1.0, code: int = 0, chunk: int = 1) -> PersonNews:
    return PersonNews(campaign_id="promo", chunk=chunk, place=place, fate=fate, at=at, code=code)


@given(everything=st.lists(told, max_size=12), chance=st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(everything: list[PersonNews], chance: random.Random) -> None:
    once, again = ChunkFates(PEOPLE), ChunkFates(PEOPLE)
    repeated = everything + chance.choices(everything, k=5) if everything else []
    chance.shuffle(repeated)

    for each in everything:
        once.tell(each)
    for each in repeated:
        again.tell(each)

    assert once.packed == again.packed == ChunkFates.read(once.packed).packed
    assert not any(once.tell(each) for each in everything)
    fates = [once.state(place).fate for place in range(PEOPLE)]
    assert fates == [
        max((each.fate for each in everything if each.place == place), default=Fate.NONE)
        for place in range(PEOPLE)
    ]
    counts = once.counts()
    assert (counts.sent, counts.failed, counts.delivered, counts.read) == tuple(
        fates.count(fate) for fate in (Fate.SENT, Fate.FAILED, Fate.DELIVERED, Fate.READ)
    )
    assert sum(counts.codes.values()) == counts.failed


def test_the_earliest_of_each_kind_is_kept_and_a_failure_beside_a_delivery() -> None:
    fates = ChunkFates(1)
    for each in (
        news(Fate.FAILED, at=9.0, code=131026),
        news(Fate.FAILED, at=5.0, code=131049),
        news(Fate.DELIVERED, at=7.0),
        news(Fate.DELIVERED, at=6.0),
        news(Fate.SENT, at=0.0),
    ):
        fates.tell(each)

    assert fates.state(0) == PersonState(
        fate=Fate.DELIVERED,
        sent_at=1,
        failed_at=5,
        delivered_at=6,
        code=131049,
        failed_again_at=9,
        code_again=131026,
    )
    assert fates.counts() == FateCounts(delivered=1)


@given(
    failures=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 5), st.sampled_from([0, 131026, 131049])), max_size=12
    )
)
def test_of_who_failed_more_than_once_the_first_and_the_last_failure_are_kept(
    failures: list[tuple[int, int, int]],
) -> None:
    fates = ChunkFates(4)
    for place, at, code in failures:
        fates.tell(news(Fate.FAILED, place, at=float(at), code=code))
    again = ChunkFates.read(fates.packed)

    for place in range(4):
        own = [(at, code) for each, at, code in failures if each == place]
        state = again.state(place)
        assert state == fates.state(place)
        if not own:
            assert state == PersonState()
            continue
        assert (state.failed_at, state.code) == min(own, key=lambda each: (each[0], -each[1]))
        last = max(own) if max(own)[0] > state.failed_at else (0, 0)
        assert (state.failed_again_at, state.code_again) == last


@pytest.mark.parametrize(
    "wrong", [b"\x02", bytes(4) + b"\x02", bytes(24) + b"\1\0\0\0\0\0\0\0\x02", bytes(20)]
)
def test_what_is_no_whole_number_of_people_is_not_read(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        ChunkFates.read(wrong)


def test_a_person_takes_24_bytes() -> None:
    assert len(ChunkFates(5_000).packed) == 5_000 * 24


async def counts_of(journal: Journal) -> dict[int, FateCounts]:
    return {number: fates.counts() async for number, fates in journal.fates("promo")}


async def test_what_was_told_is_there_without_a_lease_and_after_a_purge(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(3, 2)))
    async with journal.lease("promo"):
        assert await journal.tell([news(Fate.READ), news(Fate.FAILED, 1, code=131049, chunk=2)]) == 2
        assert await journal.tell([news(Fate.READ), news(Fate.SENT)]) == 1
    await journal.purge("promo", unfinished=True)

    assert await counts_of(journal) == {
        1: FateCounts(read=1),
        2: FateCounts(failed=1, codes={131049: 1}),
    }


async def test_news_of_nobody_here_is_passed_over(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(3,)))
    other = PersonNews(campaign_id="other", chunk=1, place=0, fate=Fate.READ)

    assert await journal.tell([other, news(Fate.READ, 3), news(Fate.READ, -1), news(Fate.READ, chunk=9)]) == 0
    assert await counts_of(journal) == {}
    with pytest.raises(CampaignNotFound):
        _ = [each async for each in journal.fates("other")]


async def test_many_receivers_at_once_lose_nothing(path: Path, clock: ManualClock) -> None:
    first = SqliteJournal(path, clock=clock)
    await keep(first, plan_of(chunks=(40, 40)))
    journals = [first, *(SqliteJournal(path, clock=clock) for _ in range(3))]
    everything = [news(fate, place, chunk=chunk) for fate in Fate for place in range(40) for chunk in (1, 2)]
    random.Random(1).shuffle(everything)

    async def tell(journal: SqliteJournal, part: list[PersonNews]) -> None:
        for start in range(0, len(part), 10):
            await journal.tell(part[start : start + 10])

    async with anyio.create_task_group() as tasks:
        for place, journal in enumerate(journals):
            tasks.start_soon(tell, journal, everything[place::4] + everything[::7])

    assert await counts_of(first) == {1: FateCounts(read=40), 2: FateCounts(read=40)}
    for journal in journals:
        await journal.aclose()
