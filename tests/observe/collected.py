"""The real SDK of OpenTelemetry, collecting in memory."""

from collections.abc import Iterator, Mapping

import msgspec
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from keebai_async.observe.opentelemetry import OpenTelemetry

Labels = frozenset[tuple[str, object]]


class Point(msgspec.Struct, frozen=True):
    """One number of a metric: a value, or how many there were of it and their sum."""

    labels: Labels
    value: float
    count: int = 1


class Collected:
    """*observer* tells the SDK; the rest reads what the SDK would export."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader])
        self.observer = OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    def close(self) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()

    def spans(self) -> list[ReadableSpan]:
        """Those that ended, in the order of their ends."""
        return list(self._spans.get_finished_spans())

    def span(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans() if span.name == name]
        return span

    def metrics(self) -> dict[str, Metric]:
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self) -> dict[str, list[Point]]:
        return {name: list(_points(metric)) for name, metric in self.metrics().items()}


def labels(about: Mapping[str, object] | None) -> Labels:
    return frozenset((about or {}).items())


def _points(metric: Metric) -> Iterator[Point]:
    for point in metric.data.data_points:
        if isinstance(point, HistogramDataPoint):
            yield Point(labels(point.attributes), float(point.sum), point.count)
        elif isinstance(point, NumberDataPoint):
            yield Point(labels(point.attributes), float(point.value))
