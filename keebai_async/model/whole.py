"""All parts of a list over several senders together: one plan, one report, one situation. Pure.

The parts are ordinary campaigns, and each of them adds up; the whole is their sum. So it is never kept: what
becomes of it is what becomes of them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from msgspec.structs import replace

from keebai_async.errors import InvalidInput
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.cost import CountryCount
from keebai_async.model.decided import decided_together
from keebai_async.model.failing import Failing, alarming
from keebai_async.model.fates import FateCounts
from keebai_async.model.guard import Share
from keebai_async.model.next_steps import PROGRAM, Step
from keebai_async.model.outlook import Outlook
from keebai_async.model.part import Part, whole_of
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.plan import Guards, Pace, Plan
from keebai_async.model.report import Report, report_of
from keebai_async.model.requests import Requests
from keebai_async.model.retry import RetryAccount, RetryChoice, RetryGroup
from keebai_async.model.situation import Situation, Standing, situation_of
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want

P = TypeVar("P", Plan, Report)

NOTHING_WANTED: Final[Mapping[str, Want]] = MappingProxyType({})
_NO_MATTER: Final = frozenset({None, Cause.NOT_TRACKED, Cause.SETTLED})


def dealt_guards(guards: Guards, number: int, of: int) -> Guards:
    """The guards of a part. Of a canary it has a share, but one person at least: each sender is tried."""
    if guards.canary is None:
        return guards
    return replace(guards, canary=max(1, guards.canary // of + (number <= guards.canary % of)))


def dealt_pace(pace: Pace, number: int, of: int) -> Pace:
    """The pace of a part, so that all of them together keep to *pace*.

    Raises:
        InvalidInput: there is not one person for each sender in it.
    """
    return Pace(people=dealt_people(pace.people, number, of, field="pace"), per=pace.per)


def dealt_people(people: int, number: int, of: int, *, field: str) -> int:
    """How many of so many *people* in a time the part *number* has.

    Raises:
        InvalidInput: there is not one for each part.
    """
    own = people // of + (number <= people % of)
    if not own:
        who = f"{people_words(people)} {agreeing(people, 'is', 'are')}"
        raise InvalidInput(f"{field}: {who} less than one for each of {of} senders", field=field)
    return own


def whole_plan(parts: Sequence[Plan]) -> Plan:
    """The plan of a list, from those of all its parts in their order. Its *sender* is that of the first."""
    first = parts[0]
    named = _named(first)
    paces = [each.pace for each in parts if each.pace is not None]
    digests = "".join(each.fingerprint for each in parts)
    retries = [each.retry for each in parts if each.retry is not None]
    return replace(
        first,
        campaign_id=_whole_id(first.campaign_id),
        name=named.name,
        read=sum(each.read for each in parts),
        ready=sum(each.ready for each in parts),
        duplicates=sum(each.duplicates for each in parts),
        rejected=sum(each.rejected for each in parts),
        suppressed=sum(each.suppressed for each in parts),
        chunks=tuple(size for each in parts for size in each.chunks),
        chunk_countries=tuple(country for each in parts for country in each.chunk_countries),
        fingerprint=hashlib.sha256(digests.encode()).hexdigest()[:32],
        notes=tuple(dict.fromkeys(note for each in parts for note in each.notes)),
        guards=replace(first.guards, canary=_sum(each.guards.canary for each in parts)),
        pace=replace(paces[0], people=sum(pace.people for pace in paces)) if paces else None,
        per_hour=_sum(each.per_hour for each in parts),
        per_day=_sum(each.per_day for each in parts),
        countries=_countries(parts),
        first_row=named.first_row,
        last_row=named.last_row,
        retry=whole_retry(retries) if retries else None,
        opt_outs_ignored=_sum(each.opt_outs_ignored for each in parts),
        part=None,
        parts=tuple(parts),
    )


def whole_retry(accounts: Sequence[RetryAccount]) -> RetryAccount:
    """What retries of all parts of a list would do, as one."""
    groups: dict[tuple[RetryChoice, int], RetryGroup] = {}
    for group in (group for each in accounts for group in each.groups):
        before = groups.get((group.choice, group.code))
        groups[group.choice, group.code] = group if before is None else _both(before, group)
    return replace(
        accounts[0],
        of=_whole_id(accounts[0].of),
        name=accounts[0].name.rpartition(" ")[0],
        groups=tuple(groups.values()),
        unnamed=sum(each.unnamed for each in accounts),
    )


def whole_report(parts: Sequence[Report], name: str) -> Report:
    """The report of a list called *name*: its counts are the sums of its parts', which have the chunks."""
    first = parts[0]
    stopped = _matters_most((each.stopped_by, each.reason, each) for each in parts)
    guards = [each.guards for each in parts if each.guards is not None]
    paces = [each.pace for each in parts if each.pace is not None]
    ended = [each.ended_at for each in parts]
    return replace(
        first,
        campaign_id=_whole_id(first.campaign_id),
        name=name,
        state=_state([each.state for each in _with_people(parts)]),
        **{count: sum(getattr(each, count) for each in parts) for count in _COUNTS},
        chunks=(),
        requests=sum((each.requests for each in parts), Requests()),
        seconds=max(each.seconds for each in parts),
        stopped_by=stopped[0],
        reason=stopped[1],
        countries=_countries(parts),
        sender=None,
        guards=replace(guards[0], canary=_sum(each.canary for each in guards)) if guards else None,
        pace=replace(paces[0], people=sum(pace.people for pace in paces)) if paces else None,
        per_hour=_sum(each.per_hour for each in parts),
        per_day=_sum(each.per_day for each in parts),
        by=next((each.by for each in parts if each.by), ""),
        launched_at=min((at for each in parts if (at := each.launched_at) is not None), default=None),
        ended_at=max((at for at in ended if at is not None), default=None) if None not in ended else None,
        purged_at=max((at for each in parts if (at := each.purged_at) is not None), default=None),
        opted_out=tuple(each for part in parts for each in part.opted_out),
        ignores_opt_outs=any(each.ignores_opt_outs for each in parts),
        decided=decided_together(each.decided for each in parts),
        parts=tuple(parts),
    )


_COUNTS: Final = (
    *("read", "ready", "duplicates", "rejected", "suppressed", "accepted", "refused", "unknown"),
    *("on_the_way", "abandoned", "unsent", "sent", "failed", "pending", "untracked", "opted_out_later"),
)


def whole_situation(parts: Sequence[Situation], first: Plan) -> Situation:
    """Where a list stands, from where its parts stand. *first* is the plan of the first of them."""
    report = whole_report([each.report for each in parts], _named(first).name)
    cause, reason = _matters_most((each.cause, each.reason, each.report) for each in parts)
    fates = [each.fates for each in parts if each.fates is not None]
    waits = next((each for each in parts if each.waits_for is not None), None)
    return Situation(
        standing=_standing([each.standing for each in parts if each.report.ready] or [Standing.FINISHED]),
        report=report,
        seconds=max(each.seconds for each in parts),
        reason=reason,
        cause=cause,
        holder=next((each.holder for each in parts if each.holder is not None), None),
        waits_for=None if waits is None else f"{waits.waits_for} ({words_of(waits.report)})",
        waits_until=None if waits is None else waits.waits_until,
        at_service=tuple(each for part in parts for each in part.at_service),
        gone=sum(each.gone for each in parts),
        failing=_failing(parts, report),
        steps=tuple(dict.fromkeys(_steps(parts, report.campaign_id))),
        outlook=_outlook(parts),
        fates=sum(fates[1:], fates[0]) if fates else None,
        parts=tuple(parts),
    )


def situation_of_all(
    campaigns: Sequence[StoredCampaign],
    now: float,
    *,
    whole: bool,
    fates: Sequence[FateCounts | None] = (),
    wants: Mapping[str, Want] = NOTHING_WANTED,
) -> Situation:
    """Where a campaign stands at the time *now* (Unix time); or a *whole* list, whose parts *campaigns* are.

    *fates* is what webhooks told of each of them, *wants* what is wanted, by campaign.
    """
    told = fates or [None] * len(campaigns)
    parts = [
        situation_of(each, now, fates=one, want=wants.get(each.plan.campaign_id))
        for each, one in zip(campaigns, told, strict=True)
    ]
    return whole_situation(parts, campaigns[0].plan) if whole else parts[0]


def report_of_all(campaigns: Sequence[StoredCampaign], *, whole: bool) -> Report:
    """The report of a campaign; or of a *whole* list, whose parts *campaigns* are."""
    reports, part = [report_of(each) for each in campaigns], campaigns[0].plan.part
    return whole_report(reports, part.name) if whole and part is not None else reports[0]


def together(every: Iterable[StoredCampaign]) -> list[list[StoredCampaign]]:
    """Campaigns in their order, each alone, but for the parts of a list, which are together in theirs."""
    found: dict[str, list[StoredCampaign]] = {}
    for each in every:
        whole = None if each.plan.part is None else whole_of(each.plan.campaign_id)
        found.setdefault(whole or each.plan.campaign_id, []).append(each)
    return [sorted(parts, key=_place) for parts in found.values()]


def _place(campaign: StoredCampaign) -> int:
    return 0 if campaign.plan.part is None else campaign.plan.part.number


def _outlook(parts: Sequence[Situation]) -> Outlook | None:
    """What is likely of all who are with the service: each sender delivers in a line of its own."""
    found = [each.outlook for each in parts if each.outlook is not None]
    if not found:
        return None
    over = sum(each.report.sent + each.report.failed for each in parts if each.outlook is None)
    ends = [each.ends_at for each in found]
    return Outlook(
        seen=over + sum(each.seen for each in found),
        pending=sum(each.pending for each in found),
        likely=sum(each.likely for each in found),
        rate=sum(each.rate for each in found),
        learnt=all(each.learnt for each in found),
        next_look=min((each.next_look for each in found if each.next_look is not None), default=None),
        ends_at=max((at for at in ends if at is not None), default=None) if None not in ends else None,
    )


def _failing(parts: Sequence[Situation], report: Report) -> Failing | None:
    share = Share(report.failed, report.failed + report.sent)
    if not alarming(share):
        return None
    found = [each.failing for each in parts if each.failing is not None]
    worst = sorted(
        (chunk for each in found for chunk in each.worst), key=lambda one: -one.failed / one.delivered
    )
    return Failing(
        failed=share.failed,
        delivered=share.delivered,
        share=share.failed / share.delivered,
        worst=tuple(worst[:5]),
        since=min((each.since for each in found if each.since is not None), default=None),
    )


def words_of(part: Report) -> str:
    """`part 2/5, from 1000`: by which a person knows it."""
    number = part.campaign_id.rpartition("-x")[2].split("-")
    where = f"part {number[1]}/{number[0]}" if len(number) == 2 else part.campaign_id
    return f"{where}, from {part.sender.id}" if part.sender is not None else where


def _steps(parts: Sequence[Situation], whole: str) -> Iterator[Step]:
    """Those of the parts, where each has its own; and one for all where the same can be said of all."""
    if all(each.standing is Standing.PLANNED for each in parts if each.report.ready):
        yield Step(words="to send it", command=f"{PROGRAM} launch {whole}")
        yield Step(words="to remove it", command=f"{PROGRAM} remove {whole}")
        return
    for part in parts:
        for step in part.steps:
            command = step.command.removeprefix(f"{PROGRAM} ").split()
            if len(command) == 2 and command[1] == part.campaign_id and command[0] != "reconcile":
                yield Step(
                    words=_FOR_ALL.get(command[0], step.words), command=f"{PROGRAM} {command[0]} {whole}"
                )
            else:
                yield replace(step, words=f"{words_of(part.report)}: {step.words}")


_FOR_ALL: Final = {
    "resume": "to go on with all parts",
    "launch": "to send the parts that were not begun",
}


def _standing(each: Sequence[Standing]) -> Standing:
    for first in (Standing.RUNNING, Standing.PAUSED, Standing.DIED, Standing.PURGED):
        if first in each:
            return first
    return each[0] if len(set(each)) == 1 else Standing.STOPPED


def _state(each: Sequence[CampaignState]) -> CampaignState:
    for first in (CampaignState.RUNNING, CampaignState.PAUSED):
        if first in each:
            return first
    return each[0] if len(set(each)) == 1 else CampaignState.STOPPED


def _matters_most(
    stops: Iterable[tuple[Cause | None, str | None, Report]],
) -> tuple[Cause | None, str | None]:
    """A person's own word first, then what needs one; and the words for every part that says some."""
    every = list(stops)
    causes = [cause for cause, _, _ in every]
    order = [Cause.INTERRUPTED, *(cause for cause in causes if cause not in _NO_MATTER), *causes]
    cause = next((each for each in order if each is not None and each in causes), None)
    words = [f"{words_of(report)}: {reason}" for _, reason, report in every if reason]
    same = {reason for _, reason, _ in every}
    return cause, every[0][1] if len(same) == 1 else "; ".join(words) or None


def _with_people(parts: Sequence[Report]) -> Sequence[Report]:
    """The parts that say where the whole is: one to whose sender nobody fell has nothing to do."""
    return [each for each in parts if each.ready] or parts


def _countries(parts: Sequence[P]) -> tuple[CountryCount, ...]:
    found: dict[str, CountryCount] = {}
    for each in (country for part in parts for country in part.countries):
        before = found.get(each.region)
        found[each.region] = each if before is None else replace(each, people=each.people + before.people)
    return tuple(sorted(found.values(), key=lambda each: (-each.people, each.region)))


def _both(one: RetryGroup, other: RetryGroup) -> RetryGroup:
    times = [at for at in (one.first, one.last, other.first, other.last) if at is not None]
    return replace(
        one,
        people=one.people + other.people,
        first=min(times, default=None),
        last=max(times, default=None),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _whole_id(campaign_id: str) -> str:
    return whole_of(campaign_id) or campaign_id


def _named(plan: Plan) -> Part:
    return plan.part or Part(number=1, of=1, name=plan.name)
