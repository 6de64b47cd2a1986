"""A campaign as the journal has it: its state, who runs it, what others ask of it."""

import enum

import msgspec

from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause


class CampaignState(enum.StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class Wish(enum.StrEnum):
    """What somebody else may ask of a campaign while it runs."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that runs a campaign now; *since* is Unix time."""

    pid: int
    host: str
    since: float


class StoredCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as the journal has it."""

    plan: Plan
    state: CampaignState
    chunks: tuple[Chunk, ...]
    reason: str | None = None
    """Why it is paused or stopped, in words."""
    stopped_by: Cause | None = None
    """The kind of reason, for machines."""
    requests: Requests
    """What earlier runs spent."""
    seconds: float = 0.0
    """How long earlier runs took."""
    holder: Holder | None = None
    """Who runs it now; None beside state RUNNING means that its process died."""
    purged_at: float | None = None
    """Unix time at which its people were removed; the counts stay."""


Started = StoredCampaign
"""Its name in 0.1."""
