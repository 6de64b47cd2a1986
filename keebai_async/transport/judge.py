"""From what came back for a submit to what it means. Pure.

This is the one place that decides whether a submit may be made again. What the table does not know is
Unknown: a wrong "not accepted" messages and bills up to 5,000 people twice, a wrong "unknown" costs
one person a look into the portal.
"""

from typing import Final

import msgspec

from keebai_async.transport.dialect import STANDARD, Conventions
from keebai_async.transport.error_body import fault_in_success, fault_of, http_phrase, names_a_thing
from keebai_async.transport.rate_headers import pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.verdict import (
    Accepted,
    Halted,
    Refused,
    SubmitPolicy,
    Throttled,
    Unknown,
    Unsent,
    Verdict,
)

_HALTED = frozenset({401, 403, 404})
_PERHAPS_SENT: Final = "META_MISSING_MESSAGE_ID"
"""A 400 that is none: Meta took the message and gave no id for it. Source: contract, section 5."""

_TABLE_POLICY: Final = SubmitPolicy()


def judge(
    outcome: Outcome,
    *,
    wall: float,
    policy: SubmitPolicy = _TABLE_POLICY,
    conventions: Conventions = STANDARD,
) -> Verdict:
    """Say what became of one attempt at a submit. *wall* is Unix time, for a pause given as a date."""
    if isinstance(outcome, Failure):
        if outcome.stage is Stage.NOT_WRITTEN:
            return Unsent(reason=outcome.reason, timed_out=outcome.timed_out)
        return Unknown(reason=outcome.reason, timed_out=outcome.timed_out)
    return _judge_answer(outcome, wall, policy, conventions)


def _judge_answer(answer: Answer, wall: float, policy: SubmitPolicy, conventions: Conventions) -> Verdict:
    status = answer.status
    if 200 <= status < 300:
        return _judge_success(answer, conventions)
    if status == 429:
        return Throttled(pause=pause_of(answer, wall=wall))
    if status in conventions.refused or status in _HALTED:
        fault = fault_of(answer)
        if fault.code == _PERHAPS_SENT:
            return Unknown(reason=f"the message may have been sent: {fault.code}", status=status)
        return Halted(fault=fault) if status in _HALTED else Refused(fault=fault)
    if status in policy.resend_on:
        return Unsent(
            reason=f"{status} {http_phrase(status)}, which the submit policy resends", status=status
        )
    if 300 <= status < 400:
        return Unknown(reason=f"a redirect ({status}), which is never followed", status=status)
    return Unknown(reason=f"{status} {http_phrase(status)}", status=status)


def _judge_success(answer: Answer, conventions: Conventions) -> Verdict:
    if _is_html(answer):
        # A page for people was not written by the API, whatever its status: who knows what it did.
        return Unknown(reason=f"{answer.status} with an HTML page", status=answer.status)
    fault = fault_in_success(answer) if conventions.error_in_success else None
    if fault is not None and names_a_thing(answer):
        # An error beside the id of what was made: it may be there all the same.
        return Unknown(
            reason=f"{answer.status} with an id and an error: {fault.message}", status=answer.status
        )
    if fault is not None:
        return Refused(fault=fault)
    if answer.status == 202 or (answer.complete and is_json(answer.body)):
        return Accepted(answer=answer)
    return Unknown(reason=f"{answer.status} without readable JSON", status=answer.status)


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
