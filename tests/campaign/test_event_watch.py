"""Who looks on gets what a run tells: the same events with the same ids, each once, from any process."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest

from keebai_async import AnyEvent, CampaignNotFound, CampaignState, EventPage, InvalidInput, Keebai, Misused
from keebai_async.campaign import event_log
from keebai_async.campaign.event_log import EventLog
from keebai_async.campaign.event_watch import EVENTS_READ_EVERY, EventWatch
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.event_place import place_of
from keebai_async.model.events import BroadcastProgress, ChunkAccepted, StateChanged, Waiting, topic_of
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox
from tests.campaign.planning import freeze
from tests.campaign.scripted_service import Fate
from tests.campaign.test_run import World

FATES = {
    "all is well": [],
    "throttled and unsent": [Fate.THROTTLED, Fate.FINE, Fate.UNSENT],
    "lost and unreadable": [Fate.LOST, Fate.UNREADABLE, Fate.SHORT],
    "halted": [Fate.FINE, Fate.HALTED],
}


@pytest.mark.parametrize("script", FATES.values(), ids=FATES)
@pytest.mark.parametrize("names", [True, False], ids=["named", "not named"])
async def test_a_run_tells_what_its_journal_tells_under_the_same_ids(
    script: Iterable[Fate], names: bool
) -> None:
    world = World(script)
    plan = await world.plan(60, size=10)
    world.service.malformed = frozenset(["+5491100000021", "+5491100000028"])
    world.service.names = names

    async with world.clock.running(), world.run(plan) as run:
        told = [event async for event in run.events()]

    kept = {event.id: event for event in (await world.journal.events(plan.campaign_id, limit=10_000)).events}
    out_of_date = [event for event in told if event.id and event.id not in kept]
    assert {type(event) for event in out_of_date} <= {BroadcastProgress}
    lasting = [event for event in told if event.id in kept]
    assert [kept[event.id] for event in lasting] == lasting
    assert {event.id for event in kept.values() if not isinstance(event, Waiting)} == {e.id for e in lasting}
    assert len({event.id for event in lasting}) == len(lasting)


class Counted(MemoryJournal):
    """It counts who looks for events, and may be away."""

    looks = 0
    away = 0

    async def events(self, campaign_id: str, *, after: int | str = 0, limit: int = 200) -> EventPage:
        self.looks += 1
        await anyio.lowlevel.checkpoint()
        if self.away:
            self.away -= 1
            raise JournalUnusable("the server restarts", temporary=True)
        return await super().events(campaign_id, after=after, limit=limit)


async def read(watch: EventWatch, campaign_id: str, into: list[AnyEvent]) -> None:
    page = EventPage()
    while not page.over:
        page = await watch.more(campaign_id, place_of(campaign_id, into[-1].id if into else 0))
        into.extend(page.events)


async def settle(turns: int = 50) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


async def test_a_thousand_readers_at_the_same_place_share_a_look() -> None:
    clock = ManualClock()
    journal = Counted(clock=clock)
    plan = await freeze(journal, 4, size=2)
    await journal.set_state(plan.campaign_id, CampaignState.RUNNING)
    watch, readers = EventWatch(journal, clock), [list[AnyEvent]() for _ in range(1_000)]

    async with anyio.create_task_group() as tasks:
        for seen in readers:
            tasks.start_soon(read, watch, plan.campaign_id, seen)
        await settle()
        assert {len(seen) for seen in readers} == {1}
        looks = journal.looks
        await clock.advance(20 * EVENTS_READ_EVERY)
        assert journal.looks - looks <= 21
        await journal.set_state(plan.campaign_id, CampaignState.FINISHED)
        await clock.advance(EVENTS_READ_EVERY)

    assert all(seen == readers[0] for seen in readers)
    assert len(readers[0]) == 2


class HeldUp(Counted):
    """A look takes until *answers* is set; it says which campaigns were looked at, and how many at once."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.answers = anyio.Event()
        self.looked_at: list[str] = []
        self.at_once = self.most_at_once = 0

    async def events(self, campaign_id: str, *, after: int | str = 0, limit: int = 200) -> EventPage:
        self.looked_at.append(campaign_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.answers.wait()
            return await super().events(campaign_id, after=after, limit=limit)
        finally:
            self.at_once -= 1


async def test_readers_take_turns_and_one_that_gives_up_causes_no_look() -> None:
    """Before, the next one looked at once: a thousand browsers that close were a thousand looks."""
    clock = ManualClock()
    journal = Counted(clock=clock)
    plan = await freeze(journal, 4, size=2)
    watch, seen = EventWatch(journal, clock), list[AnyEvent]()
    scopes = [anyio.CancelScope() for _ in range(20)]

    async def look_for_a_while(scope: anyio.CancelScope) -> None:
        with scope:
            await read(watch, plan.campaign_id, [])

    async with anyio.create_task_group() as tasks:
        for scope in scopes:
            tasks.start_soon(look_for_a_while, scope)
        tasks.start_soon(read, watch, plan.campaign_id, seen)
        await settle()
        for scope in scopes:
            scope.cancel()
            await settle()
        assert journal.looks == 1
        await clock.advance(0.99 * EVENTS_READ_EVERY)
        assert journal.looks == 1
        await clock.advance(0.01 * EVENTS_READ_EVERY)
        assert journal.looks == 2
        await journal.set_state(plan.campaign_id, CampaignState.FINISHED)
        await clock.advance(EVENTS_READ_EVERY)

    assert [type(event) for event in seen] == [StateChanged]


@pytest.mark.parametrize("how", ["its scope is cancelled", "its task is cancelled"])
async def test_what_one_finds_who_gives_up_meanwhile_is_told_to_the_others(how: str) -> None:
    clock = ManualClock()
    journal = HeldUp(clock)
    plan = await freeze(journal, 4, size=2)
    await journal.set_state(plan.campaign_id, CampaignState.FINISHED)
    watch, pages, first = EventWatch(journal, clock), list[EventPage](), anyio.CancelScope()

    async def look_first() -> None:
        with first:
            await watch.more(plan.campaign_id, place_of(plan.campaign_id, 0))

    async def wait_for_it() -> None:
        pages.append(await watch.more(plan.campaign_id, place_of(plan.campaign_id, 0)))

    looker = asyncio.create_task(look_first())
    async with anyio.create_task_group() as tasks:
        await settle()
        for _ in range(5):
            tasks.start_soon(wait_for_it)
        await settle()
        if how == "its scope is cancelled":
            first.cancel()
        else:
            looker.cancel()
        await settle()
        assert pages == []
        journal.answers.set()

    assert [[event.id for event in page.events] for page in pages] == [[1]] * 5
    assert journal.looked_at == [plan.campaign_id]
    await asyncio.wait([looker])
    assert looker.cancelled() == (how == "its task is cancelled")


async def test_readers_at_many_places_look_one_after_another_and_each_as_often_as_the_others() -> None:
    clock = ManualClock()
    journal = HeldUp(clock)
    ids = [(await freeze(journal, people)).campaign_id for people in range(1, 21)]
    watch = EventWatch(journal, clock)

    async with anyio.create_task_group() as tasks:
        for campaign_id in ids:
            tasks.start_soon(watch.more, campaign_id, place_of(campaign_id, 0))
        await settle()
        assert journal.looked_at == ids[:1]
        journal.answers.set()
        await settle(1_000)
        for _ in range(3):
            await clock.advance(EVENTS_READ_EVERY)
            await settle(1_000)
        tasks.cancel_scope.cancel()

    assert journal.most_at_once == 1
    assert journal.looked_at == ids * 4


async def test_that_there_is_no_such_campaign_is_found_out_once_for_all_who_wait() -> None:
    clock = ManualClock()
    journal = HeldUp(clock)
    watch, told = EventWatch(journal, clock), list[str]()

    async def ask() -> None:
        with pytest.raises(CampaignNotFound) as error:
            await watch.more("nothing", place_of("nothing", 0))
        told.append(str(error.value))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)
        await settle()
        journal.answers.set()

    assert len(told) == 10
    assert len(set(told)) == 1
    assert journal.looks == 1


async def test_a_journal_that_is_away_for_a_while_is_waited_for() -> None:
    clock = ManualClock()
    journal = Counted(clock=clock)
    plan = await freeze(journal, 4, size=2)
    await journal.set_state(plan.campaign_id, CampaignState.FINISHED)
    journal.away = 5
    seen: list[AnyEvent] = []

    async with clock.running():
        await read(EventWatch(journal, clock), plan.campaign_id, seen)

    assert (journal.looks, len(seen)) == (7, 1)


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    clock = ManualClock()
    async with clock.running():
        yield clock


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock) as sandbox:
        yield sandbox


def client(sandbox: Sandbox, clock: ManualClock, path: Path) -> Keebai:
    return Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=SqliteJournal(path, clock=clock),
        clock=clock,
        limiter=OpenGate(),
    )


async def test_another_process_looks_on_from_the_plan_to_the_end(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "k.db"
    async with client(sandbox, clock, path) as keebai, client(sandbox, clock, path) as other:
        people = [{"to": f"+54911{n:08}", "nombre": "Ana", "codigo": f"C{n}"} for n in range(20)]
        plan = await keebai.campaigns.plan(people, template="promo", language="es", name="Promo")
        seen: list[AnyEvent] = []

        async def look_on() -> None:
            seen.extend([event async for event in other.campaigns.watch(plan.campaign_id)])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look_on)
            async with keebai.campaigns.start(plan) as run:
                await run.report()

        states = [event.state for event in seen if isinstance(event, StateChanged)]
        assert states == [CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.FINISHED]
        assert sum(isinstance(event, ChunkAccepted) for event in seen) == 1
        ids = [event.id for event in seen]
        assert ids == sorted(set(ids))
        late = [event async for event in other.campaigns.watch(plan.campaign_id, after=ids[1])]
        assert [event.id for event in late if not topic_of(event)] == [
            event.id for event in seen[2:] if not topic_of(event)
        ]
        assert [event async for event in other.campaigns.watch(plan.campaign_id, after=ids[-1])] == []
        for journal in (keebai.journal, other.journal):
            await journal.aclose()


async def test_what_cannot_be_watched_is_said(sandbox: Sandbox, clock: ManualClock, tmp_path: Path) -> None:
    async with client(sandbox, clock, tmp_path / "k.db") as keebai:
        with pytest.raises(CampaignNotFound):
            await anext(keebai.campaigns.watch("nothing"))
        with pytest.raises(InvalidInput, match="negative"):
            await anext(keebai.campaigns.watch("nothing", after=-1))
        with pytest.raises(CampaignNotFound):
            await anext(keebai.campaigns.watch("promo-1a2b3c4d-x2"))
        await keebai.aclose()
        with pytest.raises(Misused, match="closed"):
            await anext(keebai.campaigns.watch("nothing"))


async def test_a_run_of_many_days_keeps_what_is_not_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "KEPT_WHOLE", 100)
    log, along = EventLog(), list[AnyEvent]()
    log.tell(StateChanged(state=CampaignState.RUNNING))

    async def read_along() -> None:
        along.extend([event async for event in log])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_along)
        for number in range(1_000):
            log.tell(progress_of(number % 7, number))
            log.tell(Waiting(seconds=float(number), why="the quota"))
            await settle()
        log.close()

    assert len(along) == 2_001
    late = [event async for event in log]
    assert len(late) <= 101
    assert late[0] == along[0]
    assert late[-8:] == [
        *(progress_of(number % 7, number) for number in range(993, 1_000)),
        Waiting(seconds=999.0, why="the quota"),
    ]


def progress_of(number: int, sent: int) -> BroadcastProgress:
    return BroadcastProgress(
        number=number, broadcast_id=f"b{number}", sent=sent, failed=0, pending=1, final=False
    )


def test_events_of_a_page_are_read_back_as_they_were_written() -> None:
    page = EventPage(events=(progress_of(1, 2), StateChanged(state=CampaignState.PAUSED, reason="paused")))
    assert msgspec.json.decode(msgspec.json.encode(page), type=EventPage) == page
