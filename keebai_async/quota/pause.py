"""The pause after a 429: how long, how much longer the next time, and how it ends. Pure.

A 429 without a word on how long says nothing about which window it was. We wait for the shortest one
first, and twice as long after each further refusal, up to the longest. When a pause is over, requests
go one at a time until one is answered: sixty at once into a block that still stands would be counted
by some versions of the throttler, and keep the token out.
"""

import math
from typing import Final

import msgspec

LONGEST_PAUSE: Final = 86_400.0
"""Seconds; a reply that asks for more is not believed, or a wrong header would stop us for years."""

NEVER: Final = -math.inf


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody leaves before *until*; afterwards one at a time while *proving*.

    *step* is the length of the last pause that we had to guess, 0 if there was none since the last answer.
    """

    until: float = NEVER
    step: float = 0.0
    proving: bool = False


NO_PAUSE: Final = Pause()


def refused(
    pause: Pause, *, taken: float, now: float, asked: float, shortest: float, longest: float
) -> Pause:
    """The pause after a 429 to a request that left at *taken*; *asked* is 0 if the reply did not say.

    Refusals of requests that left before the pause began are part of the same refusal: they do not
    make the guess longer.
    """
    if 0 < asked < math.inf:
        length, step = min(asked, LONGEST_PAUSE), pause.step
    elif pause.step == 0:
        length = step = shortest
    elif taken >= pause.until:
        length = step = min(2 * pause.step, max(longest, shortest))
    else:
        length = step = pause.step
    return Pause(until=max(pause.until, now + length), step=step, proving=True)


def answered(pause: Pause, *, taken: float) -> Pause:
    """The pause after an answer other than 429: over, if the request left after it."""
    return NO_PAUSE if pause.proving and taken >= pause.until else pause
