"""Who opted out, in words. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from keebai_async.cli.figures import figure, moment, people_figure
from keebai_async.model.opt_outs import OptOutCount, OptOutSource
from keebai_async.model.people_words import agreeing
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

IGNORED: Final = "OPT-OUTS ARE IGNORED (--ignore-opt-outs)"


def plan_lines_on_opt_outs(plan: Plan) -> Iterator[str]:
    """`opted out, and left out: 37: 31 a stop word (since 2026-11-26 14:02:11-03:00); 6 by hand ...`."""
    people, ignored = _people(plan.opted_out), plan.opt_outs_ignored
    if ignored:
        get_it = f"{people_figure(ignored)} who opted out {agreeing(ignored, 'gets', 'get')} it"
        yield f"{IGNORED}: {get_it} all the same: {_sources(plan.opted_out)}"
    elif ignored is not None:
        yield f"{IGNORED}: nobody of this list opted out"
    elif people:
        yield f"opted out, and left out: {figure(people)}: {_sources(plan.opted_out)}"


def report_lines_on_opt_outs(report: Report) -> Iterator[str]:
    """The same of a campaign, and who opted out before they were submitted."""
    if report.ignores_opt_outs:
        known = f": {_sources(report.opted_out)}" if report.opted_out else ""
        yield f"{IGNORED}{known}"
    elif report.opted_out:
        yield f"opted out, and left out: {figure(_people(report.opted_out))}: {_sources(report.opted_out)}"
    if report.opted_out_later:
        yield (
            f"opted out after the plan was made, and not submitted: {figure(report.opted_out_later)}"
            " (they count as refused)"
        )


def question_on_opt_outs(planned: int, later: int, *, ignored: bool) -> str:
    """What a question begins with where people opted out; else empty.

    *planned* of them are in the plan on purpose, *later* opted out after it was made, and are left out unless
    *ignored*.
    """
    getting = planned + later if ignored or planned else 0
    if getting:
        verb = "gets" if getting == 1 else "get"
        return f"{figure(getting)} of them opted out and {verb} it all the same. "
    if later:
        verb = "is" if later == 1 else "are"
        return f"{figure(later)} of them opted out since it was planned and {verb} left out. "
    return ""


def _people(counts: Iterable[OptOutCount]) -> int:
    return sum(count.people for count in counts)


def _sources(counts: Iterable[OptOutCount]) -> str:
    return "; ".join(
        f"{figure(count.people)} {SOURCE_WORDS[count.source]} (since {moment(count.since)})"
        for count in counts
    )
