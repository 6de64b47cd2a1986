"""From what came back for a submit to what it means. Pure; section 4.1 of the design is its table.

This is the one place that decides whether a submit may be made again. What the table does not know is
Unknown: a wrong "not accepted" messages and bills up to 5,000 people twice, a wrong "unknown" costs
one person a look into the portal.
"""

from typing import Final

import msgspec

from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import (
    ErrorBody,
    find_code,
    http_phrase,
    names_a_thing,
    read_error,
    read_error_in_success,
)
from keebai_async.transport.rate_headers import pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage

_HALTED = frozenset({401, 403, 404})


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A 2xx. Its body may still be unreadable: then it was accepted all the same."""

    answer: Answer


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """400, 413, 422: certainly not accepted; this request, as it stands, never will be."""

    fault: ErrorBody


class Halted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """401, 403, 404 to a submit: refused, and so would be every other one like it."""

    fault: ErrorBody


class Unsent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No byte of it was written, or the caller's SubmitPolicy says so of *status*: safe to try again."""

    reason: str
    timed_out: bool = False
    status: int | None = None


class Throttled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """429: not accepted. *pause* in seconds, 0 if the reply did not say how long."""

    pause: float


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Perhaps accepted, perhaps not."""

    reason: str
    status: int | None = None
    timed_out: bool = False


Verdict = Accepted | Refused | Halted | Unsent | Throttled | Unknown


class SubmitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller allows in writing beyond the table: statuses after which a submit is made again.

    The default allows none, because nothing in the contract says that these were not accepted.
    """

    resend_on: frozenset[int] = frozenset()


_TABLE_POLICY: Final = SubmitPolicy()


def judge(
    outcome: Outcome,
    *,
    wall: float,
    policy: SubmitPolicy = _TABLE_POLICY,
    dialect: ServiceDialect = STANDARD,
) -> Verdict:
    """Say what became of one attempt at a submit. *wall* is Unix time, for a pause given as a date."""
    if isinstance(outcome, Failure):
        if outcome.stage is Stage.NOT_WRITTEN:
            return Unsent(reason=outcome.reason, timed_out=outcome.timed_out)
        return Unknown(reason=outcome.reason, timed_out=outcome.timed_out)
    return _judge_answer(outcome, wall, policy, dialect)


def _judge_answer(answer: Answer, wall: float, policy: SubmitPolicy, dialect: ServiceDialect) -> Verdict:
    status = answer.status
    if 200 <= status < 300:
        return _judge_success(answer, dialect)
    if (code := find_code(answer.body, dialect.perhaps_sent)) is not None:
        return Unknown(reason=f"the message may have been sent: {code}", status=status)
    if status == 429:
        return Throttled(pause=pause_of(answer, wall=wall))
    if status in dialect.refused and status != 413 and not answer.complete and dialect.perhaps_sent:
        # What could not be read may say that the message was sent.
        return Unknown(reason=f"{status}, in words that cannot be read{answer.packing}", status=status)
    if status in dialect.refused or status in _HALTED:
        fault = read_error(answer, dialect)
        return Halted(fault=fault) if status in _HALTED else Refused(fault=fault)
    if status in policy.resend_on:
        return Unsent(
            reason=f"{status} {http_phrase(status)}, which the submit policy resends", status=status
        )
    if 300 <= status < 400:
        return Unknown(reason=f"a redirect ({status}), which is never followed", status=status)
    return Unknown(reason=f"{status} {http_phrase(status)}", status=status)


def _judge_success(answer: Answer, dialect: ServiceDialect) -> Verdict:
    if _is_html(answer):
        # A page for people was not written by the API, whatever its status: who knows what it did.
        return Unknown(reason=f"{answer.status} with an HTML page", status=answer.status)
    fault = read_error_in_success(answer, dialect)
    if fault is not None and names_a_thing(answer):
        # An error beside the id of what was made: it may be there all the same.
        return Unknown(
            reason=f"{answer.status} with an id and an error: {fault.message}", status=answer.status
        )
    if fault is not None:
        return Refused(fault=fault)
    if answer.status == 202 or (answer.complete and is_json(answer.body)):
        return Accepted(answer=answer)
    return Unknown(reason=f"{answer.status} without readable JSON{answer.packing}", status=answer.status)


def is_json(body: bytes) -> bool:
    """Whether *body* is one whole JSON value."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _is_html(answer: Answer) -> bool:
    media_type = (answer.header("Content-Type") or "").lower()
    return "html" in media_type or answer.body.lstrip()[:1] == b"<"
