"""The one line that goes with an error: what went wrong, where, and what to do about it. Pure."""

from typing import Final

import msgspec

from keebai_async.cli.shown import shown_text
from keebai_async.errors import (
    ConnectionFailed,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    NotFound,
    OutcomeUnknown,
    QuotaUnusable,
    RateLimited,
    RequestError,
    RequestInvalid,
    ScopeMissing,
    TokenRejected,
)
from keebai_async.keebai.settings import BASE_URL_VARIABLE, QUOTA_STORE_VARIABLE, TOKEN_VARIABLES
from keebai_async.whautomate import settings as whautomate


class VariableNames(msgspec.Struct, frozen=True, kw_only=True):
    """The environment variables of a service, to name in an advice."""

    token: str
    address: str
    quota_store: str


KEEBAI_VARIABLES: Final = VariableNames(
    token=TOKEN_VARIABLES[0], address=BASE_URL_VARIABLE, quota_store=QUOTA_STORE_VARIABLE
)
WHAUTOMATE_VARIABLES: Final = VariableNames(
    token=whautomate.KEY_VARIABLES[0],
    address=whautomate.HOST_VARIABLE,
    quota_store=whautomate.QUOTA_STORE_VARIABLE,
)


def line_of(error: BaseException, variables: VariableNames = KEEBAI_VARIABLES) -> str:
    """`error: row 12, to: is too short: check the number`, without a line break."""
    if not isinstance(error, KeebaiError):
        return shown_text(
            f"error: {type(error).__name__}: {error}"
            " (this is a bug; set KEEBAI_DEBUG=1 to see the traceback, and please report it)"
        )
    return shown_text(f"error: {_where(error)}{error}{_advice(error, variables)}")


def _where(error: KeebaiError) -> str:
    if not isinstance(error, InvalidInput):
        return ""
    places = []
    if error.row is not None and f"row {error.row}" not in str(error):
        places.append(f"row {error.row}")
    if error.field and error.field not in str(error):
        places.append(error.field)
    return ", ".join(places) + ": " if places else ""


def _advice(error: KeebaiError, variables: VariableNames) -> str:
    match error:
        case TokenRejected():
            return f"; put a valid token into {variables.token}"
        case ScopeMissing() if error.missing:
            return f"; make a token with the scope {', '.join(error.missing)}"
        case ScopeMissing():
            return "; make a token with the scope that this needs"
        case RateLimited():
            return f"; nothing was sent, try again in {error.retry_after:.0f} s"
        case ConnectionFailed():
            return f"; nothing was sent, check the network and {variables.address}"
        case OutcomeUnknown():
            return "; look in the portal before you send it again"
        case NotFound():
            return "; check the id, and that it belongs to this token's account"
        case RequestInvalid() if error.field and error.field not in str(error):
            return f" (the service names {error.field})"
        case QuotaUnusable():
            return f"; nothing was sent; {variables.quota_store} can name another place"
        case JournalUnusable():
            return "; all that was submitted before is written down"
        case RequestError() if error.attempts > 1:
            return f" ({error.attempts} attempts)"
        case _:
            return ""


def cause_of(error: BaseException) -> BaseException:
    """The error that matters in a group of failures: one of ours before a foreign one, first come first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [cause_of(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, KeebaiError)), causes[0])
