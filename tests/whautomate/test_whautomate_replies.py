"""Replies with nulls, absences, other types and unknown fields; figures that are known or not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async import BroadcastStatus
from keebai_async.whautomate import Broadcast, LogRow, Reference, moment
from keebai_async.whautomate.broadcasts import QUIET_AT_MOST, not_before, quiet
from keebai_async.whautomate.client import host_of
from keebai_async.whautomate.models import DeliveryStats, ProcessedStats
from keebai_async.whautomate.replies import read_broadcast, read_log_row, read_segment

WHOLE: dict[str, object] = {
    "id": "mA7FeZiPlb",
    "name": "Spring",
    "type": "client",
    "status": "done",
    "segments": [{"id": "S1"}, {"id": "S2"}],
    "targetClass": {"id": "C1"},
    "targetClassStatus": "ALL",
    "retargetBroadcast": {"id": "B0"},
    "retargetEngagementType": "sent",
    "scheduleDateTime": "2026-10-01T09:00:00.000Z",
    "startedAt": "2026-10-01T09:00:01.000Z",
    "completedAt": "2026-10-01T09:10:00.000Z",
    "template": {"name": "recall_v1", "language": "en"},
    "headerMediaUrl": "https://example.com/a.png",
    "headerTextParameters": ["h"],
    "bodyTextParameters": ["a", "b"],
    "buttonUrlParameters": ["u"],
    "locationParameters": {"latitude": 1.5, "longitude": -2.5, "address": "x", "name": "y"},
    "flowParameters": {"flowToken": "t", "flowData": "{}"},
    "location": {"id": "L1"},
    "processedStats": {"totalCount": 10, "successCount": 7, "failureCount": 3},
    "deliveryStats": {
        "sentCount": 7,
        "deliveredCount": 6,
        "readCount": 5,
        "failedCount": 3,
        "repliedCount": 1,
    },
}


def test_every_documented_field_is_read_and_written_in_the_same_shape() -> None:
    broadcast = read_broadcast(WHOLE)
    assert broadcast is not None
    assert msgspec.json.decode(msgspec.json.encode(broadcast)) == WHOLE


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "id"])
@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [None, 7], {"id": None}, True])
def test_any_field_may_be_null_or_of_another_type(name: str, value: object) -> None:
    broadcast = read_broadcast(WHOLE | {name: value, "unheardOf": {"deep": [1]}})
    assert broadcast is not None
    assert broadcast.id == "mA7FeZiPlb"
    assert broadcast.progress.broadcast_id == "mA7FeZiPlb"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "criteria", "error", "phone", "countryCode"]), JSON))
def test_no_reply_breaks_the_reader(fields: dict[str, object]) -> None:
    if (broadcast := read_broadcast(fields, "B1")) is not None:
        msgspec.json.encode(broadcast)
        assert 0.0 <= quiet(broadcast, wall=0.0) <= QUIET_AT_MOST
        assert "not known" in str(broadcast.progress) or broadcast.progress.total is not None
    read_segment(fields, "S1")
    row = read_log_row(fields)
    assert (row.meta_code is None) or row.error
    assert all(one.startswith("+") for one in row.spellings)


@pytest.mark.parametrize(
    ("stats", "completed", "finished"),
    [
        (None, None, False),
        (ProcessedStats(), None, False),
        (ProcessedStats(total_count=10, success_count=7, failure_count=2), None, False),
        (ProcessedStats(total_count=10, success_count=7, failure_count=3), None, True),
        (ProcessedStats(), "2026-10-01T09:00:00Z", True),
        (None, "yesterday", True),
    ],
)
def test_finished_is_decided_by_the_end_or_by_the_counters_never_by_a_word(
    stats: ProcessedStats | None, completed: str | None, finished: bool
) -> None:
    broadcast = Broadcast(id="B1", status="completed", processed_stats=stats, completed_at=completed)
    assert broadcast.finished is finished


def test_progress_reads_the_same_for_both_services_and_says_what_is_not_known() -> None:
    keebai = BroadcastStatus(
        broadcast_id="66aa", status="running", total_recipients=10, sent=6, failed=1, pending=3
    ).progress
    whautomate = Broadcast(
        id="mA7F",
        status="running",
        processed_stats=ProcessedStats(total_count=10, success_count=6, failure_count=1),
        delivery_stats=DeliveryStats(delivered_count=5),
    ).progress
    for progress in (keebai, whautomate):
        assert (progress.total, progress.sent, progress.failed, progress.pending) == (10, 6, 1, 3)
        assert progress.done == 7
    assert str(keebai) == (
        "66aa running: 10 total, 6 sent, 1 failed, 3 pending;"
        " not known: delivered, read, replied, undelivered"
    )
    assert whautomate.delivered == 5
    assert dict(whautomate.figures())["read"] == "not known"


def test_before_the_start_zero_is_not_a_count() -> None:
    progress = Broadcast(id="B1", processed_stats=ProcessedStats()).progress
    assert (progress.total, progress.sent, progress.pending) == (None, None, None)


def test_counters_never_go_back() -> None:
    before = Broadcast(
        id="B1", processed_stats=ProcessedStats(total_count=10, success_count=6, failure_count=1)
    )
    for stats in (None, ProcessedStats(), ProcessedStats(total_count=10, success_count=5, failure_count=0)):
        now = not_before(Broadcast(id="B1", processed_stats=stats), before)
        assert now.processed_stats == before.processed_stats


@pytest.mark.parametrize(
    ("code", "phone", "spellings"),
    [
        ("+54", "91155550101", ("+5491155550101",)),
        ("54", "91155550101", ("+5491155550101",)),
        ("+1", "15550100001", ("+15550100001", "+115550100001")),
        ("+1", "5550100001", ("+15550100001",)),
        ("", "5491155550101", ("+5491155550101",)),
        ("+54", "+5491155550101", ("+5491155550101",)),
        ("", "", ()),
        ("+54", "", ()),
    ],
)
def test_a_row_tells_both_readings_of_its_number(code: str, phone: str, spellings: tuple[str, ...]) -> None:
    assert LogRow(country_code=code, phone=phone).spellings == spellings


def test_a_row_is_read_with_either_spelling_of_the_name() -> None:
    assert read_log_row({"recepientName": "Ana"}).recipient_name == "Ana"
    assert read_log_row({"recipientName": "Ana"}).recipient_name == "Ana"
    row = read_log_row({"error": {"code": 131026, "message": "undeliverable"}, "broadcast": {"id": "B1"}})
    assert (row.meta_code, row.error, row.broadcast) == (
        131026,
        "(#131026) undeliverable",
        Reference(id="B1"),
    )


def test_a_time_without_an_offset_is_not_guessed_at() -> None:
    assert moment("2026-10-01T09:00:00") is None
    assert moment("nonsense") is None
    assert moment("2026-10-01T09:00:00.000Z") is not None


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        (None, "https://api.whautomate.com/v1"),
        ("global", "https://api.whautomate.com/v1"),
        ("India", "https://api.in.whautomate.com/v1"),
        ("api.in.whautomate.com", "https://api.in.whautomate.com/v1"),
        ("https://api.whautomate.com/v1/", "https://api.whautomate.com/v1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
    ],
)
def test_a_host_is_a_name_or_an_address_with_one_version(given: str | None, base_url: str) -> None:
    assert host_of(given, {}) == base_url
