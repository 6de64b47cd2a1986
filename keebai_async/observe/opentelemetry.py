"""OpenTelemetry as a sink of records: spans and metrics. Needs the extra: keebai-async[opentelemetry].

Only its API is used: without an SDK that the program has set up, nothing is made and nothing is paid for.
"""

try:
    from opentelemetry import metrics, trace
except ImportError as error:  # pragma: no cover - the tests have it
    raise ImportError("OpenTelemetry is not installed: pip install 'keebai-async[opentelemetry]'") from error

from importlib.metadata import version
from typing import Final

from keebai_async.observe.otel_metrics import MetricSink
from keebai_async.observe.otel_spans import SpanSink
from keebai_async.observe.records import Record

SCOPE: Final = "keebai_async"
"""The name under which spans and metrics are found."""


class OpenTelemetry:
    """An observer that makes spans and metrics of what it is told.

    *tracer_provider* and *meter_provider* are those of the program (`opentelemetry.trace`, `.metrics`)
    unless others are given. One of them serves any number of clients, but not one client twice.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        of = version("keebai-async")
        self._spans = SpanSink(trace.get_tracer(SCOPE, of, tracer_provider))
        self._metrics = MetricSink(metrics.get_meter(SCOPE, of, meter_provider))

    def __call__(self, record: Record) -> None:
        self._spans(record)
        self._metrics(record)
