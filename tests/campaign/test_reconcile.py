"""A person settles an unknown chunk: the word is checked, and only then on disk."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict, Unpack

import pytest

from keebai_async.campaign.reconcile import PortalEntry, portal_entries, reconcile
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, InvalidInput, NotFound
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Accept, Lose, Submit
from keebai_async.model.lost import (
    LATE_ARRIVAL,
    LONGEST_LEAVING,
    NO_ANSWER_WRITTEN,
    NOT_SEEN_TO_END,
    resend_wait,
)
from keebai_async.model.progress import Progress
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from keebai_async.observe.campaign_records import LeaseTaken
from keebai_async.observe.chunk_records import ChunkMoved
from keebai_async.observe.records import Record
from keebai_async.quota.limiter import UNANSWERED_GRACE
from tests.campaign.planning import freeze


class Word(TypedDict, total=False):
    accepted: str
    resend: bool
    abandon: bool
    take_back: bool


class Lost:
    """A campaign of three chunks of 5 people: the first is accepted, the second unknown, the last planned."""

    def __init__(self) -> None:
        self.journal = MemoryJournal(clock=ManualClock())
        self.totals: dict[str, int | None] = {"found": 5, "small": 4, "large": 6, "empty": 0, "silent": None}
        self.totals["one"] = 1
        self.read: list[str] = []
        self.told: list[Record] = []

    async def __aenter__(self) -> "Lost":
        self.id = (await freeze(self.journal, 15, size=5)).campaign_id
        for move in (
            Submit(number=1, step=1, at=1.0),
            Accept(number=1, step=2, accepted=5, broadcast_id="first"),
            Submit(number=2, step=1, at=7.0),
            Lose(number=2, step=2, reason="no answer in time"),
        ):
            await self.journal.record(self.id, move)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.journal.aclose()

    async def progress(self, broadcast_id: str) -> Progress:
        self.read.append(broadcast_id)
        if broadcast_id not in self.totals:
            raise NotFound("404", method="GET", path="/", status=404)
        return Progress(broadcast_id=broadcast_id, total=self.totals[broadcast_id])

    async def settle(self, number: int = 2, *, service: str = "keebai", **word: Unpack[Word]) -> Report:
        return await reconcile(
            self.id,
            number,
            journal=self.journal,
            service=service,
            read=self.progress,
            observer=self.told.append,
            **word,
        )

    async def chunk(self, number: int = 2) -> Chunk:
        return (await self.journal.load(self.id)).chunks[number - 1]

    async def stopped(self, cause: Cause) -> None:
        """A run ends because of *cause*."""
        await self.journal.set_state(self.id, CampaignState.STOPPED, reason="words", stopped_by=cause)

    async def end(self) -> tuple[CampaignState, Cause | None, str | None]:
        campaign = await self.journal.load(self.id)
        return campaign.state, campaign.stopped_by, campaign.reason


@asynccontextmanager
async def unchanged() -> AsyncIterator[Lost]:
    async with Lost() as lost:
        yield lost
        assert (await lost.chunk()).state is ChunkState.UNKNOWN


async def test_a_broadcast_that_was_found_is_the_chunks_own() -> None:
    async with Lost() as lost:
        report = await lost.settle(accepted="found")
        chunk = await lost.chunk()

    assert (report.accepted, report.unknown) == (10, 0)
    assert (chunk.state, chunk.broadcast_id, chunk.accepted) == (ChunkState.ACCEPTED, "found", 5)
    assert lost.read == ["found"]


@pytest.mark.parametrize(("broadcast", "took"), [("small", 4), ("one", 1)])
async def test_a_broadcast_that_took_fewer_people_is_the_chunks_own_and_the_others_are_reported(
    broadcast: str, took: int
) -> None:
    async with Lost() as lost:
        report = await lost.settle(accepted=broadcast)
        chunk = await lost.chunk()

    assert (chunk.state, chunk.broadcast_id, chunk.accepted) == (ChunkState.ACCEPTED, broadcast, took)
    assert (report.accepted, report.refused, report.unknown) == (5 + took, 5 - took, 0)
    assert report.errors() == ()


async def test_a_broadcast_is_not_looked_for_at_another_service() -> None:
    async with unchanged() as lost:
        with pytest.raises(InvalidInput, match="was planned for keebai, and this is another"):
            await lost.settle(service="another", accepted="found")
        assert lost.read == []


async def test_what_a_person_settles_is_told_with_what_was_found_on_the_way() -> None:
    async with Lost() as lost:
        await lost.journal.record(lost.id, Submit(number=3, step=1, at=9.0))
        await lost.settle(abandon=True)

    taken, recovered, settled = lost.told
    assert isinstance(taken, LeaseTaken)
    assert isinstance(recovered, ChunkMoved)
    assert isinstance(settled, ChunkMoved)
    assert (taken.recovered, recovered.chunk, recovered.state) == (1, 3, ChunkState.UNKNOWN)
    assert (settled.chunk, settled.move, settled.step) == (2, "abandon", 3)


async def test_a_chunk_that_did_not_arrive_is_planned_again() -> None:
    async with Lost() as lost:
        report = await lost.settle(resend=True)
        chunk = await lost.chunk()

    assert (report.unknown, report.unsent) == (0, 10)
    assert chunk.state is ChunkState.PLANNED


async def test_a_chunk_that_is_given_up_stays_so() -> None:
    async with Lost() as lost:
        report = await lost.settle(abandon=True)
        with pytest.raises(InvalidInput, match="chunk 2 is not unknown; no chunk of this campaign is"):
            await lost.settle(resend=True)

    assert (report.unknown, report.abandoned) == (0, 5)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({}, "say one of"),
        ({"resend": True, "abandon": True}, "say one of"),
        ({"accepted": "found", "resend": True}, "say one of"),
        ({"accepted": "found", "abandon": True}, "say one of"),
        ({"resend": True, "take_back": True}, "say one of"),
        ({"take_back": True}, "nothing to take back: chunk 2 does not wait to be submitted again"),
        ({"number": 3, "take_back": True}, "nothing to take back: chunk 3"),
        ({"number": 1, "resend": True}, "chunk 1 is not unknown; unknown are 2"),
        ({"number": 3, "resend": True}, "chunk 3 is not unknown; unknown are 2"),
        ({"number": 99, "resend": True}, "chunk 99 is not unknown; unknown are 2"),
        ({"accepted": "first"}, "broadcast first is chunk 1 of this campaign already"),
        ({"accepted": "large"}, "broadcast large has 6 recipients, but chunk 2 has 5: it is another one"),
        ({"accepted": "empty"}, "broadcast empty has 0 recipients, but chunk 2 has 5: it is another one"),
        ({"accepted": "silent"}, "broadcast silent has an unknown number of recipients"),
    ],
)
async def test_a_word_that_cannot_be_right_changes_nothing(words: dict[str, object], match: str) -> None:
    async with unchanged() as lost:
        with pytest.raises(InvalidInput, match=match):
            await lost.settle(**words)  # type: ignore[arg-type]


async def test_a_broadcast_that_the_service_does_not_know_changes_nothing() -> None:
    async with unchanged() as lost:
        with pytest.raises(NotFound):
            await lost.settle(accepted="nobody's")


async def test_a_broadcast_of_another_chunk_is_not_even_read() -> None:
    async with unchanged() as lost:
        with pytest.raises(InvalidInput):
            await lost.settle(accepted="first")
        assert lost.read == []


@pytest.mark.parametrize("spelled", [" first", "first\n"])
async def test_a_broadcast_of_another_chunk_is_the_same_with_blanks_around_it(spelled: str) -> None:
    async with unchanged() as lost:
        lost.totals[spelled] = 5  # a service may pass over them
        with pytest.raises(InvalidInput, match="broadcast first is chunk 1 of this campaign already"):
            await lost.settle(accepted=spelled)
        assert lost.read == []


async def test_a_broadcast_that_was_pasted_with_a_line_end_is_kept_under_its_own_name() -> None:
    async with Lost() as lost:
        await lost.settle(accepted="found\n")

        assert (await lost.chunk()).broadcast_id == "found"


async def test_a_broadcast_of_another_campaign_is_not_even_read() -> None:
    """Parts of one list have chunks of the same sizes, and names that differ by a digit."""
    async with unchanged() as lost:
        other = await freeze(lost.journal, 10, size=5, name="Promo 2/2")
        await lost.journal.record(other.campaign_id, Submit(number=2, step=1, at=1.0))
        taken = Accept(number=2, step=2, accepted=5, broadcast_id="found")
        await lost.journal.record(other.campaign_id, taken)

        with pytest.raises(InvalidInput, match=rf"found is chunk 2 of campaign {other.campaign_id} already"):
            await lost.settle(accepted="found")

        assert lost.read == []


async def test_while_a_process_runs_the_campaign_nothing_is_settled() -> None:
    async with unchanged() as lost, lost.journal.lease(lost.id):
        with pytest.raises(CampaignBusy):
            await lost.settle(resend=True)


async def test_a_chunk_whose_process_died_on_the_way_can_be_settled_at_once() -> None:
    async with Lost() as lost:
        await lost.journal.record(lost.id, Submit(number=3, step=1, at=9.0))

        await lost.settle(3, resend=True)

        assert (await lost.chunk(3)).state is ChunkState.PLANNED


async def test_what_a_person_looks_for_is_named_as_in_the_portal_with_masked_numbers() -> None:
    async with Lost() as lost:
        clock = ManualClock()
        await lost.journal.record(lost.id, Submit(number=3, step=1, at=clock.wall() - 11.0))
        entries = await portal_entries(await lost.journal.load(lost.id), lost.journal, clock=clock)
        async with lost.journal.lease(lost.id):
            while_it_runs = await portal_entries(await lost.journal.load(lost.id), lost.journal)

    assert [entry.number for entry in entries] == [2, 3]
    assert entries[0] == PortalEntry(
        number=2,
        campaign_name="Promo [02/03]",
        left_at=7.0,
        recipients=5,
        first=entries[0].first,
        last=entries[0].last,
        reason="no answer in time",
        resend_in=0.0,  # its own process saw that no answer came
    )
    assert entries[1].resend_in == LONGEST_LEAVING + LATE_ARRIVAL - 11.0
    assert (entries[0].first[-4:], entries[0].last[-4:]) == ("0005", "0009")
    assert "1100000005" not in entries[0].first
    assert [entry.number for entry in while_it_runs] == [2]


async def test_of_a_purged_campaign_the_numbers_are_gone() -> None:
    async with Lost() as lost:
        await lost.journal.purge(lost.id, unfinished=True)
        (entry,) = await portal_entries(await lost.journal.load(lost.id), lost.journal)
    assert (entry.recipients, entry.first, entry.last) == (5, "", "")


async def test_a_resend_can_be_taken_back_as_long_as_nothing_left() -> None:
    async with Lost() as lost:
        await lost.settle(resend=True)
        with pytest.raises(InvalidInput, match="nothing to take back: chunk 3"):
            await lost.settle(3, take_back=True)
        report = await lost.settle(take_back=True)
        chunk = await lost.chunk()
        with pytest.raises(InvalidInput, match="nothing to take back: chunk 2"):
            await lost.settle(take_back=True)

    assert (report.unknown, report.unsent, chunk.state) == (5, 5, ChunkState.UNKNOWN)
    moves = [each for each in lost.told if isinstance(each, ChunkMoved)]
    assert [(each.chunk, each.move, each.step) for each in moves] == [(2, "resend", 3), (2, "withdraw", 4)]


@pytest.mark.parametrize("cause", Cause)
async def test_what_was_settled_is_no_reason_for_a_stop_any_more_and_every_other_stays(cause: Cause) -> None:
    async with Lost() as lost:
        await lost.stopped(cause)
        await lost.settle(abandon=True)
        end = await lost.end()

    if cause in {Cause.UNKNOWN, Cause.SETTLED, Cause.NOT_TRACKED}:
        words = "what was unknown is settled; 5 people are still to be submitted"
        assert end == (CampaignState.STOPPED, Cause.SETTLED, words)
    else:
        assert end == (CampaignState.STOPPED, cause, "words")


async def test_who_settles_the_last_chunk_finishes_the_campaign() -> None:
    async with Lost() as lost:
        await lost.journal.progress(lost.id, 1, sent=5, failed=0, final=True)
        await lost.journal.record(lost.id, Submit(number=3, step=1, at=9.0))
        await lost.journal.record(lost.id, Accept(number=3, step=2, accepted=5))
        await lost.stopped(Cause.UNKNOWN)
        report = await lost.settle(abandon=True)
        end = await lost.end()

    assert end[0] is report.state is CampaignState.FINISHED


def waits(
    reason: str | None, *seconds: float, at: float | None = 100.0, lost_after: float | None = None
) -> list[float]:
    """For a resend, so many seconds after the intent of a chunk, which was given up *lost_after* seconds."""
    chunk = Chunk(
        number=1,
        recipients=5,
        state=ChunkState.UNKNOWN,
        reason=reason,
        submitted_at=at,
        lost_at=None if lost_after is None else 100.0 + lost_after,
    )
    return [resend_wait(chunk, 100.0 + later) for later in seconds]


def test_the_wait_for_a_resend_ends_once_what_left_must_have_arrived() -> None:
    longest = LONGEST_LEAVING + LATE_ARRIVAL

    assert waits(NO_ANSWER_WRITTEN, 0.0, longest - 1.0, longest, longest + 1e6) == [longest, 1.0, 0.0, 0.0]
    assert waits(NOT_SEEN_TO_END, 0.0, 599.0, 600.0) == [600.0, 1.0, 0.0]
    assert waits(NO_ANSWER_WRITTEN, -1e6) == [longest]  # a clock that was turned back since
    assert waits(NO_ANSWER_WRITTEN, 0.0, at=None) == [0.0]
    for reason in ("504 Gateway Timeout", None):
        assert waits(reason, 0.0, LATE_ARRIVAL - 1.0, LATE_ARRIVAL) == [LATE_ARRIVAL, 1.0, 0.0]


def test_what_was_given_up_may_arrive_for_a_while_from_then_on_and_not_from_its_intent() -> None:
    """A request that nobody answers is given up after a minute: its last byte may have left just then."""
    late = LATE_ARRIVAL
    for reason in ("no answer within 60 s", "504 Gateway Timeout"):
        assert waits(reason, 60.0, 60.0 + late - 1.0, 60.0 + late, lost_after=60.0) == [late, 1.0, 0.0]
        assert waits(reason, -1e6, lost_after=60.0) == [late]
    assert waits(NO_ANSWER_WRITTEN, 50.0, 50.0 + late, lost_after=50.0) == [late, 0.0]
    assert waits(NO_ANSWER_WRITTEN, 3_600.0, lost_after=3_600.0) == [0.0]  # it ended long before
    assert waits(NOT_SEEN_TO_END, 60.0, 600.0, lost_after=60.0) == [540.0, 0.0]


def test_a_request_may_arrive_as_late_as_the_quota_counts_it() -> None:
    assert LATE_ARRIVAL == UNANSWERED_GRACE == 30.0


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (NO_ANSWER_WRITTEN, "what left before its process ended may still arrive"),
        (NOT_SEEN_TO_END, "its process could wake"),
        ("504 Gateway Timeout", "its request may still arrive"),
    ],
)
async def test_who_is_too_early_is_told_what_may_still_happen(reason: str, why: str) -> None:
    async with Lost() as lost:
        await lost.journal.record(lost.id, Submit(number=3, step=1, at=time.time()))
        await lost.journal.record(lost.id, Lose(number=3, step=2, reason=reason))
        with pytest.raises(CampaignBusy, match=f"too early to send chunk 3 again: {why}; wait [0-9]+ s"):
            await lost.settle(3, resend=True)
        assert (await lost.chunk(3)).state is ChunkState.UNKNOWN
