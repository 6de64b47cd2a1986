"""Why a campaign stops before everyone is submitted: a cause for machines, a sentence for people."""

from typing import Final

from keebai_async.errors import JournalUnusable, QuotaUnusable, ScopeMissing, TemplateUnusable, TokenRejected
from keebai_async.model.stop import Cause, Stop
from keebai_async.transport.error_body import ErrorBody

CUT_SHORT: Final = Stop(cause=Cause.INTERRUPTED, reason="stopped before it was finished")
"""The program around it ends, or cancels it."""


def stop_for(fault: ErrorBody) -> Stop:
    """What a refusal that would meet every request means for the whole campaign."""
    words = f": {fault.message}" if fault.message else ""
    match fault.status:
        case 401:
            return Stop(cause=Cause.TOKEN, reason=f"the service rejects the token (401{words})")
        case 403:
            missing = f", missing scope {', '.join(fault.missing)}" if fault.missing else ""
            return Stop(cause=Cause.SCOPE, reason=f"the token may not send (403{words}{missing})")
        case 404:
            return Stop(cause=Cause.NOT_FOUND, reason=f"the service does not know this sender (404{words})")
        case status:
            named = f", field {fault.field}" if fault.field else ""
            return Stop(
                cause=Cause.REFUSED, reason=f"the service refuses every such request ({status}{words}{named})"
            )


def stop_for_error(error: TokenRejected | ScopeMissing | QuotaUnusable | TemplateUnusable) -> Stop:
    """The same, where it was a read that could not be made."""
    match error:
        case TokenRejected():
            return Stop(cause=Cause.TOKEN, reason=str(error))
        case ScopeMissing():
            return Stop(cause=Cause.SCOPE, reason=str(error))
        case QuotaUnusable():
            return Stop(cause=Cause.QUOTA, reason=str(error))
        case TemplateUnusable():
            return Stop(cause=Cause.TEMPLATE, reason=str(error))


def stop_for_failure(error: BaseException) -> Stop:
    """The same for an error that ends the run: the journal is lost, or the program around it ends."""
    if lost := next((each for each in leaves(error) if isinstance(each, JournalUnusable)), None):
        return Stop(cause=Cause.JOURNAL, reason=str(lost))
    return CUT_SHORT


def leaves(error: BaseException) -> list[BaseException]:
    """*error*, or the errors that a group of groups holds in the end."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for each in error.exceptions for leaf in leaves(each)]
