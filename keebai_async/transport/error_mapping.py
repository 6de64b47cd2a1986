"""From what went wrong to the exception that tells the caller what to do next. Pure."""

from keebai_async.errors import (
    Conflict,
    ConnectionFailed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RequestError,
    RequestInvalid,
    ScopeMissing,
    ServerFailed,
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import ErrorBody, http_phrase, read_error
from keebai_async.transport.rate_headers import pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.request import Request
from keebai_async.transport.verdict import Accepted, Halted, Refused, Throttled, Unknown, Unsent, Verdict

UNTOLD_PAUSE = 60.0
"""Seconds to tell a caller when a 429 does not say how long: until the minute's window has passed."""


def error_for(verdict: Verdict, request: Request, attempts: int) -> RequestError:
    """The exception for a submit that goes no further. Accepted means: but its reply is not readable."""
    method, path, said = request.method, request.path, f"{request.method} {request.path}"
    match verdict:
        case Accepted(answer=answer):
            return Undecodable(
                f"{said} was accepted, but the reply cannot be read{answer.packing}: do not send it again",
                method=method,
                path=path,
                status=answer.status,
                attempts=attempts,
            )
        case Refused(fault=body) | Halted(fault=body):
            return error_of_body(body, request, attempts)
        case Throttled(pause=pause):
            return _rate_limited(pause, request, attempts)
        case Unsent(reason=reason, status=status):
            return ConnectionFailed(
                f"{said} was not sent: {reason}", method=method, path=path, status=status, attempts=attempts
            )
        case Unknown(reason=reason, status=status):
            return OutcomeUnknown(
                f"{said} may have been accepted or not: {reason}",
                method=method,
                path=path,
                status=status,
                attempts=attempts,
                recipients=request.recipients,
            )


def error_for_read(
    outcome: Outcome, request: Request, attempts: int, *, wall: float, dialect: ServiceDialect = STANDARD
) -> RequestError:
    """The exception for a read that goes no further."""
    if isinstance(outcome, Failure):
        return _unanswered(outcome, request, attempts)
    status = outcome.status
    if status == 429:
        return _rate_limited(pause_of(outcome, wall=wall), request, attempts)
    if 200 <= status < 300:
        return undecodable(outcome, request, attempts)
    body = read_error(outcome, dialect)
    if 400 <= status < 500 and status not in {408, 425}:
        return error_of_body(body, request, attempts)
    words = "a redirect, which is never followed" if 300 <= status < 400 else body.message
    return ServerFailed(
        f"{request.method} {request.path} answered {status}: {words}",
        method=request.method,
        path=request.path,
        status=status,
        attempts=attempts,
        code=body.code,
    )


def undecodable(answer: Answer, request: Request, attempts: int = 1) -> Undecodable:
    """The exception for a reply that came, and says nothing we understand."""
    why = "cannot be understood" if answer.complete else f"was cut off, or is too large{answer.packing}"
    return Undecodable(
        f"the reply to {request.method} {request.path} {why}",
        method=request.method,
        path=request.path,
        status=answer.status,
        attempts=attempts,
    )


def error_of_body(body: ErrorBody, request: Request, attempts: int) -> RequestError:
    """The exception for what the service said in a 4xx."""
    method, path, status, code = request.method, request.path, body.status, body.code
    said = f"{method} {path}: {_words(body)}"
    match status:
        case 401:
            return TokenRejected(said, method=method, path=path, status=status, attempts=attempts, code=code)
        case 403:
            lacking = ", ".join(body.missing or body.required)
            return ScopeMissing(
                f"{said} (the token lacks {lacking})" if lacking else said,
                method=method,
                path=path,
                status=status,
                attempts=attempts,
                code=code,
                required=body.required,
                missing=body.missing,
            )
        case 404:
            return NotFound(said, method=method, path=path, status=status, attempts=attempts, code=code)
        case 409:
            return Conflict(said, method=method, path=path, status=status, attempts=attempts, code=code)
        case _:
            return RequestInvalid(
                said,
                method=method,
                path=path,
                status=status,
                attempts=attempts,
                code=code,
                field=body.field,
                item=body.items[0] if body.items else None,
            )


def _words(body: ErrorBody) -> str:
    """The status, and what the service said beyond it."""
    parts = [str(body.status), body.code or "", "" if body.code == body.message else body.message]
    if body.field and body.field not in body.message:
        parts.append(f"({body.field})")
    return " ".join(part for part in parts if part) or http_phrase(body.status)


def _rate_limited(pause: float, request: Request, attempts: int) -> RateLimited:
    wait = pause or UNTOLD_PAUSE
    return RateLimited(
        f"{request.method} {request.path}: the quota of this token is spent, try again in {wait:.0f} s",
        method=request.method,
        path=request.path,
        status=429,
        attempts=attempts,
        retry_after=wait,
    )


def _unanswered(failure: Failure, request: Request, attempts: int) -> RequestError:
    not_written = failure.stage is Stage.NOT_WRITTEN
    return (ConnectionFailed if not_written else TimedOut)(
        f"{request.method} {request.path} had no answer: {failure.reason}",
        method=request.method,
        path=request.path,
        attempts=attempts,
    )
