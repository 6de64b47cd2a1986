"""Where a campaign stands, in words: the same on every command's screen, and on the page. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import counted, figure, moment, people_figure, share
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import in_language, library_reason
from keebai_async.cli.shown import shown_text
from keebai_async.cli.term_words import standing_words
from keebai_async.model.campaign import Holder
from keebai_async.model.chunk import ChunkState
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import AtService, Situation, Standing
from keebai_async.model.whole import words_of

_MOST_SHOWN = 20

_WHY: Final = re.compile(
    r"the quota of \S+ is spent|the service asked for a pause|the sender has enough to do for now"
)
"""What says why a campaign waits; all else says what for."""


def no_success() -> str:
    """How the line begins that says so."""
    return phrase("NOT A SUCCESS")


def process_gone() -> str:
    """What became of the process of a campaign that died."""
    return phrase("the process that ran it is gone: it was killed, or its machine stopped")


def headline(situation: Situation) -> str:
    """`running since 2026-11-26 14:02:11-03:00, by process 123 on laptop (ana)`, in one line."""
    words = f"{standing_words(situation.standing)}{_when(situation)}"
    match situation.standing:
        case Standing.DIED:
            return f"{words}: {process_gone()}"
        case Standing.PURGED:
            return f"{words}: {phrase('its people were removed before it was finished, so it never will be')}"
        case Standing.STOPPED:
            reason = f": {library_reason(situation.reason)}" if situation.reason else ""
            return words + reason + _goes_on(situation)
        case _:
            return words


def _goes_on(situation: Situation) -> str:
    if situation.report.unsent or not situation.at_service:
        return ""
    return phrase("; all is submitted, and the service goes on delivering")


def _when(situation: Situation) -> str:
    report, holder = situation.report, situation.holder
    match situation.standing:
        case Standing.PLANNED:
            return phrase(", made {time}", time=moment(report.created_at)) if report.created_at else ""
        case Standing.RUNNING if holder is not None:
            since = moment(holder.since)
            return phrase(" since {time}, by {process}", time=since, process=_process(holder))
        case Standing.PAUSED if holder is not None:
            since = moment(holder.since)
            return phrase(", run by {process} since {time}", process=_process(holder), time=since)
        case _:
            ended = f" {moment(report.ended_at)}," if report.ended_at else ""
            return ended + phrase(" after {time}", time=duration(situation.seconds))


def _process(holder: Holder) -> str:
    words = phrase("process {number} on {machine}", number=holder.pid, machine=holder.host)
    return words + (f" ({holder.user})" if holder.user else "")


def account_lines(situation: Situation) -> Iterator[str]:
    """What is to be known beside the headline and the counts: waits, failures, what is unknown."""
    if situation.waits_for:
        what = library_reason(situation.waits_for)
        why = _WHY.match(situation.waits_for)
        waits = phrase("waits: {what}", what=what) if why else phrase("waits for {what}", what=what)
        yield waits + until_words(situation.waits_until)
    yield from failing_lines(situation)
    for part in situation.parts:
        yield from _lines_of_part(part)
    for chunk in situation.report.chunks:
        lost = chunk.state is ChunkState.SUBMITTING and situation.holder is None
        if chunk.noticed_at is not None or chunk.proven_at is not None:
            yield from _notice_lines(chunk, lost=lost)
        elif chunk.state is ChunkState.UNKNOWN or lost:
            yield phrase("unknown: {chunk}, may have been sent or not", chunk=chunk_and_people(chunk))
        elif chunk.resent:
            yield phrase("{chunk}, is submitted again at the next resume", chunk=chunk_and_people(chunk))
        if chunk.twice_at is not None and chunk.state is not ChunkState.REFUSED:
            yield phrase(
                "PERHAPS TWICE: {chunk} may have been messaged twice: a delivery notice of {time} is from"
                " before it was submitted again",
                chunk=chunk_and_people(chunk),
                time=moment(chunk.twice_at),
            )


def until_words(until: datetime | None) -> str:
    """` (until 2026-11-26 14:02:11-03:00)`; empty if it is not known."""
    return "" if until is None else phrase(" (until {time})", time=moment(until))


def chunk_and_people(chunk: ChunkLine) -> str:
    """`chunk 3, 5,000 people`."""
    return phrase("chunk {number}, {people}", number=chunk.number, people=people_figure(chunk.recipients))


def _lines_of_part(part: Situation) -> Iterator[str]:
    """What is to be known of one part of a list over several senders, but for what it waits for."""
    where = in_language(shown_text(words_of(part.report)))
    if part.reason and part.standing is not Standing.FINISHED:
        state, why = standing_words(part.standing), library_reason(part.reason)
        yield phrase("{part}, is {state}: {why}", part=where, state=state, why=why)
    for line in account_lines(replace(part, waits_for=None, failing=None)):
        yield f"{where}: {line}"


def _notice_lines(chunk: ChunkLine, *, lost: bool) -> Iterator[str]:
    """What a delivery notice says of a chunk that was not accepted in an answer."""
    who = chunk_and_people(chunk)
    if chunk.proven_at is not None:
        unnamed = ""
        if not chunk.broadcast_id:
            unnamed = phrase("; it names no broadcast, so webhooks alone tell of them")
        yield phrase("{chunk}, accepted: {proof}", chunk=who, proof=proven_words(chunk.proven_at)) + unnamed
    elif chunk.noticed_at is not None:
        notice = phrase("a delivery notice of {time}", time=moment(chunk.noticed_at))
        match chunk.state:
            case ChunkState.UNKNOWN | ChunkState.SUBMITTING if lost or chunk.state is ChunkState.UNKNOWN:
                yield phrase(
                    "unknown: {chunk}; {notice} proves that it was accepted, which the next run takes in",
                    chunk=who,
                    notice=notice,
                )
            case ChunkState.PLANNED if chunk.submitted_at is not None:
                yield phrase(
                    "{chunk}, is not submitted again: {notice} proves that it was accepted",
                    chunk=who,
                    notice=notice,
                )
            case ChunkState.PLANNED:
                yield phrase(
                    "{chunk}, was never submitted, as far as this journal knows, but there is {notice}:"
                    " is it an old copy? Then do not go on with it",
                    chunk=who,
                    notice=notice,
                )
            case ChunkState.ABANDONED:
                yield phrase(
                    "{chunk}, was given up, but {notice} proves that it was accepted",
                    chunk=who,
                    notice=notice,
                )
            case ChunkState.REFUSED:
                yield phrase("{chunk}, was refused, but there is {notice}", chunk=who, notice=notice)
            case _:
                pass  # its answer is waited for, and counts


def proven_words(at: datetime) -> str:
    """How it is known that a chunk was accepted."""
    return phrase("proven by a delivery notice of {time}", time=moment(at))


def failing_lines(situation: Situation) -> Iterator[str]:
    """That it is no success, with the worst chunks and since when."""
    failing = situation.failing
    if failing is None:
        return
    since = phrase(", since {time}", time=moment(failing.since)) if failing.since is not None else ""
    yield f"{no_success()}: " + phrase(
        "{share} failed, {failed} of {people}{since}",
        share=share(failing.failed, failing.delivered),
        failed=figure(failing.failed),
        people=people_figure(failing.delivered),
        since=since,
    )
    for chunk in failing.worst:
        left = ""
        if chunk.submitted_at is not None:
            left = phrase(", submitted {time}", time=moment(chunk.submitted_at))
        yield "  " + phrase(
            "chunk {number}: {share} failed, broadcast {broadcast}{left}",
            number=chunk.number,
            share=share(chunk.failed, chunk.delivered),
            broadcast=chunk.broadcast_id,
            left=left,
        )


def cannot_be_called_back(situation: Situation) -> Iterator[str]:
    """Of a campaign that somebody wants to end: who gets the message all the same."""
    pending = sum(each.pending for each in situation.at_service)
    if not pending:
        return
    if situation.report.unsent:
        yield counted(
            pending,
            "{count} person is with the service already: it goes on delivering to them, and this program"
            " cannot call them back",
            "{count} people are with the service already: it goes on delivering to them, and this program"
            " cannot call them back",
        )
    else:
        yield counted(
            pending,
            "the {count} person left is with the service already: it goes on delivering to them, and this"
            " program cannot call them back",
            "all {count} people left are with the service already: it goes on delivering to them, and this"
            " program cannot call them back",
        )
    yield phrase("to have it stopped, ask the service's support, with the names and ids of the broadcasts:")
    yield from _broadcasts(situation.at_service)


def _broadcasts(at_service: Iterable[AtService]) -> Iterator[str]:
    every = tuple(at_service)
    for each in every[:_MOST_SHOWN]:
        pending = phrase("{people} pending", people=people_figure(each.pending))
        yield f"  {shown_text(each.name)}: {each.broadcast_id}, {pending}"
    if len(every) > _MOST_SHOWN:
        more = figure(len(every) - _MOST_SHOWN)
        yield "  " + phrase("and {number} more: see the chunks of report --json", number=more)


def nobody_to_hold_back(situation: Situation) -> str:
    """Why there is nothing to pause."""
    report = situation.report
    return phrase(
        "there is nothing to pause: of the {people} nobody is unsent; {pending}, and {leaving}",
        people=people_figure(report.ready),
        pending=counted(
            report.pending,
            "{count} is with the service, which goes on delivering",
            "{count} are with the service, which goes on delivering",
        ),
        leaving=counted(report.on_the_way, "{count} is on its way there", "{count} are on their way there"),
    )
