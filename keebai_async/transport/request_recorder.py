"""What is told of a request: the records of each attempt, and a word to who cancels a submit on its way.

A submit that is cancelled from outside (`asyncio.timeout`, a sibling that fails in a task group) may have
been accepted, and the cancellation alone does not say so. The naive way leaves it at that, and somebody sends
it again. So it gets a note, and the log a warning.
"""

import asyncio

from keebai_async.clock import Clock
from keebai_async.model.people_words import people_words
from keebai_async.observe import Observer
from keebai_async.observe.hook import hears_routine
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
    SubmitUnknown,
)
from keebai_async.privacy import shown
from keebai_async.transport.reply import Failure, Outcome, Stage
from keebai_async.transport.request import Request


class RequestRecorder:
    """Tells *observer* of the requests to one server. It is made with where they go."""

    def __init__(
        self, observer: Observer, clock: Clock, *, server: str | None = None, port: int | None = None
    ) -> None:
        self.observer = observer
        self.clock = clock
        self._server = server
        self._port = port

    def begin(self, request: Request, attempt: int) -> "AttemptRecorder":
        """Tell that the first byte of an attempt leaves now; exactly one word must follow about its end."""
        return AttemptRecorder(self, request, attempt)

    def started(self, request: Request, attempt: int) -> RequestStarted:
        """The record of a beginning."""
        return RequestStarted(
            method=request.method,
            route=route_of(request),
            kind=request.kind.value,
            lane=request.lane.name.lower(),
            attempt=attempt,
            recipients=request.recipients,
            label=request.label,
            server=self._server,
            port=self._port,
        )

    def retry(self, request: Request, attempt: int, seconds: float, reason: str) -> None:
        """Attempt number *attempt* did not do; the next one comes in *seconds*."""
        self.observer(
            RetryScheduled(
                method=request.method,
                route=route_of(request),
                kind=request.kind.value,
                attempt=attempt,
                seconds=seconds,
                reason=reason,
            )
        )

    def unknown(self, request: Request, attempt: int, reason: str, *, status: int | None = None) -> None:
        """A submit ends without a certain outcome."""
        self.observer(
            SubmitUnknown(
                method=request.method,
                route=route_of(request),
                recipients=request.recipients,
                attempt=attempt,
                reason=reason,
                label=request.label,
                status=status,
            )
        )


class AttemptRecorder:
    """One attempt whose beginning was told. What nobody hears is not made: most requests go well, unheard."""

    __slots__ = ("_attempt", "_recorder", "_request", "_since", "_told")

    def __init__(self, recorder: RequestRecorder, request: Request, attempt: int) -> None:
        self._recorder = recorder
        self._request = request
        self._attempt = attempt
        self._told: RequestStarted | None = None
        if hears_routine(recorder.observer):
            recorder.observer(self._started())
        self._since = recorder.clock.now()

    def ended(self, outcome: Outcome, *, pause: float | None) -> None:
        """It came to an *outcome*; a 429 asks for a *pause*."""
        if isinstance(outcome, Failure):
            self._fail(outcome.stage, outcome.reason, timed_out=outcome.timed_out)
        elif outcome.status == 429:
            self._recorder.observer(
                RequestThrottled(
                    request=self._started(),
                    status=outcome.status,
                    seconds=self._seconds,
                    pause=pause or 0.0,
                )
            )
        elif hears_routine(self._recorder.observer):
            self._recorder.observer(
                RequestAnswered(request=self._started(), status=outcome.status, seconds=self._seconds)
            )

    def raised(self, error: BaseException, stage: Stage) -> None:
        """It came to no outcome: it was cancelled, or could not be made at all."""
        if isinstance(error, asyncio.CancelledError):
            self._recorder.observer(
                RequestCancelled(request=self._started(), seconds=self._seconds, stage=stage.value)
            )
        else:
            self._fail(stage, f"{type(error).__name__}: {error}")

    def _fail(self, stage: Stage, reason: str, *, timed_out: bool = False) -> None:
        self._recorder.observer(
            RequestFailed(
                request=self._started(),
                seconds=self._seconds,
                stage=stage.value,
                reason=reason,
                timed_out=timed_out,
            )
        )

    def _started(self) -> RequestStarted:
        if self._told is None:
            self._told = self._recorder.started(self._request, self._attempt)
        return self._told

    @property
    def _seconds(self) -> float:
        return self._recorder.clock.now() - self._since


def route_of(request: Request) -> str:
    """Its path without the ids in it."""
    return request.path if request.route is None else request.route


def note_of(request: Request) -> str:
    """What a person should know of a submit that was cancelled when some of it may have left."""
    about = f" {shown(request.label)!r}" if request.label else ""
    people = f" to {people_words(request.recipients)}" if request.recipients else ""
    return (
        f"{request.method} {route_of(request)}{about}{people} was cancelled on its way: it may have been"
        " accepted. Look for it at the service before you send it again. (A time limit given as timeout="
        " waits for the request's own end, and says which of the two it was.)"
    )
