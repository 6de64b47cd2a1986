"""Who decided what stays in the journal, whatever a run tells of itself, and whichever version reads it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import CampaignState, RunFacts
from keebai_async.model.decided import MOST_DECIDED, Act, Decided, Decider, decided_by, with_decided
from keebai_async.model.plan import Plan
from keebai_async.model.requests import Requests
from tests.journal.journal_kit import keep, plan_of

ANA = Decider(name="ana", login="ops@vm")
LUIS = Decider(name="luis", login="ops@vm")
LAUNCHED = decided_by(LUIS, Act.LAUNCHED, at=1_010.0)
STOPPED = decided_by(ANA, Act.STOPPED, at=1_020.0, words="too early")


def by_ana() -> Plan:
    return msgspec.structs.replace(plan_of(), planned_by=ANA)


async def test_what_was_decided_is_kept_in_its_order_behind_who_planned_it(journal: Journal) -> None:
    await keep(journal, by_ana())
    await journal.decide("promo", LAUNCHED)
    await journal.decide("promo", STOPPED)

    kept = await journal.load("promo")

    assert kept.decided == (decided_by(ANA, Act.PLANNED, at=1_000.0), LAUNCHED, STOPPED)
    with pytest.raises(CampaignNotFound):
        await journal.decide("another", LAUNCHED)


async def test_a_run_that_knows_less_takes_nothing_of_it_away(journal: Journal) -> None:
    await keep(journal, plan_of())
    async with journal.lease("promo"):
        await journal.decide("promo", LAUNCHED)
        await journal.set_state("promo", CampaignState.RUNNING, facts=RunFacts(by="ops@vm"))
        await journal.decide("promo", STOPPED)  # by another process
        await journal.keep_facts("promo", RunFacts(by="ops@vm"), requests=Requests(), seconds=1.0)
        await journal.set_state("promo", CampaignState.STOPPED, facts=RunFacts(by="ops@vm", ended_at=1.0))

    kept = await journal.load("promo")

    assert kept.decided == (LAUNCHED, STOPPED)
    assert (kept.facts.by, kept.facts.ended_at) == ("ops@vm", 1.0)


async def test_a_purge_removes_the_people_and_not_who_decided(journal: Journal) -> None:
    await keep(journal, by_ana())
    await journal.decide("promo", LAUNCHED)

    await journal.purge("promo", unfinished=True)

    assert [each.by for each in (await journal.load("promo")).decided] == ["ana", "luis"]


async def test_a_file_of_an_older_version_says_of_nobody_what_they_decided(
    path: Path, clock: ManualClock
) -> None:
    kept = SqliteJournal(path, clock=clock)
    await keep(kept, plan_of())
    await kept.aclose()
    with closing(sqlite3.connect(path)) as hand:
        (plan,) = hand.execute("SELECT plan FROM campaigns").fetchone()
    assert b"planned_by" not in plan.replace(b'"planned_by":null', b"")

    assert (await SqliteJournal(path, clock=clock).load("promo")).decided == ()


def test_an_older_version_reads_past_it_and_a_newer_word_is_read_by_this_one() -> None:
    class OldFacts(msgspec.Struct):
        by: str = ""

    written = msgspec.json.encode(RunFacts(by="ops@vm", decided=(LAUNCHED,)))
    newer = written.replace(b'"launched"', b'"foretold"').replace(b'"login"', b'"device":"x","login"')

    assert msgspec.json.decode(written, type=OldFacts).by == "ops@vm"
    assert msgspec.json.decode(newer, type=RunFacts).decided[0].act == "foretold"


def test_who_resumes_it_without_end_fills_no_disk_and_hides_nobody_who_began_it() -> None:
    every: tuple[Decided, ...] = (LAUNCHED,)
    for second in range(2 * MOST_DECIDED):
        every = with_decided(every, decided_by(ANA, Act.RESUMED, at=float(second)))

    assert len(every) == MOST_DECIDED
    assert every[0] == LAUNCHED
    assert every[-1].at == 2 * MOST_DECIDED - 1
