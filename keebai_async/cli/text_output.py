"""Plans, reports and receipts as text for people: the same lines on a terminal and in a file. Pure."""

from collections.abc import Iterable, Iterator

from keebai_async.cli.estimate import Estimate, Price, duration
from keebai_async.cli.shown import shown_number, shown_reason, shown_text
from keebai_async.keebai.models import Receipt
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Guards, Plan, ReasonCount
from keebai_async.model.recipient import Rejection
from keebai_async.model.report import Report

_EXAMPLES = 3


def plan_text(plan: Plan, estimate: Estimate, price: Price | None = None) -> str:
    """What would happen, with the first examples of what will not."""
    return "\n".join(_plan_lines(plan, estimate, price))


def _plan_lines(plan: Plan, estimate: Estimate, price: Price | None) -> Iterator[str]:
    field, sender = plan.sender.wire
    yield f"{shown_text(plan.name)}  [{plan.campaign_id}]"
    template = f"{shown_text(plan.template)}, {shown_text(plan.language)}"
    yield f"  template    {template}, from {field} {shown_text(sender)}"
    if plan.last_row:
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
    if plan.countries:
        yield f"people by country: {countries_text(plan)}"
    if plan.reasons:
        yield ""
        yield "left out, with the first rows for each reason"
    for reason in plan.reasons:
        yield from _reason_lines(reason)
    yield ""
    yield from _estimate_lines(plan, estimate)
    if price is not None:
        yield _line("price", price.of(plan.ready))
    yield from _guard_lines(plan.guards)
    if plan.ignored_columns:
        columns = ", ".join(map(shown_text, plan.ignored_columns))
        yield f"note: columns that the template does not use: {columns}"
    yield from (f"note: {shown_text(note)}" for note in plan.notes)


def _rows_read(plan: Plan) -> str:
    """`clients.xlsx, sheet Base, rows 2 to 50,001`."""
    sheet = f", sheet {plan.sheet}" if plan.sheet else ""
    return f"{shown_text(plan.source + sheet)}, rows {plan.first_row:,} to {plan.last_row:,}"


def countries_text(plan: Plan | Report) -> str:
    """`Argentina 31,204; Per\u00fa 3`: the people who are ready."""
    return "; ".join(f"{country.name} {country.people:,}" for country in plan.countries)


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
    yield _row("chunks", len(plan.chunks), f"of up to {largest:,} people")
    yield _row(
        "requests", estimate.requests, f"{estimate.submits:,} to submit, the others to follow the delivery"
    )
    yield _line("submitting", _about(estimate.submitting), "at this quota")
    yield _line("delivering", _about(estimate.delivering), "at 80 messages a second, one sender's default")


def _guard_lines(guards: Guards) -> Iterator[str]:
    if guards.canary is not None:
        yield _row("canary", guards.canary, "people first, then everyone if few enough of them fail")
    if guards.stop_above is not None:
        yield _line("stops above", f"{guards.stop_above:.0%}", "of what is delivered, if it fails")


def _about(seconds: float) -> str:
    return f"about {duration(max(1.0, seconds))}"


DIED = "died"
"""In the place of the state of a campaign that is running, says the journal, and that nobody runs."""


def report_text(report: Report, *, died: bool = False) -> str:
    """Where a campaign stands: three sums, each with its terms below it; *died* if its process did."""
    return "\n".join(_report_lines(report, DIED if died else report.state.value))


def _report_lines(report: Report, state: str) -> Iterator[str]:
    why = f": {shown_reason(report.reason)}" if report.reason else ""
    yield f"{shown_text(report.name)}  [{report.campaign_id}]"
    yield f"  {state} after {duration(report.seconds)}{why}"
    yield ""
    yield _row("read", report.read)
    yield _row("  ready", report.ready)
    yield _row("  duplicates", report.duplicates)
    yield _row("  rejected", report.rejected)
    yield _row("  suppressed", report.suppressed)
    if report.countries:
        yield f"people by country: {countries_text(report)}"
    yield _row("ready", report.ready)
    yield _row("  accepted", report.accepted)
    yield _row("  refused", report.refused)
    yield _row("  unknown", report.unknown)
    yield _row("  abandoned", report.abandoned)
    yield _row("  unsent", report.unsent)
    yield _row("accepted", report.accepted)
    yield _row("  sent", report.sent)
    yield _row("  failed", report.failed)
    yield _row("  pending", report.pending)
    yield _row("  untracked", report.untracked)
    yield from _requests_line(report)
    yield from (
        f"THIS DOES NOT ADD UP, which is a bug: please report it: {error}" for error in report.errors()
    )
    for chunk in report.chunks:
        if chunk.state is ChunkState.UNKNOWN:
            yield f"unknown: chunk {chunk.number}, {chunk.recipients:,} people, may have been sent or not"


def _requests_line(report: Report) -> Iterator[str]:
    spent = report.requests
    parts = f"submits {spent.submits:,}, polls {spent.polls:,}, other {spent.other:,}"
    note = f"{parts}; answered with 429: {spent.throttled:,}"
    yield _row("requests", spent.submits + spent.polls + spent.other, note)


def campaign_line(report: Report, *, died: bool = False) -> str:
    """One campaign in the list of all."""
    state = DIED if died else report.state.value
    return (
        f"{report.campaign_id}  {state}  {report.accepted:,} of {report.ready:,} accepted,"
        f" {report.sent:,} sent, {report.failed:,} failed, {report.unknown:,} unknown"
        f"  {shown_text(report.name)}"
    )


def next_steps(report: Report) -> list[str]:
    """The commands that lead on from where a campaign stands, a line each; none if it is done."""
    steps = [
        f"settle chunk {chunk.number}: keebai-async reconcile {report.campaign_id} --chunk {chunk.number}"
        " --accepted BROADCAST-ID (or --resend, or --abandon)"
        for chunk in report.chunks
        if chunk.state is ChunkState.UNKNOWN
    ]
    if steps:
        steps.insert(0, f"what to look for in the portal: keebai-async reconcile {report.campaign_id}")
    if report.state is not CampaignState.FINISHED:
        steps.append(f"to go on: keebai-async resume {report.campaign_id}")
    return steps


def receipt_line(receipt: Receipt) -> str:
    """`accepted: broadcast 66aa00, message 77bb11 (queued)`."""
    ids = [f"broadcast {receipt.broadcast_id}"] if receipt.broadcast_id else []
    ids += [f"message {receipt.message_id}"] if receipt.message_id else []
    return shown_text(f"accepted: {', '.join(ids)}" + (f" ({receipt.status})" if receipt.status else ""))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Columns as wide as their widest cell, two blanks between them."""
    cells = [list(head), *([shown_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "\n".join(padded)


def _row(label: str, value: int, note: str = "") -> str:
    return _line(label, f"{value:,}", note)


def _line(label: str, value: str, note: str = "") -> str:
    return f"{label:<22}{value:>14}  {note}".rstrip()
