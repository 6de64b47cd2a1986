"""How far it is: bars on a terminal, a plain line now and then elsewhere; always on stderr."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from keebai_async.campaign.run import WORTH_TELLING
from keebai_async.cli.account_text import proven_words
from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure, moment
from keebai_async.cli.output import say
from keebai_async.cli.shown import shown_reason
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import (
    BroadcastProgress,
    BroadcastStuck,
    BroadcastUnread,
    ChunkAccepted,
    ChunkRefused,
    ChunkSplit,
    ChunkUnknown,
    Event,
    PeopleLeftOut,
    StateChanged,
    Waiting,
)
from keebai_async.model.report import ChunkLine

_WORTH_A_TIME = 3_600.0
"""Seconds; of a longer wait it is told until when."""
_QUIET_FOR = 1.0
"""Seconds for which nothing is said: what is over by then needs no progress."""
_LINE_EVERY = 5.0
"""Seconds between two lines at least."""


class Meter(Protocol):
    """Shows numbers as they change, and lines that stay."""

    def show(self, what: str, done: int, of: int | None) -> None: ...

    def say(self, line: str) -> None: ...


class ProgressBars:
    """One bar for each thing that goes on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: int, of: int | None) -> None:
        task = self._tasks.get(what)
        if task is None:
            task = self._tasks[what] = self._progress.add_task(what, total=of)
        self._progress.update(task, completed=done, total=of)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


class PlainLines:
    """A line at most every few seconds of real time, and none for what is over within one."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _QUIET_FOR

    def show(self, what: str, done: int, of: int | None) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LINE_EVERY
            self.say(f"{what}: {figure(done)}" + (f" of {figure(of)}" if of is not None else ""))

    def say(self, line: str) -> None:
        say(line)


@contextmanager
def meter() -> Iterator[Meter]:
    """Bars if stderr is a terminal, lines if it is not."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainLines()
        return
    columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, redirect_stdout=False) as progress:
        yield ProgressBars(progress)


class CampaignMeter:
    """Turns the events of a run into what a Meter shows: people submitted, people delivered."""

    def __init__(self, meter: Meter, *, ready: int, chunks: Iterable[ChunkLine] = ()) -> None:
        """*chunks* is what earlier runs of the campaign left behind."""
        self._meter = meter
        self._ready = ready
        before = [chunk for chunk in chunks if chunk.state is ChunkState.ACCEPTED]
        self._accepted = {chunk.number: chunk.accepted or chunk.recipients for chunk in before}
        self._done = {chunk.number: chunk.sent + chunk.failed for chunk in before}
        self._waiting = ""
        self._unread: set[int] = set()

    def event(self, event: Event) -> None:
        match event:
            case ChunkAccepted():
                if event.proven_at is not None:
                    self._meter.say(f"chunk {event.number}: accepted, {proven_words(event.proven_at)}")
                self._accepted[event.number] = event.accepted
                self._meter.show("submitting", sum(self._accepted.values()), self._ready)
            case BroadcastProgress():
                self._unread.discard(event.number)
                self._done[event.number] = event.sent + event.failed
                self._meter.show("delivering", sum(self._done.values()), self._ready)
            case BroadcastUnread() if event.number in self._unread:
                pass  # told, and nothing has changed
            case BroadcastUnread():
                self._unread.add(event.number)
                why = shown_reason(event.reason)
                self._meter.say(f"chunk {event.number}: how far it is cannot be read now ({why})")
            case _:
                for line in _lines(event):
                    if line != self._waiting:
                        self._meter.say(line)
                    if isinstance(event, Waiting):
                        self._waiting = line


def _lines(event: Event) -> Iterator[str]:
    match event:
        case ChunkRefused():
            why = shown_reason(event.reason)
            yield f"chunk {event.number}: the service refused {figure(event.recipients)} people: {why}"
        case ChunkUnknown():
            why = shown_reason(event.reason)
            yield (
                f"chunk {event.number}: what became of {figure(event.recipients)} people is not known"
                f" ({why}): it may have been sent or not, and is not sent again by itself"
            )
        case ChunkSplit():
            parts = ", ".join(map(str, event.into))
            yield f"chunk {event.number}: refused as a whole; its people are now in chunks {parts}"
        case PeopleLeftOut():
            who = "1 person is" if event.recipients == 1 else f"{figure(event.recipients)} people are"
            yield f"chunk {event.number}: {who} left out: {shown_reason(event.reason)}"
        case BroadcastStuck():
            yield f"chunk {event.number}: nothing was delivered for {duration(event.seconds)}; still looking"
        case Waiting() if event.seconds >= WORTH_TELLING:
            until = ""
            if event.seconds > _WORTH_A_TIME:
                until = f" (until {moment(event.time + timedelta(seconds=event.seconds))})"
            yield f"waiting {duration(event.seconds)}{until}: {shown_reason(event.why)}"
        case StateChanged() if event.reason:
            yield f"{event.state.value}: {shown_reason(event.reason)}"
