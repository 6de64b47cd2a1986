"""Sliding windows over past requests: does one more fit, and if not, when.

The problem: the service allows 60 requests in any 60 seconds, and counts each of them at an instant
that we never learn: some time between the moment it left us (`taken`) and the moment its reply came
back (`ended`). Going over by one blocks the token for a whole window, up to an hour.

The naive ways: a leaky bucket lets 60 out at once and refills while they are under way, so up to 119
reach one minute. Remembering when each request *left* looks right and is not: a request that left at
0 s and was held up on the way counts at the server from 20 s on, but leaves our books at 60 s, and a
fresh batch then finds the old one still in the server's minute.

The choice: a request counts in our books from `taken` until `ended + per`. Say the server counted
it at s, so taken <= s <= ended. At any instant x the server's window holds the requests with
x - per < s <= x. Each of them has taken <= x, and ended + per >= s + per > x: it is in our books at
x, too. We never let a request start that would make our books hold more than the limit, so the
server's window never holds more either, whatever the delays, in either direction.

A request without a reply (timed out, reset, cancelled) may still be read by the server later, from a
buffer on the way. It counts as if its reply had come a grace after we gave it up. A request of which no
byte was written counts nowhere.

The argument needs two clocks that run equally fast. They do not quite, so a margin is added to `per`.

Here a past request is its `ended`, lists of them are sorted, and all times are those of one clock.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from heapq import merge
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.quota.gate import Allowance


class Quota(msgspec.Struct, frozen=True, kw_only=False):
    """At most *limit* requests in any *per* seconds.

    Raises:
        InvalidInput: one of them is not positive, or *limit* is not whole.
    """

    limit: int
    per: float

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.per < math.inf:
            raise InvalidInput(f"a quota is at least one request in some seconds, not {self}", field="quota")

    def __str__(self) -> str:
        return f"{self.limit}/{self.per:g}s"


CAUTIOUS_QUOTAS: Final = (Quota(60, 60.0), Quota(1_000, 3_600.0))
"""For who names none: no service that we know allows less. A service's own are in its `settings.py`."""

WORTH_TELLING: Final = 3.0
"""Seconds; a person is not told of a shorter wait for a place."""

_QUOTA = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{0,9}(?:\.[0-9]{1,6})?)\s*([smh])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0}


def parse_quotas(text: str) -> tuple[Quota, ...]:
    """Read `60/60s,1000/3600s` or `60/m, 1000/1h`; a bare unit is one of it. Shortest window first.

    Raises:
        InvalidInput: it is empty, or a part of it is not `requests/seconds`.
    """
    quotas: dict[float, Quota] = {}
    for part in text.split(","):
        found = _QUOTA.fullmatch(part.strip())
        if found is None:
            raise InvalidInput(
                f"cannot read the quota {part.strip()!r}: write it as 60/60s,1000/3600s",
                field="quota",
                value=part,
            )
        limit, count, unit = found.groups()
        quota = Quota(int(limit), (float(count) if count else 1.0) * _UNITS[unit])
        if quota.per in quotas:
            raise InvalidInput(f"two quotas for {quota.per:g} s: {text}", field="quota", value=text)
        quotas[quota.per] = quota
    return tuple(quotas[per] for per in sorted(quotas))


def written(quotas: Sequence[Quota]) -> str:
    """`60/60s,1000/3600s`, as `parse_quotas` reads it."""
    return ",".join(str(quota) for quota in quotas)


class LaneWindow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one lane may use of one window: *most* places at once, each kept for *per* seconds.

    *per* is the quota's with the margin added, *most* its limit without the reserve for higher lanes.
    """

    quota: Quota
    per: float
    most: int


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """No place now. The soonest that one can come is in *seconds*; ask again then.

    *quota* is the window that binds, None if the service told everyone to pause. *loose* says that
    more than time can end it: a place held by a request under way may be given back before.
    """

    seconds: float
    quota: Quota | None = None
    loose: bool = False

    @property
    def why(self) -> str:
        if self.quota is None:
            return "the service asked for a pause"
        return f"the quota of {self.quota} is spent"

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s: {self.why}"


def opens(
    window: LaneWindow, ended: Sequence[float], held: int, now: float, others: Sequence[float] = ()
) -> float:
    """The soonest time at which one more request fits into *window*; *now* if it fits at once.

    *ended* are past requests, *others* those that were not ours, *held* is how many are under way. One
    under way leaves the window a full *per* after its reply, which may come any moment; so the answer
    is never too late, and is exact while none is under way.
    """
    excess = held + _since(ended, now - window.per) + _since(others, now - window.per) - window.most
    if excess < 0:
        return now
    past = list(merge(ended, others)) if others else ended  # only now: it is long, and mostly not needed
    first = bisect_right(past, now - window.per)
    over = bisect_right(past, now) - first  # the rest lie ahead: given up, and counted with a grace
    if excess < over:
        return past[first + excess] + window.per
    if excess < over + held:
        return now + window.per
    return past[first + excess - held] + window.per


def unaccounted(limit: int, remaining: int, believed: int) -> int:
    """How many requests of others a reply gives away, by leaving fewer places than we believe.

    *believed* is every request that the server can have had in its window when it counted this one, itself
    among them: those under way, and those that ended later than a window before it left. What remains
    unexplained is neither ours nor one of the others that we know of.
    """
    return max(0, limit - believed - max(0, remaining))


def _since(ended: Sequence[float], before: float) -> int:
    return len(ended) - bisect_right(ended, before)


def forecast(
    windows: Sequence[tuple[LaneWindow, Sequence[float]]], held: int, now: float, *, ahead: int
) -> Wait | None:
    """How long the one behind *ahead* others waits, if nobody else comes and replies come at once.

    Each window goes with the requests that count in it. None if it does not wait at all.
    """
    # Those under way are taken for answered now: while they are, no time frees the places that they hold.
    books = [(window, sorted([*ended, *([now] * held)])) for window, ended in windows]
    at, binding = now, None
    for _ in range(ahead + 1):
        for window, ended in books:
            if (soonest := opens(window, ended, 0, at)) > at:
                at, binding = soonest, window.quota
        for _, ended in books:
            ended.insert(bisect_right(ended, at), at)
    return Wait(seconds=at - now, quota=binding, loose=held > 0) if at > now else None


def pair(quotas: Sequence[Quota], allowances: Sequence[Allowance]) -> list[tuple[Quota, int]]:
    """Which of our windows each allowance of a reply speaks of, with how much is left in it.

    By equal limit; failing that by rank, if the reply speaks of as many windows as we know (then ours
    are set lower or higher than the service's, and the smaller limit still belongs to the shorter window).
    """
    by_limit = {quota.limit: quota for quota in quotas}
    known = [(by_limit[said.limit], said.remaining) for said in allowances if said.limit in by_limit]
    if len(known) < len(allowances) == len(quotas):
        ranked = sorted(allowances, key=lambda allowance: allowance.limit)
        mine = sorted(quotas, key=lambda quota: quota.limit)
        return [(quota, said.remaining) for quota, said in zip(mine, ranked, strict=True)]
    return known
