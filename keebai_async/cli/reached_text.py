"""Whom other campaigns reached before, in words. Pure."""

from collections.abc import Iterator

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure, people_figure
from keebai_async.cli.shown import shown_text
from keebai_async.model.people_words import agreeing
from keebai_async.model.plan import Plan
from keebai_async.model.reached import Reached, repeated

_MOST_REACHED = 10


def reached_lines(plan: Plan, *, now: float) -> Iterator[str]:
    """`49,998 of these people got 'Dos' 3 min 0 s ago (promo, es) [dos-1a2b3c4d]`, a line each."""
    for each in plan.reached_before[:_MOST_REACHED]:
        yield from _lines_of(each, now)
    if len(plan.reached_before) > _MOST_REACHED:
        others = len(plan.reached_before) - _MOST_REACHED
        yield f"{figure(others)} more campaigns reached some of them before: see --json"


def _lines_of(each: Reached, now: float) -> Iterator[str]:
    name = f"'{shown_text(each.name)}'"
    what = f"({shown_text(each.template)}, {shown_text(each.language)}) [{each.campaign_id}]"
    if each.purged and each.same:
        yield f"exactly these people got exactly this as {name}{_ago(each, now)} {what}"
    elif each.purged:
        yield (
            f"{name} {what} went to {people_figure(each.people)}{_ago(each, now)}; they were purged since, so"
            " whether these are among them is not known"
        )
    elif each.people:
        yield f"{figure(each.people)} of these people got {name}{_ago(each, now)} {what}"
    if each.unsent:
        are = agreeing(each.unsent, "is", "are")
        yield (
            f"{figure(each.unsent)} of these people {are} still to get {name} {what}:"
            " resume that one in the place of this, or never again"
        )
    if each.repeated and not each.purged:
        yield f"to leave these out, plan the list with --rest-of {each.campaign_id}"


def _ago(each: Reached, now: float) -> str:
    return f" {duration(max(0.0, now - each.at))} ago" if each.at is not None else ""


def repetition(plan: Plan, *, now: float) -> str:
    """What the question begins with where it would be a repetition; else empty."""
    count = repeated(plan.reached_before, plan.ready)
    if not count:
        return ""
    most = max(plan.reached_before, key=lambda each: each.repeated)
    verb = "got" if most.people else f"{agreeing(count, 'is', 'are')} still to get"
    same = "template" if most.template == plan.template else "words"
    return f"{figure(count)} of them {verb} the same {same} as '{shown_text(most.name)}'{_ago(most, now)}. "


def rest_lines(plan: Plan) -> Iterator[str]:
    """That a limit left rows out, and how the others are reached without those who get it now."""
    if plan.limit is None or plan.test:
        return
    rows = f"{figure(plan.not_looked_at)} rows" if plan.not_looked_at else "the rows"
    ready = f"{figure(plan.limit)} ready {agreeing(plan.limit, 'person', 'people')}"
    yield (
        f"{rows} after the first {ready} were not looked at; to send to them later,"
        f" and not again to these, plan the list without --limit and with --rest-of {plan.campaign_id}"
    )
