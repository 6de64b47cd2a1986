"""Processes that run campaigns under one daily limit, on a clock that all of them share, for tests.

As in `child`, one process imports everything once and forks each of them.
"""

import traceback

import anyio
import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.errors import KeebaiError
from keebai_async.quota.window import Quota
from keebai_async.transport.request import Timeouts
from tests.crash.child import Said, say, serve


class SharedClock(ScaledClock):
    """Real time running *speed* times as fast since *origin*, when it was *wall*, in every process alike."""

    def __init__(self, speed: float, *, origin: float, wall: float) -> None:
        super().__init__(speed)
        self._origin = origin
        self._wall = wall


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """Run *campaign* to its end. *origin* is in seconds of `time.monotonic`, *wall* is Unix time."""

    journal: str
    url: str
    token: str
    sender: str
    speed: float
    origin: float
    wall: float
    campaign: str = ""


def client_for(day: Day) -> Keebai:
    """A client on the journal, the service and the clock of *day*."""
    return Keebai(
        day.token,
        base_url=day.url,
        phone_number_id=day.sender,
        clock=SharedClock(day.speed, origin=day.origin, wall=day.wall),
        quotas=[Quota(1, 400.0)],  # so chunks wait for a place after they saw that there is room
        journal=day.journal,
        timeout=Timeouts(connect=30.0, read=30.0, submit=30.0),
    )


async def live(day: Day) -> None:
    async with client_for(day) as keebai, keebai.campaigns.resume(day.campaign) as run:
        say(Said(began=day.campaign))
        report = await run.report()
        say(Said(ended=report.state, stopped_by=report.stopped_by))


def run(day: Day) -> int:
    try:
        anyio.run(live, day)
    except KeebaiError as error:
        say(Said(error=f"{type(error).__name__}: {error}"))
        return 1
    except BaseException:
        traceback.print_exc()
        return 2
    return 0


if __name__ == "__main__":
    serve(Day, run)
