"""The way of the people as one drawing: read, ready, accepted, sent, and what webhooks told. Pure.

Each step is a bar as long as what went on from the step above it, cut into who goes on and who does not.
"""

from collections.abc import Iterator, Sequence

import msgspec

from keebai_async.cli.figures import figure, share
from keebai_async.cli.language import phrase
from keebai_async.cli.page.parts import percent
from keebai_async.cli.term_words import (
    Terms,
    accepted_terms,
    list_terms,
    ready_terms,
)
from keebai_async.model.fates import FateCounts
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report


class WayPart(msgspec.Struct, frozen=True):
    """Some of the *people* of a step, what they are called, and how they look."""

    label: str
    people: int
    look: str


class WayStep(msgspec.Struct, frozen=True):
    """A step of the way: how many came this far, and into which parts they fall. The first part goes on."""

    label: str
    people: int
    parts: tuple[WayPart, ...]


def steps_of_plan(plan: Plan | Report) -> tuple[WayStep, ...]:
    """From the list to who is ready."""
    return (_step_of(phrase("Rows read"), plan.read, list_terms(plan), ("", "out", "bad", "out")),)


def steps_of_campaign(report: Report) -> tuple[WayStep, ...]:
    """From the list to who was sent to, by the service's counters."""
    ready = ("", "bad", "open", "open", "bad", "out")
    accepted = ("good", "bad", "open", "open")
    return (
        *steps_of_plan(report),
        _step_of(phrase("Ready"), report.ready, ready_terms(report), ready),
        _step_of(phrase("Accepted by the service"), report.accepted, accepted_terms(report), accepted),
    )


def _step_of(label: str, people: int, terms: Terms, looks: Sequence[str]) -> WayStep:
    parts = (WayPart(what, count, look) for (what, count), look in zip(terms, looks, strict=True))
    return WayStep(label, people, tuple(parts))


def way(steps: Sequence[WayStep], fates: FateCounts | None = None) -> Iterator[str]:
    """The drawing, with its text."""
    whole = max((step.people for step in steps), default=0)
    yield '<figure class="way">'
    for step in steps:
        yield from _step(step, whole)
    if fates is not None:
        for label, people in _told(fates):
            yield f"<div><b>{figure(people)}</b> {label}</div>"
            yield f'<div class="step" aria-hidden="true">{_bar(people, whole, "told")}</div>'
        striped = phrase("The striped bars are what webhooks told, never to be added to those above.")
        yield f"<p>{striped}</p>"
    key = phrase("Each bar is as long as its people; its first part goes on to the next.")
    yield f"<figcaption>{key}</figcaption>"
    yield "</figure>"


def _step(step: WayStep, whole: int) -> Iterator[str]:
    shown = [part for part in step.parts if part.people]
    yield f"<div><b>{figure(step.people)}</b> {step.label}</div>"
    pieces = "".join(_bar(part.people, whole, part.look) for part in shown)
    yield f'<div class="step" aria-hidden="true">{pieces}</div>'
    words = " &middot; ".join(
        f'<span class="key {part.look}" aria-hidden="true"></span> {part.label} {figure(part.people)}'
        f" ({share(part.people, step.people)})"
        for part in shown
    )
    yield f"<p>{words or phrase('nobody')}</p>"


def _bar(people: int, whole: int, look: str) -> str:
    return f'<i class="{look}" style="width:{percent(people, whole)}"></i>' if people else ""


def _told(fates: FateCounts) -> Iterator[tuple[str, int]]:
    yield phrase("delivered, as webhooks told (with those who read)"), fates.delivered + fates.read
    yield phrase("read, as webhooks told"), fates.read
    yield phrase("replied"), fates.replied
