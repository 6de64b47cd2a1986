"""Who is left out and why, and in which countries the others are. Pure."""

from collections.abc import Iterator
from html import escape

from keebai_async.cli.figures import figure
from keebai_async.cli.page.parts import bars, text
from keebai_async.cli.text_output import example_text
from keebai_async.model.plan import Plan


def countries(plan: Plan) -> Iterator[str]:
    """The people who are ready, by country."""
    yield "<h2>People by country</h2><figure>"
    yield bars((text(country.name), country.people) for country in plan.countries)
    yield "</figure>"


def left_out(plan: Plan) -> Iterator[str]:
    """A bar for each reason, and the first rows that have it."""
    yield "<h2>Who was left out</h2><figure>"
    yield bars(((text(reason.reason.value), reason.count) for reason in plan.reasons), look="bad")
    yield '</figure><section class="scroll"><table>'
    yield '<tr><th>Reason</th><th class="n">People</th><th>First rows</th></tr>'
    for reason in plan.reasons:
        examples = "<br>".join(escape(example_text(example)) for example in reason.examples[:3])
        yield f'<tr><td>{text(reason.reason.value)}</td><td class="n">{figure(reason.count)}</td>'
        yield f"<td>{examples}</td></tr>"
    yield "</table></section>"
