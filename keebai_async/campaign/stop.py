"""Why a campaign stops before everyone is submitted: a cause for machines, a sentence for people."""

import enum

import msgspec

from keebai_async.errors import QuotaUnusable, ScopeMissing, TokenRejected
from keebai_async.transport.verdict import Fault


class Cause(enum.Enum):
    TOKEN = "token"  # noqa: S105  (a word, not a secret)
    """401: the token is not valid (any more)."""
    SCOPE = "scope"
    """403: the token may not send."""
    NOT_FOUND = "not found"
    """404: the sender does not exist for this token."""
    REFUSED = "refused"
    """The service refuses every request like these, whoever the recipients are."""
    UNKNOWN = "unknown"
    """All is done but chunks whose outcome a person has to settle."""
    UNREACHABLE = "unreachable"
    """The service did not answer for longer than the campaign waits."""
    THROTTLED = "throttled"
    """429 again and again, although this side keeps the quota."""
    QUOTA = "quota"
    """What keeps the quota cannot be reached, so nobody may send."""
    JOURNAL = "journal"
    """What must be on disk cannot be put there."""
    GUARD = "guard"
    """A limit the caller set, such as the share that may fail."""
    INTERRUPTED = "interrupted"
    """A person, or the program around the campaign."""
    NOT_TRACKED = "not tracked"
    """Everything is submitted, and nobody asked to wait for delivery."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    cause: Cause
    reason: str


def stop_for(fault: Fault) -> Stop:
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


def stop_for_error(error: TokenRejected | ScopeMissing | QuotaUnusable) -> Stop:
    """The same, where it was a read that could not be made."""
    match error:
        case TokenRejected():
            return Stop(cause=Cause.TOKEN, reason=str(error))
        case ScopeMissing():
            return Stop(cause=Cause.SCOPE, reason=str(error))
        case QuotaUnusable():
            return Stop(cause=Cause.QUOTA, reason=str(error))
