"""The one line that goes with an error: what went wrong, where, and what to do about it. Pure."""

from typing import Final

from keebai_async.cli.shown import shown_text
from keebai_async.environment import VariableNames
from keebai_async.errors import (
    AnotherToken,
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
    TemplateUnusable,
    TokenRejected,
)

_OPTIONS: Final = frozenset(
    {
        "canary",
        "column",
        "countries",
        "default_region",
        "delimiter",
        "encoding",
        "journal",
        "language",
        "limit",
        "max_cost",
        "max_recipients",
        "numbers",
        "pace",
        "phone_number_id",
        "rest_of",
        "stop_above",
        "suppress",
        "template",
        "test_to",
    }
)
"""Fields that an error of the library may name and that are options of the command."""

_IN_ENVIRONMENT: Final = frozenset({"token", "base_url", "quota", "quota_store", "poll_floor"})
"""Those that are environment variables."""


def line_of(error: BaseException, variables: VariableNames) -> str:
    """`error: row 12, to: is too short: check the number`, without a line break.

    *variables* are those of the service that the command works with.
    """
    if not isinstance(error, KeebaiError):
        return shown_text(
            f"error: {type(error).__name__}: {error}"
            " (this is a bug; set KEEBAI_DEBUG=1 to see the traceback, and please report it)"
        )
    return shown_text(f"error: {_where(error, variables)}{error}{_advice(error, variables)}")


def _where(error: KeebaiError, variables: VariableNames) -> str:
    if not isinstance(error, InvalidInput):
        return ""
    row = "" if error.row is None or f"line {error.row}" in str(error) else f"row {error.row}"
    field = error.field or ""
    if not row:
        field = _as_typed(field, variables)
    places = [place for place in (row, field) if place and place not in str(error)]
    return ", ".join(places) + ": " if places else ""


def _as_typed(field: str, variables: VariableNames) -> str:
    """What a user of the command knows a *field* of the library by: `--max-cost`, `KEEBAI_QUOTA`."""
    if field in _OPTIONS:
        return f"--{field.replace('_', '-')}"
    return str(getattr(variables, field)) if field in _IN_ENVIRONMENT else field


def _advice(error: KeebaiError, variables: VariableNames) -> str:
    match error:
        case TokenRejected():
            return f"; put a valid token into {variables.token}"
        case ScopeMissing() if error.missing:
            return f"; make a token with the scope {', '.join(error.missing)}"
        case ScopeMissing():
            return "; make a token with the scope that this needs"
        case AnotherToken():
            return " (--new-token)"
        case RateLimited():
            return f"; nothing was sent, try again in {error.retry_after:.0f} s"
        case ConnectionFailed():
            return f"; nothing was sent, check the network and {variables.base_url}"
        case OutcomeUnknown():
            return "; look in the portal before you send it again"
        case NotFound():
            return "; check the id, and that it belongs to this token's account"
        case RequestInvalid() if error.field and error.field not in str(error):
            return f" (the service names {error.field})"
        case TemplateUnusable() if error.field in {"template", "language"}:
            return "; see: keebai-async templates"
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
