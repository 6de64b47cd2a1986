"""The asyncio client and campaign launcher for the Keebai WhatsApp API.

Names only. Each is imported when it is first used, so that `import keebai_async` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keebai_async.campaign.run import CampaignRun as CampaignRun
    from keebai_async.campaigns import Campaigns as Campaigns
    from keebai_async.client import Keebai as Keebai
    from keebai_async.clock import Clock as Clock
    from keebai_async.credentials import Token as Token
    from keebai_async.errors import CampaignBusy as CampaignBusy
    from keebai_async.errors import CampaignError as CampaignError
    from keebai_async.errors import CampaignNotFound as CampaignNotFound
    from keebai_async.errors import Conflict as Conflict
    from keebai_async.errors import ConnectionFailed as ConnectionFailed
    from keebai_async.errors import ForbiddenMove as ForbiddenMove
    from keebai_async.errors import InvalidInput as InvalidInput
    from keebai_async.errors import JournalUnusable as JournalUnusable
    from keebai_async.errors import KeebaiError as KeebaiError
    from keebai_async.errors import Misused as Misused
    from keebai_async.errors import NotFound as NotFound
    from keebai_async.errors import OutcomeUnknown as OutcomeUnknown
    from keebai_async.errors import PlanTooLarge as PlanTooLarge
    from keebai_async.errors import QuotaUnusable as QuotaUnusable
    from keebai_async.errors import RateLimited as RateLimited
    from keebai_async.errors import RequestError as RequestError
    from keebai_async.errors import RequestInvalid as RequestInvalid
    from keebai_async.errors import ScopeMissing as ScopeMissing
    from keebai_async.errors import ServerFailed as ServerFailed
    from keebai_async.errors import TemplateUnusable as TemplateUnusable
    from keebai_async.errors import TimedOut as TimedOut
    from keebai_async.errors import TokenRejected as TokenRejected
    from keebai_async.errors import Undecodable as Undecodable
    from keebai_async.errors import UnusableSource as UnusableSource
    from keebai_async.journal.contract import Journal as Journal
    from keebai_async.journal.open import open_journal as open_journal
    from keebai_async.keebai.models import AcceptedBroadcast as AcceptedBroadcast
    from keebai_async.keebai.models import BroadcastStatus as BroadcastStatus
    from keebai_async.keebai.models import Channel as Channel
    from keebai_async.keebai.models import Number as Number
    from keebai_async.keebai.models import Phase as Phase
    from keebai_async.keebai.models import Receipt as Receipt
    from keebai_async.model.campaign import CampaignState as CampaignState
    from keebai_async.model.chunk import Chunk as Chunk
    from keebai_async.model.chunk import ChunkState as ChunkState
    from keebai_async.model.events import AnyEvent as AnyEvent
    from keebai_async.model.events import BroadcastProgress as BroadcastProgress
    from keebai_async.model.events import BroadcastStuck as BroadcastStuck
    from keebai_async.model.events import BroadcastUnread as BroadcastUnread
    from keebai_async.model.events import ChunkAccepted as ChunkAccepted
    from keebai_async.model.events import ChunkRefused as ChunkRefused
    from keebai_async.model.events import ChunkSplit as ChunkSplit
    from keebai_async.model.events import ChunkSubmitting as ChunkSubmitting
    from keebai_async.model.events import ChunkUnknown as ChunkUnknown
    from keebai_async.model.events import Event as Event
    from keebai_async.model.events import StateChanged as StateChanged
    from keebai_async.model.events import Waiting as Waiting
    from keebai_async.model.meta_codes import MetaCode as MetaCode
    from keebai_async.model.meta_codes import Remedy as Remedy
    from keebai_async.model.plan import Guards as Guards
    from keebai_async.model.plan import Plan as Plan
    from keebai_async.model.progress import Progress as Progress
    from keebai_async.model.recipient import Reason as Reason
    from keebai_async.model.recipient import Recipient as Recipient
    from keebai_async.model.recipient import Rejection as Rejection
    from keebai_async.model.report import ChunkLine as ChunkLine
    from keebai_async.model.report import Report as Report
    from keebai_async.model.requests import Requests as Requests
    from keebai_async.model.sender import Sender as Sender
    from keebai_async.model.template import Template as Template
    from keebai_async.planning.options import PlanOptions as PlanOptions
    from keebai_async.planning.plan import PlanProgress as PlanProgress
    from keebai_async.quota.limiter import RateLimiter as RateLimiter
    from keebai_async.quota.window import Quota as Quota
    from keebai_async.transport.request import Timeouts as Timeouts
    from keebai_async.transport.retry import RetryPolicy as RetryPolicy
    from keebai_async.transport.verdict import SubmitPolicy as SubmitPolicy
    from keebai_async.whautomate.client import Whautomate as Whautomate
    from keebai_async.whautomate.log_summary import Failures as Failures
    from keebai_async.whautomate.log_summary import LogSummary as LogSummary

_HOMES = {
    "campaign.run": ("CampaignRun",),
    "campaigns": ("Campaigns",),
    "client": ("Keebai",),
    "clock": ("Clock",),
    "credentials": ("Token",),
    "errors": (
        "CampaignBusy",
        "CampaignError",
        "CampaignNotFound",
        "Conflict",
        "ConnectionFailed",
        "ForbiddenMove",
        "InvalidInput",
        "JournalUnusable",
        "KeebaiError",
        "Misused",
        "NotFound",
        "OutcomeUnknown",
        "PlanTooLarge",
        "QuotaUnusable",
        "RateLimited",
        "RequestError",
        "RequestInvalid",
        "ScopeMissing",
        "ServerFailed",
        "TemplateUnusable",
        "TimedOut",
        "TokenRejected",
        "Undecodable",
        "UnusableSource",
    ),
    "journal.contract": ("Journal",),
    "journal.open": ("open_journal",),
    "keebai.models": (
        "AcceptedBroadcast",
        "BroadcastStatus",
        "Channel",
        "Number",
        "Phase",
        "Receipt",
    ),
    "model.campaign": ("CampaignState",),
    "model.chunk": (
        "Chunk",
        "ChunkState",
    ),
    "model.events": (
        "AnyEvent",
        "BroadcastProgress",
        "BroadcastStuck",
        "BroadcastUnread",
        "ChunkAccepted",
        "ChunkRefused",
        "ChunkSplit",
        "ChunkSubmitting",
        "ChunkUnknown",
        "Event",
        "StateChanged",
        "Waiting",
    ),
    "model.meta_codes": (
        "MetaCode",
        "Remedy",
    ),
    "model.plan": (
        "Guards",
        "Plan",
    ),
    "model.progress": ("Progress",),
    "model.recipient": (
        "Reason",
        "Recipient",
        "Rejection",
    ),
    "model.report": (
        "ChunkLine",
        "Report",
    ),
    "model.requests": ("Requests",),
    "model.sender": ("Sender",),
    "model.template": ("Template",),
    "planning.options": ("PlanOptions",),
    "planning.plan": ("PlanProgress",),
    "quota.limiter": ("RateLimiter",),
    "quota.window": ("Quota",),
    "transport.request": ("Timeouts",),
    "transport.retry": ("RetryPolicy",),
    "transport.verdict": ("SubmitPolicy",),
    "whautomate.client": ("Whautomate",),
    "whautomate.log_summary": (
        "Failures",
        "LogSummary",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AcceptedBroadcast",
    "AnyEvent",
    "BroadcastProgress",
    "BroadcastStatus",
    "BroadcastStuck",
    "BroadcastUnread",
    "CampaignBusy",
    "CampaignError",
    "CampaignNotFound",
    "CampaignRun",
    "CampaignState",
    "Campaigns",
    "Channel",
    "Chunk",
    "ChunkAccepted",
    "ChunkLine",
    "ChunkRefused",
    "ChunkSplit",
    "ChunkState",
    "ChunkSubmitting",
    "ChunkUnknown",
    "Clock",
    "Conflict",
    "ConnectionFailed",
    "Event",
    "Failures",
    "ForbiddenMove",
    "Guards",
    "InvalidInput",
    "Journal",
    "JournalUnusable",
    "Keebai",
    "KeebaiError",
    "LogSummary",
    "MetaCode",
    "Misused",
    "NotFound",
    "Number",
    "OutcomeUnknown",
    "Phase",
    "Plan",
    "PlanOptions",
    "PlanProgress",
    "PlanTooLarge",
    "Progress",
    "Quota",
    "QuotaUnusable",
    "RateLimited",
    "RateLimiter",
    "Reason",
    "Receipt",
    "Recipient",
    "Rejection",
    "Remedy",
    "Report",
    "RequestError",
    "RequestInvalid",
    "Requests",
    "RetryPolicy",
    "ScopeMissing",
    "Sender",
    "ServerFailed",
    "StateChanged",
    "SubmitPolicy",
    "Template",
    "TemplateUnusable",
    "TimedOut",
    "Timeouts",
    "Token",
    "TokenRejected",
    "Undecodable",
    "UnusableSource",
    "Waiting",
    "Whautomate",
    "open_journal",
]


if not TYPE_CHECKING:  # or a type checker would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module 'keebai_async' has no attribute {name!r}")
        value = getattr(import_module(f"keebai_async.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
