"""Leases over plain tables: what a heartbeat does, and what it leaves alone."""

from collections.abc import Callable
from typing import TypeVar

from keebai_async.clock import ManualClock
from keebai_async.journal.leases import Leases
from keebai_async.journal.tables import CampaignRow, LeaseRow, Tables
from keebai_async.storage.safety import Safe
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
