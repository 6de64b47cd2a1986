"""What `--json` prints: one object a line on stdout, each with a `type`."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from keebai_async.cli.estimate import Estimate
from keebai_async.cli.output import answer_json
from keebai_async.cli.shown import shown_number
from keebai_async.model.cost import Cost, CountryCount
from keebai_async.model.decided import Decider
from keebai_async.model.fates import FateCounts
from keebai_async.model.hours import Hours
from keebai_async.model.meta_codes import Again, about
from keebai_async.model.opt_outs import OptOutCount
from keebai_async.model.plan import DailyRoom, Guards, Pace, Plan, Preview, SuppressListCount
from keebai_async.model.reached import Reached
from keebai_async.model.report import utc
from keebai_async.model.retry import RetryAccount, RetryChoice
from keebai_async.model.sender import Sender
from keebai_async.model.situation import Situation


class PlannedChunk(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    recipients: int


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A row that will not be sent; *to* is masked."""

    row: int
    field: str
    to: str
    detail: str
    repeats_row: int | None = None


class ReasonLine(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    count: int
    examples: tuple[Example, ...]


class ReachedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """See `Reached`; *at* is in UTC."""

    campaign_id: str
    name: str
    template: str
    language: str
    people: int = 0
    at: datetime | None = None
    unsent: int = 0
    repeated: int = 0
    same: bool = False
    purged: bool = False


class OptedOutLine(msgspec.Struct, frozen=True, kw_only=True):
    """See `OptOutCount`; *since* is in UTC."""

    source: str
    people: int
    since: datetime | None


class RetryGroupLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """See `RetryGroup`; *first* and *last* are in UTC."""

    choice: RetryChoice
    code: int
    people: int
    meaning: str
    advice: str
    first: datetime | None = None
    last: datetime | None = None


class RetryLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """See `RetryAccount`; *at* is in UTC."""

    of: str
    name: str
    at: datetime | None
    groups: tuple[RetryGroupLine, ...]
    unnamed: int = 0
    again: bool = False


class PlannedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one of several senders would send: how many people, in how many *chunks*."""

    campaign_id: str
    sender: Sender
    sender_number: str
    ready: int
    chunks: int


class DailyRoomLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a daily limit comes to: see `DailyRoom`."""

    at: datetime | None
    used: int
    at_once: int
    next_at: datetime | None
    ends_at: datetime | None


class PlanLine(msgspec.Struct, frozen=True, kw_only=True, tag="plan", tag_field="type", omit_defaults=True):
    """The counts of a plan, its chunks, why others are left out, and what it takes.

    *requests*, and the seconds of *submitting* and *delivering*, are estimates.
    """

    campaign_id: str
    name: str
    template: str
    language: str
    read: int
    ready: int
    duplicates: int
    rejected: int
    suppressed: int
    chunks: tuple[PlannedChunk, ...]
    reasons: tuple[ReasonLine, ...]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]
    fingerprint: str
    requests: int
    submitting: float
    delivering: float
    countries: tuple[CountryCount, ...] = ()
    suppress_lists: tuple[SuppressListCount, ...] = ()
    preview: str | None = None
    previews: tuple[Preview, ...] = ()
    source: str = ""
    sheet: str = ""
    first_row: int = 0
    last_row: int = 0
    price: Decimal | None = None
    currency: str | None = None
    cost: Cost | None = None
    sender: Sender | None = None
    sender_number: str = ""
    guards: Guards | None = None
    pace: Pace | None = None
    test: bool = False
    created_at: datetime | None = None
    limit: int | None = None
    not_looked_at: int = 0
    reached_before: tuple[ReachedLine, ...] = ()
    opted_out: tuple[OptedOutLine, ...] = ()
    opt_outs_ignored: int | None = None
    retry: RetryLine | None = None
    not_before: datetime | None = None
    hours: Hours | None = None
    per_hour: int | None = None
    per_day: int | None = None
    not_within: float | None = None
    daily_limit: int | None = None
    daily_room: DailyRoomLine | None = None
    planned_by: Decider | None = None
    parts: tuple[PlannedPart, ...] = ()


def plan_line(plan: Plan, estimate: Estimate) -> PlanLine:
    """A plan in the words of the command's interface, without anybody's whole number."""
    cost = plan.cost
    return PlanLine(
        campaign_id=plan.campaign_id,
        name=plan.name,
        template=plan.template,
        language=plan.language,
        read=plan.read,
        ready=plan.ready,
        duplicates=plan.duplicates,
        rejected=plan.rejected,
        suppressed=plan.suppressed,
        chunks=tuple(
            PlannedChunk(number=number, recipients=recipients)
            for number, recipients in enumerate(plan.chunks, start=1)
        ),
        reasons=tuple(_reasons(plan)),
        ignored_columns=plan.ignored_columns,
        notes=plan.notes,
        fingerprint=plan.fingerprint,
        requests=estimate.requests,
        submitting=estimate.submitting,
        delivering=round(estimate.delivering, 1),
        countries=plan.countries,
        suppress_lists=plan.suppress_lists,
        preview=plan.preview,
        previews=plan.previews,
        source=plan.source,
        sheet=plan.sheet,
        first_row=plan.first_row,
        last_row=plan.last_row,
        price=None if cost is None else cost.total,
        currency=None if cost is None else cost.currency,
        cost=cost,
        sender=None if plan.parts else plan.sender,
        sender_number="" if plan.parts else plan.sender_number,
        guards=None if plan.guards == Guards() else plan.guards,
        pace=plan.pace,
        test=plan.test,
        created_at=utc(plan.created_at),
        limit=plan.limit,
        not_looked_at=plan.not_looked_at,
        reached_before=tuple(map(_reached, plan.reached_before)),
        opted_out=tuple(map(_opted_out_line, plan.opted_out)),
        opt_outs_ignored=plan.opt_outs_ignored,
        retry=None if plan.retry is None else retry_line(plan.retry),
        not_before=utc(plan.not_before),
        hours=plan.hours,
        per_hour=plan.per_hour,
        per_day=plan.per_day,
        not_within=plan.not_within,
        daily_limit=plan.daily_limit,
        daily_room=_room_line(plan.daily_room),
        planned_by=plan.planned_by,
        parts=tuple(
            PlannedPart(
                campaign_id=part.campaign_id,
                sender=part.sender,
                sender_number=part.sender_number,
                ready=part.ready,
                chunks=len(part.chunks),
            )
            for part in plan.parts
        ),
    )


def retry_line(account: RetryAccount) -> RetryLine:
    """What a retry would do with whom, with what each code means."""
    return RetryLine(
        of=account.of,
        name=account.name,
        at=utc(account.at),
        groups=tuple(
            RetryGroupLine(
                choice=group.choice,
                code=group.code,
                people=group.people,
                meaning=about(group.code or None).meaning,
                advice=about(group.code or None).advice,
                first=utc(group.first),
                last=utc(group.last),
            )
            for group in account.groups
        ),
        unnamed=account.unnamed,
        again=account.again,
    )


def _room_line(room: DailyRoom | None) -> DailyRoomLine | None:
    if room is None:
        return None
    return DailyRoomLine(
        at=utc(room.at),
        used=room.used,
        at_once=room.at_once,
        next_at=utc(room.next_at),
        ends_at=utc(room.ends_at),
    )


def _opted_out_line(each: OptOutCount) -> OptedOutLine:
    return OptedOutLine(source=each.source.value, people=each.people, since=utc(each.since))


def _reached(each: Reached) -> ReachedLine:
    return ReachedLine(
        campaign_id=each.campaign_id,
        name=each.name,
        template=each.template,
        language=each.language,
        people=each.people,
        at=utc(each.at),
        unsent=each.unsent,
        repeated=each.repeated,
        same=each.same,
        purged=each.purged,
    )


def _reasons(plan: Plan) -> Iterable[ReasonLine]:
    for reason in plan.reasons:
        examples = tuple(
            Example(
                row=example.row,
                field=example.field,
                to=shown_number(example.to),
                detail=example.detail,
                repeats_row=example.repeats_row,
            )
            for example in reason.examples
        )
        yield ReasonLine(reason=reason.reason.value, count=reason.count, examples=examples)


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
"""Money is a number to who reads JSON, and every digit of it is there."""


def typed(kind: str, thing: msgspec.Struct) -> dict[str, object]:
    """Any Struct of the vocabulary as an object of this type."""
    fields = msgspec.json.decode(_ENCODER.encode(thing), type=dict[str, object])
    return {"type": kind} | {key: value for key, value in fields.items() if key != "type"}


_ALWAYS: Final[dict[str, object]] = {"on_the_way": 0}
"""Fields of a report that stand there also with their usual value, because the sums need them."""

_OF_SITUATION: Final = ("waits_for", "waits_until", "at_service", "gone", "failing", "steps", "outlook")


def account(kind: str, situation: Situation) -> dict[str, object]:
    """Where a campaign stands, as an object of this type: its report, and what goes with it."""
    shown = typed(kind, situation.report) | {
        "state": situation.standing.value,
        "seconds": round(situation.seconds, 1),
    }
    for name, value in (("reason", situation.reason), ("stopped_by", situation.cause)):
        shown.pop(name, None)
        if value is not None:
            shown[name] = value
    if situation.report.opted_out:
        shown["opted_out"] = list(map(_opted_out_line, situation.report.opted_out))
    fields = typed(kind, situation)
    shown |= {name: fields[name] for name in _OF_SITUATION if name in fields}
    if (cost := situation.report.cost) is not None:
        shown["cost"] = {name: value for name, value in typed("", cost).items() if name != "type"}
    if situation.parts:
        shown["parts"] = [account(kind, part) for part in situation.parts]
    if situation.fates is not None:
        shown["fates"] = msgspec.to_builtins(fates_line(situation.fates))
    if (holder := situation.holder) is not None:
        shown["run_by"] = {
            "pid": holder.pid,
            "host": holder.host,
            "user": holder.user,
            "since": utc(holder.since),
        }
    return {"type": kind} | _ALWAYS | shown


class CodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Those who failed by one code of Meta's, 0 where none was told. *wait* is in seconds."""

    code: int
    people: int
    meaning: str
    advice: str
    again: Again
    wait: float


class FatesLine(msgspec.Struct, frozen=True, kw_only=True):
    """What webhooks told: see `FateCounts`."""

    sent: int
    failed: int
    delivered: int
    read: int
    replied: int
    codes: tuple[CodeLine, ...]


def fates_line(counts: FateCounts) -> FatesLine:
    """What webhooks told, with what each code asks for."""
    return FatesLine(
        sent=counts.sent,
        failed=counts.failed,
        delivered=counts.delivered,
        read=counts.read,
        replied=counts.replied,
        codes=tuple(
            CodeLine(
                code=each.about.code or 0,
                people=each.people,
                meaning=each.about.meaning,
                advice=each.about.advice,
                again=each.about.again,
                wait=each.about.wait,
            )
            for each in counts.by_code
        ),
    )


def error_object(error: BaseException, words: str, code: int) -> dict[str, object]:
    """An error as the last object of a command: its *words* are those of the line on stderr."""
    campaign = getattr(error, "campaign_id", None)
    named: dict[str, object] = {"campaign_id": campaign} if isinstance(campaign, str) else {}
    return {"type": "error", "kind": type(error).__name__, "message": words, "exit_code": code} | named


def emit(thing: object) -> None:
    """Print one line now, so that a reader at the other end of a pipe sees it as it happens."""
    answer_json(_ENCODER.encode(thing))
