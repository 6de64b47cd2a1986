"""Submitting and delivery over time, as lines that only rise. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from keebai_async.cli.figures import moment, people_figure
from keebai_async.cli.language import phrase
from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import ChunkFates, Fate
from keebai_async.model.report import ChunkLine

_WIDTH: Final = 1_000
_HEIGHT: Final = 300
_MOST_POINTS: Final = 300
_STEP: Final = 30
"""Seconds that are told apart of what webhooks told."""

Points = Sequence[tuple[float, int]]
"""(Unix time, people by then), both rising."""


class Line(msgspec.Struct, frozen=True):
    """People by the time, what they are, and how the line looks."""

    label: str
    look: str
    points: Points


class ToldTimes:
    """When webhooks say that people got the message and read it: a count for each half minute."""

    def __init__(self) -> None:
        self._of: Mapping[Fate, Counter[int]] = {Fate.DELIVERED: Counter(), Fate.READ: Counter()}

    def add(self, fates: ChunkFates) -> None:
        """Take in one chunk."""
        for fate, counter in self._of.items():
            counter.update(at // _STEP for at in fates.times(fate) if at)

    def lines(self) -> Iterator[Line]:
        """A line for each of which something was told."""
        looks = {Fate.DELIVERED: "good", Fate.READ: "open"}
        for fate, counter in self._of.items():
            if counter:
                times = sorted(counter)
                by_then = accumulate(counter[each] for each in times)
                ends = [(each + 1.0) * _STEP for each in times]
                yield Line(_told(fate), looks[fate], list(zip(ends, by_then, strict=True)))


def lines_of(chunks: Iterable[ChunkLine], told: ToldTimes | None = None) -> tuple[Line, ...]:
    """What left when, and when the service counted it as sent or failed; in its place what webhooks told."""
    left, counted = list[tuple[float, int]](), list[tuple[float, int]]()
    for chunk in chunks:
        if chunk.submitted_at is not None and chunk.state is not ChunkState.PLANNED:
            left.append((chunk.submitted_at.timestamp(), chunk.recipients))
        if chunk.seen_at is not None and chunk.sent + chunk.failed:
            counted.append((chunk.seen_at.timestamp(), chunk.sent + chunk.failed))
    lines = [Line(phrase("submitted", about="people"), "", _by_then(left))]
    by_webhooks = [] if told is None else list(told.lines())
    by_service = phrase("sent or failed, when it was last seen")
    lines += by_webhooks or [Line(by_service, "good", _by_then(counted))]
    return tuple(line for line in lines if line.points)


def over_time(lines: Sequence[Line]) -> Iterator[str]:
    """The drawing with its text; nothing where nothing has left."""
    if not lines:
        return
    first = min(line.points[0][0] for line in lines)
    last = max(max(line.points[-1][0] for line in lines), first + 1)
    most = max(line.points[-1][1] for line in lines)
    yield f"<h2>{phrase('Over time')}</h2><figure>"
    yield f'<div class="ends"><span>{people_figure(most)}</span></div>'
    words = "; ".join(_words(line) for line in lines)
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{words}">'
    for line in lines:
        path = _path(line.points, first=first, last=last, most=most)
        yield f'<path class="{line.look}" d="{path}"/>'
    yield "</svg>"
    yield f'<div class="ends"><span>{moment(first)}</span><span>{moment(last)}</span></div>'
    yield f"<figcaption>{words}</figcaption></figure>"


def _told(fate: Fate) -> str:
    return phrase("read, as webhooks told") if fate is Fate.READ else phrase("delivered, as webhooks told")


def _looks_like(look: str) -> str:
    match look:
        case "good":
            return phrase("the dashed line")
        case "open":
            return phrase("the dotted line")
        case _:
            return phrase("the whole line")


def _words(line: Line) -> str:
    at, people = line.points[-1]
    return phrase(
        "{what} ({line}): {people} by {time}",
        what=line.label,
        line=_looks_like(line.look),
        people=people_figure(people),
        time=moment(at),
    )


def _by_then(events: list[tuple[float, int]]) -> Points:
    events.sort()
    return list(zip((at for at, _ in events), accumulate(people for _, people in events), strict=True))


def _path(points: Points, *, first: float, last: float, most: int) -> str:
    """Steps: nobody is anywhere between two points. Of very many the evenly spaced ones."""
    every = max(1, -(-len(points) // _MOST_POINTS))
    kept = [*points[every - 1 :: every], points[-1]]
    drawn = [f"M0 {_HEIGHT}"]
    for at, people in kept:
        x = _WIDTH * (at - first) / (last - first)
        y = _HEIGHT * (1 - 0.96 * people / most)
        drawn.append(f"H{x:.1f}V{y:.1f}")
    return "".join((*drawn, f"H{_WIDTH}"))
