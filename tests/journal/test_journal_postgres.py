# ruff: noqa: S608 - the queries are ours
"""What a journal in PostgreSQL promises beyond the contract: its tables, rights, waits and doubts."""

import threading
import uuid
from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.to_thread
import pytest
from msgspec.structs import replace

from keebai_async.errors import CampaignBusy, ForbiddenMove, InvalidInput, JournalUnusable
from keebai_async.journal.contract import Journal
from keebai_async.journal.open import open_journal, shown_journal
from keebai_async.journal.postgres_tables import PostgresJournal, PostgresTablesDatabase
from keebai_async.journal.tables import ChunkRow, LeaseRow, Tables
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Accept, Submit, TakeBack
from keebai_async.model.plan import Pace
from keebai_async.storage.postgres_address import postgres_address
from keebai_async.storage.process import Process
from keebai_async.storage.safety import Safe
from tests.journal.journal_kit import keep, plan_of
from tests.journal.torn_wire import Tear, TornWire
from tests.postgres_server import PostgresServer

SUBMIT = Submit(number=1, step=1, at=1.0)
ACCEPT = Accept(number=1, step=2, accepted=2, broadcast_id="b")


@pytest.fixture
def address(postgres: PostgresServer) -> str:
    return postgres.schema()


@pytest.fixture
async def journal(address: str) -> AsyncIterator[PostgresJournal]:
    kept = journal_at(address)
    yield kept
    await kept.aclose()


@pytest.fixture
def wire(postgres: PostgresServer) -> Iterator[TornWire]:
    wire = TornWire(postgres)
    yield wire
    wire.close()


def journal_at(address: str, *, lease: float = 8.0, patience: float = 20.0) -> PostgresJournal:
    return PostgresJournal(postgres_address(address), lease=lease, patience=patience)


def schema_of(address: str) -> str:
    return postgres_address(address).schema


# Its name


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
async def test_it_is_opened_by_its_address(address: str, scheme: str) -> None:
    journal = open_journal(address.replace("postgresql:", f"{scheme}:"))
    await keep(journal, plan_of())
    assert [each.plan.name for each in await journal.campaigns()] == ["Promo"]
    await journal.aclose()


def test_its_name_is_shown_without_a_secret() -> None:
    url = "postgresql://ana:hidden-word@db.example:5433/shop?schema=promo&password=hidden-word"
    assert shown_journal(url) == "postgresql://…@db.example:5433/shop?…"
    assert postgres_address(url).shown == "postgresql://db.example:5433/shop, schema promo"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:",
        "postgresql:db/shop",
        "postgresql://db/shop?schema=Promo",
        'postgresql://db/shop?schema=a"b',
        "postgresql://[hidden-word/shop",
        "postgresql://hidden-word@db/shop#part",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        open_journal(url)
    assert "hidden-word" not in str(told.value)


@pytest.mark.parametrize("lease", [2.9, 0.0, float("inf"), float("nan")])
def test_a_lease_that_is_no_lease_is_refused(lease: float) -> None:
    with pytest.raises(InvalidInput, match="3 s at least"):
        open_journal("postgresql://db/shop", lease=lease)


async def test_through_a_socket_it_is_the_same(postgres: PostgresServer, address: str) -> None:
    by_socket = journal_at(f"{postgres.by_socket}&schema={schema_of(address)}")
    await keep(by_socket, plan_of())
    by_port = journal_at(address)
    assert len(await by_port.campaigns()) == 1
    await by_socket.aclose()
    await by_port.aclose()


# Its tables


async def test_many_that_come_at_once_make_the_tables_once(address: str) -> None:
    journals = [journal_at(address) for _ in range(6)]

    async with anyio.create_task_group() as tasks:
        for number, journal in enumerate(journals):
            tasks.start_soon(keep, journal, plan_of(f"promo-{number}"))

    assert len(await journals[0].campaigns()) == len(journals)
    for journal in journals:
        await journal.aclose()


async def test_a_schema_of_another_program_is_left_alone(postgres: PostgresServer, address: str) -> None:
    schema = schema_of(address)
    postgres.do(f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.orders (id INTEGER)")
    journal = journal_at(address)
    with pytest.raises(JournalUnusable, match=r"is another program's: add \?schema=NAME"):
        await journal.campaigns()
    await journal.aclose()
    assert postgres.ask(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'") == [(1,)]


async def test_an_empty_schema_that_was_made_for_it_is_taken(postgres: PostgresServer, address: str) -> None:
    postgres.do(f"CREATE SCHEMA {schema_of(address)}")
    journal = journal_at(address)
    await keep(journal, plan_of())
    await journal.aclose()


async def test_tables_of_a_newer_version_are_left_alone(
    postgres: PostgresServer, journal: Journal, address: str
) -> None:
    await keep(journal, plan_of())
    postgres.do(f"UPDATE {schema_of(address)}.versions SET version = version + 1")
    older = journal_at(address)
    with pytest.raises(JournalUnusable, match="newer version of this program") as told:
        await older.campaigns()
    assert not told.value.temporary
    await older.aclose()


async def test_a_database_that_cannot_hold_every_letter_is_refused(
    postgres: PostgresServer, address: str
) -> None:
    name = f"latin_{uuid.uuid4().hex[:8]}"
    postgres.do(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    journal = journal_at(address.replace("/postgres?", f"/{name}?"))
    with pytest.raises(JournalUnusable, match="encoding is not UTF8"):
        await journal.campaigns()
    await journal.aclose()


async def test_tables_that_somebody_dropped_are_missed_and_not_made_again(
    postgres: PostgresServer, journal: Journal, address: str
) -> None:
    await keep(journal, plan_of())
    postgres.do(f"DROP SCHEMA {schema_of(address)} CASCADE")
    with pytest.raises(JournalUnusable, match="tables are not there any more"):
        await journal.record("promo", SUBMIT)


async def test_the_least_rights_are_enough_once_the_tables_are_there(
    postgres: PostgresServer, journal: Journal, address: str
) -> None:
    await journal.campaigns()
    schema, user = schema_of(address), f"app_{uuid.uuid4().hex[:8]}"
    postgres.do(
        f"CREATE ROLE {user} LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO {user}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}",
    )
    least = journal_at(address.replace("//keebai@", f"//{user}@"))

    await keep(least, plan_of(chunks=(2,)))
    async with least.lease("promo"):
        await least.record("promo", SUBMIT)
        await least.record("promo", ACCEPT)
        await least.progress("promo", 1, sent=2, failed=0, final=True)
    await least.purge("promo")

    assert (await least.load("promo")).chunks[0].state is ChunkState.ACCEPTED
    await least.aclose()


async def test_who_may_not_make_tables_is_told_what_is_missing(
    postgres: PostgresServer, address: str
) -> None:
    user = f"nobody_{uuid.uuid4().hex[:8]}"
    postgres.do(f"CREATE ROLE {user} LOGIN")
    journal = journal_at(address.replace("//keebai@", f"//{user}@"))
    with pytest.raises(JournalUnusable, match=r"may not do that: see .*docs/postgres\.md") as told:
        await journal.campaigns()
    assert not told.value.temporary
    await journal.aclose()


async def test_words_with_the_character_that_no_text_can_hold_come_back_without_it(journal: Journal) -> None:
    await keep(journal, plan_of(name="Pro\0mo"))
    await journal.record("promo", SUBMIT)
    await journal.record("promo", TakeBack(number=1, step=2, reason="no\0answer \\u0000"))

    (chunk, _) = (await journal.load("promo")).chunks

    assert chunk.reason == "no\N{REPLACEMENT CHARACTER}answer \\u0000"
    assert [each.plan.name for each in await journal.find("Pro\0mo", "f1")] == ["Pro\0mo"]


@pytest.mark.parametrize("words", ["'; DROP TABLE moves; --", "\\'", "%s %b %%", 'a "b" $1', "😀\n\t"])
async def test_words_that_look_like_sql_come_back_as_they_are(journal: Journal, words: str) -> None:
    await keep(journal, plan_of(words))
    await journal.record(words, SUBMIT)
    await journal.record(words, TakeBack(number=1, step=2, reason=words))
    await journal.set_state(words, CampaignState.STOPPED, reason=words)

    kept = await journal.load(words)

    assert (kept.plan.campaign_id, kept.reason, kept.chunks[0].reason) == (words, words, words)
    assert len(await journal.moves(words)) == 2


async def test_times_are_exact_wherever_the_server_would_show_them_rounded(
    postgres: PostgresServer, journal: Journal, address: str
) -> None:
    await keep(journal, plan_of())
    user = f"rounds_{uuid.uuid4().hex[:8]}"
    postgres.do(f"CREATE ROLE {user} LOGIN SUPERUSER", f"ALTER ROLE {user} SET extra_float_digits = -15")
    rounding = journal_at(address.replace("//keebai@", f"//{user}@"))
    at = 1_790_000_000.123456

    await rounding.record("promo", replace(SUBMIT, at=at))
    await rounding.record("promo", ACCEPT)

    assert (await journal.load("promo")).chunks[0].submitted_at == at
    await rounding.aclose()


async def test_a_purge_leaves_no_row_of_the_people(
    postgres: PostgresServer, journal: Journal, address: str
) -> None:
    await keep(journal, plan_of(chunks=(2,)))
    await journal.purge("promo", unfinished=True)

    schema = schema_of(address)
    assert postgres.ask(f"SELECT count(*) FROM {schema}.items") == [(0,)]
    dead = f"SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = '{schema}' AND relname = 'items'"
    assert postgres.ask(dead) == [(0,)]


# No session


async def test_each_transaction_may_have_another_connection(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pooler in transaction mode gives them: nothing that a connection was told before is relied on."""
    write, read = PostgresTablesDatabase.write, PostgresTablesDatabase.read

    def written(database: PostgresTablesDatabase, work: object, *, safe: Safe) -> object:
        database.close()
        return write(database, work, safe=safe)  # type: ignore[arg-type]

    def looked(database: PostgresTablesDatabase, work: object) -> object:
        database.close()
        return read(database, work)  # type: ignore[arg-type]

    monkeypatch.setattr(PostgresTablesDatabase, "write", written)
    monkeypatch.setattr(PostgresTablesDatabase, "read", looked)

    await keep(journal, plan_of())
    async with journal.lease("promo"):
        await journal.record("promo", SUBMIT)
        await journal.record("promo", ACCEPT)
    assert (await journal.load("promo")).chunks[0].state is ChunkState.ACCEPTED


async def test_nothing_is_left_in_a_connection_that_the_next_one_could_stumble_over(
    postgres: PostgresServer, address: str
) -> None:
    journal = journal_at(f"{address}&application_name=looked_at")
    await keep(journal, plan_of())
    for number in range(1, 8):
        await journal.items("promo", 1 + number % 2)
    (found,) = postgres.ask(
        "SELECT state, query FROM pg_stat_activity WHERE application_name = 'looked_at'",
    )
    assert found == ("idle", "COMMIT")
    locks = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory'"
    assert postgres.ask(f"{locks} AND application_name = 'looked_at'") == [(0,)]
    await journal.aclose()


# A server that goes and comes back


@pytest.mark.parametrize("kill", [False, True])
async def test_a_server_that_restarts_is_waited_for_and_nothing_told_is_lost(
    postgres: PostgresServer, journal: Journal, kill: bool
) -> None:
    await keep(journal, plan_of())
    async with journal.lease("promo"):
        await journal.record("promo", SUBMIT)

        postgres.stop(kill=kill)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(journal.record, "promo", ACCEPT)
            await anyio.to_thread.run_sync(postgres.start)

        (chunk, _) = (await journal.load("promo")).chunks
        assert (chunk.state, chunk.step) == (ChunkState.ACCEPTED, 2)


async def test_a_server_that_stays_away_is_told_and_may_come_back(
    postgres: PostgresServer, address: str
) -> None:
    journal = journal_at(address, patience=0.2)
    await keep(journal, plan_of())
    postgres.stop()
    try:
        with pytest.raises(JournalUnusable, match="cannot be reached") as told:
            await journal.record("promo", SUBMIT)
    finally:
        postgres.start()
    assert told.value.temporary
    assert address not in str(told.value)

    await journal.record("promo", SUBMIT)
    assert (await journal.load("promo")).chunks[0].state is ChunkState.SUBMITTING
    await journal.aclose()


# What it costs


async def test_a_move_and_what_it_tells_are_four_journeys_to_the_server(wire: TornWire, address: str) -> None:
    """It begins, looks at all that it needs, writes, and commits; before, these were nine."""
    journal = journal_at(wire.address(address))
    await keep(journal, plan_of(chunks=(2,)))
    await journal.record("promo", SUBMIT)
    before = wire.journeys

    await journal.record("promo", ACCEPT)
    moved = wire.journeys
    await journal.progress("promo", 1, sent=1, failed=0, final=False)

    assert (moved - before, wire.journeys - moved) == (4, 4)
    assert len((await journal.events("promo")).events) == 3
    await journal.aclose()


async def test_of_machines_that_ask_at_once_for_the_last_room_of_a_day_one_gets_it(address: str) -> None:
    day, journals = Pace(people=1, per=100.0), [journal_at(address) for _ in range(4)]
    days = range(1, 11)
    got: list[int] = []

    async def ask(journal: PostgresJournal, campaign_id: str, number: int) -> None:
        submit = Submit(number=number, step=1, at=100.0 * number)
        if await journal.submit_within(campaign_id, submit, day) is not None:
            got.append(number)

    for place, journal in enumerate(journals):
        await keep(journal, plan_of(f"promo-{place}", chunks=(1,) * len(days)))
    for number in days:
        async with anyio.create_task_group() as tasks:
            for place, journal in enumerate(journals):
                tasks.start_soon(ask, journal, f"promo-{place}", number)

    assert got == list(days)
    assert await journals[0].left_since(0.0) == [(100.0 * number, 1) for number in days]
    for journal in journals:
        await journal.aclose()


# A commit in doubt


@pytest.mark.parametrize("tear", Tear)
async def test_a_move_whose_commit_is_in_doubt_is_made_exactly_once(
    address: str, wire: TornWire, tear: Tear
) -> None:
    journal = journal_at(wire.address(address))
    await keep(journal, plan_of())
    async with journal.lease("promo"):
        wire.tears = [tear]
        await journal.record("promo", SUBMIT)
        await journal.record("promo", ACCEPT)

    assert wire.torn == 1
    assert await journal.moves("promo") == (SUBMIT, ACCEPT)
    # What came late found its own mark taken: it was not written a second time.
    assert len(wire.late) == (tear is Tear.LATE)
    assert all(b"commits_pkey" in answer for answer in wire.late)
    await journal.aclose()


async def test_a_wire_that_tears_again_and_again_loses_and_doubles_nothing(
    address: str, wire: TornWire
) -> None:
    journal = journal_at(wire.address(address))
    await keep(journal, plan_of(chunks=(2,)))
    moves = []
    wire.tears = [Tear.AFTER, Tear.BEFORE, Tear.BEFORE, Tear.AFTER] * 5
    for turn in range(10):
        moves += [Submit(number=1, step=2 * turn + 1, at=1.0)]
        await journal.record("promo", moves[-1])
        taken = TakeBack(number=1, step=2 * turn + 2, reason="429")
        await journal.record("promo", taken)
        moves += [taken]  # type: ignore[list-item]

    assert list(await journal.moves("promo")) == moves
    assert wire.torn == 20
    with pytest.raises(ForbiddenMove):
        await journal.record("promo", moves[-1])
    await journal.aclose()


# Leases


def elsewhere(row: LeaseRow, *, heartbeat: float) -> LeaseRow:
    process = Process(pid=7, born="", host="other", place="another machine", user="ana")
    return replace(row, process=process, lease_id="theirs", heartbeat=heartbeat)


async def leave_to(address: str, *, silent_for: float, lasts: float | None) -> None:
    """Give the lease of "promo" to a process elsewhere that is silent for so many seconds."""
    database = PostgresTablesDatabase(postgres_address(address))

    def work(tables: Tables) -> None:
        row = tables.get(LeaseRow, "promo")
        assert row is not None
        there = elsewhere(row, heartbeat=tables.now() - silent_for)
        tables.update(replace(there, lasts=lasts))

    await anyio.to_thread.run_sync(lambda: database.write(work, safe=Safe.FROM_KILLS))
    database.close()


@pytest.mark.parametrize(
    ("silent_for", "lasts", "over"),
    [(7.0, 8.0, False), (8.5, 8.0, True), (19.0, 20.0, False), (21.0, 20.0, True), (8.5, None, True)],
)
async def test_a_lease_is_over_when_its_holder_was_silent_for_as_long_as_that_one_said(
    postgres: PostgresServer, address: str, silent_for: float, lasts: float | None, over: bool
) -> None:
    await until_up_for(postgres, 3.0)
    first, second = journal_at(address), journal_at(address, lease=3.0)
    await keep(first, plan_of())
    async with first.lease("promo"):
        await leave_to(address, silent_for=silent_for, lasts=lasts)
        if over:
            async with second.lease("promo"):
                pass
        else:
            with pytest.raises(CampaignBusy, match="process 7 on other"):
                async with second.lease("promo"):
                    pass
    await first.aclose()
    await second.aclose()


async def until_up_for(postgres: PostgresServer, seconds: float) -> None:
    """Wait until the server has run for so long: before that, it takes nobody's lease away."""
    while postgres.ask(f"SELECT now() - pg_postmaster_start_time() > interval '{seconds} s'") != [(True,)]:  # noqa: ASYNC110
        await anyio.sleep(0.1)


async def test_a_server_that_has_just_started_takes_nobody_s_lease_away(
    postgres: PostgresServer, address: str
) -> None:
    """While it was away nobody could say that they were alive."""
    first, second = journal_at(address), journal_at(address)
    await keep(first, plan_of())
    async with first.lease("promo"):
        await leave_to(address, silent_for=60.0, lasts=8.0)
        await anyio.to_thread.run_sync(postgres.restart)
        with pytest.raises(CampaignBusy, match="process 7 on other"):
            async with second.lease("promo"):
                pass
    await first.aclose()
    await second.aclose()


async def test_of_many_that_reach_for_a_campaign_at_once_one_has_it(address: str) -> None:
    journals = [journal_at(address) for _ in range(5)]
    await keep(journals[0], plan_of())
    held: list[PostgresJournal] = []
    refused: list[PostgresJournal] = []
    all_tried = anyio.Event()

    async def reach(journal: PostgresJournal) -> None:
        try:
            async with journal.lease("promo"):
                held.append(journal)
                await all_tried.wait()
        except CampaignBusy:
            refused.append(journal)
            if len(refused) == len(journals) - 1:
                all_tried.set()

    async with anyio.create_task_group() as tasks:
        for journal in journals:
            tasks.start_soon(reach, journal)

    assert (len(held), len(refused)) == (1, 4)
    for journal in journals:
        await journal.aclose()


async def test_who_is_frozen_in_a_transaction_keeps_others_out_for_some_seconds_only(address: str) -> None:
    other = journal_at(address)
    await keep(other, plan_of())
    frozen = PostgresTablesDatabase(postgres_address(address), patience=0.0)
    inside, awake = threading.Event(), threading.Event()

    def work(tables: Tables) -> None:
        chunk = tables.rows(ChunkRow, "promo")[0]
        tables.update(replace(chunk, born=9))
        if not inside.is_set():
            inside.set()
            awake.wait(30)
        raise LookupError("that was too long")

    def freeze() -> None:
        with pytest.raises((JournalUnusable, LookupError)):
            frozen.write(work, safe=Safe.FROM_KILLS)
        frozen.close()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, freeze)
        await anyio.to_thread.run_sync(inside.wait)
        await other.record("promo", SUBMIT)  # it waits, and is not refused
        awake.set()

    assert (await other.load("promo")).chunks[0].state is ChunkState.SUBMITTING
    await other.aclose()
