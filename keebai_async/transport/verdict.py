"""What a reply, or the lack of one, means. Pure; section 4.1 of the design is its table."""

import msgspec

from keebai_async.transport.error_body import Fault
from keebai_async.transport.reply import Answer


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A 2xx. Its body may still be unreadable: then it was accepted all the same."""

    answer: Answer


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """400, 413, 422: certainly not accepted; this request, as it stands, never will be."""

    fault: Fault


class Halted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """401, 403, 404 to a submit: refused, and so would be every other one like it."""

    fault: Fault


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
