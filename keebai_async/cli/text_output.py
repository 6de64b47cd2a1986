"""Plans, reports and receipts as text for people: the same lines on a terminal and in a file. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from keebai_async.cli.account_text import account_lines, headline
from keebai_async.cli.estimate import Estimate, duration
from keebai_async.cli.fates_text import BESIDE, code_rows, difference_words, fate_rows
from keebai_async.cli.figures import figure, in_locale, moment, money, people_figure, share
from keebai_async.cli.opt_outs_text import plan_lines_on_opt_outs, report_lines_on_opt_outs
from keebai_async.cli.options import journal_option
from keebai_async.cli.reached_text import reached_lines, rest_lines
from keebai_async.cli.retry_text import retry_lines
from keebai_async.cli.shown import shown_number, shown_text
from keebai_async.keebai.models import Receipt
from keebai_async.model.fates import FateCounts
from keebai_async.model.next_steps import Step
from keebai_async.model.plan import Guards, Pace, Plan, Price, ReasonCount
from keebai_async.model.recipient import Rejection
from keebai_async.model.report import Report
from keebai_async.model.situation import Situation

_EXAMPLES = 3


def plan_text(plan: Plan, estimate: Estimate, price: Price | None = None, *, now: float | None = None) -> str:
    """What would happen, with the first examples of what will not. *price* is in the place of the plan's.

    *now* is Unix time; when the plan was made, if not given.
    """
    lines = _plan_lines(plan, estimate, price or plan.price)
    reached = reached_lines(plan, now=plan.created_at if now is None else now)
    return "\n".join((*lines, *(f"note: {line}" for line in rest_lines(plan)), *reached))


def price_words(price: Price, messages: int) -> str:
    """`3,090.00 USD (0.0618 each)`; of messages, not of those which the service charges in the end."""
    return f"{money(price.unit * messages)} {price.currency} ({price.unit:g} each)"


def _plan_lines(plan: Plan, estimate: Estimate, price: Price | None) -> Iterator[str]:
    field, sender = plan.sender.wire
    test = "  (a test)" if plan.test else ""
    yield f"{shown_text(plan.name)}  [{plan.campaign_id}]{test}"
    template = f"{shown_text(plan.template)}, {shown_text(plan.language)}"
    if plan.parts:
        yield f"  template    {template}, from {len(plan.parts)} senders"
    else:
        number = f" ({shown_text(plan.sender_number)})" if plan.sender_number else ""
        yield f"  template    {template}, from {field} {shown_text(sender)}{number}"
    if plan.retry is not None:
        yield from retry_lines(plan.retry)
    elif plan.last_row:
        yield f"  list        {_rows_read(plan)}"
    if plan.preview:
        yield f"  first text  {shown_text(plan.preview)}"
    for other in plan.previews:
        where = f", row {other.row}" if other.row else ""
        yield f"  {other.why}{where}: {shown_text(other.text)}"
    yield ""
    yield _row("read", plan.read)
    yield _row("  ready", plan.ready)
    yield _row("  duplicates", plan.duplicates)
    yield _row("  rejected", plan.rejected)
    yield _row("  suppressed", plan.suppressed)
    yield from plan_lines_on_opt_outs(plan)
    if plan.countries:
        yield f"people by country: {countries_text(plan)}"
    if plan.parts:
        yield ""
        yield table(_PLANNED_PARTS, map(_planned_part, plan.parts), right={"PEOPLE", "CHUNKS"})
    if plan.reasons:
        yield ""
        yield "left out, with the first rows for each reason"
    for reason in plan.reasons:
        yield from _reason_lines(reason)
    yield ""
    yield from _estimate_lines(plan, estimate)
    if price is not None:
        yield _line("price", price_words(price, plan.ready))
    yield from _guard_lines(plan.guards)
    yield from (f"submitted   {line}" for line in when_lines(plan))
    if plan.ignored_columns:
        columns = ", ".join(map(shown_text, plan.ignored_columns))
        yield f"note: columns that the template does not use: {columns}"
    yield from (f"note: {in_locale(shown_text(note))}" for note in plan.notes)


_PLANNED_PARTS: Final = ("SENDER", "NUMBER", "PEOPLE", "CHUNKS", "PART")


def _planned_part(part: Plan) -> Iterator[str]:
    yield part.sender.id
    yield part.sender_number
    yield figure(part.ready)
    yield figure(len(part.chunks))
    yield part.campaign_id


def _rows_read(plan: Plan) -> str:
    """`clients.xlsx, sheet Base, rows 2 to 50,001`."""
    sheet = f", sheet {plan.sheet}" if plan.sheet else ""
    return f"{shown_text(plan.source + sheet)}, rows {figure(plan.first_row)} to {figure(plan.last_row)}"


def countries_text(plan: Plan | Report) -> str:
    """`Argentina 31,204; Per\u00fa 3`: the people who are ready."""
    return "; ".join(f"{country.name} {figure(country.people)}" for country in plan.countries)


def _reason_lines(reason: ReasonCount) -> Iterator[str]:
    yield _row(f"  {reason.reason.value}", reason.count)
    for example in reason.examples[:_EXAMPLES]:
        yield f"      {example_text(example)}"


def example_text(rejection: Rejection) -> str:
    """One row that will not be sent: where it is, whose (masked), and what is wrong."""
    where = f"row {rejection.row}"
    if rejection.field:
        where += f", {shown_text(rejection.field)}"
    number = shown_number(rejection.to)
    who = f" ({number})" if number else ""
    return f"{where}{who}: {shown_text(rejection.detail)}"


def _estimate_lines(plan: Plan, estimate: Estimate) -> Iterator[str]:
    largest = max(plan.chunks, default=0)
    yield _row("chunks", len(plan.chunks), f"of up to {people_figure(largest)}")
    submits = figure(estimate.submits)
    yield _row("requests", estimate.requests, f"{submits} to submit, the others to follow the delivery")
    at = "at this quota" if plan.pace is None else f"at the pace of {pace_words(plan.pace)}"
    if plan.hours is not None or plan.not_before is not None:
        at = "if it is launched now: see when it is submitted, below"
    yield _line("submitting", _about(estimate.submitting), at)
    yield _line("delivering", _about(estimate.delivering), "at 80 messages a second, one sender's default")


def _guard_lines(guards: Guards) -> Iterator[str]:
    if guards.canary is not None:
        yield _row("canary", guards.canary, "people first, then everyone if few enough of them fail")
    if guards.stop_above is not None:
        yield _line("stops above", f"{guards.stop_above:.0%}", "of what is delivered, if it fails")


def _about(seconds: float) -> str:
    return f"about {duration(max(1.0, seconds))}"


def report_text(situation: Situation) -> str:
    """Where a campaign stands: three sums, each with its terms below it."""
    return "\n".join(_report_lines(situation))


def _report_lines(situation: Situation) -> Iterator[str]:
    report = situation.report
    test = "  (a test)" if report.test else ""
    yield f"{shown_text(report.name)}  [{report.campaign_id}]{test}"
    yield f"  {headline(situation)}"
    if report.pace is not None:
        yield f"  at a pace of {pace_words(report.pace)}"
    yield from (f"  submitted {line}" for line in when_lines(report))
    yield ""
    yield _row("read", report.read)
    yield _row("  ready", report.ready)
    yield _row("  duplicates", report.duplicates)
    yield _row("  rejected", report.rejected)
    yield _row("  suppressed", report.suppressed)
    yield from report_lines_on_opt_outs(report)
    if report.countries:
        yield f"people by country: {countries_text(report)}"
    yield _row("ready", report.ready)
    yield _row("  accepted", report.accepted)
    yield _row("  refused", report.refused)
    yield _row("  unknown", report.unknown)
    yield _row("  on their way", report.on_the_way)
    yield _row("  abandoned", report.abandoned)
    yield _row("  unsent", report.unsent)
    yield _row("accepted", report.accepted)
    yield _row("  sent", report.sent, _part(report.sent, report))
    yield _row("  failed", report.failed, _part(report.failed, report))
    yield _row("  pending", report.pending)
    yield _row("  untracked", report.untracked)
    yield from _requests_line(report)
    if situation.parts:
        yield table(_BY_SENDER, map(_part_row, situation.parts), right=_RIGHT)
    yield from _fates_lines(situation)
    yield from (
        f"THIS DOES NOT ADD UP, which is a bug: please report it: {error}" for error in report.errors()
    )
    yield from account_lines(situation)


_BY_SENDER: Final = ("SENDER", "STATE", "PEOPLE", "SENT", "FAILED", "PENDING", "UNSENT", "UNKNOWN", "PART")


def _part_row(part: Situation) -> Iterator[str]:
    report = part.report
    yield "" if report.sender is None else report.sender.id
    yield part.standing.value
    for count in (report.ready, report.sent, report.failed, report.pending, report.unsent, report.unknown):
        yield figure(count)
    yield report.campaign_id


def _fates_lines(situation: Situation) -> Iterator[str]:
    counts = situation.fates
    if counts is None:
        return
    yield BESIDE
    for label, people, note in fate_rows(counts):
        yield _row(f"  {label}", people, note)
    yield difference_words(situation.report, counts)
    yield from codes_lines(counts)


def codes_lines(counts: FateCounts) -> Iterator[str]:
    """Those who failed, by code, below a header; nothing if nobody did."""
    rows = list(code_rows(counts))
    if rows:
        yield table(("CODE", "FAILED", "MEANING", "WHAT TO DO"), rows, right={"FAILED"})


def _part(people: int, report: Report) -> str:
    done = report.sent + report.failed
    return f"{share(people, done)} of those sent or failed" if people and done else ""


def when_lines(of: Plan | Report) -> Iterator[str]:
    """When its people are submitted, where somebody said something of that."""
    if of.not_before is not None:
        yield f"not before {moment(of.not_before)}"
    if of.hours is not None:
        where = "the country of each number" if of.hours.by_country else of.hours.zone
        yield f"from {of.hours.opens} to {of.hours.closes} by the clocks of {where}"
    if of.per_hour is not None:
        yield f"up to {people_figure(of.per_hour)} in any hour"
    if of.per_day is not None:
        yield f"up to {people_figure(of.per_day)} in any 24 hours"


def pace_words(pace: Pace) -> str:
    """`5,000 people in 10 min 0 s`."""
    return f"{people_figure(pace.people)} in {duration(pace.per)}"


def _requests_line(report: Report) -> Iterator[str]:
    spent = report.requests
    parts = f"submits {figure(spent.submits)}, polls {figure(spent.polls)}, other {figure(spent.other)}"
    note = f"{parts}; answered with 429: {figure(spent.throttled)}"
    yield _row("requests", spent.submits + spent.polls + spent.other, note)


_LIST: Final = ("CAMPAIGN", "STATE", "CREATED", "PEOPLE", "SENT", "FAILED", "UNSENT", "UNKNOWN", "NAME")
_RIGHT: Final = frozenset({"PEOPLE", "SENT", "FAILED", "PENDING", "UNSENT", "UNKNOWN"})


def list_text(situations: Iterable[Situation]) -> str:
    """All campaigns, a line each, below a header."""
    return table(_LIST, map(_list_row, situations), right=_RIGHT)


def _list_row(situation: Situation) -> Iterator[str]:
    report = situation.report
    done = report.sent + report.failed
    yield report.campaign_id
    yield situation.standing.value + (", test" if report.test else "")
    yield "" if report.created_at is None else moment(report.created_at)
    yield figure(report.ready)
    yield figure(report.sent)
    yield figure(report.failed) + (f" ({share(report.failed, done)})" if report.failed else "")
    yield figure(report.unsent)
    yield figure(report.unknown)
    yield report.name


def progress_line(situation: Situation) -> str:
    """One line of a campaign that is looked on."""
    report = situation.report
    return (
        f"{report.campaign_id}  {situation.standing.value}"
        f"  {figure(report.accepted)} of {figure(report.ready)} accepted,"
        f" {figure(report.sent)} sent, {figure(report.failed)} failed,"
        f" {figure(report.on_the_way)} on their way, {figure(report.unsent)} unsent,"
        f" {figure(report.unknown)} unknown"
    )


_KNOW_JOURNALS: Final = frozenset(
    {
        *("doctor", "export", "launch", "pause", "purge", "reconcile"),
        *("remove", "report", "resume", "retry", "status", "stop", "watch"),
    }
)


def step_lines(situation: Situation, *, journal: str | None = None) -> list[str]:
    """The commands that lead on, as they are typed where *journal* was named as an option."""
    return [str(_on_journal(step, journal)) for step in situation.steps]


def _on_journal(step: Step, journal: str | None) -> Step:
    command = step.command.split()[1:2]
    if journal is None or not command or not _KNOW_JOURNALS.issuperset(command):
        return step
    return Step(words=step.words, command=step.command + journal_option(journal))


def receipt_line(receipt: Receipt) -> str:
    """`accepted: broadcast 66aa00, message 77bb11 (queued)`."""
    ids = [f"broadcast {receipt.broadcast_id}"] if receipt.broadcast_id else []
    ids += [f"message {receipt.message_id}"] if receipt.message_id else []
    return shown_text(f"accepted: {', '.join(ids)}" + (f" ({receipt.status})" if receipt.status else ""))


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, right: Collection[str] = ()) -> str:
    """Columns as wide as their widest cell, two blanks between them; those of *right* end together."""
    names = list(head)
    cells = [names, *([shown_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [str.rjust if name in right else str.ljust for name in names]
    padded = (
        "  ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(padded)


def _row(label: str, value: int, note: str = "") -> str:
    return _line(label, figure(value), note)


def _line(label: str, value: str, note: str = "") -> str:
    return f"{label:<22}{value:>14}  {note}".rstrip()
