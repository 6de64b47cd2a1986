"""Follow broadcasts one look at a time, without tasks: a caller may leave off anywhere."""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from keebai_async.clock import Clock
from keebai_async.errors import ConnectionFailed, RateLimited, ServerFailed, TimedOut, Undecodable
from keebai_async.polling.planner import PollPlan, Stuck
from keebai_async.polling.watcher import Gauge

logger = logging.getLogger("keebai_async")

T = TypeVar("T")

PASSING = (ConnectionFailed, TimedOut, ServerFailed, Undecodable, RateLimited)
"""Errors of a look that the next one may not meet."""

PATIENCE = 3_600.0
"""Seconds in which no look succeeds, after which it is not in passing any more."""

OnStuck = Callable[[Stuck], None]


def log_stuck(stuck: Stuck) -> None:
    """What is done about a broadcast that does not move, where nobody asked for more."""
    logger.warning(
        "broadcast stuck", extra={"broadcast": stuck.broadcast_id, "seconds": round(stuck.seconds)}
    )


async def follow(
    look: Callable[[str], Awaitable[T]],
    gauge: Callable[[T], Gauge],
    broadcasts: Iterable[str],
    *,
    plan: PollPlan,
    clock: Clock,
    on_stuck: OnStuck = log_stuck,
    deadline: float = math.inf,
    apart: bool = False,
) -> AsyncIterator[tuple[str, T]]:
    """Yield what each look gives, until every broadcast is final or *deadline* (of *clock*) is reached.

    The broadcasts may be anybody's: how many people they have is learnt from the first look. A look that
    fails in passing is made again, later and later, until none has succeeded for PATIENCE; that error, and
    any other one of *look*, comes out. They are taken
    for the line of one sender, or, with *apart*, for moving each by itself.
    """
    for broadcast_id in broadcasts:
        plan.add(broadcast_id, recipients=0, sender=broadcast_id if apart else "", now=clock.now())
    answered = clock.now()
    while (planned := plan.next(clock.now())) is not None:
        now = clock.now()
        if planned.at > now:
            await clock.sleep(min(planned.at, deadline) - now)
            if clock.now() >= deadline:
                return
            continue
        try:
            seen = await look(planned.broadcast_id)
        except PASSING:
            if clock.now() - answered >= PATIENCE:
                raise
            plan.missed(planned.broadcast_id, clock.now())
        else:
            at = gauge(seen)
            answered = now = clock.now()
            plan.saw(planned.broadcast_id, done=at.done, total=at.total, final=at.final, now=now)
            if at.quiet > 0:
                plan.hold(planned.broadcast_id, now + at.quiet)
            yield planned.broadcast_id, seen
        for stuck in plan.stuck(clock.now()):
            on_stuck(stuck)
