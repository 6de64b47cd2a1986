"""A Whautomate on a real socket and a client of it, both on time that a test turns."""

from collections.abc import AsyncIterator

import pytest

from keebai_async import Whautomate
from keebai_async.clock import ManualClock
from keebai_async.sandbox import WhautomateSandbox
from keebai_async.whautomate import Criteria
from tests.whautomate.desk import Desk


@pytest.fixture
async def box(clock: ManualClock) -> AsyncIterator[WhautomateSandbox]:
    async with WhautomateSandbox(clock=clock) as box:
        yield box


@pytest.fixture
async def whautomate(box: WhautomateSandbox, clock: ManualClock) -> AsyncIterator[Whautomate]:
    async with Whautomate(box.key, host=box.url, clock=clock, timeout=2.0) as client:
        yield client


@pytest.fixture
async def desk(whautomate: Whautomate, box: WhautomateSandbox, clock: ManualClock) -> Desk:
    segment = await whautomate.segments.create(
        name="Everyone", type="contact", location=box.location, criteria=Criteria(tags=("everyone",))
    )
    return Desk(whautomate, box, clock, segment.id)
