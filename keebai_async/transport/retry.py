"""What came back and how often we asked -> wait so long, or stop. Pure; chance is a parameter.

Submits have no line here that repeats them after bytes left: `verdict` alone says which may be repeated.
"""

import random

import msgspec

from keebai_async.transport.reply import Failure, Outcome

_WORTH_ANOTHER_TRY = frozenset({408, 500, 502, 503, 504})


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """*retries* is how often a read is repeated, and a submit of which no byte left.

    The wait before the nth repeat lies between half and the whole of *base* times 2^(n-1), in seconds,
    and never above *longest*. *longest_pause* is how long a 429 may make the caller of a single request
    wait; a longer one is an error that tells the time.
    """

    retries: int = 2
    base: float = 0.5
    longest: float = 10.0
    longest_pause: float = 60.0


NO_RETRIES = RetryPolicy(retries=0)


def backoff(policy: RetryPolicy, attempt: int, chance: random.Random) -> float:
    """Seconds to wait after the nth attempt (from 1)."""
    whole = min(policy.longest, policy.base * 2.0 ** min(attempt - 1, 30))
    return whole / 2 + chance.random() * whole / 2


def wait_before_repeat(
    policy: RetryPolicy, outcome: Outcome, attempt: int, chance: random.Random
) -> float | None:
    """Seconds until a read is asked again, or None to stop. *attempt* counts from 1."""
    if attempt > policy.retries or not _worth_another_try(outcome):
        return None
    return backoff(policy, attempt, chance)


def _worth_another_try(outcome: Outcome) -> bool:
    if isinstance(outcome, Failure):
        return True
    cut_off = 200 <= outcome.status < 300 and not outcome.complete
    return cut_off or outcome.status in _WORTH_ANOTHER_TRY
