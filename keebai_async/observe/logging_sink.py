"""Standard logging as a sink of records: one logger, fixed names, fixed fields.

The message is the name of the event, and the fields are attributes of the log record (`extra`).
docs/observability.md has the table of both, and a test keeps it true.
"""

import logging
from typing import Final, assert_never

from keebai_async.model.campaign import CampaignState
from keebai_async.model.stop import Cause
from keebai_async.observe.base import LOGGER, Field, event_of, fields_of
from keebai_async.observe.campaign_records import (
    AnswerHeld,
    CampaignLeft,
    CampaignMoved,
    CampaignTakenUp,
    CircuitClosed,
    CircuitOpened,
    CircuitProbed,
    LeaseLost,
    LeaseTaken,
    RunEnded,
    RunStarted,
    SubmitsHeld,
)
from keebai_async.observe.chunk_records import (
    BroadcastIdRepeated,
    BroadcastRead,
    BroadcastStalled,
    ChunkMoved,
    ChunkSubmitEnded,
    ChunkSubmitStarted,
    LookFailed,
)
from keebai_async.observe.quota_records import (
    PlaceNotSettled,
    QuotaKeptInMemory,
    QuotaSpent,
    QuotaStoreBack,
    QuotaStoreForgot,
    QuotaStoreGone,
    QuotaWaited,
    QuotaWaitExpected,
    SmallerQuotaHolds,
)
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
    SubmitUnknown,
)

SHORT_WAIT: Final = 3.0
"""Seconds; a shorter wait for a place in the quota is routine."""

LONG_WAIT: Final = 120.0
"""Seconds; a wait of so long is more than the next minute, and somebody should know of it."""

_CHUNK_EVENTS: Final = {
    "submit": ("chunk submitting", logging.INFO),
    "take back": ("chunk taken back", logging.INFO),
    "accept": ("chunk accepted", logging.INFO),
    "refuse": ("chunk refused", logging.WARNING),
    "hand on": ("chunk handed on", logging.DEBUG),
    "lose": ("chunk unknown", logging.ERROR),
    "vouch": ("chunk found", logging.INFO),
    "prove": ("chunk proven", logging.INFO),
    "resend": ("chunk to resend", logging.INFO),
    "withdraw": ("chunk withdrawn", logging.INFO),
    "late accept": ("chunk accepted late", logging.INFO),
    "late take back": ("chunk taken back late", logging.INFO),
    "abandon": ("chunk abandoned", logging.INFO),
}
_logger = logging.getLogger(LOGGER)


def to_logging(record: Record) -> None:
    """Log *record*, if anybody reads its level."""
    level = level_of(record)
    if _logger.isEnabledFor(level):
        extra: dict[str, Field] = fields_of(record)
        if (advice := advice_for(record)) is not None:
            extra["advice"] = advice
        _logger.log(level, name_for(record), extra=extra)


def logs_routine() -> bool:
    """Whether anybody reads what is routine."""
    return _logger.isEnabledFor(logging.DEBUG)


def name_for(record: Record) -> str:
    """The message: the event's name, or for moves what has become of the chunk or campaign."""
    match record:
        case ChunkMoved(move=move):
            return _CHUNK_EVENTS[move][0]
        case CampaignMoved(state=state):
            return f"campaign {state.value}"
        case _:
            return event_of(record)


def level_of(record: Record) -> int:
    """DEBUG for what is routine, INFO for what a campaign's diary needs, WARNING for what slows it down or
    costs people, ERROR for what a person has to settle.
    """
    match record:
        case QuotaSpent() | RequestStarted() | RequestAnswered():  # first: each request has some of them
            return logging.DEBUG
        case ChunkSubmitStarted() | ChunkSubmitEnded() | QuotaWaited() | BroadcastRead():
            return logging.DEBUG
        case LeaseTaken() | RunStarted():
            return logging.DEBUG
        case RequestFailed() | RetryScheduled() | LookFailed(gone=False) | SubmitsHeld():
            return logging.INFO
        case CircuitProbed() | CircuitClosed() | QuotaStoreBack() | CampaignTakenUp():
            return logging.INFO
        case RequestThrottled() | LookFailed() | BroadcastStalled() | CircuitOpened():
            return logging.WARNING
        case PlaceNotSettled() | QuotaStoreGone() | BroadcastIdRepeated() | AnswerHeld():
            return logging.WARNING
        case QuotaStoreForgot() | SmallerQuotaHolds() | QuotaKeptInMemory():
            return logging.WARNING
        case SubmitUnknown() | LeaseLost():
            return logging.ERROR
        case CampaignLeft(finished=finished):
            return logging.INFO if finished else logging.WARNING
        case RequestCancelled():
            return logging.WARNING if perhaps_sent(record) else logging.DEBUG
        case QuotaWaitExpected(seconds=seconds):
            return _level_of_wait(seconds)
        case ChunkMoved(move=move):
            return _CHUNK_EVENTS[move][1]
        case CampaignMoved():
            return _level_of_state(record)
        case RunEnded(error=error):
            return logging.INFO if error is None else logging.ERROR
        case _:
            assert_never(record)


def advice_for(record: Record) -> str | None:
    """What a person should do about it; None where there is nothing to do."""
    match record:
        case ChunkMoved(move="lose", chunk=chunk, campaign=campaign):
            return f"look for it at the service, then reconcile chunk {chunk} of campaign {campaign}"
        case SmallerQuotaHolds():
            return "let all who share the token go by one quota, or set what holds: doctor --set-quota"
        case QuotaKeptInMemory():
            return "name a store that all processes share"
        case SubmitUnknown():
            return "look for it at the service before you send it again"
        case RequestCancelled() if perhaps_sent(record):
            return "look for it at the service before you send it again"
        case BroadcastIdRepeated(chunk=chunk):
            return f"look at the service what became of chunk {chunk}: it is not followed here"
        case LookFailed(gone=True, chunk=chunk):
            return f"look at the service what became of chunk {chunk}: its counters stay as they are"
        case _:
            return None


def perhaps_sent(record: RequestCancelled) -> bool:
    """A submit was given up when some of it may have left."""
    return record.request.kind == "submit" and record.stage == "written"


def _level_of_wait(seconds: float) -> int:
    if seconds < SHORT_WAIT:
        return logging.DEBUG
    return logging.INFO if seconds < LONG_WAIT else logging.WARNING


def _level_of_state(moved: CampaignMoved) -> int:
    if moved.state is not CampaignState.STOPPED or moved.cause in {Cause.INTERRUPTED, Cause.NOT_TRACKED}:
        return logging.INFO
    return logging.ERROR if moved.cause in {Cause.UNKNOWN, Cause.JOURNAL} else logging.WARNING
