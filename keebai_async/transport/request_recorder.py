"""What is told of a request: the records of each attempt, and a word to who cancels a submit on its way.

A submit that is cancelled from outside (`asyncio.timeout`, a sibling that fails in a task group) may have
been accepted, and the cancellation alone does not say so. The naive way leaves it at that, and somebody sends
it again. So it gets a note, and the log a warning.
"""

import asyncio

from keebai_async.clock import Clock
from keebai_async.model.people_words import people_words
from keebai_async.observe import Observer
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
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.request import Request


class RequestRecorder:
    """Tells *observer* of the requests to one server. It is made with where they go."""

    def __init__(
        self, observer: Observer, clock: Clock, *, server: str | None = None, port: int | None = None
    ) -> None:
        self._observer = observer
        self._clock = clock
        self._server = server
        self._port = port

    def begin(self, request: Request, attempt: int) -> "AttemptRecorder":
        """Tell that the first byte of an attempt leaves now; exactly one word must follow about its end."""
        started = RequestStarted(
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
        self._observer(started)
        return AttemptRecorder(started, self._observer, self._clock)

    def retry(self, request: Request, attempt: int, seconds: float, reason: str) -> None:
        """Attempt number *attempt* did not do; the next one comes in *seconds*."""
        self._observer(
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
        self._observer(
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
    """One attempt whose beginning was told."""

    __slots__ = ("_clock", "_observer", "_since", "_started")

    def __init__(self, started: RequestStarted, observer: Observer, clock: Clock) -> None:
        self._started = started
        self._observer = observer
        self._clock = clock
        self._since = clock.now()

    def ended(self, outcome: Outcome, *, pause: float | None) -> None:
        """It came to an *outcome*; a 429 asks for a *pause*."""
        seconds = self._clock.now() - self._since
        match outcome:
            case Failure(stage=stage, reason=reason, timed_out=timed_out):
                self._fail(stage, reason, timed_out=timed_out)
            case Answer(status=429 as status):
                self._observer(
                    RequestThrottled(
                        request=self._started, status=status, seconds=seconds, pause=pause or 0.0
                    )
                )
            case Answer(status=status):
                self._observer(RequestAnswered(request=self._started, status=status, seconds=seconds))

    def raised(self, error: BaseException, stage: Stage) -> None:
        """It came to no outcome: it was cancelled, or could not be made at all."""
        if isinstance(error, asyncio.CancelledError):
            seconds = self._clock.now() - self._since
            self._observer(RequestCancelled(request=self._started, seconds=seconds, stage=stage.value))
        else:
            self._fail(stage, f"{type(error).__name__}: {error}")

    def _fail(self, stage: Stage, reason: str, *, timed_out: bool = False) -> None:
        self._observer(
            RequestFailed(
                request=self._started,
                seconds=self._clock.now() - self._since,
                stage=stage.value,
                reason=reason,
                timed_out=timed_out,
            )
        )


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
