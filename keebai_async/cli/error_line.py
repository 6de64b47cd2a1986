"""The one line that goes with an error: what went wrong, where, and what to do about it. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from keebai_async.cli.shown import shown_text
from keebai_async.environment import JOURNAL_VARIABLE, VariableNames
from keebai_async.errors import (
    AnotherToken,
    CampaignNotFound,
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
    SamePerson,
    ScopeMissing,
    ServerFailed,
    TemplateUnusable,
    TimedOut,
    TokenRejected,
    Undecodable,
)

_OPTIONS: Final = {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "canary",
        "channel_id",
        "column",
        "countries",
        "default_region",
        "daily_limit",
        "delimiter",
        "at",
        "encoding",
        "from",
        "hidden_rows",
        "hours",
        "journal",
        "language",
        "limit",
        "max_cost",
        "max_recipients",
        "not_within",
        "notify",
        "numbers",
        "on_end",
        "pace",
        "per_day",
        "per_hour",
        "phone_number_id",
        "prices",
        "quota_store",
        "rest_of",
        "sheet",
        "sql",
        "stop_above",
        "suppress",
        "template",
        "test_to",
        "text",
        "to",
        "unit_cost",
        "zone",
    )
} | {"quota": "--set-quota", "senders": "--sender"}
"""The options of the command, by the field that an error of the library names them as."""

_IN_ENVIRONMENT: Final = frozenset({"token", "base_url", "quota", "quota_store", "poll_floor"})
"""Fields that are environment variables, whether there is an option too or not."""

_OPTION_VARIABLES: Final = {
    "--daily-limit": "KEEBAI_DAILY_LIMIT",
    "--default-region": "KEEBAI_DEFAULT_REGION",
    "--prices": "KEEBAI_PRICES",
}
"""What stands in the place of an option that is not given."""

_IN_WORDS: Final = re.compile(rf"\b(?:{'|'.join(name for name in _OPTIONS if '_' in name)})\b")
"""Fields inside a sentence that can be nothing but fields."""

_ALSO_COLUMNS: Final = frozenset({"to", "text"})
"""Options of single messages that are columns of a list, too."""

_GIVE_CLIENT: Final = "give its client with add_client"
"""What programs do about a token that the command finds in the environment."""
_SENDER_FIELDS: Final = frozenset({"phone_number_id", "channel_id"})

_SUBMITTING: Final = frozenset({"launch", "resume"})


def line_of(error: BaseException, variables: VariableNames, typed: Sequence[str] = ()) -> str:
    """`error: row 12, to: is too short: check the number`, without a line break.

    *variables* are those of the service that the command works with, *typed* is how it was called.
    """
    if not isinstance(error, KeebaiError):
        return shown_text(
            f"error: {type(error).__name__}: {error}"
            " (this is a bug; set KEEBAI_DEBUG=1 to see the traceback, and please report it)"
        )
    where = _where(error, variables, typed)
    words = f"{_words(error, variables)}{_advice(error, variables, typed)}"
    if where == "--to: ":
        words = words.removeprefix("to ")  # that of the library's sentence, which says it a second time
    return shown_text(f"error: {where}{words}")


def _words(error: KeebaiError, variables: VariableNames) -> str:
    """What the library says, with options in the place of its fields, and variables in that of calls."""
    if isinstance(error, AnotherToken):
        return str(error).replace(_GIVE_CLIENT, f"put it into {variables.token}_NAME")
    if type(error) is not InvalidInput:
        return str(error)
    return _IN_WORDS.sub(lambda found: _OPTIONS[found[0]], str(error))


def _where(error: KeebaiError, variables: VariableNames, typed: Sequence[str]) -> str:
    if not isinstance(error, InvalidInput):
        return ""
    told = error.row is not None and re.search(rf"\b(?:line|number) {error.row}\b", str(error))
    row = "" if error.row is None or told else f"row {error.row}"
    field = error.field or ""
    if not row:
        field = _as_typed(field, variables, typed)
    places = [place for place in (row, field) if place and not _is_in(place, _words(error, variables))]
    return ", ".join(places) + ": " if places else ""


def _is_in(place: str, words: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(place)}(?![\w-])", words) is not None


def _as_typed(field: str, variables: VariableNames, typed: Sequence[str]) -> str:
    """What a user of the command knows a *field* of the library by: `--max-cost`, `KEEBAI_QUOTA`."""
    if field in _SENDER_FIELDS and _is_typed("--sender", typed):
        return "--sender"
    option = _OPTIONS.get(field)
    if field in _IN_ENVIRONMENT and (option is None or not _is_typed(option, typed)):
        return str(getattr(variables, field))
    if field in _ALSO_COLUMNS and not _is_typed(option or "", typed):
        return field
    place = option or field
    if place in _OPTION_VARIABLES and typed and not _is_typed(place, typed):
        return _OPTION_VARIABLES[place]
    if field == "journal" and typed and not _is_typed("--journal", typed):
        return JOURNAL_VARIABLE
    return option or field


def _is_typed(option: str, typed: Sequence[str]) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in typed)


def _advice(error: KeebaiError, variables: VariableNames, typed: Sequence[str]) -> str:
    match error:
        case TokenRejected():
            return f"; put a valid token into {variables.token}"
        case ScopeMissing() if error.missing:
            return f"; make a token with the scope {', '.join(error.missing)}"
        case ScopeMissing():
            return "; make a token with the scope that this needs"
        case AnotherToken() if "retry" not in typed[:1]:  # it has no such option
            return " (--new-token)"
        case CampaignNotFound():
            return "; see: keebai-async list"
        case SamePerson() if error.campaign_id is not None:
            return " (keebai-async --as NAME says who you are)"
        case RateLimited():
            return f"; nothing was sent, try again in {error.retry_after:.0f} s"
        case ConnectionFailed():
            return f"; nothing was sent, check the network and {variables.base_url}"
        case OutcomeUnknown():
            return "; look in the portal before you send it again"
        case TemplateUnusable() if error.field in {"template", "language"}:
            return "; see: keebai-async templates"
        case QuotaUnusable():
            return f"; nothing was sent; {variables.quota_store} can name another place"
        case JournalUnusable() if _SUBMITTING.intersection(typed[:1]):
            return "; all that was submitted before is written down"
        case RequestError():
            return _advice_on_request(error, variables)
        case _:
            return ""


def _advice_on_request(error: RequestError, variables: VariableNames) -> str:
    """What to do about a request that the service refused, or did not answer in a way we understand."""
    times = f" ({error.attempts} attempts)" if error.attempts > 1 else ""
    of_all = (
        error.method == "GET" and error.path.count("/") == 1
    )  # a list: it names nothing that may be missing
    match error:
        case NotFound() if error.method == "POST" and error.path.startswith("/messages/"):
            return "; nothing was sent; see: keebai-async numbers, and keebai-async templates"
        case NotFound() if not of_all:
            return "; check the id, and that it belongs to this token's account"
        case NotFound() | Undecodable(method="GET"):
            return f"{times}; another service may have answered: check {variables.base_url}, and any proxy"
        case RequestInvalid() if error.field and error.field not in str(error):
            return f" (the service names {error.field})"
        case ServerFailed(status=int(status)) if status < 400:
            return f"{times}; check {variables.base_url}"
        case ServerFailed() | TimedOut():
            return f"{times}; nothing was changed, try again in some minutes"
        case _:
            return times


def cause_of(error: BaseException) -> BaseException:
    """The error that matters in a group of failures: one of ours before a foreign one, first come first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [cause_of(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, KeebaiError)), causes[0])
