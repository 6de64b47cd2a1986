"""How far a campaign is, in one line of words, with what is known and what is estimated. Pure."""

from collections.abc import Iterator
from datetime import datetime

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure, people_figure, share
from keebai_async.cli.shown import shown_reason
from keebai_async.model.outlook import Outlook
from keebai_async.model.situation import Situation, Standing


def pulse_line(situation: Situation, now: datetime) -> str:
    """`delivering: 5014 of 49085, about 7200 by now; next look in 22 s; ends about 14:33; failed 12 (0.2%)`.

    *now* has its offset.
    """
    return "; ".join(_pulse(situation, now))


def _pulse(situation: Situation, now: datetime) -> Iterator[str]:
    report = situation.report
    if situation.standing is Standing.PAUSED:
        yield f"paused: {people_figure(report.unsent)} unsent"
    if report.unsent or report.on_the_way:
        yield f"submitting: {figure(report.accepted)} of {figure(report.ready)}"
    if report.accepted:
        yield _delivering(situation)
    yield from notes(situation, now)


def _delivering(situation: Situation) -> str:
    report, outlook = situation.report, situation.outlook
    words = f"delivering: {figure(report.sent + report.failed)} of {figure(report.accepted)}"
    if outlook is not None and outlook.likely:
        words += f", about {figure(outlook.seen + outlook.likely)} by now"
    return words


def notes(situation: Situation, now: datetime) -> Iterator[str]:
    """What is to be known beside the counts: waits, the next look, the end, failures, what is unknown."""
    report = situation.report
    if situation.waits_for and situation.waits_until is not None and situation.waits_until > now:
        left = duration((situation.waits_until - now).total_seconds())
        yield f"waits {left} for {shown_reason(situation.waits_for)}"
    if situation.outlook is not None:
        yield from _outlook_words(situation.outlook, now, sending=bool(report.unsent))
    if report.failed:
        yield f"failed {figure(report.failed)} ({share(report.failed, report.sent + report.failed)})"
    if report.unknown:
        yield f"unknown {figure(report.unknown)}"


def _outlook_words(outlook: Outlook, now: datetime, *, sending: bool) -> Iterator[str]:
    if outlook.next_look is not None:
        left = (outlook.next_look - now).total_seconds()
        yield f"next look in {duration(left)}" if left >= 1 else "looking now"
    if outlook.ends_at is not None and not sending:
        how = "" if outlook.learnt else f", at {outlook.rate:g} a second"
        yield f"ends about {_clock(outlook.ends_at, now)}{how}"


def _clock(at: datetime, now: datetime) -> str:
    """The time of day, here; with the day where that is another one."""
    there, here = at.astimezone(), now.astimezone()
    return there.strftime("%H:%M") if there.date() == here.date() else there.strftime("%Y-%m-%d %H:%M")
