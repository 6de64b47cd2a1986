"""Who is to blame for a refused chunk, what follows, and what the search costs."""

import math
from collections import Counter, deque
from collections.abc import Sequence

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.campaign.bisect import (
    MOST_CUTS,
    ROOM_TO_PICK,
    Alone,
    Bisection,
    Everybody,
    Evidence,
    Halve,
    Named,
    Ruling,
    Search,
    rule,
)
from keebai_async.campaign.dispatch import IN_FLIGHT
from keebai_async.campaign.service import Blame, Refusal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkRefused, ChunkSplit, ChunkSubmitting
from keebai_async.model.lifecycle import Move, Refuse, TakeBack
from keebai_async.model.stop import Cause
from keebai_async.transport.error_body import ErrorBody
from tests.campaign.planning import number
from tests.campaign.scripted_service import Fate, Item
from tests.campaign.submitting import Campaign


@pytest.mark.parametrize(
    ("blame", "items", "recipients", "trusted", "ruling"),
    [
        (Blame.SOMEBODY, (17,), 5_000, False, Named((17,))),
        (Blame.SOMEBODY, (0,), 10, False, Named((0,))),
        (Blame.SOMEBODY, (9, 1, 9), 10, False, Named((1, 9))),
        (Blame.EVERYBODY, (1,), 10, False, Named((1,))),
        (Blame.SOMEBODY, (10,), 10, True, Search(sure=True)),
        (Blame.NOT_SAID, (-1,), 10, True, Search(sure=True)),
        (Blame.SIZE, (), 2, False, Halve()),
        (Blame.SIZE, (), 1, False, Named((0,))),
        (Blame.EVERYBODY, (), 5_000, True, Everybody()),
        (Blame.EVERYBODY, (), 1, True, Everybody()),
        (Blame.SOMEBODY, (), 5_000, False, Search(sure=True)),
        (Blame.SOMEBODY, (), 1, False, Named((0,))),
        (Blame.NOT_SAID, (), 5_000, False, Search(sure=False)),
        (Blame.NOT_SAID, (), 5_000, True, Search(sure=True)),
        (Blame.NOT_SAID, (), 1, False, Search(sure=False)),
        (Blame.NOT_SAID, (), 1, True, Alone()),
    ],
)
def test_the_ruling_follows_what_the_reply_names(
    blame: Blame, items: tuple[int, ...], recipients: int, trusted: bool, ruling: Ruling
) -> None:
    refusal = Refusal(fault=ErrorBody(status=400, message="", items=items), blame=blame)
    assert rule(refusal, recipients, trusted=trusted) == ruling


async def refused(campaign: Campaign) -> list[str]:
    """The numbers that the journal holds as refused, in their order."""
    people: list[Item] = []
    for chunk in await campaign.chunks():
        if chunk.state is ChunkState.REFUSED:
            items = await campaign.journal.items(campaign.plan.campaign_id, chunk.number)
            people += msgspec.json.decode(items, type=list[Item])
    return sorted(person.to for person in people)


def submitted(campaign: Campaign) -> list[int]:
    """How many people left with each submit, in order."""
    return [event.recipients for event in campaign.events if isinstance(event, ChunkSubmitting)]


@pytest.mark.parametrize("names", [True, False])
async def test_exactly_those_who_are_malformed_are_refused(names: bool) -> None:
    campaign = Campaign(300, size=100)
    culprits = [0, 150, 151, 299]

    report = await campaign.submit(campaign.service(malformed=culprits, names=names))

    assert await refused(campaign) == [number(person) for person in culprits]
    assert (report.accepted, report.refused, report.unsent) == (296, 4, 0)


@pytest.mark.parametrize(
    ("people", "culprit", "sizes"),
    [
        (8, 0, [8, 1, 1, 6, 1]),  # who is refused alone is asked again, once somebody else was accepted
        (8, 7, [8, 1, 3, 2, 1, 1]),  # the last one need not be cut from anybody
        (16, 5, [16, 1, 7, 3, 2, 1, 1, 10]),  # and all after him go in one request
        (16, 8, [16, 1, 7, 4, 2, 1, 7]),
    ],
)
async def test_a_search_submits_half_of_the_suspects_each_time_and_who_comes_after_them_once(
    people: int, culprit: int, sizes: list[int]
) -> None:
    campaign = Campaign(people, size=people)

    report = await campaign.submit(campaign.service(malformed=[culprit]))

    assert submitted(campaign) == sizes
    assert (report.accepted, report.refused, report.unsent) == (people - 1, 1, 0)


async def test_what_is_too_large_is_halved_and_each_half_again() -> None:
    campaign = Campaign(8, size=8)

    report = await campaign.submit(campaign.service(largest=3))

    assert submitted(campaign) == [8, 4, 2, 2, 4, 2, 2]
    assert (report.accepted, report.refused) == (8, 0)


async def test_a_search_that_finds_no_end_is_given_up_and_who_is_left_stays_refused() -> None:
    """Without its ceiling this list would cost thousands of requests: a day of the quota."""
    campaign = Campaign(1_000, size=500)
    service = campaign.service(malformed=range(500, 900))

    report = await campaign.submit(service)

    cuts = {event.into for event in campaign.events if isinstance(event, ChunkSplit)}
    assert MOST_CUTS <= len(cuts) < 1.2 * MOST_CUTS  # some are not for a refusal, but halve what is left
    assert service.requests.submits < 1.4 * MOST_CUTS
    assert report.accepted == len(service.messaged) >= 500
    assert (report.accepted + report.refused, report.unsent) == (1_000, 0)
    last = [event for event in campaign.events if isinstance(event, ChunkRefused)][-1]
    assert last.recipients > 300
    assert last.reason == "Bad Request; the search for who it is about was given up"


async def test_a_search_with_nobody_accepted_is_not_given_up_but_stops_and_refuses_nobody() -> None:
    """It had made its last cut when the account was suspended."""
    campaign = Campaign(80, size=40)
    await campaign.submit(campaign.service([Fate.FINE, Fate.HALTED]))
    service = campaign.service()
    service.suspended_after = 0
    await campaign.begin(service)
    evidence = Evidence(good=True, cuts=MOST_CUTS)
    search = Bisection(
        2, chunks=campaign.book, submitter=campaign.submitter, evidence=evidence, waiting=deque()
    )

    async with campaign.clock.running():
        await search.submit()

    report = await campaign.report()
    assert campaign.stopped is Cause.REFUSED
    assert (report.accepted, report.refused, report.unsent) == (40, 0, 40)


async def test_an_account_that_is_suspended_in_the_middle_stops_everybody_and_refuses_nobody() -> None:
    """All 5,000 of a chunk were refused for good after 170 requests."""
    campaign = Campaign(50_000)
    service = campaign.service()
    service.suspended_after = 3

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.accepted, report.refused, report.unsent) == (15_000, 0, 35_000)
    assert service.requests.submits <= 70
    assert not [event for event in campaign.events if isinstance(event, ChunkRefused)]


async def test_a_suspended_account_is_seen_at_once_by_who_resumes_and_once_it_is_back_all_is_sent() -> None:
    campaign = Campaign(50_000)
    first, second, third = campaign.service(), campaign.service(), campaign.service()
    first.suspended_after, second.suspended_after = 3, 0

    await campaign.submit(first)
    still = await campaign.submit(second)
    assert campaign.stopped is Cause.REFUSED
    after = await campaign.submit(third)

    assert (still.refused, second.requests.submits <= 20) == (0, True)
    assert (after.accepted, after.refused, after.unsent) == (50_000, 0, 0)
    messaged = first.messaged + second.messaged + third.messaged
    assert (len(messaged), set(messaged.values())) == (50_000, {1})


@pytest.mark.parametrize(
    ("culprits", "most"),
    [
        (range(5_000, 5_003), 45),
        (range(7_000, 7_005), 72),
        (range(9_995, 10_000), 26),  # the last ones of their chunk
        (range(9_997, 10_003), 62),  # in two chunks
        ([5_000, 10_000, 15_000], 45),  # searches that go on at once, and end at the same time
        (range(19_992, 20_000), 32),  # the last ones of all: nobody is left to ask
    ],
)
async def test_culprits_who_stand_side_by_side_are_not_mistaken_for_everybody(
    culprits: Sequence[int], most: int
) -> None:
    campaign = Campaign(20_000)
    await campaign.submit(campaign.service([Fate.FINE, Fate.HALTED, Fate.HALTED, Fate.HALTED]))
    service = campaign.service(malformed=culprits)

    report = await campaign.submit(service)

    assert campaign.stopped is None
    assert await refused(campaign) == [number(person) for person in culprits]
    assert (report.refused, report.unsent) == (len(culprits), 0)
    assert service.requests.submits <= most


async def test_who_waits_while_somebody_of_another_chunk_is_asked_is_submitted_in_the_end() -> None:
    """Two culprits in a row are held, the second of them picked: the next one to ask is of another chunk."""
    campaign = Campaign(61, size=20)
    await campaign.submit(campaign.service([Fate.FINE, Fate.HALTED, Fate.HALTED, Fate.HALTED]))
    service = campaign.service(malformed=[30, 60])
    await campaign.begin(service)
    evidence, waiting = Evidence(good=True), deque([3])

    async with campaign.clock.running():
        for number_of_chunk in (4, 2):
            await Bisection(
                number_of_chunk,
                chunks=campaign.book,
                submitter=campaign.submitter,
                evidence=evidence,
                waiting=waiting,
            ).submit()

    report = await campaign.report()
    assert (report.accepted, report.refused, report.unsent) == (59, 2, 0)
    assert submitted(campaign)[-6:] == [1, 20, 1, 1, 19, 19]


async def searched(people: int, chunk: int, waiting: Sequence[int]) -> tuple[Campaign, list[bool], int]:
    """A suspended account refuses *chunk*: of each person who was held for it whether we picked them, and the
    requests it cost. The first of the chunks of 20 was accepted before."""
    campaign = Campaign(people, size=20)
    await campaign.submit(campaign.service([Fate.FINE, *[Fate.HALTED] * 3]))
    service = campaign.service()
    service.suspended_after = 0
    await campaign.begin(service)
    evidence = Evidence(good=True)

    async with campaign.clock.running():
        await Bisection(
            chunk,
            chunks=campaign.book,
            submitter=campaign.submitter,
            evidence=evidence,
            waiting=deque(waiting),
        ).submit()

    return campaign, [held.picked for held in evidence.held], service.requests.submits


@pytest.mark.parametrize("people", [80, 61])
async def test_who_is_picked_of_a_chunk_that_waits_counts_as_picked_also_if_they_are_alone_in_it(
    people: int,
) -> None:
    campaign, picked, submits = await searched(people, 2, waiting=[3, 4])

    assert campaign.stopped is Cause.REFUSED
    assert picked == [False, True, True], "the third of them stopped it"
    assert submits == 5 + 2 + 1


async def test_who_is_left_alone_by_a_search_was_not_picked() -> None:
    campaign, picked, submits = await searched(62, 4, waiting=[])

    assert campaign.stopped is None
    assert (picked, submits) == ([False, False], 3)


async def test_a_last_culprit_with_nobody_left_to_ask_is_refused() -> None:
    campaign = Campaign(101, size=100)

    report = await campaign.submit(campaign.service(malformed=[100]))

    assert campaign.stopped is None
    assert (report.accepted, report.refused, report.unsent) == (100, 1, 0)


@settings(deadline=None)
@given(
    people=st.integers(1, 300),
    size=st.integers(40, 100),
    blocks=st.lists(st.tuples(st.integers(0, 299), st.integers(1, 5)), max_size=2),
    suspended_after=st.integers(0, 8),
    times=st.integers(1, 2),
)
def test_whoever_is_refused_for_good_by_a_suspended_account_is_one_of_the_last_few(
    people: int, size: int, blocks: list[tuple[int, int]], suspended_after: int, times: int
) -> None:
    """Suspended in the middle of a list with malformed numbers, launched again, and back in the end."""
    malformed = {first + place for first, many in blocks for place in range(many)}
    guilty = {number(person) for person in malformed}

    async def story() -> None:
        campaign = Campaign(people, size=size)
        messaged: Counter[str] = Counter()
        for suspended in [suspended_after, *([0] * times), math.inf]:
            service = campaign.service(malformed=malformed)
            service.suspended_after = suspended
            report = await campaign.submit(service)
            messaged += service.messaged
            assert report.errors() == ()
            innocent = set(await refused(campaign)) - guilty
            assert len(innocent) <= IN_FLIGHT * ROOM_TO_PICK
        assert set(messaged.values()) <= {1}
        assert guilty.isdisjoint(messaged)

    anyio.run(story)


def test_three_in_a_row_in_the_same_words_stand_for_everybody_and_somebody_accepted_stands_for_none() -> None:
    evidence = Evidence(good=True)

    assert not evidence.hold(1, "no", picked=False)
    assert not evidence.hold(2, "no", picked=True)
    assert not evidence.hold(3, "not that one", picked=True)
    assert not evidence.hold(4, "no", picked=False)  # a second search ended at its own culprit
    assert [held.number for held in evidence.accept(left_after=4)] == [1, 2, 3, 4]
    assert not evidence.hold(5, "no", picked=False)
    assert not evidence.hold(6, "no", picked=True)
    assert evidence.hold(7, "no", picked=True)


def test_it_takes_three_who_were_picked_where_no_search_led_to_anybody() -> None:
    evidence = Evidence(good=True)

    assert [evidence.hold(chunk, "no", picked=True) for chunk in (1, 2, 3)] == [False, False, True]


def test_who_is_picked_is_the_one_in_the_middle_then_the_last_then_the_first() -> None:
    evidence = Evidence(good=True)
    evidence.hold(1, "no", picked=False)  # a search led to them
    places = []

    for chunk in (2, 3, 4, 5):
        places.append(evidence.next_pick(10))
        evidence.hold(chunk, f"no to {chunk}", picked=True)

    assert places == [5, 9, 0, 5]


def test_who_was_accepted_with_a_request_that_left_before_says_nothing_of_who_was_refused_later() -> None:
    evidence = Evidence(good=True)

    evidence.hold(1, "no", picked=False)
    evidence.hold(2, "no", picked=True)

    assert [held.number for held in evidence.accept(left_after=1)] == [1]
    assert [held.number for held in evidence.held] == [2]


async def test_a_campaign_that_was_accepted_before_searches_without_asking_single_people_first() -> None:
    campaign = Campaign(128, size=64)
    await campaign.submit(campaign.service([Fate.FINE, Fate.HALTED]))
    service = campaign.service(malformed=[64])

    report = await campaign.submit(service)

    assert (report.accepted, report.refused) == (127, 1)
    assert service.requests.submits == 1 + 6 + 1  # the whole, six halvings to the one, and the others


async def test_two_single_people_who_are_refused_before_anybody_is_accepted_stand_for_everybody() -> None:
    campaign = Campaign(100, size=100)
    service = campaign.service(malformed=[0, 1])

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.unsent, report.refused, service.requests.submits) == (100, 0, 3)


async def test_a_single_person_who_is_refused_for_no_reason_is_asked_once_more_and_then_stops_it() -> None:
    campaign = Campaign(1)
    service = campaign.service(malformed=[0])

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.unsent, report.refused, service.requests.submits) == (1, 0, 2)


async def test_everybody_named_is_everybody_refused() -> None:
    campaign = Campaign(2, size=1)

    report = await campaign.submit(campaign.service(malformed=[0, 1], names=True))

    assert (report.refused, report.unsent) == (2, 0)
    told = [event for event in campaign.events if isinstance(event, ChunkRefused)]
    assert sorted((event.number, event.recipients) for event in told) == [(1, 1), (2, 1)]
    assert {event.reason for event in told} == {"recipients.0.to must be a phone number"}


async def test_what_a_chunk_was_cut_into_is_told() -> None:
    campaign = Campaign(4, size=4)

    await campaign.submit(campaign.service(malformed=[1], names=True))

    told = [event for event in campaign.events if isinstance(event, ChunkRefused | ChunkSplit)]
    assert told == [
        ChunkRefused(number=1, recipients=1, reason="recipients.1.to must be a phone number"),
        ChunkSplit(number=1, into=(2,)),
    ]


@pytest.mark.parametrize("culprit", [0, 3, 7])
async def test_each_chunk_that_a_search_takes_apart_is_told_once(culprit: int) -> None:
    campaign = Campaign(8, size=8)

    await campaign.submit(campaign.service(malformed=[culprit]))

    told = Counter(event.number for event in campaign.events if isinstance(event, ChunkSplit))
    assert set(told.values()) == {1}
    assert set(told) == {chunk.number for chunk in await campaign.chunks() if not chunk.recipients}


@pytest.mark.parametrize("largest", [1, 3, 7])
async def test_a_request_that_is_too_large_is_halved_also_in_the_middle_of_a_search(largest: int) -> None:
    campaign = Campaign(32, size=16)
    service = campaign.service(malformed=[5, 6, 20], largest=largest)

    report = await campaign.submit(service)

    assert set(service.messaged.values()) == {1}
    assert report.errors() == ()
    if campaign.stopped is None:
        assert await refused(campaign) == [number(person) for person in (5, 6, 20)]


@pytest.mark.parametrize("silent", [1, 2, 3])
async def test_a_name_that_comes_in_the_middle_of_a_search_loses_none_of_those_who_come_after(
    silent: int,
) -> None:
    campaign = Campaign(16, size=16)
    service = campaign.service(malformed=[5], names=True)
    service.silent_refusals = silent

    report = await campaign.submit(service)

    assert await refused(campaign) == [number(5)]
    assert (report.accepted, report.refused, report.unsent) == (15, 1, 0)
    assert set(service.messaged.values()) == {1}


async def test_an_answer_that_is_lost_in_a_search_leaves_its_piece_unknown_and_the_others_go_on() -> None:
    campaign = Campaign(8, size=8)
    service = campaign.service([Fate.FINE, Fate.FINE, Fate.LOST], malformed=[7])

    report = await campaign.submit(service)

    assert submitted(campaign)[:3] == [8, 1, 3]
    assert (report.accepted, report.unknown, report.refused, report.unsent) == (4, 3, 1, 0)
    assert set(service.messaged.values()) == {1}


async def test_a_refusal_that_meets_everybody_stops_the_campaign_before_another_chunk_leaves() -> None:
    campaign = Campaign(4_000, size=10)
    service = campaign.service(common=ErrorBody(status=400, message="no such template", field="template"))

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.unsent, report.refused, report.unknown) == (4_000, 0, 0)
    assert service.requests.submits == service.most_in_flight


class WatchedJournal(MemoryJournal):
    """Looks, whenever a move is written down, at what the campaign has done by then."""

    campaign: Campaign
    stopped: list[bool]
    told: list[int]

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        if isinstance(move, TakeBack):
            self.stopped.append(self.campaign.stopped is not None)
        if isinstance(move, Refuse):
            self.told.append(len([each for each in self.campaign.events if isinstance(each, ChunkRefused)]))
        return await super().record(campaign_id, move)


def watched(campaign: Campaign) -> WatchedJournal:
    journal = campaign.journal
    assert isinstance(journal, WatchedJournal)
    journal.campaign, journal.stopped, journal.told = campaign, [], []
    return journal


async def test_a_refusal_that_meets_everybody_stops_all_others_before_it_is_written_down() -> None:
    campaign = Campaign(10, size=10, journal=WatchedJournal)
    journal = watched(campaign)

    await campaign.submit(campaign.service(common=ErrorBody(status=400, message="no", field="template")))

    assert journal.stopped == [True]


async def test_who_is_refused_is_told_after_it_is_written_down() -> None:
    campaign = Campaign(2, size=1, journal=WatchedJournal)
    journal = watched(campaign)

    report = await campaign.submit(campaign.service(malformed=[1], names=True))

    assert report.refused == 1
    assert journal.told == [0]
    assert [event.recipients for event in campaign.events if isinstance(event, ChunkRefused)] == [1]
