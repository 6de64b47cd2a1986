"""A Keebai on a real socket, on time that runs by itself."""

from collections.abc import AsyncIterator

import pytest

from keebai_async.clock import ManualClock
from keebai_async.sandbox import Sandbox


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock) as sandbox:
        yield sandbox
