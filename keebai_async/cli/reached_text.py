"""Whom other campaigns reached before, in words. Pure."""

from collections.abc import Iterator

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import counted, figure, people_figure
from keebai_async.cli.language import phrase
from keebai_async.cli.shown import shown_text
from keebai_async.model.plan import Plan
from keebai_async.model.reached import Reached, repeated

_MOST_REACHED = 10


def reached_lines(plan: Plan, *, now: float) -> Iterator[str]:
    """`49,998 of these people got 'Dos' 3 min ago (promo, es) [dos-1a2b3c4d]`, a line each."""
    for each in plan.reached_before[:_MOST_REACHED]:
        yield from _lines_of(each, now)
    if len(plan.reached_before) > _MOST_REACHED:
        others = figure(len(plan.reached_before) - _MOST_REACHED)
        yield phrase("{number} more campaigns reached some of them before: see --json", number=others)


def _lines_of(each: Reached, now: float) -> Iterator[str]:
    name, ago = f"'{shown_text(each.name)}'", _ago(each, now)
    what = f"({shown_text(each.template)}, {shown_text(each.language)}) [{each.campaign_id}]"
    if each.purged and each.same:
        yield phrase(
            "exactly these people got exactly this as {name}{ago} {what}", name=name, ago=ago, what=what
        )
    elif each.purged:
        yield phrase(
            "{name} {what} went to {people}{ago}; they were purged since, so whether these are among them is"
            " not known",
            name=name,
            what=what,
            people=people_figure(each.people),
            ago=ago,
        )
    elif each.people:
        yield counted(
            each.people,
            "{count} of these people got {name}{ago} {what}",
            "{count} of these people got {name}{ago} {what}",
            name=name,
            ago=ago,
            what=what,
        )
    if each.unsent:
        yield counted(
            each.unsent,
            "{count} of these people is still to get {name} {what}: resume that one in the place of this, or"
            " never again",
            "{count} of these people are still to get {name} {what}: resume that one in the place of this, or"
            " never again",
            name=name,
            what=what,
        )
    if each.repeated and not each.purged:
        yield phrase("to leave these out, plan the list with --rest-of {campaign}", campaign=each.campaign_id)


def _ago(each: Reached, now: float) -> str:
    return "" if each.at is None else phrase(" {time} ago", time=duration(max(0.0, now - each.at)))


def repetition(plan: Plan, *, now: float) -> str:
    """What the question begins with where it would be a repetition; else empty."""
    count = repeated(plan.reached_before, plan.ready)
    if not count:
        return ""
    most = max(plan.reached_before, key=lambda each: each.repeated)
    same = phrase("the same template") if most.template == plan.template else phrase("the same words")
    name, ago = shown_text(most.name), _ago(most, now)
    if most.people:
        return counted(
            count,
            "{count} of them got {same} as '{name}'{ago}. ",
            "{count} of them got {same} as '{name}'{ago}. ",
            same=same,
            name=name,
            ago=ago,
        )
    return counted(
        count,
        "{count} of them is still to get {same} as '{name}'{ago}. ",
        "{count} of them are still to get {same} as '{name}'{ago}. ",
        same=same,
        name=name,
        ago=ago,
    )


def rest_lines(plan: Plan) -> Iterator[str]:
    """That a limit left rows out, and how the others are reached without those who get it now."""
    if plan.limit is None or plan.test:
        return
    rows = phrase("the rows")
    if plan.not_looked_at:
        rows = phrase("{number} rows", number=figure(plan.not_looked_at))
    yield counted(
        plan.limit,
        "{rows} after the first {count} ready person were not looked at; to send to them later, and not again"
        " to these, plan the list without --limit and with --rest-of {campaign}",
        "{rows} after the first {count} ready people were not looked at; to send to them later, and not again"
        " to these, plan the list without --limit and with --rest-of {campaign}",
        rows=rows,
        campaign=plan.campaign_id,
    )
