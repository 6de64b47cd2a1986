"""Who opted out, in words. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from keebai_async.cli.figures import counted, figure, moment
from keebai_async.cli.language import phrase
from keebai_async.model.opt_outs import OptOutCount, OptOutSource
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report

SOURCE_WORDS: Final = {
    OptOutSource.CODE: "Meta's code 131050",
    OptOutSource.PREFERENCE: "stopped marketing messages",
    OptOutSource.WORD: "a stop word",
    OptOutSource.BUTTON: "a button",
    OptOutSource.FILE: "an imported file",
    OptOutSource.HAND: "by hand",
}


def _ignored() -> str:
    return phrase("OPT-OUTS ARE IGNORED (--ignore-opt-outs)")


def plan_lines_on_opt_outs(plan: Plan) -> Iterator[str]:
    """`opted out, and left out: 37: 31 a stop word (since 2026-11-26 14:02:11-03:00); 6 by hand ...`."""
    people, ignored = _people(plan.opted_out), plan.opt_outs_ignored
    if ignored:
        get_it = counted(
            ignored,
            "{count} person who opted out gets it all the same",
            "{count} people who opted out get it all the same",
        )
        yield f"{_ignored()}: {get_it}: {_sources(plan.opted_out)}"
    elif ignored is not None:
        yield f"{_ignored()}: {phrase('nobody of this list opted out')}"
    elif people:
        yield _left_out(people, plan.opted_out)


def report_lines_on_opt_outs(report: Report) -> Iterator[str]:
    """The same of a campaign, and who opted out before they were submitted."""
    if report.ignores_opt_outs:
        known = f": {_sources(report.opted_out)}" if report.opted_out else ""
        yield f"{_ignored()}{known}"
    elif report.opted_out:
        yield _left_out(_people(report.opted_out), report.opted_out)
    if report.opted_out_later:
        yield phrase(
            "opted out after the plan was made, and not submitted: {number} (they count as refused)",
            number=figure(report.opted_out_later),
        )


def question_on_opt_outs(planned: int, later: int, *, ignored: bool) -> str:
    """What a question begins with where people opted out; else empty.

    *planned* of them are in the plan on purpose, *later* opted out after it was made, and are left out unless
    *ignored*.
    """
    getting = planned + later if ignored or planned else 0
    if getting:
        return counted(
            getting,
            "{count} of them opted out and gets it all the same. ",
            "{count} of them opted out and get it all the same. ",
        )
    if later:
        return counted(
            later,
            "{count} of them opted out since it was planned and is left out. ",
            "{count} of them opted out since it was planned and are left out. ",
        )
    return ""


def source_words(source: OptOutSource) -> str:
    """How somebody opted out."""
    return phrase(SOURCE_WORDS[source], about="opt-out")


def _left_out(people: int, counts: Iterable[OptOutCount]) -> str:
    return phrase(
        "opted out, and left out: {number}: {sources}", number=figure(people), sources=_sources(counts)
    )


def _people(counts: Iterable[OptOutCount]) -> int:
    return sum(count.people for count in counts)


def _sources(counts: Iterable[OptOutCount]) -> str:
    return "; ".join(
        phrase(
            "{number} {source} (since {time})",
            number=figure(count.people),
            source=source_words(count.source),
            time=moment(count.since),
        )
        for count in counts
    )
