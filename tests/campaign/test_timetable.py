"""Nothing leaves early, whatever the clock does meanwhile, and no place in the quota waits for a night."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.run_state import PauseRun, ResumeRun
from keebai_async.campaign.service import ChunkVerdict
from keebai_async.campaign.terms import NewTerms, changed
from keebai_async.campaign.timetable import Timetable, zones_for
from keebai_async.clock import Clock, ManualClock
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.cost import CountryCount
from keebai_async.model.events import Waiting
from keebai_async.model.hours import Hours, is_inside
from keebai_async.model.lifecycle import Move, Submit
from keebai_async.model.plan import Pace, Plan
from keebai_async.model.sender import Sender
from keebai_async.model.stop import Cause, Stop
from keebai_async.zones import zones_of
from tests.campaign.scripted_service import Fate, ScriptedService
from tests.campaign.submitting import Campaign

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
FROM_NINE: Final = Hours.parse("09:00-20:00", "UTC")
MIDNIGHT: Final = datetime(2026, 10, 3, tzinfo=UTC).timestamp()
"""Four hours before a ManualClock begins."""
BY_COUNTRY: Final = Hours.parse("09:00-20:00", "country")


class SetClock(ManualClock):
    """Somebody sets the clock on its wall."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


class Watched(ScriptedService):
    """Notes when what left; its places come after *waits* seconds, in this order, then at once."""

    waits: tuple[float, ...] = ()

    def __init__(self, clock: Clock, *, script: Sequence[Fate] = ()) -> None:
        super().__init__(clock, script=script)
        self.left: list[float] = []
        self.asked: list[float] = []

    async def place(self) -> None:
        self.asked.append(self.clock.wall())
        wait, *rest = self.waits or (0.0,)
        self.waits = tuple(rest)
        await self.clock.sleep(wait)

    async def submit(self, body: bytes) -> ChunkVerdict:
        self.left.append(self.clock.wall())
        return await super().submit(body)

    @property
    def hours(self) -> list[float]:
        """When what left, in hours from MIDNIGHT."""
        return [round((at - MIDNIGHT) / HOUR, 2) for at in self.left]


class Timed(Campaign):
    """A campaign with terms on time, and a clock that can be set."""

    def __init__(
        self,
        people: int,
        terms: RunTerms,
        *,
        size: int = 1,
        countries: tuple[str, ...] = (),
        journal: type[MemoryJournal] = MemoryJournal,
    ) -> None:
        super().__init__(people, size=size, journal=journal)
        self.clock = self.set = SetClock()
        self.journal = journal(clock=self.clock)
        self.terms = terms
        self.countries = countries
        names = countries or (() if terms.hours is None else (terms.hours.zone,))
        self.zones = {name if countries else "": zones_of(name) for name in names}

    @property
    def waits(self) -> list[Waiting]:
        return [event for event in self.events if isinstance(event, Waiting)]


async def test_what_is_launched_at_night_leaves_in_the_morning_and_asks_for_no_place_before() -> None:
    campaign = Timed(2, RunTerms(hours=FROM_NINE))
    service = Watched(campaign.clock)

    report = await campaign.submit(service)

    assert (report.accepted, service.hours) == (2, [9.0, 9.0])
    assert min(service.asked) == MIDNIGHT + 9 * HOUR
    (wait,) = campaign.waits
    assert (wait.why, wait.seconds) == ("the hours 09:00-20:00 UTC", 5 * HOUR)


async def test_nothing_leaves_before_its_time_and_then_not_out_of_hours_either() -> None:
    campaign = Timed(1, RunTerms(not_before=MIDNIGHT + 21 * HOUR, hours=FROM_NINE))
    service = Watched(campaign.clock)

    await campaign.submit(service)

    assert service.hours == [33.0]
    assert [wait.why for wait in campaign.waits] == ["its time", "the hours 09:00-20:00 UTC"]


async def test_a_place_that_comes_when_the_hours_are_over_is_given_back() -> None:
    campaign = Timed(1, RunTerms(hours=FROM_NINE))
    service = Watched(campaign.clock)
    service.waits = (12 * HOUR,)

    report = await campaign.submit(service)

    assert (report.accepted, service.hours) == (1, [33.0])
    assert (service.places, service.given_back) == (2, 1)


class SlowIntents(MemoryJournal):
    """The first intent takes ten seconds to write."""

    slow = 10.0

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        chunk = await super().record(campaign_id, move)
        if isinstance(move, Submit):
            seconds, self.slow = self.slow, 0.0
            await self._clock.sleep(seconds)
        return chunk


async def test_the_first_byte_does_not_leave_after_the_hours_although_its_intent_was_in_them() -> None:
    campaign = Timed(1, RunTerms(hours=FROM_NINE), journal=SlowIntents)
    service = Watched(campaign.clock)
    service.waits = (11 * HOUR - 5,)

    report = await campaign.submit(service)

    assert (report.accepted, report.unknown, service.hours) == (1, 0, [33.0])
    assert set(service.messaged.values()) == {1}


async def test_a_clock_that_is_set_back_holds_what_it_had_let_go() -> None:
    campaign = Timed(3, RunTerms(hours=FROM_NINE, pace=Pace(people=1, per=HOUR)))
    service = Watched(campaign.clock)
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(5.5 * HOUR)
        campaign.set.ahead = -3 * HOUR

    assert service.hours == [9.0, 10.0, 11.0]
    assert (await campaign.report()).accepted == 3


async def test_a_clock_that_is_set_forward_is_noticed_within_half_a_minute() -> None:
    campaign = Timed(1, RunTerms(hours=FROM_NINE))
    service = Watched(campaign.clock)
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(HOUR)
        campaign.set.ahead = 6 * HOUR

    assert 0 <= service.left[0] - (MIDNIGHT + 11 * HOUR) <= 30.0


async def test_the_country_whose_hours_are_over_does_not_hold_back_the_others() -> None:
    terms = RunTerms(hours=BY_COUNTRY, pace=Pace(people=1, per=2 * HOUR))
    campaign = Timed(12, terms, countries=("ES",) * 8 + ("MX",) * 4)
    service = Watched(campaign.clock)

    report = await campaign.submit(service)

    assert report.accepted == 12
    # All of Spain is inside from 08:00 to 18:00 UTC, all of Mexico from 16:00 to 01:00.
    assert service.hours == [8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 32.0, 34.0, 36.0]
    assert campaign.waits[0].why == "the hours 09:00-20:00 ES"


async def test_a_part_of_a_chunk_goes_by_the_country_that_it_was_cut_from() -> None:
    campaign = Timed(8, RunTerms(hours=BY_COUNTRY), size=4, countries=("ES", "MX"))
    service = Watched(campaign.clock)
    service.malformed = frozenset({"+5491100000002", "+5491100000005"})
    service.names = True

    report = await campaign.submit(service)

    assert (report.accepted, report.refused) == (6, 2)
    assert service.hours == [8.0, 8.0, 16.0, 16.0]


async def test_a_search_for_a_culprit_that_the_night_interrupts_goes_on_in_the_morning() -> None:
    terms = RunTerms(hours=FROM_NINE, pace=Pace(people=4, per=5 * HOUR))
    campaign = Timed(16, terms, size=4)
    service = Watched(campaign.clock)
    service.malformed = frozenset({"+5491100000013"})

    report = await campaign.submit(service)

    assert (report.accepted, report.refused, report.unsent) == (15, 1, 0)
    assert set(service.messaged.values()) == {1}
    assert all(9 <= hour % 24 < 20 for hour in service.hours)


async def test_a_search_whose_place_comes_when_the_hours_are_over_goes_on_in_the_morning() -> None:
    campaign = Timed(12, RunTerms(hours=BY_COUNTRY), size=4, countries=("ES", "MX", "MX"))
    service = Watched(campaign.clock)
    service.waits = (0.0, 11 * HOUR)  # the second one, for half of the chunk of Spain, comes at 19:00
    service.malformed = frozenset({"+5491100000001"})

    report = await campaign.submit(service)

    assert (report.accepted, report.refused, report.unsent) == (11, 1, 0)
    assert service.hours == [8.0, 16.0, 16.0, 32.0, 32.0, 32.0, 32.0]
    assert set(service.messaged.values()) == {1}


async def test_a_pause_in_the_night_is_no_end_and_what_is_waited_for_is_told_again() -> None:
    campaign = Timed(1, RunTerms(hours=FROM_NINE))
    service = Watched(campaign.clock)
    await campaign.begin(service)

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(HOUR)
        assert campaign.submitter.waits_for_its_time
        campaign.control.apply(PauseRun())
        await campaign.clock.sleep(HOUR)
        campaign.control.apply(ResumeRun())
        campaign.control.wake()

    assert service.hours == [9.0]
    assert [wait.seconds for wait in campaign.waits] == [5 * HOUR, 3 * HOUR]
    assert not campaign.submitter.waits_for_its_time


async def test_that_a_run_waits_for_its_time_is_said_from_its_first_wait_to_the_end_of_it() -> None:
    campaign = Timed(1, RunTerms(not_before=MIDNIGHT + 5 * HOUR))
    await campaign.begin(Watched(campaign.clock))
    said = [campaign.submitter.waits_for_its_time]

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(0.5 * HOUR)
        said.append(campaign.submitter.waits_for_its_time)
        await campaign.clock.sleep(HOUR)
        said.append(campaign.submitter.waits_for_its_time)

    assert said == [False, True, False]


async def test_a_stop_ends_the_wait_for_the_hours() -> None:
    campaign = Timed(1, RunTerms(hours=FROM_NINE))
    await campaign.begin(Watched(campaign.clock))

    async with campaign.clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(dispatch, campaign.book, campaign.submitter)
        await campaign.clock.sleep(HOUR)
        campaign.submitter.stop(Stop(cause=Cause.INTERRUPTED, reason="enough"))

    assert campaign.clock.wall() == MIDNIGHT + 5 * HOUR
    assert (await campaign.report()).unsent == 1


async def test_so_many_people_a_day_holds_over_runs_that_end_at_any_moment() -> None:
    campaign = Timed(9, RunTerms(per_day=4, per_hour=2, hours=FROM_NINE))
    service = Watched(campaign.clock)

    for after in (6.0, 2.5, 0.1, 20.0, 30.0):
        await campaign.begin(service)  # a new process, which knows what the journal knows
        async with campaign.clock.running():
            with anyio.move_on_after(None) as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(dispatch, campaign.book, campaign.submitter)
                    await campaign.clock.sleep(after * HOUR)
                    campaign.submitter.stop(Stop(cause=Cause.INTERRUPTED, reason="the end of a process"))
            assert not scope.cancelled_caught
    report = await campaign.submit(service)

    assert report.accepted == 9
    assert service.hours == [9.0, 9.0, 10.0, 10.0, 33.0, 33.0, 34.0, 34.0, 57.0]


TERMS = st.builds(
    RunTerms,
    not_before=st.none() | st.floats(MIDNIGHT, MIDNIGHT + 300 * DAY),
    hours=st.none()
    | st.sampled_from(
        [
            Hours.parse("09:00-20:00", "America/New_York"),
            Hours.parse("22:30-02:15", "America/Santiago"),
            Hours.parse("01:30-02:30", "America/New_York"),
            Hours.parse("09:00-20:00", "US"),
        ]
    ),
    pace=st.none() | st.builds(Pace, people=st.integers(1, 50), per=st.floats(1.0, 2 * DAY)),
    per_hour=st.none() | st.integers(1, 50),
    per_day=st.none() | st.integers(1, 50),
)


def plan_of(sizes: Sequence[int], countries: tuple[str, ...] = ()) -> Plan:
    return Plan(
        campaign_id="promo-1",
        name="Promo",
        template="promo",
        language="es",
        sender=Sender(phone_number_id="1"),
        created_at=MIDNIGHT,
        read=sum(sizes),
        ready=sum(sizes),
        duplicates=0,
        rejected=0,
        suppressed=0,
        chunks=tuple(sizes),
        chunk_countries=countries,
    )


@settings(deadline=None)
@given(TERMS, st.lists(st.integers(1, 60), min_size=1, max_size=30), st.data())
def test_in_a_year_nothing_leaves_early_and_no_hour_or_day_has_too_many(
    terms: RunTerms, sizes: list[int], data: st.DataObject
) -> None:
    """Each chunk leaves when the timetable first lets it, asked when it said, or earlier, as a run does."""
    plan = plan_of(sizes)
    chunks = {number: Chunk(number=number, recipients=people) for number, people in enumerate(sizes, start=1)}
    zones = zones_for(terms, plan, MIDNIGHT)
    wall = MIDNIGHT + data.draw(st.floats(0, 365 * DAY), label="launched")
    for number, people in enumerate(sizes, start=1):
        timetable = Timetable(terms, plan, chunks.__getitem__, zones=zones)  # a new process each time
        while True:
            _, held = timetable.next_of([number], wall)
            held = held or timetable.opens(number, wall)
            held = held or timetable.room(people, chunks.values(), wall, leaving=0)
            if held is None:
                break
            assert held.until > wall
            wall += min(held.until - wall, data.draw(st.sampled_from([1e9, 1e9, 1e9, 7 * HOUR])))
        chunks[number] = Chunk(number=number, recipients=people, state=ChunkState.ACCEPTED, submitted_at=wall)

    left = [(each.submitted_at or 0.0, each.recipients) for each in chunks.values()]
    for at, _ in left:
        assert terms.not_before is None or at >= terms.not_before
        assert terms.hours is None or is_inside(terms.hours, zones[""], at)
    for limit, per in ((terms.per_hour, HOUR), (terms.per_day, DAY)):
        for first, _ in left:
            within = [people for at, people in left if first <= at < first + per]
            assert limit is None or len(within) == 1 or sum(within) <= limit


@pytest.mark.parametrize(
    ("new", "terms"),
    [
        (NewTerms(), RunTerms(hours=FROM_NINE, per_hour=100, per_day=500, not_before=1.0)),
        (NewTerms(hours="off"), RunTerms(per_hour=100, per_day=500, not_before=1.0)),
        (NewTerms(at="now"), RunTerms(hours=FROM_NINE, per_hour=100, per_day=500)),
        (NewTerms(at=5.0), RunTerms(hours=FROM_NINE, per_hour=100, per_day=500, not_before=5.0)),
        (
            NewTerms(at=datetime(2026, 10, 3, tzinfo=UTC)),
            RunTerms(hours=FROM_NINE, per_hour=100, per_day=500, not_before=MIDNIGHT),
        ),
        (
            NewTerms(hours="10:00-12:00", per_hour="off", per_day="70"),
            RunTerms(hours=Hours.parse("10:00-12:00", "UTC"), per_day=70, not_before=1.0),
        ),
        (
            NewTerms(hours="10:00-12:00 PE", per_hour=60, per_day=" OFF "),
            RunTerms(hours=Hours.parse("10:00-12:00", "PE"), per_hour=60, not_before=1.0),
        ),
    ],
)
def test_a_run_may_be_told_other_terms(new: NewTerms, terms: RunTerms) -> None:
    before = RunTerms(hours=FROM_NINE, per_hour=100, per_day=500, not_before=1.0)

    assert changed(before, new, [Chunk(number=1, recipients=50)]) == terms


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (NewTerms(per_hour=49), "per_hour is at least 50 here"),
        (NewTerms(per_day="12"), "per_day is at least 50 here"),
        (NewTerms(per_hour=0), "at least 1 person"),
        (NewTerms(per_day="many"), "a number of people, or off"),
        (NewTerms(at="tomorrow"), "a time, or now"),
        (NewTerms(at=datetime(2026, 10, 3)), "no offset"),  # noqa: DTZ001 - that is the point
        (NewTerms(hours="nine"), "write the hours as"),
    ],
)
def test_what_are_no_terms_is_said(new: NewTerms, words: str) -> None:
    chunks = [
        Chunk(number=1, recipients=50),
        Chunk(number=2, recipients=5_000, state=ChunkState.ACCEPTED),
    ]

    with pytest.raises(InvalidInput, match=words):
        changed(RunTerms(), new, chunks)


def test_a_plan_that_was_not_cut_by_country_has_no_hours_by_country_unless_it_is_of_one() -> None:
    terms, plan = RunTerms(hours=BY_COUNTRY), plan_of([2, 3])

    with pytest.raises(InvalidInput, match="people of several countries"):
        zones_for(terms, plan, MIDNIGHT)
    of_one = (CountryCount(region="PE", name="Perú", people=5),)
    zones = zones_for(terms, _with(plan, of_one), MIDNIGHT)
    assert zones == {"PE": zones_of("PE")}


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (Hours.parse("09:00-18:00", "RU"), "it never is between 09:00 and 18:00 in all zones of RU"),
        (Hours.parse("09:00-18:00", "Middle/Earth"), "no such time zone"),
    ],
)
def test_hours_that_never_come_are_refused_before_a_run_begins(hours: Hours, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        zones_for(RunTerms(hours=hours), plan_of([1]), MIDNIGHT)


def _with(plan: Plan, countries: tuple[CountryCount, ...]) -> Plan:
    return replace(plan, countries=countries)
