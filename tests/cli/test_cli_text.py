"""What people read of a plan and a report is what the numbers say, and never a whole phone number."""

import re

import msgspec
import pytest

from keebai_async.campaign.reconcile import PortalEntry
from keebai_async.cli.commands.reconcile import _lines as unknown_lines
from keebai_async.cli.estimate import Estimate, duration, estimate
from keebai_async.cli.figures import figure
from keebai_async.cli.json_output import plan_line
from keebai_async.cli.language import phrase, speaking
from keebai_async.cli.page.campaign_page import page
from keebai_async.cli.page.plan_page import plan_page
from keebai_async.cli.text_output import plan_text, report_text, step_lines, table
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.decided import Decider
from keebai_async.model.fates import UnmarkedMatch
from keebai_async.model.hours import Hours
from keebai_async.model.plan import Guards, Plan, ReasonCount
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.requests import Requests
from keebai_async.model.sender import Sender
from keebai_async.model.situation import situation_of
from keebai_async.model.stop import Cause
from keebai_async.quota.window import Quota

NUMBER = "+5491155550101"

PLAN = Plan(
    campaign_id="promo-1",
    name="Promo marzo",
    template="promo",
    language="es",
    sender=Sender(phone_number_id="100"),
    created_at=0.0,
    read=12_003,
    ready=12_000,
    duplicates=1,
    rejected=2,
    suppressed=0,
    chunks=(5_000, 5_000, 2_000),
    reasons=(
        ReasonCount(
            reason=Reason.DUPLICATE,
            count=1,
            examples=(
                Rejection(row=9, reason=Reason.DUPLICATE, detail="repeats row 2", to=NUMBER, repeats_row=2),
            ),
        ),
        ReasonCount(
            reason=Reason.BLANK_VARIABLE,
            count=2,
            examples=(
                Rejection(row=4, reason=Reason.BLANK_VARIABLE, detail="is blank", to=NUMBER, field="nombre"),
            ),
        ),
    ),
    ignored_columns=("ciudad",),
)

CAMPAIGN = StoredCampaign(
    plan=PLAN,
    state=CampaignState.STOPPED,
    chunks=(
        Chunk(
            number=1,
            recipients=5_000,
            state=ChunkState.ACCEPTED,
            step=2,
            accepted=5_000,
            broadcast_id="b1",
            sent=4_990,
            failed=10,
            final=True,
        ),
        Chunk(number=2, recipients=5_000, state=ChunkState.UNKNOWN, step=2, reason="reset"),
        Chunk(number=3, recipients=2_000),
    ),
    stopped_by=Cause.INTERRUPTED,
    reason="interrupted",
    requests=Requests(submits=2, polls=3, other=1),
    seconds=74.2,
)
SITUATION = situation_of(CAMPAIGN, 1_000.0)
REPORT = SITUATION.report


def test_a_plan_shows_its_counts_its_reasons_and_where_the_first_rows_are() -> None:
    text = plan_text(PLAN, estimate(PLAN, KEEBAI_QUOTAS))

    assert text.count("12,000") == 1
    assert "row 9 (+549…0101): repeats row 2" in text
    assert "row 4, nombre (+549…0101): is blank" in text
    assert "ciudad" in text


@pytest.mark.parametrize(
    "terms",
    [
        {"hours": Hours(opens="09:00", closes="20:00", zone="UTC")},
        {"not_before": 1_000.0},
        {"per_day": 4_000},
        {"per_hour": 100},
        {"daily_limit": 4_000},
    ],
)
def test_a_plan_that_takes_its_time_lays_it_neither_to_the_quota_nor_to_the_sender(
    terms: dict[str, object],
) -> None:
    plan = msgspec.structs.replace(PLAN, **terms)
    takes = Estimate(submits=3, requests=12, submitting=200_000.0, delivering=200_000.0)

    text = plan_text(plan, takes)
    page = "\n".join(plan_page(plan, takes, at=0.0, launch=""))

    for told in (text, page):
        assert "at this quota" not in told
        assert "80 messages a second" not in told
        assert told.count("about 2 d 7 h") == 2
        assert "if it is launched now: see when it is submitted, below" in told


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_what_a_plan_takes_ends_in_one_column_and_its_head_begins_in_one(language: str) -> None:
    guarded = msgspec.structs.replace(
        PLAN, guards=Guards(canary=1, stop_above=0.2), planned_by=Decider(name="ana", login="ana@vm")
    )
    takes = Estimate(submits=3, requests=12, submitting=1.0, delivering=623.0)

    with speaking(language):
        lines = plan_text(guarded, takes).splitlines()
        long = phrase("about {time}", time=duration(623.0))

    ends = {found.end() for line in lines if (found := re.search(rf"{long}|(?<=  )12(?=  )|20%", line))}
    assert ends == {36}
    begins = {found.end() for line in lines[1:4] if (found := re.match(r"  .*?  +", line))}
    assert len(begins) == 1


def test_neither_form_of_a_plan_shows_a_whole_number() -> None:
    assert NUMBER not in plan_text(PLAN, estimate(PLAN, KEEBAI_QUOTAS))
    assert NUMBER not in msgspec.json.encode(plan_line(PLAN, estimate(PLAN, KEEBAI_QUOTAS))).decode()


def test_a_name_from_a_file_moves_no_cursor() -> None:
    plan = msgspec.structs.replace(PLAN, name="Promo\x1b[2J\nread 0", ignored_columns=("\x1b]0;x\x07",))

    assert all(line.isprintable() for line in plan_text(plan, estimate(plan, KEEBAI_QUOTAS)).splitlines())


@pytest.mark.parametrize(
    ("chunks", "quotas", "seconds"),
    [
        (0, KEEBAI_QUOTAS, 0.0),
        (1, KEEBAI_QUOTAS, 0.0),
        (60, KEEBAI_QUOTAS, 0.0),
        (61, KEEBAI_QUOTAS, 60.0),
        (1_001, KEEBAI_QUOTAS, 3_600.0),
        (5, (Quota(2, 10.0),), 20.0),
    ],
)
def test_submitting_waits_once_for_each_full_window(
    chunks: int, quotas: tuple[Quota, ...], seconds: float
) -> None:
    plan = msgspec.structs.replace(PLAN, chunks=(1,) * chunks, ready=chunks)

    assert estimate(plan, quotas).submitting == seconds


def test_delivering_is_reckoned_at_the_senders_rate() -> None:
    assert estimate(PLAN, KEEBAI_QUOTAS).delivering == 150.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 min"),
        (7_200, "2 h"),
        (617, "10 min 17 s"),
        (12_500, "3 h 28 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d"),
        (467_280, "5 d 9 h"),
    ],
)
def test_a_duration_has_the_two_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_report_shows_the_three_sums_with_every_term() -> None:
    rows = [line.split()[:2] for line in report_text(SITUATION).splitlines()]

    for field in (
        "read",
        "ready",
        "duplicates",
        "accepted",
        "unknown",
        "unsent",
        "sent",
        "failed",
        "pending",
    ):
        assert [field, f"{getattr(REPORT, field):,}"] in rows
    assert "ADD UP" not in report_text(SITUATION)


def test_a_report_that_does_not_add_up_says_so() -> None:
    wrong = msgspec.structs.replace(REPORT, sent=4_000)

    assert "DOES NOT ADD UP" in report_text(msgspec.structs.replace(SITUATION, report=wrong))


def test_what_leads_on_is_a_line_each_with_the_journal_that_was_named() -> None:
    lines = step_lines(SITUATION, journal="my campaigns.db")
    again = "to submit it again at the next resume"

    assert lines == [
        f"what to look for in the portal: {typed('reconcile promo-1')}",
        f"chunk 2 is there: {typed('reconcile promo-1 --chunk 2 --accepted BROADCAST-ID')}",
        f"chunk 2 is not there: {again}: {typed('reconcile promo-1 --chunk 2 --resend')}",
        f"to give the people of chunk 2 up: {typed('reconcile promo-1 --chunk 2 --abandon')}",
        f"to send to the 2,000 people who are left: {typed('resume promo-1')}",
    ]


def typed(command: str) -> str:
    return f"keebai-async {command} --journal 'my campaigns.db'"


def test_a_table_is_as_wide_as_its_widest_cell() -> None:
    assert table(("A", "B"), [("long\ncell", "x"), ("y", "")]) == "A          B\nlong cell  x\ny"


WORDS_OF_NOTICES = [
    (
        Chunk(number=1, recipients=9, state=ChunkState.ACCEPTED, accepted=9, broadcast_id="b", proven_at=1.0),
        "chunk 1, 9 people, accepted: proven by a delivery notice of 1970-01-01",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.ACCEPTED, accepted=9, proven_at=1.0),
        "it names no broadcast, so webhooks alone tell of them",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.UNKNOWN, attempts=1, submitted_at=0.5, noticed_at=1.0),
        "proves that it was accepted, which the next run takes in",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.SUBMITTING, attempts=1, noticed_at=1.0),
        "proves that it was accepted, which the next run takes in",
    ),
    (
        Chunk(number=1, recipients=9, attempts=1, submitted_at=0.5, resent=True, noticed_at=1.0),
        "chunk 1, 9 people, is not submitted again: a delivery notice of",
    ),
    (
        Chunk(number=1, recipients=9, noticed_at=1.0),
        "was never submitted, as far as this journal knows",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.ABANDONED, attempts=1, noticed_at=1.0),
        "was given up, but a delivery notice of",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.REFUSED, attempts=1, noticed_at=1.0),
        "was refused, but there is a delivery notice of",
    ),
    (
        Chunk(number=1, recipients=9, state=ChunkState.ACCEPTED, attempts=2, accepted=9, twice_at=1.0),
        "PERHAPS TWICE: chunk 1, 9 people may have been messaged twice: a delivery notice of",
    ),
]


@pytest.mark.parametrize(("chunk", "words"), WORDS_OF_NOTICES, ids=[words for _, words in WORDS_OF_NOTICES])
def test_what_a_delivery_notice_says_of_a_chunk_is_said(chunk: Chunk, words: str) -> None:
    situation = situation_of(msgspec.structs.replace(CAMPAIGN, chunks=(chunk,)), 10_000.0)

    assert words in report_text(situation)
    assert words.replace("'", "&#x27;") in page(situation, PLAN, at=0.0)


@pytest.mark.parametrize("state", [ChunkState.UNKNOWN, ChunkState.SUBMITTING, ChunkState.PLANNED])
def test_what_a_notice_proves_is_taken_in_and_not_settled_by_a_person(state: ChunkState) -> None:
    chunk = Chunk(
        number=1, recipients=9, state=state, attempts=1, noticed_at=1.0, resent=state is ChunkState.PLANNED
    )
    lines = step_lines(situation_of(msgspec.structs.replace(CAMPAIGN, chunks=(chunk,)), 10_000.0))

    assert lines[0] == (
        "to take in that chunk 1 was accepted, as a delivery notice proves: keebai-async resume promo-1"
    )
    assert not any("reconcile" in line for line in lines)


def test_a_notice_of_a_chunk_whose_answer_counted_says_nothing() -> None:
    chunk = Chunk(number=1, recipients=9, state=ChunkState.ACCEPTED, accepted=9, broadcast_id="b")
    noticed = msgspec.structs.replace(chunk, noticed_at=1.0, told=9, told_at=2.0)
    campaigns = [msgspec.structs.replace(CAMPAIGN, chunks=(each,)) for each in (chunk, noticed)]

    assert len({report_text(situation_of(each, 10_000.0)) for each in campaigns}) == 1


def test_what_webhooks_told_without_a_mark_is_shown_to_who_reconciles_as_no_proof() -> None:
    entry = PortalEntry(
        number=3,
        campaign_name="Promo [03/03]",
        left_at=0.0,
        recipients=5_000,
        first="",
        last="",
        reason="reset",
        matched=UnmarkedMatch(people=4_871, first_at=60.0, last_at=120.0),
    )
    words = "\n".join(unknown_lines("promo-1", entry, ""))

    assert f"told of messages to {figure(4_871)} of these numbers since then, the first 1970-01-01" in words
    assert "they prove nothing" in words
    assert "told of messages" not in "\n".join(
        unknown_lines("promo-1", msgspec.structs.replace(entry, matched=None), "")
    )
