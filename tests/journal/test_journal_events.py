"""What was told of a campaign is read again, by anybody, once each, and nothing comes late."""

from pathlib import Path

import anyio
import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignNotFound, ForbiddenMove, InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.postgres_tables import PostgresJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import CampaignState, RunFacts
from keebai_async.model.events import (
    AnyEvent,
    BroadcastProgress,
    BroadcastUnread,
    ChunkAbandoned,
    ChunkAccepted,
    ChunkPlanned,
    ChunkRefused,
    ChunkSplit,
    ChunkSubmitting,
    ChunkUnknown,
    PeopleLeftOut,
    StateChanged,
    Waiting,
)
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    HandOn,
    Lose,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Withdraw,
)
from keebai_async.model.opt_outs import OPTED_OUT_LATER
from keebai_async.model.part import part_ids
from keebai_async.model.report import utc
from keebai_async.model.requests import Requests
from keebai_async.model.want import Want
from keebai_async.storage.postgres_address import postgres_address
from tests.journal.journal_kit import keep, people, plan_of
from tests.postgres_server import PostgresServer


def submit(number: int, step: int = 1) -> Submit:
    return Submit(number=number, step=step, at=1_700_000_000.5)


async def told(journal: Journal, *, after: int = 0, campaign_id: str = "promo") -> list[AnyEvent]:
    return list((await journal.events(campaign_id, after=after)).events)


def plain(events: list[AnyEvent]) -> list[AnyEvent]:
    """Without what all of them have."""
    return [
        msgspec.structs.replace(each, id=0, campaign_id="", time=utc(0.0) or each.time) for each in events
    ]


async def test_each_move_of_a_chunk_is_told_with_it(journal: Journal, clock: ManualClock) -> None:
    await keep(journal, plan_of(chunks=(5, 4)))
    for move in (
        submit(1),
        TakeBack(number=1, step=2, reason="429"),
        submit(1, 3),
        Accept(number=1, step=4, accepted=5, broadcast_id="b1"),
        submit(2),
        Lose(number=2, step=2, reason="reset"),
        Resend(number=2, step=3),
        Withdraw(number=2, step=4),
        Abandon(number=2, step=5),
    ):
        assert (await journal.record("promo", move)).event_id > 0

    events = await told(journal)
    assert [each.id for each in events] == list(range(1, 10))
    assert {(each.campaign_id, each.time) for each in events} == {("promo", utc(clock.wall()))}
    assert plain(events) == [
        ChunkSubmitting(number=1, of=2, recipients=5),
        ChunkPlanned(number=1, recipients=5, reason="429"),
        ChunkSubmitting(number=1, of=2, recipients=5),
        ChunkAccepted(number=1, of=2, recipients=5, accepted=5, broadcast_id="b1"),
        ChunkSubmitting(number=2, of=2, recipients=4),
        ChunkUnknown(number=2, recipients=4, reason="reset"),
        ChunkPlanned(number=2, recipients=4, reason="somebody says that it did not arrive"),
        ChunkUnknown(number=2, recipients=4, reason="somebody takes back that it did not arrive"),
        ChunkAbandoned(number=2, recipients=4),
    ]
    assert [each.event_id for each in (await journal.load("promo")).chunks] == [4, 9]


async def test_a_move_that_is_not_allowed_tells_nothing(journal: Journal) -> None:
    await keep(journal, plan_of())

    with pytest.raises(ForbiddenMove):
        await journal.record("promo", Abandon(number=1, step=1))

    assert await told(journal) == []


async def test_what_people_are_cut_into_is_told_and_counted(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(4, 3, 2)))
    await journal.record("promo", submit(1))
    keeps, rest = people(1, 1), [(2, people(1, 2)), (4, people(1, 4))]
    moves: list[Refuse | HandOn] = [
        Refuse(number=1, step=2, reason="bad number", recipients=1),
        HandOn(number=2, step=1, reason="cut again with chunk 1"),
    ]
    await journal.recut("promo", moves, keep=keeps, children=rest)
    out = Refuse(number=3, step=1, reason=OPTED_OUT_LATER, recipients=1)
    await journal.recut("promo", [out], keep=people(3, 1), children=[(1, people(3, 1))])
    await journal.record("promo", submit(4))

    assert plain(await told(journal)) == [
        ChunkSubmitting(number=1, of=3, recipients=4),
        ChunkRefused(number=1, recipients=1, reason="bad number"),
        ChunkSplit(number=1, into=(4, 5)),
        ChunkSplit(number=2, into=(4, 5)),
        PeopleLeftOut(number=3, recipients=1, reason=OPTED_OUT_LATER, into=(6,)),
        ChunkSubmitting(number=4, of=5, recipients=2),
    ]


async def test_of_counters_the_newest_are_kept_and_who_has_seen_older_ones_gets_them(
    journal: Journal,
) -> None:
    await keep(journal, plan_of(chunks=(5, 4)))
    await journal.record("promo", submit(1))
    await journal.record("promo", Accept(number=1, step=2, accepted=5, broadcast_id="b1"))
    await journal.progress("promo", 1, sent=1, failed=0, final=False)
    seen = (await told(journal))[-1].id
    await journal.progress("promo", 1, sent=3, failed=1, final=False)
    await journal.progress("promo", 1, sent=2, failed=0, final=False)  # late, and nothing new

    newest = BroadcastProgress(number=1, broadcast_id="b1", sent=3, failed=1, pending=1, final=False)
    assert plain(await told(journal, after=seen)) == [newest]
    assert [type(each) for each in await told(journal)] == [ChunkSubmitting, ChunkAccepted, BroadcastProgress]
    assert (await journal.load("promo")).chunks[0].event_id == seen + 1


async def test_what_changes_nothing_is_kept_as_long_as_it_is_the_newest(
    journal: Journal, clock: ManualClock
) -> None:
    await keep(journal, plan_of())
    at = utc(clock.wall())
    assert at is not None
    first = Waiting(time=at, seconds=5.0, why="the quota")
    unread = BroadcastUnread(time=at, number=1, broadcast_id="b1", reason="502")
    await journal.keep_facts("promo", RunFacts(), requests=Requests(), seconds=1.0, notes=[first, unread])
    again = Waiting(time=at, seconds=9.0, why="the quota")
    event_id = await journal.set_state("promo", CampaignState.PAUSED, reason="paused", notes=[again])

    events = await told(journal)
    assert [(each.id, type(each)) for each in events] == [
        (2, BroadcastUnread),
        (3, Waiting),
        (4, StateChanged),
    ]
    assert event_id == 4
    assert plain(events)[1:] == [
        Waiting(seconds=9.0, why="the quota"),
        StateChanged(state=CampaignState.PAUSED, reason="paused"),
    ]


async def test_events_are_read_a_page_at_a_time_from_any_place(journal: Journal) -> None:
    await keep(journal, plan_of())
    for _ in range(7):
        await journal.set_state("promo", CampaignState.RUNNING)

    seen: list[int] = []
    while (page := await journal.events("promo", after=seen[-1] if seen else 0, limit=3)).events:
        seen.extend(each.id for each in page.events)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert await told(journal, after=2**62) == []


async def test_it_is_over_when_nobody_runs_it_and_nobody_will(journal: Journal) -> None:
    async def over() -> bool:
        last = (await told(journal))[-1].id
        return (await journal.events("promo", after=last)).over

    await keep(journal, plan_of())
    await journal.set_state("promo", CampaignState.PLANNED)
    assert not await over()  # somebody may launch it
    async with journal.lease("promo"):
        await journal.set_state("promo", CampaignState.RUNNING)
        await journal.set_state("promo", CampaignState.STOPPED, reason="its process shuts down")
        assert not await over()
    assert await over()
    await journal.want(Want(campaign_id="promo", at=0.0))
    assert not await over()
    await journal.unwant("promo")
    await journal.set_state("promo", CampaignState.RUNNING)  # and its process died
    assert not await over()
    await journal.set_state("promo", CampaignState.FINISHED)
    assert await over()
    assert not (await journal.events("promo")).over  # for who has not seen all of it

    with pytest.raises(CampaignNotFound):
        await journal.events("nothing")


async def test_a_purge_leaves_nothing_but_where_it_stands_and_ids_go_on(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(1,)))
    await journal.record("promo", submit(1))
    await journal.recut(
        "promo",
        [Refuse(number=1, step=2, reason="no such number: +5491155550101", recipients=1)],
        keep=people(1, 1),
        children=[],
    )
    await journal.set_state("promo", CampaignState.FINISHED, reason="+5491155550101")
    before = await told(journal)

    await journal.purge("promo")

    after = await told(journal)
    assert plain(after) == [StateChanged(state=CampaignState.FINISHED)]
    assert after[0].id == before[-1].id + 1
    assert after == await told(journal, after=before[-1].id)
    await journal.set_state("promo", CampaignState.FINISHED)
    assert [each.id for each in await told(journal, after=after[0].id)] == [after[0].id + 1]


async def test_a_plan_that_is_removed_takes_its_events_along(journal: Journal) -> None:
    await keep(journal, plan_of())
    await journal.set_state("promo", CampaignState.PLANNED)
    await journal.remove("promo")
    await keep(journal, plan_of())
    await journal.set_state("promo", CampaignState.PLANNED)

    assert [each.id for each in await told(journal)] == [1]


WRITERS, WRITES = 3, 25


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_nothing_comes_late_however_many_write_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A reader that goes on from the highest id that it has seen gets every single one."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if kind == "postgres" else None
    address = None if server is None else server.schema()

    def opened() -> Journal:
        return (
            SqliteJournal(tmp_path / "k.db")
            if address is None
            else PostgresJournal(postgres_address(address))
        )

    reader, writers, seen = opened(), [opened() for _ in range(WRITERS)], list[AnyEvent]()
    await keep(reader, plan_of())

    async def write(journal: Journal, who: int) -> None:
        for number in range(WRITES):
            await journal.set_state("promo", CampaignState.RUNNING, reason=f"{who} {number}")

    async with anyio.create_task_group() as tasks:
        for who, journal in enumerate(writers):
            tasks.start_soon(write, journal, who)
        with anyio.fail_after(100.0):
            while len(seen) < WRITERS * WRITES:
                seen += await told(reader, after=seen[-1].id if seen else 0)

    assert [each.id for each in seen] == list(range(1, WRITERS * WRITES + 1))
    reasons = [each.reason for each in seen if isinstance(each, StateChanged)]
    assert sorted(filter(None, reasons)) == sorted(f"{w} {n}" for w in range(WRITERS) for n in range(WRITES))
    for journal in (reader, *writers):
        await journal.aclose()


WHOLE = "promo-1a2b3c4d-x3"
FIRST, SECOND, EMPTY = part_ids(WHOLE)


async def keep_list(journal: Journal) -> None:
    """Of three parts; to the sender of the last one nobody fell."""
    for part, chunks in ((FIRST, (2, 2)), (SECOND, (2,)), (EMPTY, ())):
        await keep(journal, plan_of(part, chunks=chunks))


async def test_what_all_parts_of_a_list_tell_is_read_in_one_look_by_time_and_each_by_its_ids(
    journal: Journal, clock: ManualClock
) -> None:
    await keep_list(journal)
    for part, move in ((FIRST, submit(1)), (SECOND, submit(1)), (FIRST, submit(2))):
        await clock.advance(1.0)
        await journal.record(part, move)

    events = (await journal.events(WHOLE)).events

    assert [(each.campaign_id, each.id) for each in events] == [(FIRST, 1), (SECOND, 1), (FIRST, 2)]
    rest = (await journal.events(WHOLE, after="1.0.0")).events
    assert [(each.campaign_id, each.id) for each in rest] == [(SECOND, 1), (FIRST, 2)]
    few = (await journal.events(WHOLE, limit=3)).events
    assert [(each.campaign_id, each.id) for each in few] == [(FIRST, 1), (SECOND, 1)]


async def test_a_list_is_over_when_all_parts_are_that_somebody_fell_to(journal: Journal) -> None:
    await keep_list(journal)
    for part in (FIRST, SECOND):
        assert not (await journal.events(WHOLE, after="9.9.9")).over
        await journal.set_state(part, CampaignState.FINISHED)
    assert (await journal.events(WHOLE, after="9.9.9")).over
    await journal.want(Want(campaign_id=EMPTY, at=0.0))
    assert not (await journal.events(WHOLE, after="9.9.9")).over


async def test_a_list_of_which_a_part_is_not_there_cannot_be_watched(journal: Journal) -> None:
    await keep(journal, plan_of(FIRST))
    with pytest.raises(CampaignNotFound):
        await journal.events(WHOLE, after="9.0.0")
    with pytest.raises(InvalidInput, match="one id for each of its 3 parts"):
        await journal.events(WHOLE, after=9)
