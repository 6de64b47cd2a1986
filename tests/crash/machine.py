"""One of several machines that carry campaigns on from one journal, for the storm on PostgreSQL.

    python -m tests.crash.machine < PLACE_AS_JSON_IN_ONE_LINE

It supervises the journal until its stdin ends. On stdout it says when it is ready, and what it took and what
it left, a line each.
Its name is that of its machine: who shares it can see its process, as on one machine; nobody else can. The
clock on its wall may be wrong.
"""

import logging
import sys

import anyio
import anyio.to_thread
import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import SystemClock
from keebai_async.journal.open import open_journal
from keebai_async.observe.campaign_records import CampaignTakenUp, RunEnded
from keebai_async.observe.records import Record
from keebai_async.quota.window import Quota
from keebai_async.storage import process


class MachinePlace(msgspec.Struct, frozen=True, kw_only=True):
    """*wrong_by* are the seconds that its clock is ahead; *lease* is None for the default."""

    name: str
    url: str
    token: str
    sender: str
    journal: str
    quota: tuple[int, float]
    lease: float | None = None
    wrong_by: float = 0.0
    at_once: int = 3


class WrongClock(SystemClock):
    """Runs as it should, and shows another time."""

    def __init__(self, wrong_by: float) -> None:
        self._wrong_by = wrong_by

    def wall(self) -> float:
        return super().wall() + self._wrong_by


def hear(record: Record) -> None:
    match record:
        case CampaignTakenUp(campaign=campaign):
            print("took", campaign, flush=True)
        case RunEnded(run=run):
            print("left", run.campaign, flush=True)
        case _:
            pass


async def main(place: MachinePlace) -> None:
    logging.getLogger("keebai_async").addHandler(logging.NullHandler())
    setattr(process, "_place", lambda: place.name)  # noqa: B010 - it is a function
    journal = open_journal(place.journal, lease=place.lease)
    async with (
        Keebai(
            place.token,
            base_url=place.url,
            phone_number_id=place.sender,
            clock=WrongClock(place.wrong_by),
            quotas=[Quota(*place.quota)],
            limiter=place.journal,
            journal=journal,
            poll_floor=0.2,
            observer=hear,
        ) as keebai,
        keebai.supervise(at_once=place.at_once),
    ):
        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
    await journal.aclose()


if __name__ == "__main__":
    anyio.run(main, msgspec.json.decode(sys.stdin.readline(), type=MachinePlace))
