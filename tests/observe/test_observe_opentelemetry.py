"""OpenTelemetry, on the real SDK: who is whose parent, what went wrong, and the numbers."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Accept, Refuse, Submit
from keebai_async.model.stop import Cause
from keebai_async.observe.campaign_records import CircuitClosed, RunEnded, RunStarted
from keebai_async.observe.chunk_records import ChunkSubmitEnded, ChunkSubmitStarted, broadcast_read
from keebai_async.observe.headcount import Headcount
from keebai_async.observe.hook import Observer
from keebai_async.observe.otel_http import Attributes, request_attributes
from keebai_async.observe.quota_records import QuotaSpent, QuotaWaited
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestEnded,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
)
from tests.observe.collected import Collected, Point, labels
from tests.observe.samples import CAMPAIGN, SAMPLES, moved

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")


def leaving(kind: str = "submit", attempt: int = 1) -> RequestStarted:
    return RequestStarted(
        method="POST" if kind == "submit" else "GET",
        route="/messages/bulk" if kind == "submit" else "/messages/bulk/{broadcast_id}",
        kind=kind,
        lane="submit" if kind == "submit" else "poll",
        attempt=attempt,
        recipients=5_000 if kind == "submit" else 0,
        server="api.keebai.com",
        port=443,
    )


async def request(tell: Observer, kind: str = "submit", status: int = 202) -> None:
    started = leaving(kind)
    tell(started)
    await anyio.lowlevel.checkpoint()
    tell(RequestAnswered(request=started, status=status, seconds=0.5))


async def chunk(tell: Observer, number: int) -> None:
    started = ChunkSubmitStarted(campaign=CAMPAIGN, chunk=number, recipients=5_000, attempt=1)
    tell(started)
    tell(QuotaWaited(lane="submit", seconds=0.25, got=True, window=60.0))
    await request(tell)
    tell(ChunkSubmitEnded(submit=started, state=ChunkState.ACCEPTED, seconds=0.75))


async def campaign(tell: Observer) -> None:
    """Two chunks at the same time, and a look from another task."""
    run = RunStarted(campaign=CAMPAIGN, chunks=2, people=Headcount(unsent=10_000))
    tell(run)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(chunk, tell, 1)
        tasks.start_soon(chunk, tell, 2)
        tasks.start_soon(request, tell, "read", 200)
    people = Headcount(sent=9_000, failed=1_000)
    tell(RunEnded(run=run, state=CampaignState.FINISHED, seconds=1.0, people=people))


def parent_of(span: ReadableSpan, spans: list[ReadableSpan]) -> ReadableSpan | None:
    return next((each for each in spans if span.parent and each.context == span.parent), None)


async def test_a_request_belongs_to_its_chunk_and_the_chunk_to_its_campaign(collected: Collected) -> None:
    with collected.tracers.get_tracer("the user's own").start_as_current_span("web request"):
        await campaign(collected.observer)
    spans = collected.spans()
    above = defaultdict(list)
    for span in spans:
        parent = parent_of(span, spans)
        above[span.name].append(parent and parent.name)
    assert above == {
        "POST /messages/bulk": ["submit chunk"] * 2,
        "wait for quota": ["submit chunk"] * 2,
        "submit chunk": ["run campaign"] * 2,
        "GET /messages/bulk/{broadcast_id}": ["run campaign"],
        "run campaign": ["web request"],
        "web request": [None],
    }
    chunks = {parent_of(span, spans) for span in spans if span.name == "POST /messages/bulk"}
    assert {span and (span.attributes or {})["keebai.chunk.number"] for span in chunks} == {1, 2}
    assert len({span.context.trace_id for span in spans}) == 1


async def test_after_an_end_the_users_span_is_the_current_one_again(collected: Collected) -> None:
    with collected.tracers.get_tracer("the user's own").start_as_current_span("web request") as mine:
        await request(collected.observer)
        assert trace.get_current_span() is mine
    await request(collected.observer)
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_request_has_the_attributes_of_the_conventions(collected: Collected) -> None:
    started = leaving(attempt=3)
    collected.observer(started)
    collected.observer(RequestAnswered(request=started, status=202, seconds=0.5))
    span = collected.span("POST /messages/bulk")
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.template": "/messages/bulk",
        "server.address": "api.keebai.com",
        "server.port": 443,
        "http.request.resend_count": 2,
        "http.response.status_code": 202,
        "keebai.request.kind": "submit",
        "keebai.request.lane": "submit",
        "keebai.request.recipients": 5_000,
    }


def answered(status: int) -> RequestEnded:
    return RequestAnswered(request=leaving(), status=status, seconds=0.5)


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (answered(503), "503"),
        (answered(400), "400"),
        (RequestThrottled(request=leaving(), status=429, seconds=0.1, pause=60.0), "429"),
        (
            RequestFailed(request=leaving(), seconds=60.0, stage="written", reason="x", timed_out=True),
            "timeout",
        ),
        (RequestFailed(request=leaving(), seconds=0.1, stage="written", reason="reset"), "connection_lost"),
        (RequestFailed(request=leaving(), seconds=0.1, stage="not written", reason="x"), "connection_failed"),
        (RequestCancelled(request=leaving(), seconds=0.1, stage="written"), "cancelled"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_went_wrong_is_one_word_of_few(collected: Collected, ended: RequestEnded, error: str) -> None:
    collected.observer(ended.request)
    collected.observer(ended)
    span = collected.span("POST /messages/bulk")
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert (span.attributes or {})["error.type"] == error
    (point,) = collected.points()["http.client.request.duration"]
    assert ("error.type", error) in point.labels


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (ChunkState.ACCEPTED, None),
        (ChunkState.PLANNED, None),
        (ChunkState.UNKNOWN, "unknown"),
        (ChunkState.REFUSED, "refused"),
        (ChunkState.SUBMITTING, "submitting"),
    ],
)
def test_an_attempt_went_wrong_if_its_people_were_not_taken(
    collected: Collected, state: ChunkState, error: str | None
) -> None:
    started = ChunkSubmitStarted(campaign=CAMPAIGN, chunk=1, recipients=5, attempt=1)
    collected.observer(started)
    collected.observer(ChunkSubmitEnded(submit=started, state=state, seconds=1.0))
    assert outcome(collected.span("submit chunk")) == error


@pytest.mark.parametrize(
    ("cause", "raised", "error"),
    [
        (None, None, None),
        (Cause.INTERRUPTED, None, None),
        (Cause.UNKNOWN, None, "unknown"),
        (Cause.TOKEN, None, "token"),
        (None, "JournalUnusable", "JournalUnusable"),
    ],
)
def test_a_run_went_wrong_if_a_person_has_to_come(
    collected: Collected, cause: Cause | None, raised: str | None, error: str | None
) -> None:
    run = RunStarted(campaign=CAMPAIGN, chunks=1, people=Headcount(unsent=5))
    collected.observer(run)
    collected.observer(
        RunEnded(
            run=run,
            state=CampaignState.STOPPED,
            cause=cause,
            error=raised,
            seconds=1.0,
            people=Headcount(unknown=5),
        )
    )
    span = collected.span("run campaign")
    assert outcome(span) == error
    assert (span.attributes or {})["keebai.people.unknown"] == 5


def outcome(span: ReadableSpan) -> object:
    """Its error.type, which stands there if and only if its status is an error."""
    assert (span.status.status_code is StatusCode.ERROR) == ("error.type" in (span.attributes or {}))
    return (span.attributes or {}).get("error.type")


async def test_an_end_told_by_another_task_breaks_no_context(
    collected: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    started = leaving()

    async def begin() -> None:
        collected.observer(started)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(begin)
    collected.observer(RequestAnswered(request=started, status=200, seconds=0.1))
    assert [span.name for span in collected.spans()] == ["POST /messages/bulk"]
    assert caplog.records == []


def test_an_end_whose_beginning_nobody_heard_is_passed_over(collected: Collected) -> None:
    collected.observer(RequestAnswered(request=leaving(), status=200, seconds=0.1))
    assert collected.spans() == []


def test_a_wait_ends_now_and_began_so_many_seconds_ago(collected: Collected) -> None:
    collected.observer(QuotaWaited(lane="submit", seconds=40.0, got=True, window=60.0))
    span = collected.span("wait for quota")
    assert span.start_time is not None
    assert span.end_time == span.start_time + 40_000_000_000


def test_requests_are_counted_by_outcome(collected: Collected) -> None:
    for status in (202, 202, 503):
        collected.observer(answered(status))
    about = {
        "http.request.method": "POST",
        "url.template": "/messages/bulk",
        "server.address": "api.keebai.com",
        "server.port": 443,
    }
    assert set(collected.points()["http.client.request.duration"]) == {
        Point(labels(about | {"http.response.status_code": 202}), 1.0, 2),
        Point(labels(about | {"http.response.status_code": 503, "error.type": "503"}), 0.5, 1),
    }


def test_waits_are_measured_by_what_they_were_for(collected: Collected) -> None:
    tell = collected.observer
    tell(QuotaWaited(lane="submit", seconds=40.0, got=True, window=60.0))
    tell(QuotaWaited(lane="poll", seconds=2.0, got=False))
    tell(QuotaWaited(lane="poll", seconds=60.0, got=True, paused=True))
    tell(RetryScheduled(method="GET", route="/me", kind="read", attempt=1, seconds=0.5, reason="503"))
    tell(CircuitClosed(campaign=CAMPAIGN, seconds=12.0))
    assert set(collected.points()["keebai.wait.duration"]) == {
        Point(labels({"keebai.wait.cause": "quota"}), 42.0, 2),
        Point(labels({"keebai.wait.cause": "pause"}), 60.0, 1),
        Point(labels({"keebai.wait.cause": "retry"}), 0.5, 1),
        Point(labels({"keebai.wait.cause": "outage"}), 12.0, 1),
    }


def test_the_quota_shows_each_window_as_it_was_last_told(collected: Collected) -> None:
    for spent in (1, 2):
        collected.observer(QuotaSpent(window=60.0, limit=60, spent=spent))
        collected.observer(QuotaSpent(window=3_600.0, limit=1_000, spent=100 + spent))
    collected.observer(QuotaSpent(window=60.0, limit=30, spent=7, account="5f1e77aa"))
    minute, hour = {"keebai.quota.window": 60.0}, {"keebai.quota.window": 3_600.0}
    other = minute | {"keebai.quota.account": "5f1e77aa"}
    points = collected.points()
    assert set(points["keebai.quota.spent"]) == {
        Point(labels(minute), 2),
        Point(labels(hour), 102),
        Point(labels(other), 7),
    }
    assert set(points["keebai.quota.limit"]) == {
        Point(labels(minute), 60),
        Point(labels(hour), 1_000),
        Point(labels(other), 30),
    }


def people(collected: Collected) -> dict[object, float]:
    """state -> people, without those states in which there is nobody."""
    found = collected.points().get("keebai.campaign.people", [])
    return {dict(point.labels)["keebai.people.state"]: point.value for point in found if point.value}


def test_people_are_counted_by_state_while_the_campaign_runs_and_once_more(collected: Collected) -> None:
    tell = collected.observer
    run = RunStarted(campaign=CAMPAIGN, chunks=2, people=Headcount(unsent=10))
    tell(moved(Chunk(number=9, recipients=3), Submit(number=9, step=1, at=0.0)))  # of no run: not counted
    tell(run)
    assert people(collected) == {"unsent": 10}
    one, two = Chunk(number=1, recipients=6), Chunk(number=2, recipients=4)
    leaving = [each_submitted(chunk) for chunk in (one, two)]
    tell(moved(one, Submit(number=1, step=1, at=0.0)))
    tell(moved(two, Submit(number=2, step=1, at=0.0)))
    assert people(collected) == {"submitting": 10}
    tell(moved(leaving[0], Accept(number=1, step=2, accepted=5, broadcast_id="b1")))
    child = Chunk(number=3, recipients=3, parent=2)
    tell(moved(leaving[1], Refuse(number=2, step=2, reason="bad", recipients=1), child))
    assert people(collected) == {"pending": 5, "refused": 2, "unsent": 3}
    accepted = Chunk(number=1, recipients=6, state=ChunkState.ACCEPTED, step=2, accepted=5, broadcast_id="b1")
    tell(broadcast_read(CAMPAIGN, accepted, accepted.counted(sent=3, failed=1, final=False)))
    assert people(collected) == {"sent": 3, "failed": 1, "pending": 1, "refused": 2, "unsent": 3}
    end = Headcount(sent=3, failed=1, pending=1, refused=2, unsent=3)
    tell(RunEnded(run=run, state=CampaignState.STOPPED, seconds=1.0, people=end))
    assert people(collected) == {"sent": 3, "failed": 1, "pending": 1, "refused": 2, "unsent": 3}
    assert people(collected) == {}


def each_submitted(chunk: Chunk) -> Chunk:
    return Chunk(
        number=chunk.number, recipients=chunk.recipients, state=ChunkState.SUBMITTING, step=1, attempts=1
    )


def tell_all(collected: Collected) -> None:
    """Every sample, and each end after its beginning."""
    for record in SAMPLES:
        match record:
            case RunEnded(run=beginning) | ChunkSubmitEnded(submit=beginning):
                collected.observer(beginning)
            case RequestAnswered() | RequestThrottled() | RequestFailed() | RequestCancelled():
                collected.observer(record.request)
            case _:
                pass
        collected.observer(record)


def test_the_page_has_every_span_and_metric_with_its_attributes(collected: Collected) -> None:
    tell_all(collected)
    spans: dict[str, set[str]] = defaultdict(set)
    for span in collected.spans():
        name = re.sub(r"^(GET|POST) /.*", "{method} {route}", span.name)
        spans[name] |= {re.sub(r"(keebai\.people)\..*", r"\1", each) for each in span.attributes or {}}
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|", PAGE, re.MULTILINE)
    page = {name: set(re.findall(r"`([\w.]+\.\w+)\b(?:\.\*)?`", attributes)) for name, attributes in rows}
    metrics = {
        name: {label for point in points for label, _ in point.labels}
        for name, points in collected.points().items()
    }
    assert page == dict(spans) | metrics


def test_units_are_those_of_the_conventions(collected: Collected) -> None:
    tell_all(collected)
    units = {name: metric.unit for name, metric in collected.metrics().items()}
    assert units == {
        "http.client.request.duration": "s",
        "keebai.wait.duration": "s",
        "keebai.quota.spent": "{request}",
        "keebai.quota.limit": "{request}",
        "keebai.campaign.people": "{person}",
    }


def test_a_record_without_a_server_has_no_server() -> None:
    bare = RequestStarted(method="GET", route="/me", kind="read", lane="poll", attempt=1)
    expected: Attributes = {"http.request.method": "GET", "url.template": "/me"}
    assert request_attributes(bare) == expected


def test_nobody_but_its_own_module_imports_opentelemetry() -> None:
    script = "import keebai_async.observe, keebai_async.client, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.split(".")[0] == "opentelemetry"]
