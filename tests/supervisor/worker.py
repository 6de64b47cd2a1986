"""A process that supervises a journal until it is killed; `python -m`, with its Place as JSON on stdin."""

import sys

import anyio
import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.quota.window import Quota


class Place(msgspec.Struct, frozen=True, kw_only=True):
    journal: str
    url: str
    token: str
    sender: str
    speed: float
    at_once: int = 3


async def supervise(place: Place) -> None:
    clock = ScaledClock(place.speed)
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
        print("supervising", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(supervise, msgspec.json.decode(sys.stdin.buffer.read(), type=Place))
