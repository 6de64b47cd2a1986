"""What a command ends with, for scripts: an exit code. Pure."""

import enum

from keebai_async.errors import (
    AnotherToken,
    CampaignBusy,
    CampaignNotFound,
    InvalidInput,
    OutcomeUnknown,
    PlanTooLarge,
    SamePerson,
    ScopeMissing,
    TokenRejected,
)


class Exit(enum.IntEnum):
    """The codes that scripts may rely on; docs/commands.md has the same table."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DECLINED = 3
    TOKEN = 4
    PARTLY = 5
    UNKNOWN = 6
    GUARD = 7
    NO_FILE = 8
    FAILING = 9
    INTERRUPTED = 130


def code_of_error(error: BaseException) -> Exit:
    """The exit code of a command that ended with *error*."""
    match error:
        case PlanTooLarge() | SamePerson():
            return Exit.GUARD
        case InvalidInput() | CampaignNotFound() | CampaignBusy() | AnotherToken():
            return Exit.USAGE
        case TokenRejected() | ScopeMissing():
            return Exit.TOKEN
        case OutcomeUnknown():
            return Exit.UNKNOWN
        case KeyboardInterrupt():
            return Exit.INTERRUPTED
        case _:
            return Exit.FAILED
