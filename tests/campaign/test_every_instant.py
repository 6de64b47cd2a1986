"""A process dies after any write, or has trouble at it: nobody is lost, and nobody gets it twice."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import partial
from typing import Final, TypeVar

import anyio
import msgspec
import pytest

from keebai_async.campaign.reconcile import reconcile
from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign.service import ChunkVerdict
from keebai_async.clock import Clock, ManualClock
from keebai_async.errors import CampaignBusy, JournalUnusable
from keebai_async.journal.moving import recover
from keebai_async.journal.tables import CampaignRow, LeaseRow, Tables
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report
from keebai_async.polling.planner import PollPlanner
from keebai_async.storage.safety import Safe
from tests.campaign.kills import KeepingJournal, Kept
from tests.campaign.planning import freeze, number
from tests.campaign.scripted_service import Body, Fate, Item, ScriptedService
from tests.campaign.test_timetable import DAY, SetClock

T = TypeVar("T")

PEOPLE: Final = 18
SIZE: Final = 6
UNTIL_SETTLED: Final = 3_600.0
"""Seconds after which nothing that left before a kill can arrive any more."""


class Truth(msgspec.Struct, frozen=True):
    """What the service has taken: who, how often; and which people each broadcast has."""

    messaged: Counter[str]
    broadcasts: dict[str, list[str]]
    names: int


class Remembering(ScriptedService):
    """It knows what it took before, and what is on its way to it."""

    def __init__(self, clock: Clock, *, before: Truth | None = None, script: Sequence[Fate] = ()) -> None:
        super().__init__(clock, script=script)
        self.broadcasts: dict[str, list[str]] = {}
        self.coming: list[bytes] = []
        if before is not None:
            self.messaged = Counter(before.messaged)
            self.broadcasts = dict(before.broadcasts)
            self.names_seen = [""] * before.names
            self.totals = {name: len(people) for name, people in before.broadcasts.items()}

    async def submit(self, body: bytes) -> ChunkVerdict:
        self.coming.append(body)
        try:
            return await super().submit(body)
        finally:
            self.coming.remove(body)

    def _accept(self, body: Body, fate: Fate) -> ChunkVerdict:
        verdict = super()._accept(body, fate)
        people = [item.to for item in body.recipients][fate is Fate.SHORT :]
        self.broadcasts[f"b{len(self.names_seen)}"] = people
        return verdict

    @property
    def truth(self) -> Truth:
        return Truth(Counter(self.messaged), dict(self.broadcasts), len(self.names_seen))

    def truth_if_all_arrives(self) -> Truth:
        """The truth when what is on its way is taken, although who sent it is dead."""
        later = copy(self)
        later.messaged, later.broadcasts = Counter(self.messaged), dict(self.broadcasts)
        later.names_seen, later.totals = list(self.names_seen), dict(self.totals)
        for body in self.coming:
            later._judge(msgspec.json.decode(body, type=Body), Fate.FINE)
        return later.truth


class Death(msgspec.Struct, frozen=True):
    """What there is after a kill: a journal, and what is true at the service."""

    journal: KeepingJournal
    truth: Truth


class Watched(Kept):
    """Tells before and after each write."""

    wrote: Callable[[], None] | None = None
    writes: Callable[[], None] | None = None

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        if self.writes is not None:
            self.writes()
        done = super().write(work, safe=safe)
        if self.wrote is not None:
            self.wrote()
        return done


class WatchedJournal(KeepingJournal):
    database = Watched


async def run(journal: KeepingJournal, service: ScriptedService, plan: Plan) -> Report:
    async with CampaignRun(
        plan.campaign_id, journal=journal, service=service, clock=journal.clock, planner=PollPlanner()
    ) as begun:
        return await begun.report()


async def deaths(
    clock: ManualClock, service: Remembering, plan: Plan, journal: WatchedJournal
) -> list[Death]:
    """All ways to die in one run: after each write, and just before the next one, with what is on its way."""
    truths: list[list[Truth]] = []

    def see() -> None:
        if truths:
            truths[-1] += [service.truth, service.truth_if_all_arrives()]

    def wrote() -> None:
        truths.append([])
        see()

    journal.kept.states.clear()
    assert isinstance(journal.kept, Watched)
    journal.kept.writes, journal.kept.wrote = see, wrote
    await run(journal, service, plan)
    see()
    found = []
    for number_, known in enumerate(truths):
        different = {msgspec.json.encode(each): each for each in known}
        found += [Death(journal.left_behind(number_), each) for each in different.values()]
    return found


async def people_in(journal: KeepingJournal, plan: Plan, *numbers: int) -> list[str]:
    every = [await journal.items(plan.campaign_id, each) for each in numbers]
    return [person.to for items in every for person in msgspec.json.decode(items, type=list[Item])]


async def settle(journal: KeepingJournal, service: Remembering, plan: Plan) -> None:
    """A person looks every unknown chunk up in the portal, and believes what stands there."""
    await journal.clock.sleep(UNTIL_SETTLED)
    for chunk in (await journal.load(plan.campaign_id)).chunks:
        if chunk.state is ChunkState.UNKNOWN:
            people = set(await people_in(journal, plan, chunk.number))
            found = next((name for name, those in service.broadcasts.items() if people >= set(those)), None)
            await reconcile(
                plan.campaign_id,
                chunk.number,
                journal=journal,
                service=service.name,
                read=service.progress,
                clock=journal.clock,
                accepted=found,
                resend=found is None,
            )


@pytest.mark.parametrize(
    ("script", "malformed", "names", "largest"),
    [
        ([Fate.FINE, Fate.LOST, Fate.DROPPED], (), False, math.inf),
        ([Fate.THROTTLED, Fate.UNSENT, Fate.UNREADABLE, Fate.SHORT], (), False, math.inf),
        ([], (2, 8), True, math.inf),
        ([], (9,), False, math.inf),
        ([Fate.FINE, Fate.FINE, Fate.LOST], (), False, 3),
    ],
    ids=["answers lost", "not taken", "culprits named", "a search", "halves"],
)
async def test_after_any_death_everybody_is_messaged_once_or_refused(
    script: list[Fate], malformed: tuple[int, ...], names: bool, largest: float
) -> None:
    def of_this_kind(before: Truth | None = None, script: Sequence[Fate] = ()) -> Remembering:
        service = Remembering(clock, before=before, script=script)
        service.malformed = frozenset(number(person) for person in malformed)
        service.names = names
        service.largest = PEOPLE if largest == math.inf else int(largest)
        return service

    clock = ManualClock()
    async with clock.running():
        journal = WatchedJournal(clock=clock)
        plan = await freeze(journal, PEOPLE, size=SIZE)
        every = await deaths(clock, of_this_kind(script=script), plan, journal)
        assert len(every) > 12

        for death in every:
            service = of_this_kind(death.truth)
            first = await run(death.journal, service, plan)
            on_the_way = [each for each in first.chunks if each.state is ChunkState.UNKNOWN]
            await settle(death.journal, service, plan)
            report = await run(death.journal, service, plan)

            everybody = {number(person) for person in range(PEOPLE)}
            assert report.errors() == first.errors() == ()
            assert (report.unknown, report.unsent, report.state) == (0, 0, "finished")
            assert set(service.messaged.values()) <= {1}
            missed = everybody - service.messaged.keys()
            assert len(missed) == report.refused
            assert missed - service.malformed <= {number(0), number(SIZE), number(2 * SIZE)}  # of SHORT
            assert len(on_the_way) <= 4


class Troubled(Watched):
    """Something happens at one write, the one before which there were *after* others."""

    after = math.inf
    around: anyio.CancelScope
    set: SetClock
    met = 0.0
    """When it happened; 0 if it did not."""
    trouble: Callable[[Callable[[Tables], object]], None]

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        self.after -= 1
        if self.after == -1:
            self.met = self.met or self.clock.now()
            self.trouble(work)
        return super().write(work, safe=safe)


def is_not_taken(database: Troubled, work: Callable[[Tables], object]) -> None:
    """The disk is full for a moment."""
    raise JournalUnusable("the disk is full", temporary=True)


def is_not_heard_of(database: Troubled, work: Callable[[Tables], object]) -> None:
    """It is on disk, and the answer that says so is lost."""
    Kept.write(database, work, safe=Safe.FROM_COPYING)
    raise JournalUnusable("the connection to the database was lost", temporary=True)


def meets_another(database: Troubled, work: Callable[[Tables], object]) -> None:
    """This process was silent for too long: another had the campaign meanwhile, and could not know of it."""
    tables = database._tables
    for row in tables.leases():
        tables.delete(LeaseRow, row.campaign_id)
        if (campaign := tables.get(CampaignRow, row.campaign_id)) is not None and campaign.plan is not None:
            recover(tables, row.campaign_id, seen_dead=False, at=database.clock.wall())


def is_cancelled(database: Troubled, work: Callable[[Tables], object]) -> None:
    """The program around the run ends, and cancels it."""
    database.around.cancel()


def is_a_day_late(database: Troubled, work: Callable[[Tables], object]) -> None:
    """Somebody sets the clock on the wall, a day forward."""
    database.set.ahead += DAY


def is_a_day_early(database: Troubled, work: Callable[[Tables], object]) -> None:
    """And a day back."""
    database.set.ahead -= DAY


def is_away(database: Troubled, work: Callable[[Tables], object]) -> None:
    """The database is away for some minutes."""
    if database.clock.now() < database.met + 300.0:
        database.after = 0  # and so it is at the next write
        raise JournalUnusable("the database does not answer", temporary=True)


class TroubledJournal(WatchedJournal):
    database = Troubled


@pytest.mark.parametrize(
    "trouble",
    [is_not_taken, is_not_heard_of, meets_another, is_cancelled, is_a_day_late, is_a_day_early, is_away],
)
@pytest.mark.parametrize(
    ("script", "malformed"),
    [([Fate.THROTTLED, Fate.UNSENT], ()), ([], (9,))],
    ids=["not taken", "a search"],
)
async def test_trouble_at_any_write_leaves_nobody_unknown_once_the_journal_is_back(
    trouble: Callable[[Troubled, Callable[[Tables], object]], None],
    script: list[Fate],
    malformed: tuple[int, ...],
) -> None:
    write, ended = 0, False
    clock = SetClock()
    async with clock.running():
        while not ended:
            journal = TroubledJournal(clock=clock)
            plan = await freeze(journal, PEOPLE, size=SIZE)
            assert isinstance(journal.kept, Troubled)
            journal.kept.after, journal.kept.trouble = write, partial(trouble, journal.kept)
            service = Remembering(clock, script=script)
            service.malformed = frozenset(number(person) for person in malformed)

            journal.kept.set = clock
            with suppress(JournalUnusable, CampaignBusy), anyio.CancelScope() as journal.kept.around:
                await run(journal, service, plan)
            ended, journal.kept.after = not journal.kept.met, math.inf
            await clock.sleep(300.0)
            report = await run(journal, service, plan)

            assert (report.unknown, report.unsent, report.state) == (0, 0, "finished"), f"write {write}"
            assert report.errors() == ()
            assert set(service.messaged.values()) == {1}
            assert len(service.messaged) == PEOPLE - len(malformed) == report.accepted
            write += 1
    assert write > 12
