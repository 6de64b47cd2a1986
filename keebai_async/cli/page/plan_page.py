"""What a launch would do, as a page for who has to approve it."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from keebai_async.cli.csv_files import private_file
from keebai_async.cli.decided_text import planned_words
from keebai_async.cli.estimate import Estimate
from keebai_async.cli.figures import counted, figure
from keebai_async.cli.language import phrase
from keebai_async.cli.opt_outs_text import plan_lines_on_opt_outs
from keebai_async.cli.output import say
from keebai_async.cli.page import parts
from keebai_async.cli.page.costs import costs
from keebai_async.cli.page.left_out import countries, left_out
from keebai_async.cli.page.phone import phones
from keebai_async.cli.page.way import steps_of_plan, way
from keebai_async.cli.reached_text import reached_lines, rest_lines
from keebai_async.cli.term_words import test_mark
from keebai_async.cli.text_output import about_words, how_fast, plan_notes, rows_read, when_lines
from keebai_async.model.plan import Plan


def save_plan_page(plan: Plan, expected: Estimate, file: Path, *, at: float, launch: str) -> None:
    """Write the page of a plan, and say where it is. *launch* is the command that sends it.

    Raises:
        InvalidInput: it cannot be written there.
    """
    with private_file(file) as written:
        written.write("\n".join(plan_page(plan, expected, at=at, launch=launch)))
    say(phrase("a page to look at: {file}", file=file))


def plan_page(plan: Plan, expected: Estimate, *, at: float, launch: str) -> Iterator[str]:
    """The whole page. *at* is when it is made, in Unix time."""
    name = parts.text(plan.name)
    yield from parts.begin(name)
    yield f"<h1>{name}{test_mark(plan)}</h1>"
    planned = f", {phrase('planned')} {who}" if (who := planned_words(plan)) else ""
    yield f"<p>{parts.template_and_senders(plan)}{parts.text(planned)}</p>"
    if plan.last_row:
        yield f"<p>{phrase('list')} {parts.text(rows_read(plan))}</p>"
    yield f'<p class="open">{phrase("A plan: nothing was submitted.")}</p>'
    for line in reached_lines(plan, now=at):
        yield f'<p class="bad">{parts.text(line)}</p>'
    for line in plan_lines_on_opt_outs(plan):
        yield f'<p class="{"bad" if plan.opt_outs_ignored else "open"}">{parts.text(line)}</p>'
    yield f"<h2>{phrase('The people')}</h2>"
    yield from way(steps_of_plan(plan))
    yield from phones(plan)
    if plan.countries:
        yield from countries(plan)
    yield from _takes(plan, expected)
    if (cost := plan.cost) is not None:
        yield from costs(cost)
    yield from _notes(plan)
    if plan.reasons:
        yield from left_out(plan)
    if plan.ready:
        yield f"<p>{phrase('To send it:')} <code>{escape(launch)}</code></p>"
    yield parts.end(plan.campaign_id, ((phrase("planned"), plan.created_at), (phrase("page made"), at)))


def _takes(plan: Plan, expected: Estimate) -> Iterator[str]:
    time = about_words(expected.delivering)
    delivering = phrase("{time} at 80 messages a second", time=time)
    if expected.delivering <= expected.submitting:
        delivering = f"{time} {phrase('as it is submitted')}"
    rows = [
        (phrase("messages"), figure(plan.ready)),
        (phrase("submitting"), f"{about_words(expected.submitting)} {how_fast(plan)}"),
        (phrase("delivering"), delivering),
    ]
    if plan.guards.canary is not None:
        first = counted(
            plan.guards.canary,
            "{count} person first, then everyone if few fail",
            "{count} people first, then everyone if few fail",
        )
        rows.append((phrase("canary"), first))
    if plan.guards.stop_above is not None:
        above = f"{plan.guards.stop_above:.0%} {phrase('of what is delivered, if it fails')}"
        rows.append((phrase("stops above"), above))
    rows += [(phrase("submitted"), line) for line in when_lines(plan)]
    yield f'<h2>{phrase("What it takes")}</h2><section class="scroll"><table>'
    yield from (f"<tr><th>{what}</th><td>{words}</td></tr>" for what, words in rows)
    yield "</table></section>"


def _notes(plan: Plan) -> Iterator[str]:
    notes = (*rest_lines(plan), *plan_notes(plan))
    if notes:
        yield f"<h2>{phrase('To be known')}</h2><section>"
        yield from (f"<p>{parts.text(note)}</p>" for note in notes)
        yield "</section>"
