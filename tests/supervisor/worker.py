"""Processes that supervise a journal until they are killed.

As in `tests.crash.child`, one process imports everything once and forks each of them.
"""

import time
import traceback
from datetime import UTC, datetime
from typing import Final

import anyio
import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.quota.window import Quota
from tests.crash.child import Said, say, serve

NOON: Final = datetime(2026, 10, 3, 12, tzinfo=UTC).timestamp()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    journal: str
    url: str
    token: str
    sender: str
    speed: float
    at_once: int = 3
    noon: float | None = None
    """Unix time at which the clocks of all processes show NOON; without it they are the machine's."""


class SharedClock(ScaledClock):
    """The same for all processes that know *noon*, *speed* times as fast as the machine's."""

    def __init__(self, speed: float, noon: float) -> None:
        super().__init__(speed)
        self.noon = noon

    def now(self) -> float:
        return self.wall()

    def wall(self) -> float:
        return NOON + (time.time() - self.noon) * self.speed


async def supervise(place: Place) -> None:
    clock = ScaledClock(place.speed) if place.noon is None else SharedClock(place.speed, place.noon)
    async with (
        Keebai(
            place.token,
            base_url=place.url,
            phone_number_id=place.sender,
            journal=place.journal,
            clock=clock,
            quotas=[Quota(10_000, 1.0)],
            limiter=f"sqlite:{place.journal}.quota",
        ) as keebai,
        keebai.supervise(at_once=place.at_once),
    ):
        say(Said(began=place.journal))
        await anyio.sleep_forever()


def run(place: Place) -> int:
    try:
        anyio.run(supervise, place)
    except BaseException:
        traceback.print_exc()
        return 2
    return 0


if __name__ == "__main__":
    serve(Place, run, "keebai_async.quota.sqlite", "keebai_async.supervisor")
