"""Where a campaign stands, in words: the same on every command's screen, and on the page. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure, moment, people_figure, share
from keebai_async.cli.shown import shown_reason, shown_text
from keebai_async.model.campaign import Holder
from keebai_async.model.chunk import ChunkState
from keebai_async.model.people_words import agreeing
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import AtService, Situation, Standing
from keebai_async.model.whole import words_of

_MOST_SHOWN = 20

NO_SUCCESS = "NOT A SUCCESS"
"""How the line begins that says so."""

PERHAPS_TWICE = "PERHAPS TWICE"
"""How the line begins that says of people that they may have been messaged twice."""

PROCESS_GONE = "the process that ran it is gone: it was killed, or its machine stopped"


def headline(situation: Situation) -> str:
    """`running since 2026-11-26 14:02:11-03:00, by process 123 on laptop (ana)`, in one line."""
    words = f"{situation.standing.value}{_when(situation)}"
    match situation.standing:
        case Standing.DIED:
            return f"{words}: {PROCESS_GONE}"
        case Standing.PURGED:
            return f"{words}: its people were removed before it was finished, so it never will be"
        case Standing.STOPPED:
            reason = f": {shown_reason(situation.reason)}" if situation.reason else ""
            return words + reason + _goes_on(situation)
        case _:
            return words


def _goes_on(situation: Situation) -> str:
    if situation.report.unsent or not situation.at_service:
        return ""
    return "; all is submitted, and the service goes on delivering"


def _when(situation: Situation) -> str:
    report, holder = situation.report, situation.holder
    match situation.standing:
        case Standing.PLANNED:
            return f", made {moment(report.created_at)}" if report.created_at else ""
        case Standing.RUNNING if holder is not None:
            return f" since {moment(holder.since)}, by {_process(holder)}"
        case Standing.PAUSED if holder is not None:
            return f", run by {_process(holder)} since {moment(holder.since)}"
        case _:
            ended = f" {moment(report.ended_at)}," if report.ended_at else ""
            return f"{ended} after {duration(situation.seconds)}"


def _process(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.host}" + (f" ({holder.user})" if holder.user else "")


def account_lines(situation: Situation) -> Iterator[str]:
    """What is to be known beside the headline and the counts: waits, failures, what is unknown."""
    if situation.waits_for:
        until = f" (until {moment(situation.waits_until)})" if situation.waits_until else ""
        yield f"waits for {shown_reason(situation.waits_for)}{until}"
    yield from failing_lines(situation)
    for part in situation.parts:
        yield from _lines_of_part(part)
    for chunk in situation.report.chunks:
        people = people_figure(chunk.recipients)
        lost = chunk.state is ChunkState.SUBMITTING and situation.holder is None
        if chunk.noticed_at is not None or chunk.proven_at is not None:
            yield from _notice_lines(chunk, lost=lost)
        elif chunk.state is ChunkState.UNKNOWN or lost:
            yield f"unknown: chunk {chunk.number}, {people}, may have been sent or not"
        elif chunk.resent:
            yield f"chunk {chunk.number}, {people}, is submitted again at the next resume"
        if chunk.twice_at is not None and chunk.state is not ChunkState.REFUSED:
            yield (
                f"{PERHAPS_TWICE}: chunk {chunk.number}, {people} may have been messaged twice:"
                f" a delivery notice of {moment(chunk.twice_at)} is from before it was submitted again"
            )


def _lines_of_part(part: Situation) -> Iterator[str]:
    """What is to be known of one part of a list over several senders, but for what it waits for."""
    where = shown_text(words_of(part.report))
    if part.reason and part.standing is not Standing.FINISHED:
        yield f"{where}, is {part.standing.value}: {shown_reason(part.reason)}"
    for line in account_lines(replace(part, waits_for=None, failing=None)):
        yield f"{where}: {line}"


def _notice_lines(chunk: ChunkLine, *, lost: bool) -> Iterator[str]:
    """What a delivery notice says of a chunk that was not accepted in an answer."""
    who = f"chunk {chunk.number}, {people_figure(chunk.recipients)}"
    if chunk.proven_at is not None:
        unnamed = "" if chunk.broadcast_id else "; it names no broadcast, so webhooks alone tell of them"
        yield f"{who}, accepted: {proven_words(chunk.proven_at)}{unnamed}"
    elif chunk.noticed_at is not None:
        notice = f"a delivery notice of {moment(chunk.noticed_at)}"
        match chunk.state:
            case ChunkState.UNKNOWN | ChunkState.SUBMITTING if lost or chunk.state is ChunkState.UNKNOWN:
                yield f"unknown: {who}; {notice} proves that it was accepted, which the next run takes in"
            case ChunkState.PLANNED if chunk.submitted_at is not None:
                yield f"{who}, is not submitted again: {notice} proves that it was accepted"
            case ChunkState.PLANNED:
                yield (
                    f"{who}, was never submitted, as far as this journal knows, but there is {notice}:"
                    " is it an old copy? Then do not go on with it"
                )
            case ChunkState.ABANDONED:
                yield f"{who}, was given up, but {notice} proves that it was accepted"
            case ChunkState.REFUSED:
                yield f"{who}, was refused, but there is {notice}"
            case _:
                pass  # its answer is waited for, and counts


def proven_words(at: datetime) -> str:
    """How it is known that a chunk was accepted."""
    return f"proven by a delivery notice of {moment(at)}"


def failing_lines(situation: Situation) -> Iterator[str]:
    """That it is no success, with the worst chunks and since when."""
    failing = situation.failing
    if failing is None:
        return
    since = f", since {moment(failing.since)}" if failing.since is not None else ""
    part = share(failing.failed, failing.delivered)
    yield (
        f"{NO_SUCCESS}: {part} failed, {figure(failing.failed)} of {people_figure(failing.delivered)}{since}"
    )
    for chunk in failing.worst:
        left = f", submitted {moment(chunk.submitted_at)}" if chunk.submitted_at is not None else ""
        part = share(chunk.failed, chunk.delivered)
        yield f"  chunk {chunk.number}: {part} failed, broadcast {chunk.broadcast_id}{left}"


def cannot_be_called_back(situation: Situation) -> Iterator[str]:
    """Of a campaign that somebody wants to end: who gets the message all the same."""
    pending = sum(each.pending for each in situation.at_service)
    if not pending:
        return
    who = f"{people_figure(pending)} {agreeing(pending, 'is', 'are')}"
    if not situation.report.unsent:
        who = agreeing(pending, "the 1 person left is", f"all {people_figure(pending)} left are")
    yield (
        f"{who} with the service already: it goes on delivering to them,"
        " and this program cannot call them back"
    )
    yield "to have it stopped, ask the service's support, with the names and ids of the broadcasts:"
    yield from _broadcasts(situation.at_service)


def _broadcasts(at_service: Iterable[AtService]) -> Iterator[str]:
    every = tuple(at_service)
    for each in every[:_MOST_SHOWN]:
        yield f"  {shown_text(each.name)}: {each.broadcast_id}, {people_figure(each.pending)} pending"
    if len(every) > _MOST_SHOWN:
        yield f"  and {figure(len(every) - _MOST_SHOWN)} more: see the chunks of report --json"


def nobody_to_hold_back(situation: Situation) -> str:
    """Why there is nothing to pause."""
    report = situation.report
    pending, leaving = report.pending, report.on_the_way
    return (
        f"there is nothing to pause: of the {people_figure(report.ready)} nobody is unsent;"
        f" {figure(pending)} {agreeing(pending, 'is', 'are')} with the service, which goes on delivering,"
        f" and {figure(leaving)} {agreeing(leaving, 'is on its', 'are on their')} way there"
    )
