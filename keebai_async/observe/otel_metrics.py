"""Records as metrics: how long requests take and how they end, waits, quota spent, people by state."""

import threading
from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from keebai_async.observe.campaign_records import CircuitClosed, RunEnded, RunStarted
from keebai_async.observe.chunk_records import BroadcastRead, ChunkMoved
from keebai_async.observe.headcount import Headcount
from keebai_async.observe.otel_http import Attributes, ended_attributes, request_attributes
from keebai_async.observe.quota_records import QuotaSpent, QuotaWaited
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestEnded,
    RequestFailed,
    RequestThrottled,
    RetryScheduled,
)

REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
"""Seconds: those of the conventions for HTTP, and two more, as a submit of 5,000 may take a minute."""

WAIT_BUCKETS: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 900, 1_800, 3_600)
"""Seconds: from a place that is given back at once to the hour's window."""


class MetricSink:
    """An observer that makes metrics with *meter*. They are read in another thread: all is under a lock."""

    def __init__(self, meter: Meter) -> None:
        self._lock = threading.Lock()
        self._quota: dict[tuple[str | None, float], QuotaSpent] = {}
        self._people: dict[str, Headcount] = {}
        self._over: set[str] = set()
        self._requests = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_BUCKETS,
        )
        self._waits = meter.create_histogram(
            "keebai.wait.duration",
            unit="s",
            description="How long requests were held back, and why.",
            explicit_bucket_boundaries_advisory=WAIT_BUCKETS,
        )
        meter.create_observable_gauge(
            "keebai.quota.spent",
            [self._quota_spent],
            unit="{request}",
            description="Requests that count in a window, of everybody who shares the quota.",
        )
        meter.create_observable_gauge(
            "keebai.quota.limit",
            [self._quota_limit],
            unit="{request}",
            description="Requests that a window allows.",
        )
        meter.create_observable_up_down_counter(
            "keebai.campaign.people",
            [self._people_by_state],
            unit="{person}",
            description="People of the campaigns that this process runs, by state.",
        )

    def __call__(self, record: Record) -> None:
        match record:
            case RequestAnswered() | RequestThrottled() | RequestFailed() | RequestCancelled():
                self._request(record)
            case QuotaWaited(seconds=seconds, paused=paused):
                self._wait(seconds, "pause" if paused else "quota")
            case RetryScheduled(seconds=seconds):
                self._wait(seconds, "retry")
            case CircuitClosed(seconds=seconds):
                self._wait(seconds, "outage")
            case QuotaSpent(account=account, window=window):
                with self._lock:
                    self._quota[account, window] = record
            case RunStarted() | RunEnded():
                self._run(record)
            case (
                ChunkMoved(campaign=campaign, change=change) | BroadcastRead(campaign=campaign, change=change)
            ):
                self._move(campaign, change)
            case _:
                pass

    def _request(self, ended: RequestEnded) -> None:
        self._requests.record(ended.seconds, request_attributes(ended.request) | ended_attributes(ended))

    def _wait(self, seconds: float, cause: str) -> None:
        self._waits.record(seconds, {"keebai.wait.cause": cause})

    def _run(self, record: RunStarted | RunEnded) -> None:
        with self._lock:
            if isinstance(record, RunStarted):
                self._people[record.campaign] = record.people
                self._over.discard(record.campaign)
            else:
                self._people[record.run.campaign] = record.people
                self._over.add(record.run.campaign)

    def _move(self, campaign: str, change: Headcount) -> None:
        with self._lock:
            if campaign in self._people:
                self._people[campaign] += change

    def _quota_spent(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            return [Observation(each.spent, _about_quota(each)) for each in self._quota.values()]

    def _quota_limit(self, _: CallbackOptions) -> Iterable[Observation]:
        with self._lock:
            return [Observation(each.limit, _about_quota(each)) for each in self._quota.values()]

    def _people_by_state(self, _: CallbackOptions) -> Iterable[Observation]:
        """Everybody of the campaigns that run, and once more of those that ended since the last look."""
        with self._lock:
            found = [
                each for campaign, people in self._people.items() for each in _by_state(campaign, people)
            ]
            while self._over:
                del self._people[self._over.pop()]
        return found


def _by_state(campaign: str, people: Headcount) -> Iterator[Observation]:
    for state in people.__struct_fields__:
        about: Attributes = {"keebai.campaign.id": campaign, "keebai.people.state": state}
        yield Observation(getattr(people, state), about)


def _about_quota(spent: QuotaSpent) -> Attributes:
    found: Attributes = {"keebai.quota.window": spent.window}
    if spent.account is not None:
        found["keebai.quota.account"] = spent.account
    return found
