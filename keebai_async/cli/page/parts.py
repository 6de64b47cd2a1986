"""Pieces of a page: its frame, texts, sums and bars. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from keebai_async.cli.figures import figure, moment
from keebai_async.cli.language import phrase, spoken
from keebai_async.cli.library_words import library_reason
from keebai_async.cli.page.style import STYLE
from keebai_async.cli.shown import shown_text
from keebai_async.model.plan import Plan


def text(words: str) -> str:
    """A user's own words as text of a page."""
    return escape(shown_text(words))


def reason(words: str) -> str:
    """Why something happened, as text of a page."""
    return escape(library_reason(words))


def template_and_senders(plan: Plan) -> str:
    """Which template is sent, and from whom, as text of a page."""
    template = f"{text(plan.template)}, {text(plan.language)}"
    return phrase("template {template}, from {senders}", template=template, senders=_senders(plan))


def _senders(plan: Plan) -> str:
    if plan.parts:
        return phrase("{number} senders", number=len(plan.parts))
    field, sender = plan.sender.wire
    return f"{field} {text(sender)} {text(plan.sender_number)}"


def begin(title: str) -> Iterator[str]:
    """The page down to its body; *title* is text of a page already."""
    yield f'<!doctype html><html lang="{spoken()}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body><main>"


def end(campaign_id: str, times: Iterable[tuple[str, float | datetime | None]]) -> str:
    """Whose page it is, when each of *times* (Unix time, or a time with its offset) was, and its end."""
    told = ", ".join(f"{what} {moment(when)}" for what, when in times if when is not None)
    words = phrase("Campaign {campaign}, {times}", campaign=text(campaign_id), times=told)
    return f"<p>{words}</p></main></body></html>\n"


def sums(title: str, total: int, terms: Iterable[tuple[str, int, str]]) -> str:
    """A total with its terms below it, each with how it looks."""
    rows = "".join(
        f'<tr><td>{label}</td><td class="n {look if count else ""}">{figure(count)}</td></tr>'
        for label, count, look in terms
    )
    head = f'<tr><th>{title}</th><th class="n">{figure(total)}</th></tr>'
    return f"<section><table>{head}{rows}</table></section>"


def bars(rows: Iterable[tuple[str, int]], *, look: str = "") -> str:
    """A bar for each (words, people), against the longest; words are text of a page already."""
    every = list(rows)
    most = max((people for _, people in every), default=0) or 1
    cells = "".join(
        f'<span>{words}</span><span class="track" aria-hidden="true">'
        f'<i class="{look}" style="width:{percent(people, most)}"></i></span>'
        f"<span>{figure(people)}</span>"
        for words, people in every
    )
    return f'<div class="bars">{cells}</div>'


def percent(part: float, of: float) -> str:
    """`12.34%`, for a width."""
    return f"{100 * part / of if of else 0:.2f}%"
