"""Who is left out and why, and in which countries the others are. Pure."""

from collections.abc import Iterator
from html import escape

from keebai_async.cli.figures import figure
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import country_words
from keebai_async.cli.page.parts import bars, text
from keebai_async.cli.term_words import reason_words
from keebai_async.cli.text_output import example_text
from keebai_async.model.plan import Plan


def countries(plan: Plan) -> Iterator[str]:
    """The people who are ready, by country."""
    yield f"<h2>{phrase('People by country')}</h2><figure>"
    yield bars((text(country_words(country.name)), country.people) for country in plan.countries)
    yield "</figure>"


def left_out(plan: Plan) -> Iterator[str]:
    """A bar for each reason, and the first rows that have it."""
    yield f"<h2>{phrase('Who was left out')}</h2><figure>"
    yield bars(((text(reason_words(reason.reason)), reason.count) for reason in plan.reasons), look="bad")
    yield '</figure><section class="scroll"><table class="told">'
    yield f'<tr><th>{phrase("Reason")}</th><th class="n">{phrase("People")}</th>'
    yield f"<th>{phrase('First rows')}</th></tr>"
    for reason in plan.reasons:
        examples = "<br>".join(escape(example_text(example)) for example in reason.examples[:3])
        yield f'<tr><td>{text(reason_words(reason.reason))}</td><td class="n">{figure(reason.count)}</td>'
        yield f"<td>{examples}</td></tr>"
    yield "</table></section>"
