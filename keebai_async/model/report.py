"""Numbers that add up: what became of everyone on the list, computed from the chunks alone."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.cost import Cost, CountryCount, Price, Rates, cost_at
from keebai_async.model.decided import Decided, DecidedLine
from keebai_async.model.hours import Hours
from keebai_async.model.opt_outs import OPTED_OUT_LATER, OptOutCount
from keebai_async.model.plan import Guards, Pace, Plan, chunk_name
from keebai_async.model.requests import Requests
from keebai_async.model.result import Result
from keebai_async.model.sender import Sender
from keebai_async.model.stop import Cause


class ChunkLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chunk in a report. *accepted* stands only where it is fewer than *recipients*.

    *name* is what it is called at the service. *submitted_at* is when its last request left, or the one of
    the chunk that it was cut from, *seen_at* when its counters were last seen to change; *final* says that
    they will not any more. *resent* says that a person found it was not there, so that it is submitted again
    at the next resume.

    *proven_at* is the time of the delivery notice that proved it accepted, where no answer did. *noticed_at*
    is that of one which says so and is not taken in, or speaks against what it is; *twice_at* that of one
    from before its last submit: these people may have been messaged twice.
    """

    number: int
    recipients: int
    state: ChunkState
    broadcast_id: str | None
    accepted: int | None = None
    sent: int = 0
    failed: int = 0
    parent: int | None = None
    reason: str | None = None
    name: str = ""
    submitted_at: datetime | None = None
    seen_at: datetime | None = None
    final: bool = False
    resent: bool = False
    proven_at: datetime | None = None
    noticed_at: datetime | None = None
    twice_at: datetime | None = None


class Report(Result, frozen=True, kw_only=True, tag="report", tag_field="type", omit_defaults=True):
    """What became of everyone.

    It adds up, line by line:
    read = ready + duplicates + rejected + suppressed;
    ready = accepted + refused + unknown + on_the_way + abandoned + unsent;
    accepted = sent + failed + pending + untracked.

    *refused* are people who were not taken by the service: those of refused chunks, and those by which an
    accepted chunk falls short of what was submitted; and those who opted out before they were submitted.
    *unknown* are people in chunks without an answer for which nobody waits any more; those of a chunk whose
    answer is waited for now are *on_the_way*. *untracked* were accepted in a reply that could not be read.
    *countries* are those of the people who are ready. *seconds* is on the campaign's clock, over all runs.
    *by* is who launched it, as a user of a machine, *decided* what people decided about it, and *test* that
    it went to numbers to test with. *opted_out* are the people of the list who had opted out when it was
    planned, by how that is known, and *opted_out_later* those who did so before they were submitted, and are
    among *refused*; with *ignores_opt_outs* they are messaged all the same. *ended_at* is None while it runs.
    Times are in UTC. Campaigns of 0.1 do not know when they were
    launched, when they ended, and by whom.

    The report of a list over several senders has the *parts*, which have the chunks and the sums by sender.
    """

    campaign_id: str
    name: str
    state: CampaignState
    read: int
    ready: int
    duplicates: int
    rejected: int
    suppressed: int
    accepted: int
    refused: int
    unknown: int
    abandoned: int
    unsent: int
    sent: int
    failed: int
    pending: int
    untracked: int
    chunks: tuple[ChunkLine, ...]
    requests: Requests
    seconds: float
    reason: str | None = None
    stopped_by: Cause | None = None
    countries: tuple[CountryCount, ...] = ()
    on_the_way: int = 0
    template: str = ""
    language: str = ""
    sender: Sender | None = None
    guards: Guards | None = None
    pace: Pace | None = None
    not_before: datetime | None = None
    hours: Hours | None = None
    per_hour: int | None = None
    per_day: int | None = None
    daily_limit: int | None = None
    price: Price | None = None
    rates: Rates | None = None
    test: bool = False
    by: str = ""
    created_at: datetime | None = None
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    purged_at: datetime | None = None
    opted_out: tuple[OptOutCount, ...] = ()
    opted_out_later: int = 0
    ignores_opt_outs: bool = False
    decided: tuple[DecidedLine, ...] = ()
    parts: tuple["Report", ...] = ()

    @property
    def cost(self) -> Cost | None:
        """What the people cost who were ready, if all are delivered; None if no prices were given."""
        return cost_at(self.rates or self.price, self.ready, self.countries)

    def errors(self) -> tuple[str, ...]:
        """The sums that do not come out, as sentences. Any of them is a bug of this library."""
        sums = (
            (
                "read = ready + duplicates + rejected + suppressed",
                self.read,
                self.ready + self.duplicates + self.rejected + self.suppressed,
            ),
            (
                "ready = accepted + refused + unknown + on_the_way + abandoned + unsent",
                self.ready,
                self.accepted + self.refused + self.unknown + self.on_the_way + self.abandoned + self.unsent,
            ),
            (
                "accepted = sent + failed + pending + untracked",
                self.accepted,
                self.sent + self.failed + self.pending + self.untracked,
            ),
        )
        return tuple(
            f"{rule} does not hold: {left} is not {right}" for rule, left, right in sums if left != right
        )


def report_of(campaign: StoredCampaign) -> Report:
    """Add up a campaign as the journal has it."""
    plan, chunks = campaign.plan, campaign.chunks
    accepted = [chunk for chunk in chunks if chunk.state is ChunkState.ACCEPTED]
    counters = [settle_counters(chunk) for chunk in accepted if chunk.broadcast_id is not None]
    alive = campaign.holder is not None
    lost = {ChunkState.UNKNOWN} if alive else {ChunkState.UNKNOWN, ChunkState.SUBMITTING}
    facts, terms = campaign.facts, campaign.terms
    return Report(
        campaign_id=plan.campaign_id,
        name=plan.name,
        state=campaign.state,
        read=plan.read,
        ready=plan.ready,
        duplicates=plan.duplicates,
        rejected=plan.rejected,
        suppressed=plan.suppressed,
        accepted=sum(chunk.accepted for chunk in accepted),
        refused=_people(chunks, ChunkState.REFUSED)
        + sum(chunk.recipients - chunk.accepted for chunk in accepted),
        unknown=_people(chunks, *lost),
        on_the_way=_people(chunks, ChunkState.SUBMITTING) if alive else 0,
        abandoned=_people(chunks, ChunkState.ABANDONED),
        unsent=_people(chunks, ChunkState.PLANNED),
        sent=sum(sent for sent, _, _ in counters),
        failed=sum(failed for _, failed, _ in counters),
        pending=sum(pending for _, _, pending in counters),
        untracked=sum(chunk.accepted for chunk in accepted if chunk.broadcast_id is None),
        chunks=tuple(_line(plan, chunk) for chunk in chunks if chunk.recipients),
        requests=campaign.requests,
        seconds=round(campaign.seconds, 1),
        reason=campaign.reason,
        stopped_by=campaign.stopped_by,
        countries=plan.countries,
        template=plan.template,
        language=plan.language,
        sender=plan.sender,
        guards=None if terms.guards == Guards() else terms.guards,
        pace=terms.pace,
        not_before=utc(terms.not_before),
        hours=terms.hours,
        per_hour=terms.per_hour,
        per_day=terms.per_day,
        daily_limit=terms.daily_limit,
        price=plan.price,
        rates=plan.rates,
        test=plan.test,
        by=facts.by,
        created_at=utc(plan.created_at),
        launched_at=utc(facts.launched_at),
        ended_at=utc(facts.ended_at),
        purged_at=utc(campaign.purged_at),
        opted_out=plan.opted_out,
        opted_out_later=sum(chunk.recipients for chunk in chunks if _opted_out(chunk)),
        ignores_opt_outs=terms.ignore_opt_outs,
        decided=tuple(map(_decided, campaign.decided)),
    )


def utc(at: float | None) -> datetime | None:
    """Unix time as people and machines read it."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def settle_counters(chunk: Chunk) -> tuple[int, int, int]:
    """(sent, failed, pending) of an accepted chunk; what the service did not count yet is pending.

    Source: contract, section 3.2: no page promises that the service's three counters add up.
    """
    sent = min(chunk.sent, chunk.accepted)
    failed = min(chunk.failed, chunk.accepted - sent)
    return sent, failed, chunk.accepted - sent - failed


def _decided(each: Decided) -> DecidedLine:
    at = datetime.fromtimestamp(each.at, UTC)
    return DecidedLine(act=each.act, at=at, by=each.by, login=each.login, words=each.words)


def _opted_out(chunk: Chunk) -> bool:
    return chunk.state is ChunkState.REFUSED and chunk.reason == OPTED_OUT_LATER


def _people(chunks: Iterable[Chunk], *states: ChunkState) -> int:
    return sum(chunk.recipients for chunk in chunks if chunk.state in states)


def _line(plan: Plan, chunk: Chunk) -> ChunkLine:
    return ChunkLine(
        number=chunk.number,
        recipients=chunk.recipients,
        state=chunk.state,
        broadcast_id=chunk.broadcast_id,
        accepted=chunk.accepted if 0 < chunk.accepted < chunk.recipients else None,
        sent=chunk.sent,
        failed=chunk.failed,
        parent=chunk.parent,
        reason=chunk.reason,
        name=chunk_name(plan.name, chunk.number, len(plan.chunks), parent=chunk.parent),
        submitted_at=utc(chunk.left_last_at),
        seen_at=utc(chunk.seen_at),
        final=chunk.final,
        resent=chunk.resent,
        proven_at=utc(chunk.proven_at),
        noticed_at=utc(None if chunk.state is ChunkState.ACCEPTED else chunk.noticed_at),
        twice_at=utc(chunk.twice_at),
    )
