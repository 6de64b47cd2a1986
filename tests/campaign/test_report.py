"""The report adds up, whatever states the chunks are in and whatever the service counts."""

from hypothesis import given
from hypothesis import strategies as st

from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report, report_of
from keebai_async.model.requests import Requests
from keebai_async.model.sender import Sender


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    recipients = draw(st.integers(0, 5_000))
    return Chunk(
        number=1,
        recipients=recipients,
        state=draw(st.sampled_from(ChunkState)),
        broadcast_id=draw(st.sampled_from([None, "66aa"])),
        accepted=draw(st.integers(0, recipients)),
        sent=draw(st.integers(0, 6_000)),
        failed=draw(st.integers(0, 6_000)),
        final=draw(st.booleans()),
    )


def report(*parts: Chunk) -> Report:
    ready = sum(chunk.recipients for chunk in parts)
    plan = Plan(
        campaign_id="promo-1",
        name="Promo",
        template="promo",
        language="es",
        sender=Sender(phone_number_id="1"),
        created_at=0.0,
        read=ready + 6,
        ready=ready,
        duplicates=1,
        rejected=2,
        suppressed=3,
        chunks=(),
    )
    return report_of(
        StoredCampaign(plan=plan, state=CampaignState.RUNNING, chunks=tuple(parts), requests=Requests())
    )


@given(st.lists(chunks(), max_size=8))
def test_every_line_of_a_report_adds_up(parts: list[Chunk]) -> None:
    assert report(*parts).errors() == ()


def test_a_service_that_counts_more_people_than_it_accepted_is_not_believed() -> None:
    chunk = Chunk(
        number=1, recipients=10, accepted=9, state=ChunkState.ACCEPTED, broadcast_id="b", sent=8, failed=7
    )

    assert (report(chunk).sent, report(chunk).failed, report(chunk).pending) == (8, 1, 0)
    assert report(chunk).refused == 1


def test_a_report_that_does_not_add_up_says_which_line_and_by_what() -> None:
    wrong = Report(
        campaign_id="promo-1",
        name="Promo",
        state=CampaignState.FINISHED,
        read=3,
        ready=2,
        duplicates=0,
        rejected=0,
        suppressed=0,
        accepted=2,
        refused=0,
        unknown=0,
        abandoned=0,
        unsent=0,
        sent=2,
        failed=0,
        pending=0,
        untracked=0,
        chunks=(),
        requests=report().requests,
        seconds=0.0,
    )

    assert wrong.errors() == ("read = ready + duplicates + rejected + suppressed does not hold: 3 is not 2",)
