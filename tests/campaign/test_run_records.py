"""What is told of a run that ends in one way or another."""

import asyncio

import pytest
from msgspec.structs import replace

from keebai_async.campaign.run_records import RunRecords
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, CampaignError, JournalUnusable
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import Plan
from keebai_async.model.requests import Requests
from keebai_async.model.sender import Sender
from keebai_async.model.stop import Cause
from keebai_async.observe import Record
from keebai_async.observe.campaign_records import LeaseLost, RunEnded, RunStarted

PLAN = Plan(
    campaign_id="promo-1",
    name="Promo",
    template="promo",
    language="es",
    sender=Sender(phone_number_id="1"),
    created_at=0.0,
    read=5,
    ready=5,
    duplicates=0,
    rejected=0,
    suppressed=0,
    chunks=(5,),
)
BEFORE = StoredCampaign(
    plan=PLAN,
    state=CampaignState.RUNNING,
    chunks=(Chunk(number=1, recipients=5),),
    requests=Requests(),
)
AFTER = replace(
    BEFORE,
    state=CampaignState.STOPPED,
    stopped_by=Cause.UNKNOWN,
    chunks=(Chunk(number=1, recipients=5, state=ChunkState.UNKNOWN),),
)


async def test_the_end_of_a_run_says_where_everybody_is() -> None:
    told: list[Record] = []
    clock, now = ManualClock(), [AFTER, BEFORE]
    with RunRecords("promo-1", observer=told.append, clock=clock).run(now.pop):
        await clock.advance(7.0)
    started, ended = told
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    assert (started.chunks, started.people.unsent) == (1, 5)
    assert (ended.run, ended.seconds, ended.error) == (started, 7.0, None)
    assert (ended.state, ended.cause, ended.people.unknown) == (CampaignState.STOPPED, Cause.UNKNOWN, 5)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (JournalUnusable("the disk is full"), "JournalUnusable"),
        (BaseExceptionGroup("", [asyncio.CancelledError(), JournalUnusable("gone")]), "JournalUnusable"),
        (CampaignBusy("taken over"), "CampaignBusy"),
        (asyncio.CancelledError(), None),
    ],
)
async def test_what_ended_a_run_is_named_and_a_cancellation_is_good_order(
    error: BaseException, name: str | None
) -> None:
    told: list[Record] = []
    records = RunRecords("promo-1", observer=told.append, clock=ManualClock())
    with pytest.raises(type(error)), records.run(lambda: AFTER):
        raise error
    ended = told[-1]
    assert isinstance(ended, RunEnded)
    assert ended.error == name


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_lease_that_was_lost_is_told_before_the_end(grouped: bool) -> None:
    told: list[Record] = []
    busy: Exception = CampaignBusy("another process has run +5491155550101 meanwhile")
    error = ExceptionGroup("", [busy]) if grouped else busy
    records = RunRecords("promo-1", observer=told.append, clock=ManualClock())
    with pytest.raises((CampaignError, ExceptionGroup)), records.run(lambda: AFTER):
        raise error
    lost = told[1]
    assert isinstance(lost, LeaseLost)
    assert lost.reason == "another process has run +549…0101 meanwhile"
    assert isinstance(told[2], RunEnded)
