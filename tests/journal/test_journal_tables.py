"""What the rules of a journal rely on in every database: rows come back, and half a transaction is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryDatabase
from keebai_async.journal.postgres_tables import PostgresTablesDatabase
from keebai_async.journal.sqlite_tables import SqliteDatabase
from keebai_async.journal.tables import (
    KINDS,
    OPT_OUTS,
    CampaignRow,
    ChunkRow,
    Database,
    FatesRow,
    ItemsRow,
    LeaseRow,
    MatchesRow,
    MoveRow,
    OptOutsRow,
    RejectionsRow,
    StoredRow,
    Tables,
)
from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.stop import Cause
from keebai_async.storage.postgres_address import postgres_address
from keebai_async.storage.process import this_process
from keebai_async.storage.safety import Damaged, Safe
from tests.journal.journal_kit import people, rejection
from tests.journal.json_tables import JsonDatabase, JsonServer

CAMPAIGN = CampaignRow(
    campaign_id="promo",
    name="Promo",
    fingerprint="f",
    plan=b'{"odd": "\xc3\xb1"}',
    state=CampaignState.STOPPED,
    reason="401",
    stopped_by=Cause.TOKEN,
    requests=b'{"submits":3}',
    seconds=1.5,
    created_at=3.0,
    purged_at=4.0,
)
CHUNK = ChunkRow(
    campaign_id="promo",
    born=5,
    chunk=Chunk(
        number=2,
        recipients=4,
        state=ChunkState.ACCEPTED,
        step=7,
        attempts=3,
        parent=1,
        broadcast_id="b",
        accepted=3,
        reason="why",
        submitted_at=2.5,
        sent=2,
        failed=1,
        final=True,
    ),
)
MOVE = MoveRow(
    campaign_id="promo",
    move=Accept(number=2, step=7, accepted=3, broadcast_id="b"),
    recorded_at=2.0,
)
ITEMS = ItemsRow(campaign_id="promo", number=2, items=people(2, 40) + b" ")
FATES = FatesRow(campaign_id="promo", number=2, fates=bytes(range(240)))
MATCHES = MatchesRow(campaign_id="promo", number=2, times=bytes(range(40)))
REJECTIONS = RejectionsRow(campaign_id="promo", rejections=(rejection(1), rejection(2)))
LEASE = LeaseRow(
    campaign_id="promo",
    lease_id="t",
    process=this_process(),
    since=1.0,
    heartbeat=2.0,
    wish=Wish.STOP,
    lasts=20.0,
)
ROWS: tuple[StoredRow, ...] = (CAMPAIGN, CHUNK, MOVE, ITEMS, FATES, MATCHES, REJECTIONS, LEASE)


@pytest.fixture(params=["memory", "sqlite", "json", "postgres"])
def database(request: pytest.FixtureRequest, path: Path, clock: ManualClock) -> Iterator[Database]:
    opened: dict[str, Callable[[], Database]] = {
        "memory": lambda: MemoryDatabase(clock),
        "sqlite": lambda: SqliteDatabase(path, clock=clock),
        "json": lambda: JsonDatabase(JsonServer(), clock),
        "postgres": lambda: PostgresTablesDatabase(
            postgres_address(request.getfixturevalue("postgres").schema())
        ),
    }
    database = opened[request.param]()
    yield database
    database.close()


def kept(database: Database) -> None:
    def work(tables: Tables) -> None:
        for row in ROWS:
            tables.insert(row)

    database.write(work, safe=Safe.FROM_POWER_CUTS)


def all_rows(database: Database, campaign_id: str = "promo") -> list[StoredRow]:
    def work(tables: Tables) -> list[StoredRow]:
        return [row for kind in KINDS for row in tables.rows(kind, campaign_id)]

    return database.read(work)


def test_every_row_comes_back_as_it_was(database: Database) -> None:
    kept(database)
    *others, rejections, lease = all_rows(database)
    assert (*others, lease) == (CAMPAIGN, CHUNK, MOVE, ITEMS, FATES, MATCHES, LEASE)
    assert isinstance(rejections, RejectionsRow)
    assert rejections.id > 0
    assert rejections.rejections == REJECTIONS.rejections

    def work(tables: Tables) -> list[StoredRow | None]:
        return [tables.get(type(row), "promo", *row.key) for row in (*others, rejections, lease)]

    assert database.read(work) == [*others, rejections, lease]


def test_what_is_not_there_is_none(database: Database) -> None:
    kept(database)

    def work(tables: Tables) -> None:
        assert tables.get(CampaignRow, "other") is None
        assert tables.get(ChunkRow, "promo", 1) is None
        assert tables.get(MoveRow, "promo", 2, 6) is None
        assert tables.rows(ChunkRow, "other") == []
        assert tables.drafts() == []

    database.read(work)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row is not REJECTIONS], ids=lambda row: type(row).__name__
)
def test_a_row_is_inserted_once(database: Database, row: StoredRow) -> None:
    kept(database)
    before = all_rows(database)
    with pytest.raises(Damaged):
        database.write(lambda tables: tables.insert(row), safe=Safe.FROM_KILLS)
    assert all_rows(database) == before


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_that_is_not_there_is_not_updated(database: Database, row: StoredRow) -> None:
    with pytest.raises(Damaged):
        database.write(lambda tables: tables.update(row), safe=Safe.FROM_KILLS)
    assert all_rows(database) == []


def test_an_update_is_of_one_row(database: Database) -> None:
    kept(database)
    second = ItemsRow(campaign_id="promo", number=3, items=b"[3]")

    def work(tables: Tables) -> None:
        tables.insert(second)
        tables.update(replace(ITEMS, items=b"[]"))

    database.write(work, safe=Safe.FROM_KILLS)
    items = database.read(lambda tables: tables.rows(ItemsRow, "promo"))
    assert items == [replace(ITEMS, items=b"[]"), second]


def test_a_transaction_that_fails_leaves_no_trace(database: Database) -> None:
    kept(database)
    before = all_rows(database)

    def work(tables: Tables) -> None:
        tables.update(replace(CHUNK, chunk=replace(CHUNK.chunk, sent=9)))
        tables.insert(MoveRow(campaign_id="promo", move=Submit(number=3, step=1, at=1.0), recorded_at=1.0))
        tables.delete(ItemsRow, "promo")
        tables.insert(CampaignRow(campaign_id="other", created_at=1.0))
        tables.delete(CampaignRow, "promo")
        tables.insert(CAMPAIGN)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        database.write(work, safe=Safe.FROM_POWER_CUTS)

    assert all_rows(database) == before
    assert all_rows(database, "other") == []


def test_with_a_campaign_goes_all_that_is_its_own(database: Database) -> None:
    kept(database)

    def work(tables: Tables) -> None:
        tables.insert(CampaignRow(campaign_id="other", created_at=1.0))
        tables.insert(replace(CHUNK, campaign_id="other"))
        tables.delete(CampaignRow, "promo")

    database.write(work, safe=Safe.FROM_KILLS)
    assert all_rows(database) == []
    assert len(all_rows(database, "other")) == 2


def test_the_opt_outs_belong_to_no_campaign(database: Database) -> None:
    kept(database)
    pages = [OptOutsRow(page=page, people=bytes([page]) * 42) for page in (7, 0)]

    def work(tables: Tables) -> None:
        for page in pages:
            tables.insert(page)
        tables.update(replace(pages[0], people=b"news"))
        tables.delete(CampaignRow, "promo")

    database.write(work, safe=Safe.FROM_POWER_CUTS)

    def look(tables: Tables) -> list[OptOutsRow | None]:
        return [tables.get(OptOutsRow, OPT_OUTS, page) for page in (0, 7, 1)]

    assert database.read(look) == [pages[1], replace(pages[0], people=b"news"), None]
    with pytest.raises(Damaged):
        database.write(lambda tables: tables.insert(pages[0]), safe=Safe.FROM_KILLS)


def test_frozen_campaigns_come_newest_first_and_drafts_apart(database: Database) -> None:
    def work(tables: Tables) -> None:
        for name, created_at in (("b", 2.0), ("c", 3.0), ("a", 1.0)):
            tables.insert(replace(CAMPAIGN, campaign_id=name, name=name, created_at=created_at))
        tables.insert(CampaignRow(campaign_id="draft", created_at=9.0))

    database.write(work, safe=Safe.FROM_KILLS)

    def look(tables: Tables) -> None:
        assert [row.campaign_id for row in tables.frozen()] == ["c", "b", "a"]
        assert [row.campaign_id for row in tables.frozen(alike=("a", "f"))] == ["a"]
        assert tables.frozen(alike=("", "")) == []
        assert [row.campaign_id for row in tables.drafts()] == ["draft"]

    database.read(look)


def test_rejections_are_read_one_row_after_the_other(database: Database) -> None:
    def work(tables: Tables) -> None:
        tables.insert(CAMPAIGN)
        for row in range(3):
            tables.insert(replace(REJECTIONS, rejections=(rejection(row),)))

    def walk(tables: Tables) -> list[int]:
        found, row = [], tables.rejections_after("promo", 0)
        while row is not None:
            found += [each.row for each in row.rejections]
            row = tables.rejections_after("promo", row.id)
        return found

    database.write(work, safe=Safe.FROM_KILLS)
    assert database.read(walk) == [0, 1, 2]
