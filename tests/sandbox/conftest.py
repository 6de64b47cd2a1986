"""The fixtures under test, found even where the package is not installed as a plugin; and a bare caller."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from keebai_async.testing import Sandbox
from keebai_async.testing import keebai_sandbox as keebai_sandbox
from keebai_async.testing import keebai_sandbox_factory as keebai_sandbox_factory
from tests.sandbox.caller import Caller


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(session)


@pytest.fixture
async def sandbox_here() -> AsyncIterator[Sandbox]:
    """A sandbox in the test's own event loop, for tests that count its tasks."""
    async with Sandbox(speed=100.0) as sandbox:
        yield sandbox
