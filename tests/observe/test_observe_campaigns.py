"""What is told of a real campaign is its whole story: as the journal has it, and as the service saw it."""

import ast
from pathlib import Path

import pytest

import keebai_async
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Pace
from keebai_async.model.report import Report
from keebai_async.observe import Record
from keebai_async.observe.campaign_records import (
    CampaignMoved,
    CircuitClosed,
    CircuitOpened,
    LeaseTaken,
    RunEnded,
    RunStarted,
)
from keebai_async.observe.chunk_records import ChunkMoved, ChunkSubmitEnded, ChunkSubmitStarted
from keebai_async.observe.quota_records import QuotaSpent
from keebai_async.observe.request_records import (
    RequestEnded,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
)
from keebai_async.sandbox import faults
from tests.observe.campaigns import (
    BULK,
    LOOK,
    changed,
    listened,
    moves_kept,
    moves_told,
    number_of,
    plan,
    requests_told,
    run,
)

S = CampaignState


def check_spans(told: list[Record]) -> None:
    """Each beginning has one end, after it."""
    open_spans: set[int] = set()
    for record in told:
        match record:
            case RequestStarted() | ChunkSubmitStarted() | RunStarted():
                assert record.span not in open_spans
                open_spans.add(record.span)
            case ChunkSubmitEnded():
                open_spans.remove(record.submit.span)
            case RunEnded():
                open_spans.remove(record.run.span)
            case _ if isinstance(record, RequestEnded):
                open_spans.remove(record.request.span)
            case _:
                pass
    assert open_spans == set()


def states_told(told: list[Record]) -> list[tuple[CampaignState, CampaignState]]:
    return [(each.before, each.state) for each in told if isinstance(each, CampaignMoved)]


def check_people(told: list[Record], report: Report) -> None:
    """From where a run began, what it told leads to where it ended, and to its report."""
    begin = next(at for at, each in enumerate(told) if isinstance(each, RunStarted))
    end = next(at for at, each in enumerate(told) if isinstance(each, RunEnded))
    started, ended = told[begin], told[end]
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    assert started.people + changed(told[begin:end]) == ended.people
    assert ended.state == report.state
    assert (ended.people.sent, ended.people.unknown, ended.people.unsent) == (
        report.sent,
        report.unknown,
        report.unsent,
    )


async def test_a_campaign_without_trouble_is_told_from_its_plan_to_its_end() -> None:
    told: list[Record] = []
    async with listened(told.append) as (sandbox, keebai):
        planned = await plan(keebai, 700, chunk_size=200)
        report = await run(keebai, planned.campaign_id)
        kept = await moves_kept(keebai, planned.campaign_id)

    assert report.state == "finished"
    assert moves_told(told) == kept
    assert kept == {number: [(1, "submit"), (2, "accept")] for number in (1, 2, 3, 4)}
    assert requests_told(told) == sandbox.traffic.requests
    assert states_told(told) == [(S.PLANNED, S.PLANNED), (S.PLANNED, S.RUNNING), (S.RUNNING, S.FINISHED)]
    check_spans(told)
    check_people(told, report)
    spent = [each for each in told if isinstance(each, QuotaSpent)]
    assert len(spent) == 2 * sandbox.traffic.requests.total()  # two windows
    assert {each.limit for each in spent} == {60, 1_000}


async def test_a_campaign_with_a_lost_reply_a_429_and_a_refused_chunk_is_told_as_it_was() -> None:
    told: list[Record] = []
    async with listened(told.append) as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Status(status=429, accepted=False), nth=1)
        sandbox.faults.on(BULK, faults.Reset(), nth=3)
        sandbox.malformed.add(number_of(650))
        in_order = Pace(people=200, per=60.0)  # so it is the second chunk that gets no answer
        planned = await plan(keebai, 700, chunk_size=200, pace=in_order)
        report = await run(keebai, planned.campaign_id)
        lost = [each.chunk for each in told if isinstance(each, ChunkMoved) and each.move == "lose"]
        check_people(told, report)
        await keebai.campaigns.reconcile(planned.campaign_id, lost[0], abandon=True)
        kept = await moves_kept(keebai, planned.campaign_id)

    assert (report.state, report.stopped_by) == ("stopped", "unknown")
    assert moves_told(told) == kept
    assert {"take back", "lose", "refuse", "abandon"} <= {
        name for steps in kept.values() for _, name in steps
    }
    assert requests_told(told) == sandbox.traffic.requests
    check_spans(told)
    assert sum(isinstance(each, RequestThrottled) for each in told) == 1
    assert sum(isinstance(each, CircuitOpened) for each in told) == 1
    assert sum(isinstance(each, CircuitClosed) for each in told) == 1
    assert sum(isinstance(each, LeaseTaken) for each in told) == 2  # the run, and the person's word
    (refused,) = [each for each in told if isinstance(each, ChunkMoved) and each.state is ChunkState.REFUSED]
    assert (refused.recipients - refused.kept, refused.change.total) == (99, 0)
    assert sandbox.ledger.repeated() == {}


async def test_what_a_process_that_died_had_on_its_way_is_told_as_lost() -> None:
    told: list[Record] = []
    async with listened(told.append) as (_, keebai):
        planned = await plan(keebai, 10, chunk_size=5)
        campaign_id = planned.campaign_id
        from keebai_async.model.lifecycle import Submit

        async with keebai.journal.lease(campaign_id):
            await keebai.journal.record(campaign_id, Submit(number=2, step=1, at=0.0))
        await run(keebai, campaign_id)
        kept = await moves_kept(keebai, campaign_id)

    assert kept[2] == [(1, "submit"), (2, "lose")]
    assert moves_told(told)[2] == [(2, "lose")]
    (found,) = [each for each in told if isinstance(each, LeaseTaken)]
    assert found.recovered == 1
    (lost,) = [each for each in told if isinstance(each, ChunkMoved) and each.chunk == 2]
    assert (lost.before, lost.change.submitting, lost.change.unknown) == (ChunkState.SUBMITTING, -5, 5)


async def test_an_observer_that_raises_at_everything_changes_nothing() -> None:
    def broken(record: Record) -> None:
        raise RuntimeError(record)

    async with listened(broken) as (sandbox, keebai):
        planned = await plan(keebai, 400, chunk_size=200)
        report = await run(keebai, planned.campaign_id)

    assert (report.state, report.sent) == ("finished", 400)
    assert sandbox.ledger.repeated() == {}


async def test_a_read_that_is_repeated_tells_how_long_it_waits_and_why() -> None:
    told: list[Record] = []
    async with listened(told.append) as (sandbox, keebai):
        sandbox.faults.on("GET /me", faults.GatewayError(status=503), nth=1)
        sandbox.faults.on("GET /me", faults.Status(status=429, accepted=False), nth=2)
        await keebai.me()

    waits = [each for each in told if isinstance(each, RetryScheduled)]
    assert [(each.attempt, each.reason) for each in waits] == [(1, "the service answered 503"), (2, "429")]
    assert 0.25 <= waits[0].seconds <= 0.5
    assert requests_told(told) == sandbox.traffic.requests == {"GET /me": 3}


PACKAGE = Path(keebai_async.__file__).parent


def imports_logging(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        (
            isinstance(node, ast.Import)
            and any(alias.name.partition(".")[0] == "logging" for alias in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "logging")
        for node in ast.walk(tree)
    )


def test_nobody_but_the_observer_logs_in_words_of_his_own() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "observe" not in path.relative_to(PACKAGE).parts and imports_logging(path)
    }
    # One silences what Python prints where nobody set up a log, the other prints records as a log.
    assert found == {"cli/app.py", "cli/log_lines.py"}


@pytest.mark.parametrize("route", [BULK, LOOK])
def test_routes_hold_no_ids(route: str) -> None:
    assert not any(letter.isdigit() for letter in route)
