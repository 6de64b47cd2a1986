"""PollPlanner: which broadcast to look at next, and when. Pure: what was seen goes in, the next look out.

The problem: a campaign of a million is 200 broadcasts, and 1,000 requests an hour is all there is.

The naive way, every broadcast every 30 seconds, costs 24,000 requests an hour; spread over the quota it sees
a finished broadcast a quarter of an hour late. An estimate kept for each broadcast drifts without bound,
because those at the back of the queue have not begun.

The choice: a sender delivers its broadcasts one after the other, so only the head of its queue is read,
at three quarters of its predicted wait and at the predicted end. Once it is finished, the next one is
read at once: its counters say exactly how much the sender has done in all, hence one rate for
everything in its queue. A sender that works on all of them at once fits, too: reading "the next one at
once" finds them finished one after another. If the head does not move when it should, the sender has an
order of its own, or none: after three fruitless looks its broadcasts are read in turn, at a pace that the
hour's quota can bear, and slower while nothing at all moves.

Where webhooks tell of people one by one, nobody has to look to know how far a broadcast is. It is read once
all of its people were told of; since an event may be lost, also when only others were told of for a while.
That is one look in place of two or three, and in any order. Webhooks may stop without a word, so soon after
they last told of somebody at a sender, its broadcasts are read as if there were none. They may also trickle
for hours about others than the head: unless these are about as many as the sender delivers to, the head is
never read more than a minute later than without webhooks.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from keebai_async.model.outlook import DELIVERY_RATE
from keebai_async.model.progress import Progress
from keebai_async.polling.sender_queue import FRUITLESS, QueuedBroadcast, SenderQueue
from keebai_async.quota.window import CAUTIOUS_QUOTAS, Quota

EARLY: Final = 0.75
"""The part of a predicted wait after which the head is read a first time, to correct the prediction."""

SOON: Final = 1.0
"""Seconds after which the shortest broadcast is read first; earlier only with a shorter floor."""

SAVED: Final = 450.0
"""Seconds for which looks may be saved up while none is due: an eighth of what the hour allows."""

LONGEST_WAIT: Final = 300.0
"""Seconds between two looks at a head, however slow its sender seems: the estimate may be wrong."""

LONGEST_BACKOFF: Final = 300.0
"""Seconds between looks at a broadcast that cannot be read."""

SLOWEST_ROUND: Final = 60.0
"""Seconds between looks at a sender of which nothing moves."""

TOLD_LATELY: Final = 30.0
"""Seconds since somebody new was told of at a sender, after which webhooks count as stopped there."""

QUIET: Final = 10.0
"""Seconds since somebody new of a broadcast was told of, after which it is read although some were not.

Only the head of a queue, and one after which others were told of: else it is the sender that stands still.
"""

LONGEST_UNREAD: Final = 60.0
"""Seconds by which the head of a queue is read later, at most, because a few others there are told of.

Who tells of as many as a sender delivers to tells that it works on others than the head.
"""

_SLACK = 0.25  # seconds after the predicted end: a look a moment too early costs a floor more
_HUNG = 10.0  # seconds after which a look that has not come back no longer holds up its queue


class Look(msgspec.Struct, frozen=True):
    """Read *broadcast_id* at the time *at*."""

    broadcast_id: str
    at: float


class Stuck(msgspec.Struct, frozen=True):
    """Nothing was seen to move at the sender of this broadcast for *seconds*."""

    broadcast_id: str
    seconds: float


def pace_of(quotas: Sequence[Quota] = CAUTIOUS_QUOTAS) -> float:
    """Seconds between two looks that these quotas can bear for ever, with a tenth left to others."""
    return max(1.1 * quota.per / quota.limit for quota in quotas)


class PollPlanner:
    """Plans looks at any number of broadcasts of any number of senders.

    Args:
        floor: Seconds between two looks at one broadcast that runs. Source: contract, section 6.
        rate: Messages a second that a sender is believed to deliver until it was seen delivering.
        pace: Seconds between two looks in the long run, over all broadcasts; see `pace_of`.
        stuck_after: Seconds without any movement of a sender until its broadcasts are called stuck.

    Times are those of one clock that never goes back.
    """

    def __init__(
        self,
        *,
        floor: float = 5.0,
        rate: float = DELIVERY_RATE,
        pace: float | None = None,
        stuck_after: float = 900.0,
    ) -> None:
        self.floor = floor
        self._rate = rate
        self._pace = pace_of() if pace is None else pace
        self._stuck_after = stuck_after
        self._broadcasts: dict[str, QueuedBroadcast] = {}
        self._queues: dict[str, SenderQueue] = {}
        self._burst = max(1.0, SAVED / self._pace)
        self._saved = self._burst
        self._counted = -math.inf  # when the looks saved up were last counted

    @property
    def known(self) -> Collection[str]:
        """The broadcasts that are followed."""
        return self._broadcasts.keys()

    def __len__(self) -> int:
        """How many broadcasts are not final."""
        return len(self._broadcasts)

    def add(self, broadcast_id: str, *, recipients: int, sender: str, now: float, age: float = 0.0) -> None:
        """Begin to follow a broadcast, behind those of *sender* that are known; it was accepted *age* s ago.

        What was accepted longer ago than its delivery takes is looked at at once.
        """
        if broadcast_id in self._broadcasts:
            return
        queue = self._queues.setdefault(sender, SenderQueue(self._rate, now))
        if not queue.waiting:
            queue.begin(now)
        queue.waiting[broadcast_id] = self._broadcasts[broadcast_id] = QueuedBroadcast(
            broadcast_id, queue, max(1, recipients), now - age, aged=age > 0
        )

    def rate(self, sender: str) -> float | None:
        """Messages a second that *sender* was seen delivering; None if it was not."""
        queue = self._queues.get(sender)
        return queue.rate if queue is not None and queue.learnt else None

    def next(self, now: float) -> Look | None:
        """The next look, None while none can be planned.

        A look that is due (its time is not after *now*) is handed out: the broadcast is not named again
        until `saw` or `missed` tells how it went. One that is not due may change: ask again then.
        """
        best, due = None, math.inf
        for queue in self._queues.values():
            for broadcast, at in self._candidates(queue, now):
                if at < due:
                    best, due = broadcast, at
        if best is None:
            return None
        at = max(due, self._affordable(now), now)
        if at <= now:
            self._saved -= 1
            best.looking_since = best.queue.turned = now
        return Look(best.id, at)

    def saw(self, broadcast_id: str, *, done: int, total: int, final: bool, now: float) -> None:
        """A look came back: *done* of *total* messages are out, and *final* if no more will change.

        A *total* of 0 says nothing: the number of recipients that it was added with stands.
        """
        broadcast = self._broadcasts.get(broadcast_id)
        if broadcast is None:
            return
        queue = broadcast.queue
        done = max(done, broadcast.done)
        queue.learn(broadcast, done=done, final=final, now=now)
        broadcast.total = total if total > 0 else broadcast.total
        broadcast.done = done
        broadcast.seen_at = now
        broadcast.looking_since = None
        broadcast.misses = 0
        broadcast.early_looks += broadcast.told >= broadcast.total
        if final:
            self.forget(broadcast_id)

    def saw_progress(self, broadcast_id: str, progress: Progress, now: float) -> None:
        """The same, in the words that all services share. What a service does not count says nothing."""
        self.saw(
            broadcast_id,
            done=progress.done or 0,
            total=progress.total or 0,
            final=progress.final,
            now=now,
        )

    def told(self, broadcast_id: str, *, people: int, now: float) -> None:
        """Webhooks told, by now, of so many *people* of this broadcast. What is told twice says nothing."""
        broadcast = self._broadcasts.get(broadcast_id)
        if broadcast is None or people <= broadcast.told:
            return
        broadcast.queue.tell(people - broadcast.told, now)
        broadcast.told, broadcast.told_at = people, now

    def missed(self, broadcast_id: str, now: float) -> None:
        """A look failed: leave this broadcast alone for a while, longer each time."""
        broadcast = self._broadcasts.get(broadcast_id)
        if broadcast is None:
            return
        broadcast.looking_since = None
        broadcast.misses += 1
        broadcast.not_before = now + min(
            LONGEST_BACKOFF, max(1.0, self.floor) * 2.0 ** (broadcast.misses - 1)
        )
        broadcast.queue.fruitless += 1

    def hold(self, broadcast_id: str, until: float) -> None:
        """Nothing of this broadcast moves before *until*: leave it alone, and do not call it stuck."""
        broadcast = self._broadcasts.get(broadcast_id)
        if broadcast is not None:
            queue = broadcast.queue
            broadcast.not_before = max(broadcast.not_before, until)
            queue.moved_at = max(queue.moved_at, until)
            queue.fruitless = queue.idle_looks = 0
            if len(queue.waiting) == 1 and not broadcast.done:
                queue.begin(until)  # the time before it begins says nothing about its rate

    def forget(self, broadcast_id: str) -> None:
        """Follow this broadcast no longer."""
        broadcast = self._broadcasts.pop(broadcast_id, None)
        if broadcast is not None:
            del broadcast.queue.waiting[broadcast_id]

    def stuck(self, now: float) -> list[Stuck]:
        """Broadcasts that were looked at, and of whose sender nothing moved for long; each stall once."""
        found: list[Stuck] = []
        for queue in self._queues.values():
            still = now - queue.moved_at
            if not queue.waiting or queue.reported or still < self._stuck_after:
                continue
            seen = [one for one in queue.waiting.values() if one.seen_at is not None or one.misses]
            found.extend(Stuck(one.id, still) for one in seen)
            queue.reported = bool(seen)
        return found

    def _candidates(self, queue: SenderQueue, now: float) -> Iterator[tuple[QueuedBroadcast, float]]:
        head = next(iter(queue.waiting.values()), None)
        if head is None:
            return
        if now - queue.told_at <= TOLD_LATELY:
            yield from self._told_of(queue, now)
            return
        if queue.fruitless < FRUITLESS and head.looking_since is None:
            yield head, max(self._due(head), head.not_before)
            return
        if (turn := self._turn(queue)) is not None:
            one, at = turn
            patience = -math.inf if queue.fruitless >= FRUITLESS else (head.looking_since or now) + _HUNG
            yield one, max(at, patience)
        if queue.fruitless < FRUITLESS:
            return
        for one in queue.waiting.values():
            if one.looking_since is None and one.seen_at is not None and 0 < one.done < one.total:
                yield one, max(self._due(one), one.not_before)

    def _told_of(self, queue: SenderQueue, now: float) -> Iterator[tuple[QueuedBroadcast, float]]:
        """Those at a sender of which webhooks tell: each near its end, and the head in any case."""
        stopped = queue.told_at + TOLD_LATELY
        head = next(iter(queue.waiting.values()))
        for one in queue.waiting.values():
            if one.looking_since is not None:
                continue
            seen = -math.inf if one.seen_at is None else one.seen_at
            passed_over = one is head or queue.told_at - one.told_at > QUIET / 2
            if one.told_at > seen and one.told >= one.total:
                at = one.told_at
            elif one.told_at > seen and passed_over:
                at = one.told_at + QUIET
            elif one.told >= one.total:  # the service counts more slowly than it tells
                at = seen + min(LONGEST_WAIT, max(1.0, self.floor) * 2.0 ** min(one.early_looks - 1, 10))
            elif one is head and not queue.told_of_as_many_as_are_sent(now):
                at = min(stopped + _SLACK, self._alone(one) + LONGEST_UNREAD)
            else:
                at = stopped + _SLACK
            yield one, max(at, seen + self.floor, one.not_before)

    def _alone(self, head: QueuedBroadcast) -> float:
        """When the head would be read if webhooks told of nobody."""
        if head.queue.fruitless < FRUITLESS or (head.seen_at is not None and 0 < head.done < head.total):
            return self._due(head)
        seen = head.queue.turned if head.seen_at is None else head.seen_at
        return seen + self._pace * len(head.queue.waiting)  # in turn

    def _due(self, one: QueuedBroadcast) -> float:
        """When to look at a broadcast that is believed to be worked on."""
        queue = one.queue
        wait = (one.total - one.done) / queue.rate
        if one.seen_at is None:
            if queue.follows_at is not None:
                return queue.follows_at  # the one before it was just seen finished
            early = EARLY * wait if wait > 4 * self.floor else max(wait + _SLACK, min(SOON, self.floor))
            return one.added + min(early, LONGEST_WAIT)
        if queue.fruitless:
            wait = max(wait / 4, self.floor)
        elif wait > 4 * self.floor:
            wait *= EARLY
        return one.seen_at + max(min(wait, LONGEST_WAIT) + _SLACK, self.floor)

    def _turn(self, queue: SenderQueue) -> tuple[QueuedBroadcast, float] | None:
        """Whose turn it is in a queue that is read in turn: the one not seen for the longest time."""
        free = [one for one in queue.waiting.values() if one.looking_since is None]
        if not free:
            return None
        one = min(free, key=lambda one: max(one.seen_at or -math.inf, one.not_before))
        step = self._pace
        if queue.idle_looks >= len(queue.waiting):
            step = min(SLOWEST_ROUND, self._pace * 2.0 ** min(10, queue.idle_looks // len(queue.waiting)))
        last = -math.inf if one.seen_at is None else one.seen_at + self.floor
        return one, max(queue.turned + step, last, one.not_before)

    def _affordable(self, now: float) -> float:
        """When the quota bears one more look."""
        self._saved = min(self._burst, self._saved + (now - self._counted) / self._pace)
        self._counted = now
        return now if self._saved >= 1 else now + (1 - self._saved) * self._pace
