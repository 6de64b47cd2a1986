"""A Report as one page of HTML: no script, nothing from outside, nobody's whole number."""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Final

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.account_text import (
    account_lines,
    cannot_be_called_back,
    failing_lines,
    headline,
    proven_words,
)
from keebai_async.cli.csv_files import private_file
from keebai_async.cli.fates_text import NOT_READ, REPLIED_MEANS, code_rows, difference_words, fate_rows
from keebai_async.cli.figures import figure, moment, share
from keebai_async.cli.opt_outs_text import report_lines_on_opt_outs
from keebai_async.cli.output import say
from keebai_async.cli.shown import shown_reason, shown_text
from keebai_async.cli.text_output import countries_text, example_text
from keebai_async.model.fates import FateCounts
from keebai_async.model.plan import Plan
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import Situation, Standing

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d9e0e7; --back: #f6f8fa;
  --card: #fff; --good: #1a7f4b; --bad: #b3261e; --open: #9a6700 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa7b4; --line: #30363d;
  --back: #0d1117; --card: #161b22; --good: #4cc38a; --bad: #ff8a80; --open: #e3b341 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .2rem 0; color: var(--soft) }
.sums { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)) }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .5rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line) }
tr:last-child > * { border-bottom: 0 } th { font-weight: 600 } td.n, th.n { text-align: right }
.good { color: var(--good) } .bad { color: var(--bad) } .open { color: var(--open) }
.scroll { overflow-x: auto }
""".strip()


_LOOKS: Final = {Standing.FINISHED: "good", Standing.DIED: "bad", Standing.PURGED: "bad"}


async def save_page(keebai: CampaignClient, campaign: str, file: Path) -> None:
    """Write the page of a campaign, and say where it is. Raises InvalidInput, CampaignNotFound."""
    started = await keebai.journal.load(campaign)
    with private_file(file) as written:
        situation = await keebai.campaigns.situation(campaign, fates=True)
        written.write(page(situation, started.plan, at=keebai.clock.wall()))
    say(f"a page to look at: {file}")


def page(situation: Situation, plan: Plan, *, at: float) -> str:
    """The whole page. *at* is when it is made, in Unix time."""
    return "\n".join(_page(situation, plan, at))


def _page(situation: Situation, plan: Plan, at: float) -> Iterator[str]:
    report = situation.report
    name = _text(report.name)
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{name}</title><style>{_STYLE}</style></head><body><main>"
    yield f"<h1>{name}{' (a test)' if report.test else ''}</h1>"
    field, sender = plan.sender.wire
    who = f", launched by {_text(report.by)}" if report.by else ""
    template = f"template {_text(plan.template)}, {_text(plan.language)}"
    yield f"<p>{template}, from {field} {_text(sender)} {_text(plan.sender_number)}{who}</p>"
    look = _LOOKS.get(situation.standing, "open")
    if look == "good" and situation.failing is not None:
        look = "bad"
    yield f'<p class="{look}">{_text(headline(situation))}</p>'
    bad = set(failing_lines(situation))
    for line in (*account_lines(situation), *cannot_be_called_back(situation)):
        yield f'<p class="{"bad" if line in bad else "open"}">{_text(line)}</p>'
    yield from _steps(situation)
    yield from (f'<p class="bad">This does not add up: {_text(error)}</p>' for error in report.errors())
    yield '<h2>In numbers</h2><div class="sums">'
    yield _sum(
        "Rows read",
        report.read,
        (
            ("ready", report.ready, ""),
            ("duplicates", report.duplicates, ""),
            ("rejected", report.rejected, "bad"),
            ("suppressed", report.suppressed, ""),
        ),
    )
    yield _sum(
        "People ready",
        report.ready,
        (
            ("accepted", report.accepted, "good"),
            ("refused", report.refused, "bad"),
            ("unknown", report.unknown, "open"),
            ("on their way", report.on_the_way, "open"),
            ("abandoned", report.abandoned, "bad"),
            ("unsent", report.unsent, "open"),
        ),
    )
    yield _sum(
        "People accepted",
        report.accepted,
        (
            ("sent", report.sent, "good"),
            ("failed", report.failed, "bad"),
            ("pending", report.pending, "open"),
            ("untracked", report.untracked, "open"),
        ),
    )
    yield "</div>"
    yield "<p>Sent means that Meta took the message, not that it was delivered or read.</p>"
    for line in report_lines_on_opt_outs(report):
        yield f'<p class="{"bad" if report.ignores_opt_outs else "open"}">{_text(line)}</p>'
    if situation.fates is not None:
        yield from _told_by_webhooks(situation, situation.fates)
    if plan.countries:
        yield f"<p>People by country: {_text(countries_text(plan))}</p>"
    if plan.reasons:
        yield from _left_out(plan)
    yield from _chunks(report.chunks)
    times = (
        ("created", report.created_at),
        ("launched", report.launched_at),
        ("ended", report.ended_at),
        ("page made", at),
    )
    told = ", ".join(f"{what} {moment(when)}" for what, when in times if when is not None)
    yield f"<p>Campaign {_text(report.campaign_id)}, {told}</p></main></body></html>\n"


def _told_by_webhooks(situation: Situation, counts: FateCounts) -> Iterator[str]:
    looks = {"read": "good", "delivered": "good", "sent": "open", "failed": "bad"}
    yield '<h2>What webhooks told</h2><div class="sums">'
    terms = [(label, people, looks.get(label, "")) for label, people, _ in fate_rows(counts)]
    yield _sum("People of whom something was told", counts.told, terms[:-1])
    yield _sum("People who replied", counts.replied, ())
    yield "</div>"
    difference = difference_words(situation.report, counts)
    yield f"<p>Beside the counters of the service, never to be added: {difference}.</p>"
    yield f"<p>Delivered: {NOT_READ}. Replied: {REPLIED_MEANS}.</p>"
    if not counts.failed:
        return
    yield '<h2>Why people failed</h2><section class="scroll"><table>'
    yield '<tr><th>Code</th><th class="n">People</th><th>Meaning</th><th>What to do</th></tr>'
    for code, people, meaning, advice in code_rows(counts):
        yield f'<tr><td>{code}</td><td class="n">{people}</td><td>{_text(meaning)}</td>'
        yield f"<td>{_text(advice)}</td></tr>"
    yield "</table></section>"


def _steps(situation: Situation) -> Iterator[str]:
    for step in situation.steps:
        command = f": <code>{escape(step.command)}</code>" if step.command else ""
        yield f"<p>{_text(step.words)}{command}</p>"


def _sum(title: str, total: int, terms: Iterable[tuple[str, int, str]]) -> str:
    rows = "".join(
        f'<tr><td>{label}</td><td class="n {look if count else ""}">{figure(count)}</td></tr>'
        for label, count, look in terms
    )
    head = f'<tr><th>{title}</th><th class="n">{figure(total)}</th></tr>'
    return f"<section><table>{head}{rows}</table></section>"


def _left_out(plan: Plan) -> Iterator[str]:
    yield '<h2>Who was left out</h2><section class="scroll"><table>'
    yield '<tr><th>Reason</th><th class="n">People</th><th>First rows</th></tr>'
    for reason in plan.reasons:
        examples = "<br>".join(escape(example_text(example)) for example in reason.examples[:3])
        yield f'<tr><td>{_text(reason.reason.value)}</td><td class="n">{figure(reason.count)}</td>'
        yield f"<td>{examples}</td></tr>"
    yield "</table></section>"


def _chunks(chunks: Iterable[ChunkLine]) -> Iterator[str]:
    yield '<h2>Chunks</h2><section class="scroll"><table>'
    yield '<tr><th class="n">Chunk</th><th class="n">People</th><th>State</th><th class="n">Sent</th>'
    yield '<th class="n">Failed</th><th>Broadcast</th><th>Submitted</th></tr>'
    for chunk in chunks:
        why = f": {_reason(chunk.reason)}" if chunk.reason else ""
        if chunk.proven_at is not None:
            why = f": {_text(proven_words(chunk.proven_at))}"
        yield f'<tr><td class="n">{chunk.number}</td><td class="n">{figure(chunk.recipients)}</td>'
        yield f'<td>{chunk.state.value}{why}</td><td class="n">{figure(chunk.sent)}</td>'
        part = share(chunk.failed, chunk.sent + chunk.failed)
        failed = figure(chunk.failed) + (f" ({part})" if chunk.failed else "")
        left = moment(chunk.submitted_at) if chunk.submitted_at is not None else ""
        yield f'<td class="n">{failed}</td><td>{_text(chunk.broadcast_id or "")}</td><td>{left}</td></tr>'
    yield "</table></section>"


def _text(words: str) -> str:
    """A user's own words as text of a page."""
    return escape(shown_text(words))


def _reason(words: str) -> str:
    """A service's words as text of a page."""
    return escape(shown_reason(words))
