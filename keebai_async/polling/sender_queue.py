"""A sender's queue of unfinished broadcasts, and what looking at them says about its speed. Pure."""

import math
from collections import deque
from typing import Final

FRUITLESS: Final = 3
"""Looks without the movement that was due, after which a sender is read in turn."""

RECENTLY: Final = 60.0
"""Seconds over which it is counted how many people webhooks told of."""

_MARK_EVERY: Final = 5.0


class QueuedBroadcast:
    """What is known of one broadcast."""

    __slots__ = (
        "added",
        "aged",
        "done",
        "early_looks",
        "id",
        "looking_since",
        "misses",
        "not_before",
        "queue",
        "seen_at",
        "told",
        "told_at",
        "total",
    )

    def __init__(
        self, broadcast_id: str, queue: "SenderQueue", total: int, added: float, *, aged: bool = False
    ) -> None:
        self.id = broadcast_id
        self.queue = queue
        self.total = total
        self.added = added
        self.aged = aged  # accepted before it was followed: what is done by then says nothing about the rate
        self.done = 0
        self.seen_at: float | None = None
        self.looking_since: float | None = None
        self.misses = 0
        self.not_before = -math.inf
        self.told = 0  # people of whom webhooks told something
        self.told_at = -math.inf  # when they last told of one more
        self.early_looks = 0  # those that saw less than was told already


class SenderQueue:
    """The unfinished broadcasts of one sender, oldest first, and how fast it works."""

    def __init__(self, rate: float, now: float) -> None:
        self.waiting: dict[str, QueuedBroadcast] = {}
        self.rate = rate
        self.learnt = False  # the rate was seen, not believed
        self.finished = 0  # messages of broadcasts that are final
        self.fruitless = 0
        self.follows_at: float | None = None  # when the last head was seen finished
        self.turned = now  # the last look at any of them
        self.idle_looks = 0  # looks in a row that saw nothing move
        self.moved_at = now
        self.told_at = -math.inf  # when webhooks last told of one more of its people
        self._told = 0  # people of whom they told
        self._told_by: deque[tuple[float, int]] = deque([(now, 0)])  # (time, how many by then), lately
        self.reported = False
        self.ahead = False  # one behind the head was seen moving while the head stood still
        self._anchors: deque[tuple[float, int]] = deque(maxlen=6)  # (time, messages done in all)

    def begin(self, now: float) -> None:
        """The queue was empty: what the sender did before says nothing about when it began with this."""
        self._anchors.clear()
        self._anchors.append((now, self.finished))
        self.follows_at = None
        self.moved_at = self.turned = now
        self.fruitless = self.idle_looks = 0
        self.reported = self.ahead = False

    def tell(self, people: int, now: float) -> None:
        """Take in that webhooks told of so many more *people*."""
        if now - self._told_by[-1][0] >= _MARK_EVERY:
            self._told_by.append((now, self._told))
            while now - self._told_by[1][0] > RECENTLY:
                self._told_by.popleft()
        self._told += people
        self.told_at = self.moved_at = now
        self.reported = False

    def told_of_as_many_as_are_sent(self, now: float) -> bool:
        """Whether webhooks told lately of at least half as many people as this sender delivers to."""
        since, before = self._told_by[0]
        return self._told - before >= self.rate * max(now - since, _MARK_EVERY) / 2

    def learn(self, one: QueuedBroadcast, *, done: int, final: bool, now: float) -> None:
        """Take in a look at *one*, before it is written down there."""
        head = next(iter(self.waiting.values()))
        moved = done > one.done or final
        if moved:
            self.moved_at, self.idle_looks, self.reported = now, 0, False
        else:
            self.idle_looks += 1
        if one is not head:
            self.ahead = self.ahead or moved
        elif moved:
            if not self.ahead or self.fruitless < FRUITLESS:
                self.fruitless = 0
        else:
            since = one.added if one.seen_at is None else one.seen_at
            due = (now - since) * self.rate >= 0.05 * one.total
            self.fruitless += due and not (one.seen_at is None and self.follows_at is not None)
        if final:
            self.finished += done
            if one is head:
                self.follows_at = now
        if one.aged and one.seen_at is None:
            self._anchors.clear()
            self._anchors.append((now, self.finished + (0 if final else done)))
        elif not final and one is head and moved and self.fruitless < FRUITLESS:
            self._anchor(now, self.finished + done)

    def _anchor(self, now: float, work: int) -> None:
        """All that this sender has done is *work*, exactly: how fast was it lately?"""
        self._anchors.append((now, work))
        start, before = self._anchors[0]
        recent, lately = next(
            ((at, was) for at, was in reversed(self._anchors) if now - at >= 10.0), self._anchors[0]
        )
        if now > recent and work > lately:
            long = (work - before) / (now - start)
            self.learnt = True
            self.rate = 0.5 * long + 0.5 * (work - lately) / (now - recent)
