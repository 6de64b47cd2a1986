"""How OpenTelemetry names what is told of a request. Pure.

Source: OpenTelemetry's semantic conventions for HTTP clients (stable): one span for each attempt, named
`{method} {url.template}`. We leave out `url.full`: a path of ours may hold ids, the template never does.
"""

from typing import assert_never

from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestEnded,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
)

Attributes = dict[str, str | int | float | bool]


def span_name(request: RequestStarted) -> str:
    return f"{request.method} {request.route}"


def request_attributes(request: RequestStarted) -> Attributes:
    """What is known when it leaves, and has few values."""
    found: Attributes = {"http.request.method": request.method, "url.template": request.route}
    if request.server is not None:
        found["server.address"] = request.server
    if request.port is not None:
        found["server.port"] = request.port
    return found


def span_attributes(request: RequestStarted) -> Attributes:
    """The same for its span, with what is at stake."""
    found = request_attributes(request) | {
        "keebai.request.kind": request.kind,
        "keebai.request.lane": request.lane,
        "keebai.request.recipients": request.recipients,
    }
    if request.attempt > 1:
        found["http.request.resend_count"] = request.attempt - 1
    return found


def ended_attributes(ended: RequestEnded) -> Attributes:
    """How it ended: the status that came, and the kind of error if it was one."""
    found: Attributes = {}
    if isinstance(ended, RequestAnswered | RequestThrottled):
        found["http.response.status_code"] = ended.status
    if (error := error_type(ended)) is not None:
        found["error.type"] = error
    return found


def error_type(ended: RequestEnded) -> str | None:
    """One of few words: a status from 400 up, `timeout`, `connection_failed` (no byte of it left),
    `connection_lost`, or `cancelled`; None if a reply came that is no error.
    """
    match ended:
        case RequestAnswered(status=status) | RequestThrottled(status=status):
            return str(status) if status >= 400 else None
        case RequestFailed(timed_out=True):
            return "timeout"
        case RequestFailed(stage=stage):
            return "connection_failed" if stage == "not written" else "connection_lost"
        case RequestCancelled():
            return "cancelled"
        case _:
            assert_never(ended)
