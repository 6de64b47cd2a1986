"""Records as spans: a run of a campaign, in it attempts at chunks, in these waits for the quota and requests.

A beginning becomes the current span of the task that tells it, and of the tasks that this one starts. So
the parents are right without anybody handing down a span, and the user's own span is the parent of all.
It rests on one rule: a beginning and its end are told by the same task, one inside the other.
"""

import time
from contextvars import Token

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from keebai_async.model.chunk import ChunkState
from keebai_async.model.stop import Cause
from keebai_async.observe.campaign_records import RunEnded, RunStarted
from keebai_async.observe.chunk_records import ChunkSubmitEnded, ChunkSubmitStarted
from keebai_async.observe.otel_http import Attributes, ended_attributes, span_attributes, span_name
from keebai_async.observe.quota_records import QuotaWaited
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
)

_IN_GOOD_ORDER = {None, Cause.INTERRUPTED, Cause.NOT_TRACKED}


class SpanSink:
    """An observer that makes spans with *tracer*."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[int, tuple[Span, Token[Context]]] = {}

    def __call__(self, record: Record) -> None:
        match record:
            case RunStarted():
                about: Attributes = {"keebai.campaign.id": record.campaign}
                self._begin(record.span, "run campaign", about)
            case RunEnded():
                self._end(record.run.span, _run_attributes(record))
            case ChunkSubmitStarted():
                self._begin(record.span, "submit chunk", _chunk_attributes(record))
            case ChunkSubmitEnded():
                self._end(record.submit.span, _outcome_attributes(record))
            case RequestStarted():
                about = span_attributes(record)
                self._begin(record.span, span_name(record), about, kind=SpanKind.CLIENT)
            case RequestAnswered() | RequestThrottled() | RequestFailed() | RequestCancelled():
                self._end(record.request.span, ended_attributes(record))
            case QuotaWaited():
                self._past("wait for quota", record.seconds, _wait_attributes(record))
            case _:
                pass

    def _begin(
        self, number: int, name: str, about: Attributes, *, kind: SpanKind = SpanKind.INTERNAL
    ) -> None:
        span = self._tracer.start_span(name, kind=kind, attributes=about)
        self._open[number] = span, context.attach(trace.set_span_in_context(span))

    def _end(self, number: int, about: Attributes) -> None:
        """End a span; one with an `error.type` went wrong."""
        if (begun := self._open.pop(number, None)) is None:
            return  # it began before anybody listened
        span, token = begun
        span.set_attributes(about)
        if "error.type" in about:
            span.set_status(StatusCode.ERROR)
        span.end()
        if trace.get_current_span() is span:  # or another task ends it, which must not touch its context
            context.detach(token)

    def _past(self, name: str, seconds: float, about: Attributes) -> None:
        """A span that is over by now."""
        end = time.time_ns()
        span = self._tracer.start_span(name, attributes=about, start_time=end - int(seconds * 1e9))
        span.end(end)


def _run_attributes(ended: RunEnded) -> Attributes:
    found: Attributes = {
        f"keebai.people.{name}": getattr(ended.people, name) for name in ended.people.__struct_fields__
    }
    found["keebai.campaign.state"] = ended.state.value
    if ended.error is not None:
        found["error.type"] = ended.error
    elif ended.cause not in _IN_GOOD_ORDER and ended.cause is not None:
        found["error.type"] = ended.cause.value
    return found


def _chunk_attributes(submit: ChunkSubmitStarted) -> Attributes:
    return {
        "keebai.campaign.id": submit.campaign,
        "keebai.chunk.number": submit.chunk,
        "keebai.chunk.recipients": submit.recipients,
        "keebai.chunk.attempt": submit.attempt,
    }


def _outcome_attributes(ended: ChunkSubmitEnded) -> Attributes:
    found: Attributes = {"keebai.chunk.state": ended.state.value}
    if ended.state not in {ChunkState.ACCEPTED, ChunkState.PLANNED}:
        found["error.type"] = ended.state.value
    return found


def _wait_attributes(waited: QuotaWaited) -> Attributes:
    found: Attributes = {"keebai.request.lane": waited.lane, "keebai.wait.got_place": waited.got}
    if waited.window is not None:
        found["keebai.quota.window"] = waited.window
    return found
