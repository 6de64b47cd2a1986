"""Meta limits the people of a day for all campaigns together: the sum holds over runs, kills and races."""

from typing import Final

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.terms import NewTerms, changed, dealt_terms
from keebai_async.campaign.timetable import daily_room
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import Waiting
from keebai_async.model.plan import DailyRoom
from keebai_async.model.stop import Cause, Stop
from tests.campaign.scripted_service import Fate
from tests.campaign.submitting import Campaign
from tests.campaign.test_timetable import MIDNIGHT, Watched, plan_of

HOUR: Final = 3_600.0
DAY: Final = 86_400.0


class Daily(Campaign):
    """A campaign with a daily limit; another one may share its journal and its clock."""

    def __init__(self, people: int, limit: int, *, size: int = 1, beside: Campaign | None = None) -> None:
        super().__init__(people, size=size)
        self.terms = RunTerms(daily_limit=limit)
        if beside is not None:
            self.clock, self.journal = beside.clock, beside.journal


def most_in_a_day(*services: Watched, size: int = 1) -> int:
    left = sorted(at for service in services for at in service.left)
    return max(sum(size for at in left if first <= at < first + DAY) for first in left)


async def test_a_campaign_holds_to_the_limit_of_a_day_and_says_what_it_waits_for() -> None:
    campaign = Daily(5, 2)
    service = Watched(campaign.clock)

    report = await campaign.submit(service)

    assert (report.accepted, service.hours) == (5, [4.0, 4.0, 28.0, 28.0, 52.0])
    waits = [event for event in campaign.events if isinstance(event, Waiting)]
    assert {wait.why for wait in waits} == {"the daily limit of 2"}


async def test_what_another_campaign_sent_in_the_last_24_hours_counts() -> None:
    before = Daily(3, 100)
    await before.submit(Watched(before.clock))
    await before.clock.advance(HOUR)
    campaign = Daily(4, 5, beside=before)
    service = Watched(campaign.clock)

    await campaign.submit(service)

    assert service.hours == [5.0, 5.0, 28.0, 28.0]


async def test_two_campaigns_at_once_share_the_limit_and_both_come_to_their_end() -> None:
    one = Daily(4, 3)
    two = Daily(3, 3, beside=one)
    services = Watched(one.clock), Watched(one.clock)
    for campaign, service in zip((one, two), services, strict=True):
        await campaign.begin(service)

    async with one.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, one.book, one.submitter)
        tasks.start_soon(dispatch, two.book, two.submitter)

    assert ((await one.report()).accepted, (await two.report()).accepted) == (4, 3)
    assert most_in_a_day(*services) == 3
    assert max(service.hours[-1] for service in services) == 4.0 + 2 * 24


async def test_who_waits_says_anew_until_when_once_others_took_the_room_of_that_time() -> None:
    """The time that was told first had passed, and stood in the status until somebody left."""
    before = Daily(1, 100)
    await before.submit(Watched(before.clock))
    campaign, other = Daily(2, 2, size=2, beside=before), Daily(3, 100, beside=before)
    service, others = Watched(campaign.clock), Watched(campaign.clock)
    await campaign.begin(service)
    await other.begin(others)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(10 * HOUR)
        tasks.start_soon(dispatch, other.book, other.submitter)

    waits = [round(each.seconds / HOUR) for each in campaign.events if isinstance(each, Waiting)]
    assert (others.hours, service.hours) == ([14.0, 14.0, 14.0], [38.0])
    assert waits == [24, 10]


class Late(MemoryJournal):
    """Tells what left a moment ago as if it had not: what is read before the intent is never enough."""

    async def left_since(self, since: float) -> list[tuple[float, int]]:
        left = await super().left_since(since)
        return [(at, people) for at, people in left if at < self._clock.wall()]


async def test_what_is_read_too_early_lets_nobody_out() -> None:
    campaign = Campaign(6, size=1, journal=Late)
    campaign.terms = RunTerms(daily_limit=2)
    service = Watched(campaign.clock)

    await campaign.begin(service)
    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(HOUR)
        campaign.submitter.stop(Stop(cause=Cause.INTERRUPTED, reason="enough"))

    assert len(service.left) == 2
    assert (await campaign.report()).unsent == 4
    waits = {event.why for event in campaign.events if isinstance(event, Waiting)}
    assert waits == {"the daily limit of 2"}  # and nothing of the second in between
    assert (service.places, service.given_back) == (4, 2)  # who came too late asks for no other place at once


@settings(deadline=None, max_examples=4)
@given(
    people=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    limit=st.integers(3, 5),
    ends=st.lists(st.floats(0.01, 30.0), max_size=2),
)
async def test_no_day_has_too_many_whenever_processes_end(
    people: list[int], limit: int, ends: list[float]
) -> None:
    first = Daily(people[0], limit)
    others = [Daily(10 * n + each, limit, beside=first) for n, each in enumerate(people[1:], start=1)]
    campaigns = [first, *others]
    services = [Watched(first.clock) for _ in campaigns]

    async def run(until: float | None) -> None:
        for campaign, service in zip(campaigns, services, strict=True):
            await campaign.begin(service)
        async with first.clock.running(), anyio.create_task_group() as tasks:
            for campaign in campaigns:
                tasks.start_soon(dispatch, campaign.book, campaign.submitter)
            if until is not None:
                await first.clock.sleep(until * HOUR)
                for campaign in campaigns:
                    campaign.submitter.stop(Stop(cause=Cause.INTERRUPTED, reason="the end of a process"))

    for until in (*ends, None):
        await run(until)

    for campaign in campaigns:
        assert (await campaign.report()).accepted == campaign.people
    assert most_in_a_day(*services) <= limit


async def test_what_was_taken_back_leaves_its_room_to_others() -> None:
    campaign = Daily(2, 1)
    service = Watched(campaign.clock, script=[Fate.THROTTLED])

    await campaign.submit(service)

    assert service.hours == [4.0, 4.01, 28.01]  # a minute after the 429, on the same day


def test_a_plan_says_how_many_leave_at_once_and_when_the_others_do() -> None:
    plan = replace(plan_of([200] * 20), daily_limit=2_000)
    left = [(MIDNIGHT - 30 * HOUR, 900), (MIDNIGHT - 20 * HOUR, 1_500)]

    room = daily_room(plan, left, MIDNIGHT)

    assert room == DailyRoom(
        at=MIDNIGHT,
        used=1_500,
        at_once=400,
        next_at=MIDNIGHT + 4 * HOUR,
        ends_at=MIDNIGHT + 28 * HOUR,
    )


def test_a_plan_without_a_limit_has_no_room_to_tell() -> None:
    assert daily_room(plan_of([5]), [], MIDNIGHT) is None


def test_the_limit_is_of_the_whole_list_and_not_dealt_to_its_parts() -> None:
    new = dealt_terms(NewTerms(daily_limit=2_000, per_day=300), 1, 3)

    assert (new.daily_limit, new.per_day) == (2_000, 100)


def test_a_limit_is_changed_ended_and_never_below_a_chunk() -> None:
    before = RunTerms(daily_limit=2_000)
    chunks = [Chunk(number=1, recipients=200)]

    assert changed(before, NewTerms(), chunks).daily_limit == 2_000
    assert changed(before, NewTerms(daily_limit="off"), chunks).daily_limit is None
    assert changed(before, NewTerms(daily_limit="10000"), chunks).daily_limit == 10_000
    with pytest.raises(InvalidInput, match="daily_limit is at least 200 here"):
        changed(before, NewTerms(daily_limit=100), chunks)
