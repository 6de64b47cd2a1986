"""What a launch would do, as a page for who has to approve it."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from keebai_async.cli.csv_files import private_file
from keebai_async.cli.estimate import Estimate, duration
from keebai_async.cli.figures import figure, in_locale, people_figure
from keebai_async.cli.opt_outs_text import plan_lines_on_opt_outs
from keebai_async.cli.output import say
from keebai_async.cli.page import parts
from keebai_async.cli.page.left_out import countries, left_out
from keebai_async.cli.page.phone import phones
from keebai_async.cli.page.way import steps_of_plan, way
from keebai_async.cli.reached_text import reached_lines, rest_lines
from keebai_async.cli.text_output import pace_words, price_words
from keebai_async.model.plan import Plan, Price


def save_plan_page(
    plan: Plan, expected: Estimate, file: Path, *, price: Price | None, at: float, launch: str
) -> None:
    """Write the page of a plan, and say where it is. *launch* is the command that sends it.

    Raises:
        InvalidInput: it cannot be written there.
    """
    with private_file(file) as written:
        written.write("\n".join(plan_page(plan, expected, price=price, at=at, launch=launch)))
    say(f"a page to look at: {file}")


def plan_page(
    plan: Plan, expected: Estimate, *, price: Price | None, at: float, launch: str
) -> Iterator[str]:
    """The whole page. *at* is when it is made, in Unix time."""
    name = parts.text(plan.name)
    yield from parts.begin(name)
    yield f"<h1>{name}{' (a test)' if plan.test else ''}</h1>"
    template = f"template {parts.text(plan.template)}, {parts.text(plan.language)}"
    yield f"<p>{template}, from {parts.senders(plan)}</p>"
    if plan.last_row:
        sheet = f", sheet {plan.sheet}" if plan.sheet else ""
        rows = f"rows {figure(plan.first_row)} to {figure(plan.last_row)}"
        yield f"<p>list {parts.text(plan.source + sheet)}, {rows}</p>"
    yield '<p class="open">A plan: nothing was submitted.</p>'
    for line in reached_lines(plan, now=at):
        yield f'<p class="bad">{parts.text(line)}</p>'
    for line in plan_lines_on_opt_outs(plan):
        yield f'<p class="{"bad" if plan.opt_outs_ignored else "open"}">{parts.text(line)}</p>'
    yield "<h2>The people</h2>"
    yield from way(steps_of_plan(plan))
    yield from phones(plan)
    if plan.countries:
        yield from countries(plan)
    yield from _takes(plan, expected, price or plan.price)
    yield from _notes(plan)
    if plan.reasons:
        yield from left_out(plan)
    if plan.ready:
        yield f"<p>To send it: <code>{escape(launch)}</code></p>"
    yield parts.end(plan.campaign_id, (("planned", plan.created_at), ("page made", at)))


def _takes(plan: Plan, expected: Estimate, price: Price | None) -> Iterator[str]:
    at = "at this quota" if plan.pace is None else f"at the pace of {pace_words(plan.pace)}"
    rows = [
        ("messages", figure(plan.ready)),
        ("submitting", f"about {duration(max(1.0, expected.submitting))} {at}"),
        ("delivering", f"about {duration(max(1.0, expected.delivering))} at 80 messages a second"),
    ]
    if price is not None:
        rows.insert(1, ("price", price_words(price, plan.ready)))
    if plan.guards.canary is not None:
        rows.append(("canary", f"{people_figure(plan.guards.canary)} first, then everyone if few fail"))
    if plan.guards.stop_above is not None:
        rows.append(("stops above", f"{plan.guards.stop_above:.0%} of what is delivered, if it fails"))
    yield '<h2>What it takes</h2><section class="scroll"><table>'
    yield from (f"<tr><th>{what}</th><td>{words}</td></tr>" for what, words in rows)
    yield "</table></section>"


def _notes(plan: Plan) -> Iterator[str]:
    ignored = ", ".join(plan.ignored_columns)
    columns = (f"columns that the template does not use: {ignored}",) if ignored else ()
    notes = (*rest_lines(plan), *columns, *map(in_locale, plan.notes))
    if notes:
        yield "<h2>To be known</h2><section>"
        yield from (f"<p>{parts.text(note)}</p>" for note in notes)
        yield "</section>"
