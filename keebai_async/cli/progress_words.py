"""How far a campaign is, in one line of words, with what is known and what is estimated. Pure."""

from collections.abc import Iterator
from datetime import datetime

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure, people_figure, share
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import library_reason
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
        yield phrase("paused: {people} unsent", people=people_figure(report.unsent))
    if report.unsent or report.on_the_way:
        yield f"{phrase('submitting')}: {done_of(report.accepted, report.ready)}"
    if report.accepted:
        yield delivering_words(situation)
    yield from notes(situation, now)


def delivering_words(situation: Situation) -> str:
    """`delivering: 5014 of 49085, about 7200 by now`."""
    report, outlook = situation.report, situation.outlook
    words = f"{phrase('delivering')}: {done_of(report.sent + report.failed, report.accepted)}"
    if outlook is not None and outlook.likely:
        words += likely_words(outlook.seen + outlook.likely)
    return words


def done_of(done: int, of: int) -> str:
    """`5014 of 49085`."""
    return phrase("{done} of {all}", done=figure(done), all=figure(of))


def likely_words(likely: int) -> str:
    """`, about 7200 by now`."""
    return phrase(", about {number} by now", number=figure(likely))


def notes(situation: Situation, now: datetime) -> Iterator[str]:
    """What is to be known beside the counts: waits, the next look, the end, failures, what is unknown."""
    report = situation.report
    if situation.waits_for and situation.waits_until is not None and situation.waits_until > now:
        left = duration((situation.waits_until - now).total_seconds())
        yield phrase("waits {time}: {what}", time=left, what=library_reason(situation.waits_for))
    if situation.outlook is not None:
        yield from _outlook_words(situation.outlook, now, sending=bool(report.unsent))
    if report.failed:
        part = share(report.failed, report.sent + report.failed)
        yield f"{phrase('failed')} {figure(report.failed)} ({part})"
    if report.unknown:
        yield f"{phrase('unknown')} {figure(report.unknown)}"


def _outlook_words(outlook: Outlook, now: datetime, *, sending: bool) -> Iterator[str]:
    if outlook.next_look is not None:
        left = (outlook.next_look - now).total_seconds()
        yield phrase("next look in {time}", time=duration(left)) if left >= 1 else phrase("looking now")
    if outlook.ends_at is not None and not sending:
        how = "" if outlook.learnt else phrase(", at {number} a second", number=f"{outlook.rate:g}")
        yield phrase("ends about {time}", time=_clock(outlook.ends_at, now)) + how


def _clock(at: datetime, now: datetime) -> str:
    """The time of day, here; with the day where that is another one."""
    there, here = at.astimezone(), now.astimezone()
    return there.strftime("%H:%M") if there.date() == here.date() else there.strftime("%Y-%m-%d %H:%M")
