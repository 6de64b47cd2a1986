"""pytest fixtures on the sandbox, for our users and for us.

pytest loads this module by itself wherever keebai-async is installed, so it imports nothing heavy until a
fixture is used. The fixtures are async: they work with anyio's pytest plugin and with pytest-asyncio in
auto mode, on asyncio.

    async def test_my_shop_confirms_an_order(keebai_sandbox):
        await my_shop.confirm("A-17", base_url=keebai_sandbox.url, token=keebai_sandbox.token)

        assert keebai_sandbox.ledger.times_messaged() == {"+5491155555555": 1}
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol, Unpack

import pytest

if TYPE_CHECKING:
    from keebai_async.clock import Clock
    from keebai_async.clock import ManualClock as ManualClock
    from keebai_async.sandbox.keebai.server import Sandbox as Sandbox
    from keebai_async.sandbox.keebai.settings import SandboxOptions
    from keebai_async.sandbox.whautomate.server import WhautomateSandbox

__all__ = [
    "ManualClock",
    "Sandbox",
    "SandboxFactory",
    "keebai_sandbox",
    "keebai_sandbox_factory",
    "whautomate_sandbox",
]


class SandboxFactory(Protocol):
    """Opens a Sandbox with any of its keywords; it is closed when the test ends."""

    async def __call__(
        self, *, clock: "Clock | None" = None, speed: float = 1.0, **options: "Unpack[SandboxOptions]"
    ) -> "Sandbox": ...


@pytest.fixture
async def keebai_sandbox() -> "AsyncIterator[Sandbox]":
    """A running Sandbox with its defaults, on time that runs a hundred times as fast as ours."""
    from keebai_async.sandbox.keebai.server import Sandbox

    async with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
async def keebai_sandbox_factory() -> AsyncIterator[SandboxFactory]:
    """Opens sandboxes: `sandbox = await keebai_sandbox_factory(failing=0.02, clock=ManualClock())`."""
    from keebai_async.sandbox.keebai.server import Sandbox

    async with AsyncExitStack() as open_sandboxes:

        async def factory(
            *, clock: "Clock | None" = None, speed: float = 1.0, **options: "Unpack[SandboxOptions]"
        ) -> "Sandbox":
            return await open_sandboxes.enter_async_context(Sandbox(clock=clock, speed=speed, **options))

        yield factory


@pytest.fixture
async def whautomate_sandbox() -> "AsyncIterator[WhautomateSandbox]":
    """A running WhautomateSandbox with its defaults, on time that runs a hundred times as fast as ours."""
    from keebai_async.sandbox.whautomate.server import WhautomateSandbox

    async with WhautomateSandbox(speed=100.0) as sandbox:
        yield sandbox


def __getattr__(name: str) -> object:
    if name == "ManualClock":
        from keebai_async.clock import ManualClock

        return ManualClock
    if name == "Sandbox":
        from keebai_async.sandbox.keebai.server import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
