"""Somebody who schedules broadcasts: what is asked for unless a test says otherwise."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from keebai_async import Whautomate
from keebai_async.clock import ManualClock
from keebai_async.sandbox import WhautomateSandbox
from keebai_async.whautomate import Broadcast
from keebai_async.whautomate.draft import DraftFields


@dataclass
class Desk:
    client: Whautomate
    box: WhautomateSandbox
    clock: ManualClock
    segment: str

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.wall(), UTC)

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def fields(self) -> DraftFields:
        return DraftFields(
            name="Spring recall",
            type="contact",
            location=self.box.location,
            segments=[self.segment],
            template="recall_v1",
            language="en",
            body_text_parameters=["Spring", "20 May"],
        )

    async def create(self, name: str = "Spring recall") -> Broadcast:
        return await self.client.broadcasts.create(**(self.fields() | DraftFields(name=name)))
