"""Recollection: what one process remembers of its own spending, for a store that may lose its memory. Pure.

The problem: a Redis is flushed, or an SQLite file deleted, while processes run. The new store knows nothing,
so the next request finds a window that is empty here and full at the service. Each process can tell again
what it spent itself; but others, who have not come back yet or never will, have spent too.

The naive ways: to begin at zero goes over at once; to count only what was told again goes over as soon as
somebody else is late; to wait for a whole hour stops everybody for nothing.

The choice: each process knows how much *all* had spent when it was last given a place. From then until the
loss the others can have added no more than the limits let through, of which the shortest window's is a small
part of the hour's. So it can say how much was spent at most when the memory was lost. The store takes the
smallest of these figures; what of it nobody has told again counts as spent at the instant of the loss, until
a full window has passed. As more processes come back and tell, less remains uncertain.

Whether a store has lost something shows in three ways: the name of its life (epoch) is another one; a
request of our own is missing in it (an old copy); its clock has leapt.
"""

from collections.abc import Sequence
from typing import Final

from keebai_async.quota.gate import Ending
from keebai_async.quota.pause import LONGEST_PAUSE, NEVER
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Wait

WITNESSED: Final = 0.9
"""The part of the time for which a store keeps the past, within which it must know a request of ours."""

SHORTEST_PAST: Final = 3_600.0
"""Seconds for which the past is kept at least, for other users of a store, who may have longer windows."""


def kept_past(windows: Sequence[LaneWindow]) -> float:
    """Seconds for which the past is kept by who goes by *windows*."""
    return max([SHORTEST_PAST, *(window.per for window in windows)])


class Recollection:
    """The own spending of one process, on its own clock, as long as it counts.

    *held* is when each request under way was let go, *ended* when each of the past ones counts as ended, by
    their ids, oldest first; *alone* are those that no store gave. *paused* is until when the service told
    everybody to pause.
    """

    __slots__ = ("_asked", "_counts", "alone", "ended", "held", "paused")

    def __init__(self) -> None:
        self.held: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.alone: set[str] = set()
        self.paused = NEVER
        self._asked = NEVER
        self._counts: dict[float, int] = {}

    def took(self, place_id: str, windows: Sequence[LaneWindow], spent: Sequence[int], asked: float) -> None:
        """A place was given, when *spent* counted in each window; it was *asked* for before that."""
        self.held[place_id] = asked
        if spent:  # not told to one who asked again after a lost answer
            self._asked = asked
            self._counts = {window.per: count for window, count in zip(windows, spent, strict=True)}

    def heard(
        self, place_id: str, windows: Sequence[LaneWindow], said: HeldPlace | Wait | None, asked: float
    ) -> None:
        """What a store *said* to who *asked* then for a place: also that everybody pauses."""
        match said:
            case HeldPlace(spent=spent):
                self.took(place_id, windows, spent, asked)
            case Wait(quota=None, loose=False, seconds=seconds):
                self.paused = max(self.paused, asked + seconds)
            case _:
                pass

    def entered(self, place_id: str, windows: Sequence[LaneWindow], word: Word, now: float) -> None:
        """What became of a request is entered into the store at the time *now*."""
        grace = 0.0 if word.ending is Ending.ANSWERED else word.grace
        self.settled(place_id, None if word.ending is Ending.UNSENT else now + grace)
        self.forget(now - kept_past(windows))
        if word.pause is not None:
            length = min(word.pause, LONGEST_PAUSE) if word.pause > 0 else windows[0].per
            self.paused = max(self.paused, now + length)

    def took_alone(self, place_id: str, taken: float) -> None:
        """A place was taken while no store could be asked."""
        self.held[place_id] = taken
        self.alone.add(place_id)

    def settled(self, place_id: str, ended: float | None) -> None:
        """A request ended, as the service may count it; None if it never left."""
        self.held.pop(place_id, None)
        if ended is None:
            self.alone.discard(place_id)
        else:
            self.ended[place_id] = ended

    def forget(self, before: float) -> None:
        """Drop what ended *before*."""
        while self.ended:
            oldest = next(iter(self.ended))
            if self.ended[oldest] > before:
                return
            del self.ended[oldest]
            self.alone.discard(oldest)

    def last_ended(self, since: float) -> str:
        """The id that a store must know, if it ended after *since*; empty if there is none."""
        return self._witness(self.ended, since)

    def last_held(self, since: float) -> str:
        """The same of what is under way."""
        return self._witness(self.held, since)

    def _witness(self, past: dict[str, float], since: float) -> str:
        last = next(reversed(past), "")
        # What was taken alone may be on its way to the store just now.
        return last if last and past[last] > since and last not in self.alone else ""

    def knows(self, place_id: str) -> bool:
        return place_id in self.held or place_id in self.ended

    def most(self, windows: Sequence[LaneWindow], lost: float) -> tuple[int, ...]:
        """How much all together can have spent in each window when the store was *lost*; -1 if not known."""
        if not self._counts:
            return (-1,) * len(windows)
        passed = max(0.0, lost - self._asked)
        since = min(
            (int(window.quota.limit * (1 + passed // window.quota.per)) for window in windows), default=0
        )
        most: list[int] = []
        for window in windows:
            limit, seen = window.quota.limit, self._counts.get(window.per, window.quota.limit)
            left = passed > window.per  # what was seen then has left the window
            most.append(min(limit, since) if left else max(seen, min(limit, seen + since)))
        return tuple(most)


class OtherClock:
    """Says by how much the clock of a server leapt ahead, however long its answers are under way."""

    __slots__ = ("_at", "_high", "_low")

    TOLERANCE = 0.25
    DRIFT = 0.001

    def __init__(self) -> None:
        self._at = NEVER
        self._low = self._high = 0.0

    def leapt(self, asked: float, answered: float, there: float) -> float:
        """Seconds by which it leapt since the last answer, 0.0 if it did not.

        *there* is what it showed at some time between *asked* and *answered* on our own clock.
        """
        low, high = there - answered, there - asked
        known, before_low, before_high = self._at > NEVER, self._low, self._high
        slack = self.TOLERANCE + self.DRIFT * (answered - self._at) if known else 0.0
        self._at, self._low, self._high = answered, low, high
        return high - before_low if known and low > before_high + slack else 0.0
