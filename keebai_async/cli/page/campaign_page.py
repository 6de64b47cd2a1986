"""What became of a campaign, as a page: its pictures first, then everything in tables."""

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
from keebai_async.cli.figures import figure, moment, people_figure, share
from keebai_async.cli.opt_outs_text import report_lines_on_opt_outs
from keebai_async.cli.output import say
from keebai_async.cli.page import parts
from keebai_async.cli.page.by_chunk import by_chunk
from keebai_async.cli.page.left_out import countries, left_out
from keebai_async.cli.page.over_time import ToldTimes, lines_of, over_time
from keebai_async.cli.page.phone import phones
from keebai_async.cli.page.way import steps_of_campaign, way
from keebai_async.cli.text_output import pace_words, price_words
from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import FateCounts
from keebai_async.model.plan import Plan
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import Situation, Standing
from keebai_async.model.whole import words_of

_LOOKS: Final = {Standing.FINISHED: "good", Standing.DIED: "bad", Standing.PURGED: "bad"}


async def save_page(keebai: CampaignClient, campaign: str, file: Path) -> None:
    """Write the page of a campaign, and say where it is. Raises InvalidInput, CampaignNotFound."""
    plan = await keebai.campaigns.plan_of(campaign)
    with private_file(file) as written:
        situation = await keebai.campaigns.situation(campaign, fates=True)
        told = ToldTimes()
        for each in plan.parts or (plan,):
            async for _, fates in keebai.journal.fates(each.campaign_id):
                told.add(fates)
        written.write(page(situation, plan, at=keebai.clock.wall(), told=told))
    say(f"a page to look at: {file}")


def page(situation: Situation, plan: Plan, *, at: float, told: ToldTimes | None = None) -> str:
    """The whole page. *at* is when it is made, in Unix time; *told* has the times that webhooks told."""
    return "\n".join(_page(situation, plan, at, told))


def _page(situation: Situation, plan: Plan, at: float, told: ToldTimes | None) -> Iterator[str]:
    report = situation.report
    name = parts.text(report.name)
    yield from parts.begin(name)
    yield f"<h1>{name}{' (a test)' if report.test else ''}</h1>"
    who = f", launched by {parts.text(report.by)}" if report.by else ""
    template = f"template {parts.text(plan.template)}, {parts.text(plan.language)}"
    yield f"<p>{template}, from {parts.senders(plan)}{who}</p>"
    look = _LOOKS.get(situation.standing, "open")
    if look == "good" and situation.failing is not None:
        look = "bad"
    yield f'<p class="{look}">{parts.text(headline(situation))}</p>'
    bad = set(failing_lines(situation))
    for line in (*account_lines(situation), *cannot_be_called_back(situation)):
        yield f'<p class="{"bad" if line in bad else "open"}">{parts.text(line)}</p>'
    yield from _steps(situation)
    yield from (f'<p class="bad">This does not add up: {parts.text(error)}</p>' for error in report.errors())
    yield "<h2>The way of the people</h2>"
    yield from way(steps_of_campaign(report), situation.fates)
    chunks = tuple(chunk for each in report.parts or (report,) for chunk in each.chunks)
    yield from over_time(lines_of(chunks, told))
    guards = report.guards
    if situation.parts:
        yield from _by_sender(situation)
    else:
        yield from by_chunk(chunks, guard=None if guards is None else guards.stop_above)
    yield from phones(plan)
    if plan.countries:
        yield from countries(plan)
    yield from _decided(situation, plan)
    yield '<h2>In numbers</h2><div class="sums">'
    yield parts.sums(
        "Rows read",
        report.read,
        (
            ("ready", report.ready, ""),
            ("duplicates", report.duplicates, ""),
            ("rejected", report.rejected, "bad"),
            ("suppressed", report.suppressed, ""),
        ),
    )
    yield parts.sums(
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
    yield parts.sums(
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
        yield f'<p class="{"bad" if report.ignores_opt_outs else "open"}">{parts.text(line)}</p>'
    if situation.fates is not None:
        yield from _told_by_webhooks(situation, situation.fates)
    if plan.reasons:
        yield from left_out(plan)
    for each in report.parts or (report,):
        yield from _chunks(each.chunks, f" of {parts.text(words_of(each))}" if report.parts else "")
    times = (
        ("created", report.created_at),
        ("launched", report.launched_at),
        ("ended", report.ended_at),
        ("page made", at),
    )
    yield parts.end(report.campaign_id, times)


def _told_by_webhooks(situation: Situation, counts: FateCounts) -> Iterator[str]:
    looks = {"read": "good", "delivered": "good", "sent": "open", "failed": "bad"}
    yield '<h2>What webhooks told</h2><div class="sums">'
    terms = [(label, people, looks.get(label, "")) for label, people, _ in fate_rows(counts)]
    yield parts.sums("People of whom something was told", counts.told, terms[:-1])
    yield parts.sums("People who replied", counts.replied, ())
    yield "</div>"
    difference = difference_words(situation.report, counts)
    yield f"<p>Beside the counters of the service, never to be added: {difference}.</p>"
    yield f"<p>Delivered: {NOT_READ}. Replied: {REPLIED_MEANS}.</p>"
    if not counts.failed:
        return
    yield "<h2>Why people failed</h2><figure>"
    yield parts.bars(((parts.text(one.about.meaning), one.people) for one in counts.by_code), look="bad")
    yield '</figure><section class="scroll"><table>'
    yield '<tr><th>Code</th><th class="n">People</th><th>Meaning</th><th>What to do</th></tr>'
    for code, people, meaning, advice in code_rows(counts):
        yield f'<tr><td>{code}</td><td class="n">{people}</td><td>{parts.text(meaning)}</td>'
        yield f"<td>{parts.text(advice)}</td></tr>"
    yield "</table></section>"


def _steps(situation: Situation) -> Iterator[str]:
    for step in situation.steps:
        command = f": <code>{escape(step.command)}</code>" if step.command else ""
        yield f"<p>{parts.text(step.words)}{command}</p>"


def _decided(situation: Situation, plan: Plan) -> Iterator[str]:
    """What it was to cost, and what was decided, by whom and when."""
    report = situation.report
    rows = list(_decisions(situation))
    if plan.price is not None:
        rows.insert(0, ("price", "", f"{price_words(plan.price, report.ready)} for everybody who is ready"))
    yield '<h2>What was decided</h2><section class="scroll"><table>'
    for what, when, words in rows:
        yield f"<tr><th>{what}</th><td>{when}</td><td>{words}</td></tr>"
    yield "</table></section>"


def _decisions(situation: Situation) -> Iterator[tuple[str, str, str]]:
    report = situation.report
    if report.created_at is not None:
        yield "planned", moment(report.created_at), ""
    if report.launched_at is not None:
        yield "launched", moment(report.launched_at), f"by {parts.text(report.by)}" if report.by else ""
    if report.pace is not None:
        yield "pace", "", pace_words(report.pace)
    guards = report.guards
    if guards is not None and guards.canary is not None:
        yield "canary", "", f"{people_figure(guards.canary)} first"
    if guards is not None and guards.stop_above is not None:
        yield "guard", "", f"stops if more than {guards.stop_above:.0%} of what is delivered fails"
    for chunk in report.chunks:
        who = f"chunk {chunk.number}, {people_figure(chunk.recipients)}"
        if chunk.resent:
            yield "reconciled", "", f"{who}: not at the service, to be submitted again"
        if chunk.state is ChunkState.ABANDONED:
            yield "reconciled", "", f"{who}: given up"
    if situation.standing is Standing.STOPPED and situation.reason and report.ended_at is not None:
        yield "stopped", moment(report.ended_at), parts.reason(situation.reason)
    if report.purged_at is not None:
        yield "purged", moment(report.purged_at), "its people were removed"


def _by_sender(situation: Situation) -> Iterator[str]:
    """What became of the people of each sender of a list over several."""
    yield '<h2>By sender</h2><section class="scroll"><table>'
    yield '<tr><th>Sender</th><th>State</th><th class="n">People</th><th class="n">Sent</th>'
    yield '<th class="n">Failed</th><th class="n">Unsent</th><th class="n">Unknown</th></tr>'
    for part in situation.parts:
        report = part.report
        sender = parts.text("" if report.sender is None else report.sender.id)
        yield f"<tr><td>{sender}</td><td>{part.standing.value}</td>"
        counts = (report.ready, report.sent, report.failed, report.unsent, report.unknown)
        yield "".join(f'<td class="n">{figure(count)}</td>' for count in counts) + "</tr>"
    yield "</table></section>"


def _chunks(chunks: Iterable[ChunkLine], of: str) -> Iterator[str]:
    yield f'<h2>Chunks{of}</h2><section class="scroll"><table>'
    yield '<tr><th class="n">Chunk</th><th class="n">People</th><th>State</th><th class="n">Sent</th>'
    yield '<th class="n">Failed</th><th>Broadcast</th><th>Submitted</th></tr>'
    for chunk in chunks:
        why = f": {parts.reason(chunk.reason)}" if chunk.reason else ""
        if chunk.proven_at is not None:
            why = f": {parts.text(proven_words(chunk.proven_at))}"
        yield f'<tr><td class="n">{chunk.number}</td><td class="n">{figure(chunk.recipients)}</td>'
        yield f'<td>{chunk.state.value}{why}</td><td class="n">{figure(chunk.sent)}</td>'
        part = share(chunk.failed, chunk.sent + chunk.failed)
        failed = figure(chunk.failed) + (f" ({part})" if chunk.failed else "")
        left = moment(chunk.submitted_at) if chunk.submitted_at is not None else ""
        broadcast = parts.text(chunk.broadcast_id or "")
        yield f'<td class="n">{failed}</td><td>{broadcast}</td><td>{left}</td></tr>'
    yield "</table></section>"
