"""Where a campaign stands: one account of it, which every command, the page and every program reads. Pure.

The naive way is that each of them works it out from the state in the journal. That word is what the last run
wrote: it goes on saying "running" of a process that was killed, and "unknown" of what a person has settled
since. Here it follows from all that is known at one instant, which are the journal's facts and the time.
"""

import enum
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from keebai_async.model.campaign import CampaignState, Holder, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.failing import Failing, failing_of
from keebai_async.model.fates import FateCounts
from keebai_async.model.next_steps import Step, next_steps
from keebai_async.model.outlook import Outlook, outlook_of
from keebai_async.model.people_words import people_words
from keebai_async.model.plan import chunk_name
from keebai_async.model.remainder import left_settled
from keebai_async.model.report import Report, report_of, settle_counters, utc
from keebai_async.model.result import Result
from keebai_async.model.stop import Cause, Stop
from keebai_async.model.want import Want

_A_WORKER: Final = "a worker to take it up"


class Standing(enum.StrEnum):
    """Where a campaign as a whole stands."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    """A process runs it, and submits nothing before it is told to go on."""
    DIED = "died"
    """The process that ran it is gone without a word."""
    STOPPED = "stopped"
    FINISHED = "finished"
    """Nothing is left to submit, to decide or to follow."""
    PURGED = "purged"
    """It is not finished, and never will be: its people were removed."""


class AtService(msgspec.Struct, frozen=True, kw_only=True):
    """A broadcast that goes on by itself and cannot be called back: *pending* people are still to come."""

    number: int
    name: str
    broadcast_id: str
    pending: int


class Situation(Result, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a campaign at one instant.

    *report* has the counts: who is done (sent, failed), with the service (pending), on the way (their answer
    is waited for), unknown, unsent. *reason* and *cause* say why it is paused or stopped, as of now.
    *holder* is the process that runs it. *seconds* is how long it has run. *waits_for* says what is waited
    for before the next people leave, and *waits_until* is until when, in UTC. *at_service* are the
    broadcasts that go on by themselves, *gone* counts people who cannot be followed any more, because the
    service does not know their broadcasts, *failing* tells if so many failed that it is no success, and
    *steps* lead on. *outlook* is what is likely by now of those who are with the service, while a process
    runs it. *fates* is what webhooks told, beside the counters of *report* and never to be added to
    them; None where nothing was told, or nobody looked. A list over several senders has *parts*.
    """

    standing: Standing
    report: Report
    seconds: float
    reason: str | None = None
    cause: Cause | None = None
    holder: Holder | None = None
    waits_for: str | None = None
    waits_until: datetime | None = None
    at_service: tuple[AtService, ...] = ()
    gone: int = 0
    failing: Failing | None = None
    steps: tuple[Step, ...] = ()
    outlook: Outlook | None = None
    fates: FateCounts | None = None
    parts: tuple["Situation", ...] = ()

    @property
    def campaign_id(self) -> str:
        return self.report.campaign_id

    @property
    def pausable(self) -> bool:
        """Somebody is left whom a pause would hold back."""
        return self.report.unsent > 0


def situation_of(
    campaign: StoredCampaign, now: float, *, fates: FateCounts | None = None, want: Want | None = None
) -> Situation:
    """What is true of *campaign* at the time *now* (Unix time).

    *fates* is what webhooks told of it, *want* says that a supervisor is to run it.
    """
    standing = _standing(campaign)
    stop = _stop(campaign, standing)
    waits_for, waits_until = _waits(campaign, standing, want, now)
    return Situation(
        standing=standing,
        report=report_of(campaign),
        seconds=_seconds(campaign, now),
        reason=None if stop is None else stop.reason,
        cause=None if stop is None else stop.cause,
        holder=campaign.holder,
        waits_for=waits_for,
        waits_until=utc(waits_until),
        at_service=tuple(_at_service(campaign)),
        gone=_gone(campaign),
        failing=failing_of(campaign.chunks),
        steps=next_steps(campaign, now),
        outlook=None if campaign.holder is None else outlook_of(campaign, now),
        fates=None if fates == FateCounts() else fates,
    )


def is_going_on(situation: Situation) -> bool:
    """Whether a process runs it, or a supervisor is to take it up now."""
    return situation.holder is not None or situation.waits_for == _A_WORKER


def _standing(campaign: StoredCampaign) -> Standing:
    if campaign.holder is not None:
        return Standing.PAUSED if campaign.state is CampaignState.PAUSED else Standing.RUNNING
    if all(chunk.settled for chunk in campaign.chunks):
        return Standing.FINISHED
    if campaign.purged_at is not None:
        return Standing.PURGED
    match campaign.state:
        case CampaignState.RUNNING | CampaignState.PAUSED:
            return Standing.DIED
        case CampaignState.PLANNED if any(chunk.step for chunk in campaign.chunks):
            return Standing.DIED  # before it could say that it runs
        case CampaignState.PLANNED:
            return Standing.PLANNED
        case CampaignState.STOPPED | CampaignState.FINISHED:
            return Standing.STOPPED


def _stop(campaign: StoredCampaign, standing: Standing) -> Stop | None:
    """Why it is paused or stopped; what the journal says, unless a person has settled that since."""
    if standing not in {Standing.PAUSED, Standing.STOPPED}:
        return None
    unknown = any(chunk.state is ChunkState.UNKNOWN for chunk in campaign.chunks)
    if campaign.stopped_by is Cause.UNKNOWN and not unknown:
        return left_settled(campaign.chunks)
    if campaign.stopped_by is Cause.NOT_TRACKED and (gone := _gone(campaign)):
        who = people_words(gone)
        words = f"{who} cannot be followed any more: the service does not know their broadcasts"
        return Stop(cause=Cause.NOT_TRACKED, reason=words)
    if campaign.stopped_by is None:
        return None if campaign.reason is None else Stop(cause=Cause.INTERRUPTED, reason=campaign.reason)
    return Stop(cause=campaign.stopped_by, reason=campaign.reason or "")


def _seconds(campaign: StoredCampaign, now: float) -> float:
    """What the journal says, and what has passed since then while a process runs it."""
    told = campaign.facts.told_at
    if campaign.holder is None:
        return campaign.seconds
    since = max(campaign.holder.since, told or 0.0)
    return campaign.seconds + max(0.0, now - since)


def _waits(
    campaign: StoredCampaign, standing: Standing, want: Want | None, now: float
) -> tuple[str | None, float | None]:
    facts = campaign.facts
    report = report_of(campaign)
    if standing is Standing.PAUSED:
        return "somebody to let it go on", None
    if standing is not Standing.RUNNING:
        return _waits_for_a_worker(standing, want, now)
    if facts.waits_for and (facts.waits_until is None or facts.waits_until > now):
        return facts.waits_for, facts.waits_until
    if report.on_the_way:
        people = people_words(report.on_the_way, shown=format(report.on_the_way, ","))
        return f"the answers for {people}", None
    if not report.unsent and report.pending:
        people = people_words(report.pending, shown=format(report.pending, ","))
        return f"the service to deliver to {people}", None
    return None, None


def _waits_for_a_worker(standing: Standing, want: Want | None, now: float) -> tuple[str | None, float | None]:
    if want is None or want.waits or standing in {Standing.FINISHED, Standing.PURGED}:
        return None, None
    if want.held:
        return "somebody to let it go on", None
    if want.at > now:
        return "its time, at which a worker takes it up", want.at
    return _A_WORKER, None


def _at_service(campaign: StoredCampaign) -> Iterator[AtService]:
    plan = campaign.plan
    for chunk in campaign.chunks:
        if chunk.broadcast_id is not None and _goes_on(chunk):
            yield AtService(
                number=chunk.number,
                name=chunk_name(plan.name, chunk.number, len(plan.chunks), parent=chunk.parent),
                broadcast_id=chunk.broadcast_id,
                pending=settle_counters(chunk)[2],
            )


def _gone(campaign: StoredCampaign) -> int:
    """People who are with the service, in broadcasts that it did not know when they were last looked at."""
    chunks = (chunk for chunk in campaign.chunks if chunk.number in campaign.facts.gone)
    return sum(settle_counters(chunk)[2] for chunk in chunks if chunk.tracked and not chunk.final)


def _goes_on(chunk: Chunk) -> bool:
    return chunk.tracked and not chunk.final and settle_counters(chunk)[2] > 0
