"""A process that is stopped while it holds the write lock shuts all others out, and costs nobody anything."""

from pathlib import Path

import anyio
import pytest

from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.events import AnyEvent, Waiting
from keebai_async.model.report import Report
from keebai_async.sandbox import faults
from tests.cli.test_cli_interrupts import until
from tests.crash.locker import stopped_while_it_writes
from tests.crash.world import BULK, SPEED, World, world


def word_of(events: list[AnyEvent]) -> str:
    return next((event.why for event in events if isinstance(event, Waiting)), "")


async def run(here: World, journal: SqliteJournal, campaign: str, events: list[AnyEvent]) -> Report | None:
    """One run, to its end or until the journal stops it."""
    async with here.client(journal=journal) as keebai:
        try:
            async with keebai.campaigns.resume(campaign) as run:
                async for event in run.events():
                    events.append(event)  # noqa: PERF401 - somebody reads them meanwhile
                return await run.report()
        except JournalUnusable:
            return None


async def test_answers_that_come_while_the_journal_is_locked_are_written_when_it_is_free(path: Path) -> None:
    events: list[AnyEvent] = []
    async with world(None, path, people=100, failing=0.0) as here:
        journal = SqliteJournal(path, patience=0.05)
        async with here.client(journal=journal) as keebai:
            campaign = await here.campaign(keebai)
        here.sandbox.faults.on(BULK, faults.Late(seconds=1.5 * SPEED), times=4)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, here, journal, campaign, events)
            await until(lambda: here.sandbox.traffic.requests[BULK] == 4)
            async with stopped_while_it_writes(path) as locker:
                await until(lambda: bool(word_of(events)))
                pid = locker.pid
        on_its_way = here.sandbox.ledger.total
        report = await run(here, journal, campaign, events)
        await journal.aclose()
        await here.truth()

    assert f"process {pid} keeps it locked, and is stopped: kill -CONT lets it go on" in word_of(events)
    assert on_its_way >= 80
    assert report is not None
    assert (report.accepted, report.refused, report.unknown, report.unsent) == (99, 1, 0, 0)


async def test_what_only_looks_is_not_shut_out_and_what_writes_says_by_whom(path: Path) -> None:
    async with world(None, path, people=20) as here, here.client() as keebai:
        campaign = await here.campaign(keebai)
        async with stopped_while_it_writes(path) as locker:
            fresh = SqliteJournal(path, patience=0.05)
            assert [one.plan.campaign_id for one in await fresh.campaigns()] == [campaign]
            with pytest.raises(JournalUnusable) as caught:
                async with fresh.lease(campaign):
                    pass
            await fresh.aclose()

    assert f"process {locker.pid} keeps it locked, and is stopped" in str(caught.value)
    assert caught.value.temporary
