"""Plans, reports and receipts as text for people: the same lines on a terminal and in a file. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from keebai_async.cli.account_text import account_lines, headline
from keebai_async.cli.cost_text import cost_rows
from keebai_async.cli.decided_text import decided_lines, planned_words
from keebai_async.cli.estimate import Estimate, duration
from keebai_async.cli.fates_text import code_rows, difference_words, fate_rows
from keebai_async.cli.figures import counted, figure, in_locale, moment, people_figure, share
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import country_words, in_language, library_text
from keebai_async.cli.opt_outs_text import plan_lines_on_opt_outs, report_lines_on_opt_outs
from keebai_async.cli.options import journal_option
from keebai_async.cli.reached_text import reached_lines, rest_lines
from keebai_async.cli.retry_text import retry_lines
from keebai_async.cli.shown import shown_number, shown_text
from keebai_async.cli.term_words import (
    accepted_terms,
    list_terms,
    ready_terms,
    reason_words,
    standing_words,
    test_mark,
)
from keebai_async.keebai.models import Receipt
from keebai_async.model.cost import Cost
from keebai_async.model.fates import FateCounts
from keebai_async.model.next_steps import Step
from keebai_async.model.plan import DailyRoom, Guards, Pace, Plan, Preview, ReasonCount
from keebai_async.model.recipient import Rejection
from keebai_async.model.report import Report
from keebai_async.model.situation import Situation

_EXAMPLES = 3

_END_OF_VALUES: Final = 36
"""The column at which the values behind their labels end: `47,930` as well as `about 10 min 17 s`."""


def plan_text(plan: Plan, estimate: Estimate, *, now: float | None = None) -> str:
    """What would happen, with the first examples of what will not.

    *now* is Unix time; when the plan was made, if not given.
    """
    lines = _plan_lines(plan, estimate, plan.cost)
    reached = reached_lines(plan, now=plan.created_at if now is None else now)
    return "\n".join((*lines, *(phrase("note: {note}", note=line) for line in rest_lines(plan)), *reached))


def _plan_lines(plan: Plan, estimate: Estimate, cost: Cost | None) -> Iterator[str]:
    if plan.template:
        yield f"{shown_text(plan.name)}  [{plan.campaign_id}]{_test(plan)}"
        yield _head(phrase("template"), _what_from_whom(plan))
    else:  # only the list is checked
        yield shown_text(plan.name)
    if plan.retry is not None:
        yield from retry_lines(plan.retry)
    elif plan.last_row:
        yield _head(phrase("list"), rows_read(plan))
    if planned := planned_words(plan):
        yield _head(phrase("planned"), planned)
    if plan.preview:
        yield _head(phrase("first text"), shown_text(plan.preview))
    for other in plan.previews:
        yield f"  {preview_words(other)}: {shown_text(other.text)}"
    yield ""
    yield _row(phrase("read", about="rows"), plan.read)
    yield from (_row(f"  {label}", count) for label, count in list_terms(plan))
    yield from plan_lines_on_opt_outs(plan)
    if plan.countries:
        yield phrase("people by country: {countries}", countries=countries_text(plan))
    if plan.parts:
        yield ""
        head = (phrase("SENDER"), phrase("NUMBER"), phrase("PEOPLE"), phrase("CHUNKS"), phrase("PART"))
        yield table(head, map(_planned_part, plan.parts), right=head[2:4])
    if plan.reasons:
        yield ""
        yield phrase("left out, with the first rows for each reason")
    for reason in plan.reasons:
        yield from _reason_lines(reason)
    yield ""
    yield from _estimate_lines(plan, estimate)
    yield from _cost_lines(cost)
    if plan.not_within is not None:
        others = phrase("of another campaign of this journal")
        yield _line(phrase("not within"), duration(plan.not_within), others)
    yield from _guard_lines(plan.guards)
    yield from (f"{phrase('submitted'):<11} {line}" for line in when_lines(plan))
    yield from (phrase("note: {note}", note=note) for note in plan_notes(plan))


def _what_from_whom(plan: Plan) -> str:
    field, sender = plan.sender.wire
    if plan.parts:
        by = phrase("from {number} senders", number=len(plan.parts))
    else:
        number = f" ({shown_text(plan.sender_number)})" if plan.sender_number else ""
        by = phrase("from {sender}", sender=f"{field} {shown_text(sender)}{number}")
    return f"{shown_text(plan.template)}, {shown_text(plan.language)}, {by}"


def plan_notes(plan: Plan) -> Iterator[str]:
    """What a person should know of a plan before saying yes."""
    if plan.ignored_columns:
        columns = ", ".join(map(shown_text, plan.ignored_columns))
        yield phrase("columns that the template does not use: {columns}", columns=columns)
    yield from map(library_text, plan.notes)


def _cost_lines(cost: Cost | None) -> Iterator[str]:
    yield from (_line(*row) for row in cost_rows(cost)) if cost is not None else ()


def preview_words(preview: Preview) -> str:
    """`the longest, row 12`."""
    why = in_language(preview.why)
    return phrase("{why}, row {row}", why=why, row=preview.row) if preview.row else why


def _planned_part(part: Plan) -> Iterator[str]:
    yield part.sender.id
    yield part.sender_number
    yield figure(part.ready)
    yield figure(len(part.chunks))
    yield part.campaign_id


def rows_read(plan: Plan) -> str:
    """`clients.xlsx, sheet Base, rows 2 to 50,001`."""
    sheet = f", {phrase('sheet {sheet}', sheet=shown_text(plan.sheet))}" if plan.sheet else ""
    file, first, last = shown_text(plan.source) + sheet, figure(plan.first_row), figure(plan.last_row)
    return phrase("{file}, rows {first} to {last}", file=file, first=first, last=last)


def countries_text(plan: Plan | Report) -> str:
    """`Argentina 31,204; Per\u00fa 3`: the people who are ready."""
    return "; ".join(f"{country_words(country.name)} {figure(country.people)}" for country in plan.countries)


def _reason_lines(reason: ReasonCount) -> Iterator[str]:
    yield _row(f"  {reason_words(reason.reason)}", reason.count)
    for example in reason.examples[:_EXAMPLES]:
        yield f"      {example_text(example)}"


def example_text(rejection: Rejection) -> str:
    """One row that will not be sent: where it is, whose (masked), and what is wrong."""
    where = phrase("row {row}", row=rejection.row)
    if rejection.field:
        where += f", {shown_text(rejection.field)}"
    number = shown_number(rejection.to)
    who = f" ({number})" if number else ""
    return f"{where}{who}: {in_language(shown_text(rejection.detail))}"


def _estimate_lines(plan: Plan, estimate: Estimate) -> Iterator[str]:
    largest = max(plan.chunks, default=0)
    up_to = counted(largest, "of up to {count} person", "of up to {count} people")
    yield _row(phrase("chunks"), len(plan.chunks), up_to)
    submits = figure(estimate.submits)
    requests = phrase("{submits} to submit, the others to follow the delivery", submits=submits)
    yield _row(phrase("requests"), estimate.requests, requests)
    yield _line(phrase("submitting"), about_words(estimate.submitting), how_fast(plan))
    by_default = phrase("at 80 messages a second, one sender's default")
    at = by_default if estimate.delivering > estimate.submitting else phrase("as it is submitted")
    yield _line(phrase("delivering"), about_words(estimate.delivering), at)


def how_fast(plan: Plan) -> str:
    """What the time that submitting takes follows from."""
    by_day = plan.per_hour is not None or plan.per_day is not None or plan.daily_limit is not None
    if plan.hours is not None or plan.not_before is not None or (by_day and plan.pace is None):
        return phrase("if it is launched now: see when it is submitted, below")
    if plan.pace is None:
        return phrase("at this quota")
    return phrase("at the pace of {pace}", pace=pace_words(plan.pace))


def _guard_lines(guards: Guards) -> Iterator[str]:
    if guards.canary is not None:
        first = phrase("first, then everyone if few enough of them fail")
        yield _row(phrase("canary"), guards.canary, first)
    if guards.stop_above is not None:
        above = f"{guards.stop_above:.0%}"
        yield _line(phrase("stops above"), above, phrase("of what is delivered, if it fails"))


def about_words(seconds: float) -> str:
    """`about 10 min 17 s`."""
    return phrase("about {time}", time=duration(max(1.0, seconds)))


def report_text(situation: Situation) -> str:
    """Where a campaign stands: three sums, each with its terms below it."""
    return "\n".join(_report_lines(situation))


def _report_lines(situation: Situation) -> Iterator[str]:
    report = situation.report
    yield f"{shown_text(report.name)}  [{report.campaign_id}]{_test(report)}"
    yield f"  {headline(situation)}"
    if report.pace is not None:
        yield f"  {phrase('at a pace of {pace}', pace=pace_words(report.pace))}"
    yield from (f"  {phrase('submitted')} {line}" for line in when_lines(report))
    yield from (f"  {line}" for line in decided_lines(report.decided))
    yield ""
    yield _row(phrase("read", about="rows"), report.read)
    yield from (_row(f"  {label}", count) for label, count in list_terms(report))
    yield from report_lines_on_opt_outs(report)
    if report.countries:
        yield phrase("people by country: {countries}", countries=countries_text(report))
    yield from _cost_lines(report.cost)
    yield _row(phrase("ready"), report.ready)
    yield from (_row(f"  {label}", count) for label, count in ready_terms(report))
    yield _row(phrase("accepted"), report.accepted)
    (sent, done), (failed, lost), *others = accepted_terms(report)
    yield _row(f"  {sent}", done, _part(report.sent, report))
    yield _row(f"  {failed}", lost, _part(report.failed, report))
    yield from (_row(f"  {label}", count) for label, count in others)
    yield from _requests_line(report)
    if situation.parts:
        yield _by_sender(situation.parts)
    yield from _fates_lines(situation)
    for error in report.errors():
        yield phrase("THIS DOES NOT ADD UP, which is a bug: please report it: {error}", error=error)
    yield from account_lines(situation)


def _test(of: Plan | Report) -> str:
    mark = test_mark(of)
    return f" {mark}" if mark else ""


def _by_sender(parts: Iterable[Situation]) -> str:
    right = (
        phrase("PEOPLE"),
        phrase("SENT"),
        phrase("FAILED"),
        phrase("PENDING"),
        phrase("UNSENT"),
        phrase("UNKNOWN"),
    )
    head = (phrase("SENDER"), phrase("STATE"), *right, phrase("PART"))
    return table(head, map(_part_row, parts), right=right)


def _part_row(part: Situation) -> Iterator[str]:
    report = part.report
    yield "" if report.sender is None else report.sender.id
    yield standing_words(part.standing)
    for count in (report.ready, report.sent, report.failed, report.pending, report.unsent, report.unknown):
        yield figure(count)
    yield report.campaign_id


def _fates_lines(situation: Situation) -> Iterator[str]:
    counts = situation.fates
    if counts is None:
        return
    yield phrase("webhooks told of these, beside the counters above: never add the two")
    for label, people, note in fate_rows(counts):
        yield _row(f"  {label}", people, note)
    yield difference_words(situation.report, counts)
    yield from codes_lines(counts)


def codes_lines(counts: FateCounts) -> Iterator[str]:
    """Those who failed, by code, below a header; nothing if nobody did."""
    rows = list(code_rows(counts))
    if rows:
        failed = phrase("FAILED")
        yield table((phrase("CODE"), failed, phrase("MEANING"), phrase("WHAT TO DO")), rows, right={failed})


def _part(people: int, report: Report) -> str:
    done = report.sent + report.failed
    if not people or not done:
        return ""
    return phrase("{share} of those sent or failed", share=share(people, done))


def when_lines(of: Plan | Report) -> Iterator[str]:
    """When its people are submitted, where somebody said something of that."""
    if of.not_before is not None:
        yield phrase("not before {time}", time=moment(of.not_before))
    if of.hours is not None:
        where = phrase("the country of each number") if of.hours.by_country else of.hours.zone
        opens, closes = of.hours.opens, of.hours.closes
        yield phrase(
            "from {opens} to {closes} by the clocks of {zone}", opens=opens, closes=closes, zone=where
        )
    if of.per_hour is not None:
        yield phrase("up to {people} in any hour", people=people_figure(of.per_hour))
    if of.per_day is not None:
        yield phrase("up to {people} in any 24 hours", people=people_figure(of.per_day))
    if of.daily_limit is not None:
        yield phrase(
            "up to {people} in any 24 hours, of all campaigns of this journal together",
            people=people_figure(of.daily_limit),
        )
    if isinstance(of, Plan) and of.daily_room is not None:
        yield from _room_lines(of, of.daily_room)


def _room_lines(plan: Plan, room: DailyRoom) -> Iterator[str]:
    """How many of a plan the daily limit lets out at once, and when the rest goes."""
    yield phrase(
        "{number} of these fit at once, after {people} in the 24 hours before",
        number=figure(room.at_once),
        people=people_figure(room.used),
    )
    if room.next_at is not None:
        yield phrase(
            "the other {number} from {first} to {last}",
            number=figure(plan.ready - room.at_once),
            first=moment(room.next_at),
            last=moment(room.ends_at),
        )


def pace_words(pace: Pace) -> str:
    """`5,000 people in 10 min`."""
    return phrase("{people} in {time}", people=people_figure(pace.people), time=duration(pace.per))


def _requests_line(report: Report) -> Iterator[str]:
    spent = report.requests
    note = phrase(
        "submits {submits}, polls {polls}, other {other}; answered with 429: {throttled}",
        submits=figure(spent.submits),
        polls=figure(spent.polls),
        other=figure(spent.other),
        throttled=figure(spent.throttled),
    )
    yield _row(phrase("requests"), spent.submits + spent.polls + spent.other, note)


def list_text(situations: Iterable[Situation]) -> str:
    """All campaigns, a line each, below a header."""
    right = (phrase("PEOPLE"), phrase("SENT"), phrase("FAILED"), phrase("UNSENT"), phrase("UNKNOWN"))
    head = (phrase("CAMPAIGN"), phrase("STATE"), phrase("CREATED"), *right, phrase("NAME"))
    return table(head, map(_list_row, situations), right=right)


def _list_row(situation: Situation) -> Iterator[str]:
    report = situation.report
    done = report.sent + report.failed
    yield report.campaign_id
    yield standing_words(situation.standing) + (f", {phrase('test')}" if report.test else "")
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
    words = phrase(
        "{accepted} of {ready} accepted, {sent} sent, {failed} failed, {on_the_way} on their way,"
        " {unsent} unsent, {unknown} unknown",
        accepted=figure(report.accepted),
        ready=figure(report.ready),
        sent=figure(report.sent),
        failed=figure(report.failed),
        on_the_way=figure(report.on_the_way),
        unsent=figure(report.unsent),
        unknown=figure(report.unknown),
    )
    return f"{report.campaign_id}  {standing_words(situation.standing)}  {words}"


_KNOW_JOURNALS: Final = frozenset(
    {
        *("doctor", "export", "launch", "pause", "purge", "reconcile"),
        *("remove", "report", "resume", "retry", "status", "stop", "watch"),
    }
)


def step_lines(situation: Situation, *, journal: str | None = None) -> list[str]:
    """The commands that lead on, as they are typed where *journal* was named as an option."""
    steps = (_on_journal(step, journal) for step in situation.steps)
    return [str(replace(step, words=in_locale(in_language(step.words)))) for step in steps]


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


def _head(label: str, words: str) -> str:
    labels = (phrase("template"), phrase("list"), phrase("planned"), phrase("first text"))
    return f"  {label:<{max(map(len, labels))}}  {words}"


def _row(label: str, value: int, note: str = "") -> str:
    return _line(label, figure(value), note)


def _line(label: str, value: str, note: str = "") -> str:
    return f"{label}  {value:>{max(0, _END_OF_VALUES - 2 - len(label))}}  {note}".rstrip()
