"""The books of one token: what is under way, what was spent, and whether all must pause. Pure.

Stores in this process and in a file keep the same books; the one in Redis does these sums on its server.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Final

import msgspec

from keebai_async.quota.gate import Ending
from keebai_async.quota.pause import NO_PAUSE, Pause, answered, refused
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Wait, forecast, opens, unaccounted

PROVING_WAIT: Final = 1.0
"""Seconds until somebody asks again whether the first request after a pause came back."""


class Settled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an ending changed: until when the request counts as not *ended* (None: it never left),
    how many requests of *others* came to light, by length of window, and whether a waiter may go *sooner*.
    """

    ended: float | None = None
    others: tuple[tuple[float, int], ...] = ()
    sooner: bool = False


class Books:
    """The sums over what lies in memory.

    *held* is when each place under way was taken, oldest first; *ended* and *others* are sorted.

    They are *uncertain* if some of *others* may not have been: a wait for them may end sooner.
    """

    __slots__ = ("ended", "held", "others", "pause", "uncertain")

    def __init__(self) -> None:
        self.held: dict[str, float] = {}
        self.ended: list[float] = []
        self.others: dict[float, list[float]] = {}
        self.pause: Pause = NO_PAUSE
        self.uncertain = False

    def take(self, place_id: str, windows: Sequence[LaneWindow], now: float) -> HeldPlace | Wait:
        """Enter a place, or say how long there is none."""
        if (wait := self._paused(now)) is not None:
            return wait
        counts: list[int] = []
        for window in windows:
            count = self.counted(window, now - window.per)
            if count >= window.most:
                return self._full(windows, now)
            counts.append(count + 1)
        self.held[place_id] = now
        return HeldPlace(place_id, now, tuple(counts))

    def _full(self, windows: Sequence[LaneWindow], now: float) -> Wait:
        """How long no window has room."""
        held = len(self.held)
        at, binding = now, None
        for window in windows:
            if (soonest := opens(window, self.ended, held, now, self._others(window))) > at:
                at, binding = soonest, window.quota
        return Wait(seconds=at - now, quota=binding, loose=held > 0 or self.uncertain)

    def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word, now: float) -> Settled:
        """Enter what became of a place. One that is not under way any more is entered all the same."""
        self.held.pop(held.id, None)
        if word.ending is Ending.UNSENT:
            return Settled(sooner=True)
        ended = now if word.ending is Ending.ANSWERED else now + word.grace
        insort(self.ended, ended)
        before = self.pause
        if word.pause is not None:
            shortest, longest = windows[0].per, windows[-1].per
            self.pause = refused(
                before, taken=held.taken, now=now, asked=word.pause, shortest=shortest, longest=longest
            )
        elif word.ending is Ending.ANSWERED:
            self.pause = answered(before, taken=held.taken)
        others = self._take_over(held, windows, word, now) if word.left else ()
        return Settled(ended=ended, others=others, sooner=before.proving)

    def forecast(self, windows: Sequence[LaneWindow], ahead: int, now: float) -> Wait | None:
        """How long somebody behind *ahead* others would wait."""
        start = max(now, self.pause.until)
        books = [(window, sorted([*self.ended, *self._others(window)])) for window in windows]
        wait = forecast(books, len(self.held), start, ahead=ahead)
        if wait is not None:
            return Wait(seconds=wait.seconds + start - now, quota=wait.quota, loose=wait.loose)
        return Wait(seconds=start - now) if start > now else None

    def spent(self, windows: Sequence[LaneWindow], now: float) -> tuple[int, ...]:
        """How many requests count in each window."""
        return tuple([self.counted(window, now - window.per) for window in windows])

    def counted(self, window: LaneWindow, since: float) -> int:
        """How many requests ended after *since*, or are under way, as *window* counts them."""
        count = len(self.held) + len(self.ended) - bisect_right(self.ended, since)
        if others := self.others.get(window.per):
            count += len(others) - bisect_right(others, since)
        return count

    def remembered(self, now: float) -> float:
        """Since when the past still matters: it explains what replies to requests under way will say."""
        return min(now, next(iter(self.held.values()), now))

    def forget(self, longest: float, now: float) -> None:
        """Drop what has left every window of up to *longest* seconds."""
        since = self.remembered(now)
        del self.ended[: bisect_right(self.ended, since - longest)]
        for per, some in list(self.others.items()):
            del some[: bisect_right(some, since - per)]
            if not some:
                del self.others[per]

    def _others(self, window: LaneWindow) -> Sequence[float]:
        return self.others.get(window.per, ())

    def _paused(self, now: float) -> Wait | None:
        pause = self.pause
        if now < pause.until:
            return Wait(seconds=pause.until - now)
        if pause.proving and self.held and next(reversed(self.held.values())) >= pause.until:
            return Wait(seconds=PROVING_WAIT, loose=True)
        return None

    def _take_over(
        self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word, now: float
    ) -> tuple[tuple[float, int], ...]:
        left = dict(word.left)
        found: list[tuple[float, int]] = []
        for window in windows:
            if (remaining := left.get(window.quota)) is None:
                continue
            believed = self.counted(window, held.taken - window.per)
            if unknown := unaccounted(window.quota.limit, remaining, believed):
                self.others.setdefault(window.per, []).extend([now] * unknown)
                found.append((window.per, unknown))
        return tuple(found)
