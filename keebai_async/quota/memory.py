"""Spending kept in this process: shared by its tasks, its threads and its successive event loops."""

import itertools
import threading
from bisect import bisect_right, insort
from collections.abc import Sequence

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.quota.pause import NO_PAUSE, answered, refused
from keebai_async.quota.store import Held, Word
from keebai_async.quota.window import Room, Wait, forecast, opens, together, unaccounted
from keebai_async.transport.gate import Ending

PROVING_WAIT = 1.0  # seconds until somebody asks again whether the first request after a pause came back


class MemoryStore:
    """A store that ends with the process. Safe to use from several threads."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._held: dict[str, float] = {}  # when each place under way was taken, oldest first
        self._ended: list[float] = []
        self._others: dict[float, list[float]] = {}  # requests that are not ours, by length of window
        self._longest = 3_600.0
        self._pause = NO_PAUSE

    async def take(self, rooms: Sequence[Room]) -> Held | Wait:
        with self._lock:
            now = self._clock.now()
            held = len(self._held)
            if (wait := self._paused(now)) is not None:
                return wait
            at, binding = now, None
            for room in rooms:
                if (soonest := opens(room, self._in(room), held, now)) > at:
                    at, binding = soonest, room.quota
            if binding is not None:
                return Wait(seconds=at - now, quota=binding, loose=held > 0)
            place = Held(str(next(self._ids)), now)
            self._held[place.id] = now
            return place

    async def settle(self, held: Held, rooms: Sequence[Room], word: Word) -> bool:
        with self._lock:
            now = self._clock.now()
            if self._held.pop(held.id, None) is None:
                return False
            if word.ending is Ending.UNSENT:
                return True
            if word.ending is Ending.ANSWERED:
                insort(self._ended, now)
            else:
                insort(self._ended, now + word.grace)
            before = self._pause
            if word.pause is not None:
                pers = [room.per for room in rooms]
                self._pause = refused(
                    before, taken=held.taken, now=now, asked=word.pause, shortest=min(pers), longest=max(pers)
                )
            elif word.ending is Ending.ANSWERED:
                self._pause = answered(before, taken=held.taken)
            if word.left:
                self._take_over(held, rooms, word, now)
            self._forget(rooms, now)
            return before.proving

    async def forecast(self, rooms: Sequence[Room], ahead: int) -> Wait | None:
        with self._lock:
            now = self._clock.now()
            start = max(now, self._pause.until)
            books = [(room, tuple(self._in(room))) for room in rooms]
            held = len(self._held)
        wait = forecast(books, held, start, ahead=ahead)
        if wait is not None:
            return Wait(seconds=wait.seconds + start - now, quota=wait.quota, loose=wait.loose)
        return Wait(seconds=start - now) if start > now else None

    async def aclose(self) -> None:
        return None

    @property
    def idle(self) -> bool:
        """Nothing is under way, counted or paused: to forget this store is to lose nothing."""
        with self._lock:
            now = self._clock.now()
            latest = max(
                [now - self._longest, *self._ended[-1:], *(some[-1] for some in self._others.values())]
            )
            return not self._held and not self._pause.proving and latest <= now - self._longest

    def _in(self, room: Room) -> list[float]:
        return together(self._ended, self._others.get(room.per, []))

    def _paused(self, now: float) -> Wait | None:
        pause = self._pause
        if now < pause.until:
            return Wait(seconds=pause.until - now)
        if pause.proving and self._held and next(reversed(self._held.values())) >= pause.until:
            return Wait(seconds=PROVING_WAIT, loose=True)
        return None

    def _take_over(self, held: Held, rooms: Sequence[Room], word: Word, now: float) -> None:
        left = dict(word.left)
        for room in rooms:
            remaining = left.get(room.quota)
            if remaining is None:
                continue
            unknown = unaccounted(
                room.quota.limit, remaining, room, self._in(room), len(self._held), held.taken
            )
            if unknown:
                self._others.setdefault(room.per, []).extend([now] * unknown)

    def _forget(self, rooms: Sequence[Room], now: float) -> None:
        self._longest = max(self._longest, *(room.per for room in rooms))
        # What left the window while a request was under way still explains what its reply says.
        oldest = min(now, next(iter(self._held.values()), now))
        if self._ended[0] <= oldest - 2 * self._longest or len(self._ended) > 4_096:
            del self._ended[: bisect_right(self._ended, oldest - self._longest)]
        for per, some in list(self._others.items()):
            del some[: bisect_right(some, oldest - per)]
            if not some:
                del self._others[per]
