"""Leases over plain tables: what a heartbeat does, and what it leaves alone."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy
from keebai_async.journal.leases import Claim, Leases
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import CampaignRow, LeaseRow, Tables
from keebai_async.model.campaign import Wish
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Submit
from keebai_async.model.lost import NOT_SEEN_TO_END
from keebai_async.storage.process import STALE, Process
from keebai_async.storage.safety import Safe
from tests.journal.journal_kit import keep, plan_of
from tests.journal.json_tables import JsonDatabase, JsonServer

T = TypeVar("T")


class Room:
    """Two journals on one database."""

    def __init__(self, clock: ManualClock) -> None:
        self.database = JsonDatabase(JsonServer(), clock)
        self.ours, self.theirs = Leases(self.database), Leases(self.database)
        self.write(lambda tables: tables.insert(CampaignRow(campaign_id="promo", created_at=1.0)))

    def write(self, work: Callable[[Tables], T]) -> T:
        return self.database.write(work, safe=Safe.FROM_KILLS)

    def take(self, leases: Leases) -> Claim:
        claim = leases.claim("promo")
        self.write(lambda tables: leases.take(tables, claim, at=1.0))
        return claim

    def check(self, leases: Leases) -> None:
        self.write(lambda tables: leases.check(tables, "promo"))

    def put_elsewhere(self) -> None:
        """The row becomes that of a process on another machine, whose life only its heartbeat tells."""
        elsewhere = Process(pid=7, born="", host="other", place="another machine", user="ana")
        row = self.row
        assert row is not None
        self.write(lambda tables: tables.update(replace(row, process=elsewhere, lease_id="theirs")))

    @property
    def row(self) -> LeaseRow | None:
        return self.database.read(lambda tables: tables.get(LeaseRow, "promo"))


async def test_a_heartbeat_keeps_what_is_held_and_removes_what_was_dropped(clock: ManualClock) -> None:
    room = Room(clock)
    claim = room.ours.claim("promo")
    room.write(lambda tables: room.ours.take(tables, claim, at=1.0))
    await clock.advance(9.0)

    room.write(room.ours.beat)
    assert room.row is not None
    assert room.row.heartbeat == clock.wall()

    room.ours.drop(claim)
    assert room.ours.over == [claim]
    room.write(room.ours.beat)
    assert room.row is None


async def test_a_heartbeat_leaves_the_lease_of_another_alone(clock: ManualClock) -> None:
    room = Room(clock)
    lost = room.ours.claim("promo")
    room.write(lambda tables: room.ours.take(tables, lost, at=1.0))
    room.write(lambda tables: tables.delete(LeaseRow, "promo"))
    taken = room.theirs.claim("promo")
    room.write(lambda tables: room.theirs.take(tables, taken, at=2.0))
    before = room.row
    await clock.advance(9.0)

    room.write(room.ours.beat)
    room.ours.drop(lost)
    room.write(room.ours.beat)
    room.write(lambda tables: room.ours.give_back(tables, lost))

    assert room.row == before


async def test_a_lease_that_is_given_back_leaves_no_row(clock: ManualClock) -> None:
    room = Room(clock)
    claim = room.take(room.ours)

    room.write(lambda tables: room.ours.give_back(tables, claim))

    assert room.row is None


async def test_a_row_that_a_dropped_lease_left_keeps_nobody_of_this_process_out(clock: ManualClock) -> None:
    room = Room(clock)
    claim = room.take(room.ours)
    with pytest.raises(CampaignBusy):
        room.take(room.theirs)

    assert room.ours.drop(claim)
    assert not room.ours.drop(claim)
    taken = room.take(room.theirs)

    assert room.row is not None
    assert room.row.lease_id == taken.lease_id


async def test_the_lease_of_another_machine_is_taken_over_once_its_heartbeat_is_too_old(
    clock: ManualClock,
) -> None:
    room = Room(clock)
    room.ours.drop(room.take(room.ours))
    room.put_elsewhere()

    await clock.advance(STALE - 1.0)
    with pytest.raises(CampaignBusy, match="process 7 on other"):
        room.take(room.ours)
    assert room.write(lambda tables: room.ours.ask(tables, "promo", Wish.STOP))
    holder = room.write(lambda tables: room.ours.holder(tables, "promo"))
    assert holder is not None
    assert (holder.pid, holder.host, holder.since, holder.user) == (7, "other", 1.0, "ana")

    await clock.advance(1.0)
    assert room.write(lambda tables: room.ours.holder(tables, "promo")) is None
    assert not room.write(lambda tables: room.ours.ask(tables, "promo", Wish.STOP))
    taken = room.take(room.ours)
    assert room.row is not None
    assert (room.row.lease_id, room.row.wish) == (taken.lease_id, None)


async def test_only_who_has_the_lease_may_make_a_change_while_there_is_one(clock: ManualClock) -> None:
    room = Room(clock)
    room.check(room.ours)  # nobody has it
    claim = room.take(room.ours)
    room.ours.keep(claim)

    room.check(room.ours)
    with pytest.raises(CampaignBusy, match="is being run by process"):
        room.check(room.theirs)

    room.write(lambda tables: tables.delete(LeaseRow, "promo"))
    with pytest.raises(CampaignBusy, match="was taken over by another process"):
        room.check(room.ours)
    room.check(room.theirs)


async def test_a_wish_is_for_who_holds_the_lease_and_is_heard_once(clock: ManualClock) -> None:
    room = Room(clock)
    room.ours.keep(room.take(room.ours))
    assert room.write(lambda tables: room.ours.wish(tables, "promo")) is None
    assert room.write(lambda tables: room.theirs.ask(tables, "promo", Wish.PAUSE))

    assert room.write(lambda tables: room.theirs.take_wish(tables, "promo")) is None
    assert room.write(lambda tables: room.ours.take_wish(tables, "promo")) is Wish.PAUSE
    assert room.write(lambda tables: room.ours.take_wish(tables, "promo")) is None


async def test_a_wish_that_was_not_heard_yet_can_be_taken_back(clock: ManualClock) -> None:
    room = Room(clock)
    room.ours.keep(room.take(room.ours))
    assert not room.write(lambda tables: room.theirs.ask(tables, "promo", None))
    assert room.write(lambda tables: room.theirs.ask(tables, "promo", Wish.STOP))

    assert room.write(lambda tables: room.theirs.ask(tables, "promo", None))

    assert room.write(lambda tables: room.ours.take_wish(tables, "promo")) is None


async def test_what_is_dropped_is_not_held_and_what_is_forgotten_is_not_looked_for(
    clock: ManualClock,
) -> None:
    room = Room(clock)
    claim = room.take(room.ours)
    assert not room.ours.holds("promo")
    room.ours.keep(claim)
    assert room.ours.holds("promo")
    assert (room.ours.claims, room.ours.over) == ([claim], [])

    room.ours.close()
    assert not room.ours.holds("promo")
    assert (room.ours.claims, room.ours.over) == ([claim], [claim])

    room.ours.forget(claim)
    assert room.ours.claims == []


async def test_a_change_is_a_sign_of_life_and_a_younger_one_is_not_written_again(clock: ManualClock) -> None:
    room = Room(clock)
    room.ours.keep(room.take(room.ours))
    began = clock.wall()

    await clock.advance(0.9)
    room.check(room.ours)
    assert room.row is not None
    assert room.row.heartbeat == began

    await clock.advance(0.1)
    room.check(room.ours)
    assert room.row.heartbeat == began + 1.0


async def test_a_change_without_the_lease_is_no_sign_of_life_of_its_holder(clock: ManualClock) -> None:
    room = Room(clock)
    claim = room.take(room.ours)  # it is not kept: its transaction may have failed
    before = room.row

    await clock.advance(9.0)
    room.check(room.ours)

    assert room.row == before
    assert claim in room.ours.claims


@pytest.mark.parametrize(
    ("born", "here", "seen"), [("noon", True, True), ("", True, False), ("noon", False, False)]
)
async def test_only_of_a_process_of_this_machine_that_has_an_age_it_is_known_that_it_died(
    clock: ManualClock, born: str, here: bool, seen: bool
) -> None:
    room = Room(clock)
    room.ours.drop(room.take(room.ours))
    row = room.row
    assert row is not None
    process = Process(pid=2**22 + 1, born=born, host="host", place=row.process.place if here else "elsewhere")
    room.write(lambda tables: tables.update(replace(row, process=process, lease_id="theirs")))
    assert room.ours.saw_last_holder_dead("promo")

    await clock.advance(STALE)
    room.take(room.ours)

    assert room.ours.saw_last_holder_dead("promo") is seen


async def test_a_heartbeat_passes_over_a_lease_that_is_gone_and_keeps_the_next(clock: ManualClock) -> None:
    room = Room(clock)
    room.write(lambda tables: tables.insert(CampaignRow(campaign_id="aviso", created_at=1.0)))
    lost = room.take(room.ours)
    room.write(lambda tables: room.ours.give_back(tables, lost))
    kept = room.ours.claim("aviso")
    room.write(lambda tables: room.ours.take(tables, kept, at=1.0))

    await clock.advance(9.0)
    room.write(room.ours.beat)

    row = room.database.read(lambda tables: tables.get(LeaseRow, "aviso"))
    assert row is not None
    assert row.heartbeat == clock.wall()


def test_a_clock_that_was_turned_back_does_not_put_a_later_lease_first() -> None:
    room = Room(ManualClock())
    room.write(lambda tables: tables.insert(CampaignRow(campaign_id="other", created_at=1.0)))
    claims = room.ours.claim("promo"), room.theirs.claim("other")

    room.write(lambda tables: room.ours.take(tables, claims[0], at=100.0))
    room.write(lambda tables: room.theirs.take(tables, claims[1], at=50.0))
    first, later = room.row, room.database.read(lambda tables: tables.get(LeaseRow, "other"))
    room.ours.drop(claims[0])
    room.theirs.drop(claims[1])
    room.write(lambda tables: room.theirs.take(tables, room.theirs.claim("other"), at=60.0))
    alone = room.database.read(lambda tables: tables.get(LeaseRow, "other"))

    assert first is not None
    assert later is not None
    assert alone is not None
    assert first.since == 100.0 < later.since < 100.1
    assert alone.since == 60.0  # of those who are gone nobody is later


async def test_who_lost_a_lease_does_not_pass_for_the_next_holder_of_the_same_journal(
    clock: ManualClock,
) -> None:
    """Another machine had it meanwhile, and is gone; here the first run has not heard of that yet."""
    room = Room(clock)
    first = room.take(room.ours)
    room.ours.keep(first)
    room.write(lambda tables: tables.delete(LeaseRow, "promo"))
    second = room.ours.claim("promo")

    with pytest.raises(CampaignBusy, match="still being left by a run of this program"):
        room.write(lambda tables: room.ours.take(tables, second, at=2.0))
    with pytest.raises(CampaignBusy, match="was taken over"):
        room.check(room.ours)

    room.ours.drop(first)
    room.write(lambda tables: room.ours.take(tables, second, at=2.0))
    room.ours.keep(second)
    room.check(room.ours)


def fall_silent_elsewhere(database: JsonDatabase, clock: ManualClock) -> None:
    """From now on the campaign is a process's on another machine, which says nothing any more."""
    silent = LeaseRow(
        campaign_id="promo",
        lease_id="theirs",
        process=Process(pid=7, born="", host="other", place="another machine", user="ana"),
        since=1.0,
        heartbeat=clock.now(),
    )
    database.write(lambda tables: tables.insert(silent), safe=Safe.FROM_KILLS)


async def test_a_silence_is_not_forgotten_where_who_took_over_ends_before_it_told_of_it(
    clock: ManualClock,
) -> None:
    """The silent one may wake: what it had on its way may arrive for longer than that of a dead one."""
    database = JsonDatabase(JsonServer(), clock)
    first, second = StoredJournal(database, clock=clock), StoredJournal(database, clock=clock)
    await keep(first, plan_of())
    await first.record("promo", Submit(number=1, step=1, at=clock.wall()))
    fall_silent_elsewhere(database, clock)
    await clock.advance(STALE)

    async with first.lease("promo"):
        pass
    async with second.lease("promo"):
        await second.recover("promo")

    (lost, *_) = await second.chunks("promo")
    assert (lost.state, lost.reason) == (ChunkState.UNKNOWN, NOT_SEEN_TO_END)
    await first.aclose()
    await second.aclose()


async def test_what_became_unknown_when_the_lease_was_taken_is_told_once(clock: ManualClock) -> None:
    database = JsonDatabase(JsonServer(), clock)
    journal = StoredJournal(database, clock=clock)
    await keep(journal, plan_of())
    await journal.record("promo", Submit(number=1, step=1, at=clock.wall()))
    fall_silent_elsewhere(database, clock)
    await clock.advance(STALE)

    async with journal.lease("promo"):
        told = [await journal.recover("promo"), await journal.recover("promo")]

    assert [[chunk.number for chunk in each] for each in told] == [[1], []]
    await journal.aclose()
