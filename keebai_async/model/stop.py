"""Why a campaign stops before everyone is submitted: a cause for machines, a sentence for people."""

import enum
from typing import Final

import msgspec


class Cause(enum.StrEnum):
    TOKEN = "token"  # noqa: S105  (a word, not a secret)
    """401: the token is not valid (any more)."""
    SCOPE = "scope"
    """403: the token may not send."""
    NOT_FOUND = "not found"
    """404: the sender does not exist for this token."""
    REFUSED = "refused"
    """The service refuses every request like these, for all recipients."""
    TEMPLATE = "template"
    """The template is not approved (any more), or is of another category than planned."""
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
    SETTLED = "settled"
    """A person settled what was unknown, and what follows from it is for the next run."""
    NOT_TRACKED = "not tracked"
    """Everything is submitted, and nobody asked to wait for delivery."""


NEEDS_A_PERSON: Final = frozenset(
    {Cause.TOKEN, Cause.SCOPE, Cause.NOT_FOUND, Cause.REFUSED, Cause.TEMPLATE, Cause.GUARD}
)
"""What no time and no other process puts right: a campaign that stopped so is not wanted any more."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    cause: Cause
    reason: str
