"""What is told of requests: each attempt from its first byte to its end, and the wait before another one."""

import msgspec

from keebai_async.observe.base import BaseRecord, next_span


class RequestStarted(BaseRecord, frozen=True, kw_only=True, tag="request started"):
    """One attempt has its place in the quota, and its first byte leaves now.

    *route* is the path without ids in it (`/messages/bulk/{broadcast_id}`). *server* and *port* are where it
    goes. *kind* is `read` or `submit`, *lane* `interactive`, `submit` or `poll`; *attempt* counts from 1.
    *recipients* is how many people it can reach, *label* the name by which a person finds it at the service.
    """

    method: str
    route: str
    kind: str
    lane: str
    attempt: int
    recipients: int = 0
    label: str | None = None
    server: str | None = None
    port: int | None = None
    span: int = msgspec.field(default_factory=next_span)


class RequestAnswered(BaseRecord, frozen=True, kw_only=True, tag="request answered"):
    """A reply came, other than 429. *seconds* are those from the first byte to the reply."""

    request: RequestStarted
    status: int
    seconds: float


class RequestThrottled(BaseRecord, frozen=True, kw_only=True, tag="request throttled"):
    """429: not accepted. *pause* is how many seconds the reply asks for, 0 if it does not say."""

    request: RequestStarted
    status: int
    seconds: float
    pause: float


class RequestFailed(BaseRecord, frozen=True, kw_only=True, tag="request failed"):
    """No reply came. *stage* is `not written` (no byte left) or `written` (it may have been acted on)."""

    request: RequestStarted
    seconds: float
    stage: str
    reason: str
    timed_out: bool = False


class RequestCancelled(BaseRecord, frozen=True, kw_only=True, tag="request cancelled"):
    """The caller gave up before a reply came. *stage* is as in RequestFailed."""

    request: RequestStarted
    seconds: float
    stage: str


class RetryScheduled(BaseRecord, frozen=True, kw_only=True, tag="retry scheduled"):
    """Attempt number *attempt* did not do, for this *reason*; the next one comes in *seconds*."""

    method: str
    route: str
    kind: str
    attempt: int
    seconds: float
    reason: str


class SubmitUnknown(BaseRecord, frozen=True, kw_only=True, tag="outcome unknown"):
    """A submit outside of a campaign may have been accepted, or not. It is never made again by itself."""

    method: str
    route: str
    recipients: int
    attempt: int
    reason: str
    label: str | None = None
    status: int | None = None


RequestEnded = RequestAnswered | RequestThrottled | RequestFailed | RequestCancelled
"""Exactly one of these follows each RequestStarted, told by the same task."""

RequestRecord = RequestStarted | RequestEnded | RetryScheduled | SubmitUnknown
