"""What a command ends with: an exit code, and the one line that goes with an error. Pure."""

import enum
from typing import Final

import msgspec

from keebai_async.errors import (
    CampaignBusy,
    CampaignNotFound,
    ConnectionFailed,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    NotFound,
    OutcomeUnknown,
    PlanTooLarge,
    QuotaUnusable,
    RateLimited,
    RequestError,
    RequestInvalid,
    ScopeMissing,
    TokenRejected,
)
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from keebai_async.privacy import one_line, shown


class Exit(enum.IntEnum):
    """The codes that scripts may rely on; the README has the same table."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DECLINED = 3
    TOKEN = 4
    PARTLY = 5
    UNKNOWN = 6
    GUARD = 7
    INTERRUPTED = 130


_STOPS = {
    Cause.TOKEN: Exit.TOKEN,
    Cause.SCOPE: Exit.TOKEN,
    Cause.GUARD: Exit.GUARD,
    Cause.UNKNOWN: Exit.UNKNOWN,
}


def code_of(report: Report) -> Exit:
    """The exit code of a campaign that ended, or stopped, with *report*.

    What is uncertain goes before all but the user's own Ctrl-C: it may have cost money, and it needs
    a person before anything else is done.
    """
    if report.stopped_by == Cause.INTERRUPTED:
        return Exit.INTERRUPTED
    if report.unknown:
        return Exit.UNKNOWN
    if report.stopped_by not in {None, Cause.NOT_TRACKED}:
        return _STOPS.get(report.stopped_by, Exit.FAILED)
    if report.failed or report.refused or report.untracked or report.abandoned:
        return Exit.PARTLY
    return Exit.DONE


def code_of_error(error: BaseException) -> Exit:
    """The exit code of a command that ended with *error*."""
    match error:
        case PlanTooLarge():
            return Exit.GUARD
        case InvalidInput() | CampaignNotFound() | CampaignBusy():
            return Exit.USAGE
        case TokenRejected() | ScopeMissing():
            return Exit.TOKEN
        case OutcomeUnknown():
            return Exit.UNKNOWN
        case KeyboardInterrupt():
            return Exit.INTERRUPTED
        case _:
            return Exit.FAILED


def cause_of(error: BaseException) -> BaseException:
    """The error that matters in a group of failures: one of ours before a foreign one, first come first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [cause_of(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, KeebaiError)), causes[0])


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's own things are called in an advice."""

    token: str = "KEEBAI_API_TOKEN"  # noqa: S105 - the name of a variable
    address: str = "KEEBAI_BASE_URL"


KEEBAI: Final = Words()
WHAUTOMATE: Final = Words(token="WHAUTOMATE_API_KEY", address="WHAUTOMATE_API_HOST")  # noqa: S106


def line_of(error: BaseException, words: Words = KEEBAI) -> str:
    """One line for people: what went wrong, where, and what to do about it."""
    if not isinstance(error, KeebaiError):
        return (
            f"error: {type(error).__name__}: {shown(str(error))}"
            " (not expected; set KEEBAI_DEBUG=1 to see the traceback, and please report it)"
        )
    return one_line(f"error: {_where(error)}{error}{_advice(error, words)}")


def _where(error: KeebaiError) -> str:
    if not isinstance(error, InvalidInput):
        return ""
    places = []
    if error.row is not None and f"row {error.row}" not in str(error):
        places.append(f"row {error.row}")
    if error.field and error.field not in str(error):
        places.append(error.field)
    return ", ".join(places) + ": " if places else ""


def _advice(error: KeebaiError, words: Words) -> str:
    match error:
        case TokenRejected():
            return f"; put a valid token into {words.token}"
        case ScopeMissing() if error.missing:
            return f"; make a token with the scope {', '.join(error.missing)}"
        case ScopeMissing():
            return "; make a token with the scope this needs"
        case RateLimited():
            return f"; nothing was sent, try again in {error.retry_after:.0f} s"
        case ConnectionFailed():
            return f"; nothing was sent, check the network and {words.address}"
        case OutcomeUnknown():
            return "; look in the portal before you send it again"
        case NotFound():
            return "; check the id, and that it belongs to this token's account"
        case RequestInvalid() if error.field and error.field not in str(error):
            return f" (the service names {error.field})"
        case QuotaUnusable():
            return "; nothing was sent, and --quota-store or KEEBAI_QUOTA_STORE can name another place"
        case JournalUnusable():
            return "; nothing was submitted that is not written down"
        case RequestError() if error.attempts > 1:
            return f" ({error.attempts} attempts)"
        case _:
            return ""
