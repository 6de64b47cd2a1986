"""What became of a campaign, as a page: its pictures first, then everything in tables."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.account_text import (
    account_lines,
    cannot_be_called_back,
    chunk_and_people,
    failing_lines,
    headline,
    proven_words,
)
from keebai_async.cli.csv_files import private_file
from keebai_async.cli.decided_text import act_words, decided_words, who_began
from keebai_async.cli.fates_text import code_rows, difference_words, fate_rows, not_read, replied_means
from keebai_async.cli.figures import counted, figure, in_locale, moment, share
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import in_language
from keebai_async.cli.opt_outs_text import report_lines_on_opt_outs
from keebai_async.cli.output import say
from keebai_async.cli.page import parts
from keebai_async.cli.page.by_chunk import by_chunk
from keebai_async.cli.page.costs import costs
from keebai_async.cli.page.left_out import countries, left_out
from keebai_async.cli.page.over_time import ToldTimes, lines_of, over_time
from keebai_async.cli.page.phone import phones
from keebai_async.cli.page.way import steps_of_campaign, way
from keebai_async.cli.term_words import (
    Terms,
    accepted_terms,
    chunk_words,
    list_terms,
    ready_terms,
    standing_words,
    test_mark,
)
from keebai_async.cli.text_output import pace_words
from keebai_async.model.chunk import ChunkState
from keebai_async.model.decided import Act
from keebai_async.model.fates import FateCounts
from keebai_async.model.plan import Plan
from keebai_async.model.report import ChunkLine, Report
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
    say(phrase("a page to look at: {file}", file=file))


def page(situation: Situation, plan: Plan, *, at: float, told: ToldTimes | None = None) -> str:
    """The whole page. *at* is when it is made, in Unix time; *told* has the times that webhooks told."""
    return "\n".join(_page(situation, plan, at, told))


def _page(situation: Situation, plan: Plan, at: float, told: ToldTimes | None) -> Iterator[str]:
    report = situation.report
    name = parts.text(report.name)
    yield from parts.begin(name)
    yield f"<h1>{name}{test_mark(report)}</h1>"
    began = (f", {act_words(line.act)} {decided_words(line)}" for line in who_began(report))
    yield f"<p>{parts.template_and_senders(plan)}{parts.text(''.join(began))}</p>"
    look = _LOOKS.get(situation.standing, "open")
    if look == "good" and situation.failing is not None:
        look = "bad"
    yield f'<p class="{look}">{parts.text(headline(situation))}</p>'
    bad = set(failing_lines(situation))
    for line in (*account_lines(situation), *cannot_be_called_back(situation)):
        yield f'<p class="{"bad" if line in bad else "open"}">{parts.text(line)}</p>'
    yield from _steps(situation)
    for error in report.errors():
        yield f'<p class="bad">{phrase("This does not add up: {error}", error=parts.text(error))}</p>'
    yield f"<h2>{phrase('The way of the people')}</h2>"
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
    if (cost := report.cost) is not None:
        yield from costs(cost)
    yield from _decided(situation)
    yield f'<h2>{phrase("In numbers")}</h2><div class="sums">'
    yield _sums(phrase("Rows read"), report.read, list_terms(report), ("", "", "bad", ""))
    looks = ("good", "bad", "open", "open", "bad", "open")
    yield _sums(phrase("People ready"), report.ready, ready_terms(report), looks)
    yield _sums(
        phrase("People accepted"), report.accepted, accepted_terms(report), ("good", "bad", "open", "open")
    )
    yield "</div>"
    sent = phrase("Sent means that Meta took the message, not that it was delivered or read.")
    yield f"<p>{sent}</p>"
    for line in report_lines_on_opt_outs(report):
        yield f'<p class="{"bad" if report.ignores_opt_outs else "open"}">{parts.text(line)}</p>'
    if situation.fates is not None:
        yield from _told_by_webhooks(situation, situation.fates)
    if plan.reasons:
        yield from left_out(plan)
    for each in report.parts or (report,):
        yield from _chunks(each.chunks, _of_part(each) if report.parts else phrase("Chunks"))
    times = (
        (phrase("created"), report.created_at),
        (phrase("launched"), report.launched_at),
        (phrase("ended"), report.ended_at),
        (phrase("page made"), at),
    )
    yield parts.end(report.campaign_id, times)


def _sums(title: str, total: int, terms: Terms, looks: Sequence[str]) -> str:
    looking = [(label, count, look) for (label, count), look in zip(terms, looks, strict=True)]
    return parts.sums(title, total, looking)


def _head(*columns: tuple[str, str]) -> str:
    """The head of a table: each column's name, and how it looks."""
    cells = (f'<th class="{look}">{name}</th>' if look else f"<th>{name}</th>" for name, look in columns)
    return f"<tr>{''.join(cells)}</tr>"


def _told_by_webhooks(situation: Situation, counts: FateCounts) -> Iterator[str]:
    looks = ("good", "good", "open", "bad")
    yield f'<h2>{phrase("What webhooks told")}</h2><div class="sums">'
    terms = [
        (label, people, look) for (label, people, _), look in zip(fate_rows(counts), looks, strict=False)
    ]
    yield parts.sums(phrase("People of whom something was told"), counts.told, terms)
    yield parts.sums(phrase("People who replied"), counts.replied, ())
    yield "</div>"
    difference = difference_words(situation.report, counts)
    beside = phrase("Beside the counters of the service, never to be added: {words}.", words=difference)
    yield f"<p>{beside}</p>"
    means = phrase(
        "Delivered: {delivered}. Replied: {replied}.", delivered=not_read(), replied=replied_means()
    )
    yield f"<p>{means}</p>"
    if not counts.failed:
        return
    yield f"<h2>{phrase('Why people failed')}</h2><figure>"
    reasons = ((parts.text(in_language(one.about.meaning)), one.people) for one in counts.by_code)
    yield parts.bars(reasons, look="bad")
    yield '</figure><section class="scroll"><table class="told">'
    yield _head(
        (phrase("Code"), ""), (phrase("People"), "n"), (phrase("Meaning"), ""), (phrase("What to do"), "")
    )
    for code, people, meaning, advice in code_rows(counts):
        yield f'<tr><td>{code}</td><td class="n">{people}</td><td>{parts.text(meaning)}</td>'
        yield f"<td>{parts.text(advice)}</td></tr>"
    yield "</table></section>"


def _steps(situation: Situation) -> Iterator[str]:
    for step in situation.steps:
        command = f": <code>{escape(step.command)}</code>" if step.command else ""
        yield f"<p>{parts.text(in_locale(in_language(step.words)))}{command}</p>"


def _decided(situation: Situation) -> Iterator[str]:
    """What was decided, by whom and when."""
    rows = list(_decisions(situation))
    yield f'<h2>{phrase("What was decided")}</h2><section class="scroll"><table class="told">'
    for what, when, words in rows:
        yield f"<tr><th>{what}</th><td>{when}</td><td>{words}</td></tr>"
    yield "</table></section>"


def _decisions(situation: Situation) -> Iterator[tuple[str, str, str]]:
    report = situation.report
    acts = {line.act for line in report.decided}
    if report.created_at is not None and Act.PLANNED not in acts:
        yield phrase("planned"), moment(report.created_at), ""
    if report.launched_at is not None and Act.LAUNCHED not in acts:
        by = phrase("by {person}", person=parts.text(report.by)) if report.by else ""
        yield phrase("launched"), moment(report.launched_at), by
    for line in report.decided:
        yield parts.text(act_words(line.act)), moment(line.at), parts.text(decided_words(line))
    if report.pace is not None:
        yield phrase("pace"), "", pace_words(report.pace)
    guards = report.guards
    if guards is not None and guards.canary is not None:
        yield phrase("canary"), "", counted(guards.canary, "{count} person first", "{count} people first")
    if guards is not None and guards.stop_above is not None:
        share_of_it = f"{guards.stop_above:.0%}"
        stops = phrase("stops if more than {share} of what is delivered fails", share=share_of_it)
        yield phrase("guard"), "", stops
    for chunk in report.chunks if Act.RECONCILED not in acts else ():
        who = chunk_and_people(chunk)
        if chunk.resent:
            again = phrase("{chunk}: not at the service, to be submitted again", chunk=who)
            yield phrase("reconciled"), "", again
        if chunk.state is ChunkState.ABANDONED:
            yield phrase("reconciled"), "", phrase("{chunk}: given up", chunk=who)
    if situation.standing is Standing.STOPPED and situation.reason and report.ended_at is not None:
        yield phrase("stopped"), moment(report.ended_at), parts.reason(situation.reason)
    if report.purged_at is not None:
        yield phrase("purged"), moment(report.purged_at), phrase("its people were removed")


def _by_sender(situation: Situation) -> Iterator[str]:
    """What became of the people of each sender of a list over several."""
    yield f'<h2>{phrase("By sender")}</h2><section class="scroll"><table>'
    counted_ones = (phrase("People"), phrase("Sent"), phrase("Failed"), phrase("Unsent"), phrase("Unknown"))
    yield _head((phrase("Sender"), ""), (phrase("State"), ""), *((each, "n") for each in counted_ones))
    for part in situation.parts:
        report = part.report
        sender = parts.text("" if report.sender is None else report.sender.id)
        yield f"<tr><td>{sender}</td><td>{standing_words(part.standing)}</td>"
        counts = (report.ready, report.sent, report.failed, report.unsent, report.unknown)
        yield "".join(f'<td class="n">{figure(count)}</td>' for count in counts) + "</tr>"
    yield "</table></section>"


def _of_part(part: Report) -> str:
    return phrase("Chunks of {part}", part=parts.text(in_language(words_of(part))))


def _chunks(chunks: Iterable[ChunkLine], title: str) -> Iterator[str]:
    yield f'<h2>{title}</h2><section class="scroll"><table>'
    yield _head(
        (phrase("Chunk"), "n"),
        (phrase("People"), "n"),
        (phrase("State"), ""),
        (phrase("Sent"), "n"),
        (phrase("Failed"), "n"),
        (phrase("Broadcast"), ""),
        (phrase("Submitted"), ""),
    )
    for chunk in chunks:
        why = f": {parts.reason(chunk.reason)}" if chunk.reason else ""
        if chunk.proven_at is not None:
            why = f": {parts.text(proven_words(chunk.proven_at))}"
        yield f'<tr><td class="n">{chunk.number}</td><td class="n">{figure(chunk.recipients)}</td>'
        yield f'<td>{chunk_words(chunk.state)}{why}</td><td class="n">{figure(chunk.sent)}</td>'
        part = share(chunk.failed, chunk.sent + chunk.failed)
        failed = figure(chunk.failed) + (f" ({part})" if chunk.failed else "")
        left = moment(chunk.submitted_at) if chunk.submitted_at is not None else ""
        broadcast = parts.text(chunk.broadcast_id or "")
        yield f'<td class="n">{failed}</td><td>{broadcast}</td><td>{left}</td></tr>'
    yield "</table></section>"
