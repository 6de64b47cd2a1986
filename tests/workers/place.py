"""Where a worker of the tests works, as it is told on its stdin, and its client."""

import sys

import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import SYSTEM_CLOCK, ScaledClock
from keebai_async.journal.open import open_journal
from keebai_async.quota.window import Quota
from keebai_async.storage import process

LEASE = 3.0


class WorkPlace(msgspec.Struct, frozen=True, kw_only=True):
    """*machine* is its host: who has another one cannot see its process."""

    machine: str
    engine: str
    journal: str
    url: str
    token: str
    sender: str
    speed: float

    def client(self) -> Keebai:
        journal = open_journal(self.journal, lease=LEASE)
        keebai = Keebai(
            self.token,
            base_url=self.url,
            phone_number_id=self.sender,
            journal=journal,
            clock=SYSTEM_CLOCK if self.speed == 1 else ScaledClock(self.speed),
            quotas=[Quota(10_000, 1.0)],
            limiter="memory:",
            poll_floor=2.0,
        )
        keebai.at_close(journal.aclose)
        return keebai


def here() -> WorkPlace:
    place = msgspec.json.decode(sys.stdin.buffer.read(), type=WorkPlace)
    setattr(process, "_place", lambda: place.machine)  # noqa: B010 - it is a function
    return place
