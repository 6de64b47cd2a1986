"""Several campaigns on one screen: of each a bar, its counts, and what is to be known beside them. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group
from rich.text import Text

from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import counted, figure
from keebai_async.cli.language import phrase
from keebai_async.cli.progress_bar import bar_text
from keebai_async.cli.progress_words import delivering_words, done_of, notes
from keebai_async.cli.term_words import standing_words
from keebai_async.model.situation import Situation, Standing

_WIDEST_BAR: Final = 60
_FRAME: Final = 3
"""Lines of a board beside those of its campaigns: a head, an empty line, and how many more there are."""
_MOST_LINES: Final = 4
"""Of a campaign where there is room: its name, its bar, its notes, an empty line."""
_STYLES: Final = {
    Standing.RUNNING: "green",
    Standing.PAUSED: "yellow",
    Standing.DIED: "bold red",
    Standing.STOPPED: "yellow",
    Standing.FINISHED: "bold green",
}


def board(
    situations: Sequence[Situation], now: datetime, *, width: int, height: int, ascii_only: bool = False
) -> Group:
    """What a terminal of *width* columns and *height* lines has room for, the first of *situations* first.

    *now* has its offset. Without enough room each campaign has fewer lines, down to two, and the last ones
    are only counted. A bar of *ascii_only* needs no other signs.
    """
    room = max(2, height - _FRAME)
    lines = min(_MOST_LINES, max(2, room // max(1, len(situations))))
    shown = situations[: max(1, room // lines)]
    rows = [Text(_head(situations, now), style="bold"), Text("")]
    for situation in shown:
        rows += list(_campaign(situation, now, width=width, ascii_only=ascii_only))[:lines]
    if more := len(situations) - len(shown):
        rows.append(Text(phrase("and {number} more", number=figure(more)), style="dim"))
    for row in rows:
        row.no_wrap, row.overflow = True, "crop" if ascii_only else "ellipsis"
    return Group(*rows)


def _head(situations: Sequence[Situation], now: datetime) -> str:
    run = sum(each.holder is not None for each in situations)
    return "; ".join(
        (
            counted(len(situations), "{count} campaign", "{count} campaigns"),
            phrase("{number} running", number=figure(run)),
            f"{now.astimezone():%H:%M:%S}",
            phrase("Ctrl-C closes this screen, and nothing else"),
        )
    )


def _campaign(situation: Situation, now: datetime, *, width: int, ascii_only: bool) -> Iterator[Text]:
    report, outlook = situation.report, situation.outlook
    name = Text(report.campaign_id, style="bold")
    name.append(f"  {standing_words(situation.standing)}", style=_STYLES.get(situation.standing, "dim"))
    if situation.seconds >= 1:
        name.append(f", {duration(situation.seconds)}", style="dim")
    yield name
    counts = _counts(situation)
    likely = 0 if outlook is None else outlook.seen + outlook.likely
    wide = max(5, min(_WIDEST_BAR, width - len(counts) - 3))
    done = report.sent + report.failed
    yield bar_text(done, likely, report.ready, wide=wide, ascii_only=ascii_only).append(f"  {counts}")
    yield Text("; ".join(notes(situation, now)), style="dim")
    yield Text("")


def _counts(situation: Situation) -> str:
    report = situation.report
    submitting = f"{phrase('submitting')}: {done_of(report.accepted, report.ready)}"
    return submitting if report.unsent or not report.accepted else delivering_words(situation)
