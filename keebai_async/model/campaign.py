"""A campaign as the journal has it: its state, who runs it, what others ask of it."""

import enum

import msgspec

from keebai_async.model.chunk import Chunk
from keebai_async.model.decided import Act, Decided, decided_by
from keebai_async.model.hours import Hours
from keebai_async.model.plan import Guards, Pace, Plan, paces_of
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
    """Of two holders in one journal, the one with the later time took its lease later."""
    user: str = ""
    """Whose process it is, as its machine calls them; empty where that cannot be known."""

    @property
    def login(self) -> str:
        """`user@machine`."""
        return f"{self.user}@{self.host}".removeprefix("@")


class RunTerms(msgspec.Struct, frozen=True, kw_only=True):
    """On which terms a campaign runs: those of its plan, or what its last run was told in their place."""

    guards: Guards = Guards()
    pace: Pace | None = None
    ignore_opt_outs: bool = False
    """Whether people who opted out are messaged all the same, because somebody said so."""
    not_before: float | None = None
    """Unix time before which nothing is submitted."""
    hours: Hours | None = None
    """Outside of them nothing is submitted."""
    per_hour: int | None = None
    """People of the campaign who are submitted in any 3,600 s, at most."""
    per_day: int | None = None
    """People of the campaign who are submitted in any 86,400 s, at most."""
    daily_limit: int | None = None
    """People of all campaigns of the journal together who are submitted in any 86,400 s, at most."""

    @property
    def paces(self) -> tuple[Pace, ...]:
        """All that limit how many people leave in a time."""
        return paces_of(self.pace, self.per_hour, self.per_day)


def terms_of(plan: Plan) -> RunTerms:
    """As it was planned."""
    return RunTerms(
        guards=plan.guards,
        pace=plan.pace,
        ignore_opt_outs=plan.opt_outs_ignored is not None,
        not_before=plan.not_before,
        hours=plan.hours,
        per_hour=plan.per_hour,
        per_day=plan.per_day,
        daily_limit=plan.daily_limit,
    )


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a journal keeps of the runs of a campaign, beside its chunks. Times are Unix time.

    Journals that 0.1 wrote have none of it.
    """

    launched_at: float | None = None
    """When its first run began."""
    ended_at: float | None = None
    """When its last run ended; None while one goes on, or if its process ended without a word."""
    told_at: float | None = None
    """When its run last said what it had spent."""
    by: str = ""
    """Who launched it: the user and the machine."""
    token_salt: str = ""
    token_mark: str = ""
    """The hash, keyed with the salt, of the token that it was launched with."""
    terms: RunTerms | None = None
    """Those of the last run."""
    waits_for: str = ""
    """What the run waits for before the next request leaves, in words."""
    waits_until: float | None = None
    gone: tuple[int, ...] = ()
    """Chunks whose broadcasts the service did not know when the last run looked."""
    next_look_at: float | None = None
    """When the run asks the service next how far it is."""
    delivery_rate: float | None = None
    """Messages a second that the sender was seen delivering; None before it was."""
    canary_unnamed: bool = False
    """A run stopped because the replies to its canary name no broadcast, and said so: the next ones go on."""
    decided: tuple[Decided, ...] = ()
    """What people decided, the oldest first. No run changes it: see `Journal.decide`."""


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
    facts: RunFacts = RunFacts()
    purged_at: float | None = None
    """Unix time at which its people were removed; the counts stay."""

    @property
    def terms(self) -> RunTerms:
        """What stops it by itself, and how fast it may be: as its last run was told, or as it was planned."""
        return self.facts.terms or terms_of(self.plan)

    @property
    def decided(self) -> tuple[Decided, ...]:
        """What people decided, from the plan on, the oldest first."""
        who, at = self.plan.planned_by, self.plan.created_at
        return (*(() if who is None else (decided_by(who, Act.PLANNED, at=at),)), *self.facts.decided)


def began_after(one: StoredCampaign, other: StoredCampaign) -> bool:
    """Both run, and *one* took its lease after *other* had its own, so it could see that."""
    mine, theirs = one.holder, other.holder
    return mine is not None and theirs is not None and mine.since > theirs.since


Started = StoredCampaign
"""Its name in 0.1."""
