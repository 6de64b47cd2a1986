"""How far it is: bars on a terminal, a plain line now and then elsewhere; always on stderr."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from keebai_async.cli.account_text import proven_words, until_words
from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import counted, figure, people_figure
from keebai_async.cli.fitting import fitted
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import library_reason
from keebai_async.cli.output import say
from keebai_async.cli.progress_bar import bar_text
from keebai_async.cli.progress_words import done_of, likely_words, notes, pulse_line
from keebai_async.cli.shown import shown_text
from keebai_async.cli.term_words import standing_words
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
from keebai_async.model.report import ChunkLine, Report
from keebai_async.model.situation import Situation
from keebai_async.quota.window import WORTH_TELLING

_WORTH_A_TIME: Final = 3_600.0
"""Seconds; of a longer wait it is told until when."""
_QUIET_FOR: Final = 1.0
"""Seconds for which nothing is said: what is over by then needs no progress."""
_LINE_EVERY: Final = 5.0
"""Seconds between two lines at least."""
_WIDE_BAR: Final = 30
_NARROW_BAR: Final = 5
_BESIDE_BAR: Final = 55
"""Letters that stand beside a bar."""
_PULSE_EVERY: Final = 30.0
"""Seconds of silence after which a line is written without a terminal, whatever happens."""


class Meter(Protocol):
    """Shows numbers as they change, and lines that stay."""

    def show(self, what: str, done: int, of: int | None, *, likely: int | None = None) -> None:
        """*likely* is an estimate of how many are done by now; never fewer than *done*."""
        ...

    def detail(self, what: str, done: int, of: int | None) -> None:
        """The same of a part of something that is shown: where there is room for it."""
        ...

    def say(self, line: str) -> None: ...

    def pulse(self, line: str, note: str) -> None:
        """All is as it was: *line* says how far it is where there are no bars, *note* stands below bars."""
        ...


class WatchedPart(msgspec.Struct, frozen=True):
    """A part of a list over several senders, and what earlier runs left behind of it."""

    campaign_id: str
    sender: str
    ready: int
    chunks: tuple[ChunkLine, ...] = ()

    @classmethod
    def of(cls, report: Report) -> "WatchedPart":
        sender = "" if report.sender is None else report.sender.id
        return cls(report.campaign_id, sender, report.ready, report.chunks)


class ProgressBars:
    """One bar for each thing that goes on, and a line below them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._progress = Progress(
            TextColumn("{task.description:<11}"),
            KnownAndLikely(live.console),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=live.console,
            auto_refresh=False,
        )
        self._note = ""
        self._tasks: dict[str, TaskID] = {}
        self._show()

    def show(self, what: str, done: int, of: int | None, *, likely: int | None = None) -> None:
        counts = figure(done) if of is None else f"{figure(done)}/{figure(of)}"
        if likely is not None and likely > done:
            counts += likely_words(likely)
        task = self._tasks.get(what)
        if task is None:
            task = self._tasks[what] = self._progress.add_task(what, total=of, counts=counts, likely=likely)
        self._progress.update(task, completed=done, total=of, counts=counts, likely=likely)
        self._show()

    detail = show

    def say(self, line: str) -> None:
        console = self._live.console
        console.print(fitted(line, console.width), markup=False, highlight=False, soft_wrap=True)

    def pulse(self, line: str, note: str) -> None:
        self._note = note
        self._show()

    def _show(self) -> None:
        shown = (self._progress, Text(self._note, style="dim")) if self._note else (self._progress,)
        self._live.update(Group(*shown))


class KnownAndLikely(ProgressColumn):
    """The bar of what goes on, as wide as the terminal has room for."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def render(self, task: Task) -> Text:
        return bar_text(
            task.completed,
            task.fields["likely"] or 0,
            task.total,
            wide=max(_NARROW_BAR, min(_WIDE_BAR, self._console.width - _BESIDE_BAR)),
            ascii_only=plain_signs(self._console),
        )


class PlainLines:
    """A line at most every few seconds, and none for what is over within one; but no long silence.

    *now* gives seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._next = now() + _QUIET_FOR
        self._spoke = now()
        self._shown: dict[str, int] = {}

    def show(self, what: str, done: int, of: int | None, *, likely: int | None = None) -> None:
        now = self._now()
        if now >= self._next and self._shown.get(what, 0) != done:
            self._shown[what] = done
            self._next = now + _LINE_EVERY
            self.say(f"{what}: {figure(done) if of is None else done_of(done, of)}")

    def detail(self, what: str, done: int, of: int | None) -> None:
        """Left out: a line for each would hide the sum."""

    def say(self, line: str) -> None:
        self._spoke = self._now()
        say(line)

    def pulse(self, line: str, note: str) -> None:
        if line and self._now() - self._spoke >= _PULSE_EVERY:
            self.say(line)


def plain_signs(console: Console) -> bool:
    """Whether a console may not have the signs of a bar."""
    return console.options.ascii_only or console.options.legacy_windows


def screen() -> Console | None:
    """The terminal that stderr is, if it can show what changes."""
    console = Console(stderr=True)
    return None if not console.is_terminal or console.is_dumb_terminal else console


@contextmanager
def meter() -> Iterator[Meter]:
    """Bars if stderr is a terminal, lines if it is not."""
    console = screen()
    if console is None:
        yield PlainLines()
        return
    with Live(console=console, redirect_stdout=False, refresh_per_second=4) as live:
        yield ProgressBars(live)


class CampaignMeter:
    """Turns the events of a run into what a Meter shows: people submitted, people delivered."""

    def __init__(
        self,
        meter: Meter,
        *,
        ready: int,
        chunks: Iterable[ChunkLine] = (),
        parts: Sequence[WatchedPart] = (),
    ) -> None:
        """*chunks*, or those of *parts*, are what earlier runs of the campaign left behind."""
        self._meter = meter
        self._ready = ready
        self._parts = {part.campaign_id: part for part in parts}
        before = [("", chunk) for chunk in chunks]
        before += [(part.campaign_id, chunk) for part in parts for chunk in part.chunks]
        taken = [(part, chunk) for part, chunk in before if chunk.state is ChunkState.ACCEPTED]
        self._accepted = {(part, chunk.number): chunk.accepted or chunk.recipients for part, chunk in taken}
        self._done = {(part, chunk.number): chunk.sent + chunk.failed for part, chunk in taken}
        self._waiting: dict[str, str] = {}
        self._unread: set[tuple[str, int]] = set()
        self.spent = ""
        """What is spent of the quota, in words."""
        self._show()

    def _show(self) -> None:
        """Everything that is known from the beginning on."""
        self._meter.show(phrase("submitting"), sum(self._accepted.values()), self._ready)
        self._meter.show(phrase("delivering"), sum(self._done.values()), self._ready)
        for part in self._parts:
            self._show_part(part)

    def tick(self, situation: Situation, now: datetime) -> None:
        """Show where it stands, and what is likely by *now*, also while nothing happens."""
        report, outlook = situation.report, situation.outlook
        likely = None if outlook is None else outlook.seen + outlook.likely
        if report.accepted:
            self._meter.show(phrase("submitting"), report.accepted, self._ready)
            self._meter.show(phrase("delivering"), report.sent + report.failed, self._ready, likely=likely)
        spent = (phrase("quota {spent}", spent=self.spent),) if self.spent else ()
        self._meter.pulse(pulse_line(situation, now), "; ".join((*notes(situation, now), *spent)))

    def event(self, event: Event) -> None:
        part = event.campaign_id if event.campaign_id in self._parts else ""
        match event:
            case ChunkAccepted():
                if event.proven_at is not None:
                    accepted = phrase("accepted, {proof}", proof=proven_words(event.proven_at))
                    self._say(part, _of_chunk(event.number, accepted))
                self._accepted[part, event.number] = event.accepted
                self._meter.show(phrase("submitting"), sum(self._accepted.values()), self._ready)
            case BroadcastProgress():
                self._unread.discard((part, event.number))
                self._done[part, event.number] = event.sent + event.failed
                self._meter.show(phrase("delivering"), sum(self._done.values()), self._ready)
                self._show_part(part)
            case BroadcastUnread() if (part, event.number) in self._unread:
                pass  # told, and nothing has changed
            case BroadcastUnread():
                self._unread.add((part, event.number))
                why = library_reason(event.reason)
                unread = phrase("how far it is cannot be read now ({why})", why=why)
                self._say(part, _of_chunk(event.number, unread))
            case _:
                for line in _lines(event):
                    if line != self._waiting.get(part):
                        self._say(part, line)
                    if isinstance(event, Waiting):
                        self._waiting[part] = line

    def _show_part(self, part: str) -> None:
        if part:
            done = sum(people for (each, _), people in self._done.items() if each == part)
            sender = self._parts[part].sender
            self._meter.detail(phrase("from {sender}", sender=sender), done, self._parts[part].ready)

    def _say(self, part: str, line: str) -> None:
        self._meter.say(f"{shown_text(self._parts[part].sender)}: {line}" if part else line)


def _of_chunk(number: int, words: str) -> str:
    return phrase("chunk {number}: {words}", number=number, words=words)


def _lines(event: Event) -> Iterator[str]:
    match event:
        case ChunkRefused():
            refused = phrase("the service refused {people}", people=people_figure(event.recipients))
            yield _of_chunk(event.number, f"{refused}: {library_reason(event.reason)}")
        case ChunkUnknown():
            unknown = phrase(
                "what became of {people} is not known ({why}): it may have been sent or not, and is not sent"
                " again by itself",
                people=people_figure(event.recipients),
                why=library_reason(event.reason),
            )
            yield _of_chunk(event.number, unknown)
        case ChunkSplit():
            parts = ", ".join(map(str, event.into))
            yield _of_chunk(event.number, phrase("cut; its people are now in chunks {chunks}", chunks=parts))
        case PeopleLeftOut():
            out = counted(
                event.recipients,
                "{count} person is left out: {why}",
                "{count} people are left out: {why}",
                why=library_reason(event.reason),
            )
            yield _of_chunk(event.number, out)
        case BroadcastStuck(held=True):
            held = phrase(
                "nothing was delivered for {time}: probably held by Meta, as it does for up to an hour with a"
                " template that is new; still looking",
                time=duration(event.seconds),
            )
            yield _of_chunk(event.number, held)
        case BroadcastStuck():
            silent = phrase("nothing was delivered for {time}; still looking", time=duration(event.seconds))
            yield _of_chunk(event.number, silent)
        case Waiting() if event.seconds >= WORTH_TELLING:
            until = None
            if event.seconds > _WORTH_A_TIME:
                until = event.time + timedelta(seconds=event.seconds)
            waiting = phrase("waiting {time}{until}", time=duration(event.seconds), until=until_words(until))
            yield f"{waiting}: {library_reason(event.why)}"
        case StateChanged() if event.reason:
            yield f"{standing_words(event.state)}: {library_reason(event.reason)}"
