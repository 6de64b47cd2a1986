"""What the people cost, by country. Pure."""

from collections.abc import Iterator

from keebai_async.cli.cost_text import cost_rows
from keebai_async.cli.language import phrase
from keebai_async.cli.page.parts import text
from keebai_async.model.cost import Cost


def costs(cost: Cost) -> Iterator[str]:
    """A table of what everybody costs who is ready, and of whom nobody knows it."""
    yield f'<h2>{phrase("What it costs")}</h2><section class="scroll"><table>'
    for label, amount, note in cost_rows(cost):
        tag = "td" if label.startswith(" ") else "th"
        yield f'<tr><{tag}>{text(label.strip())}</{tag}><td class="n">{text(amount)}</td>'
        yield f"<td>{text(note)}</td></tr>"
    yield "</table></section>"
