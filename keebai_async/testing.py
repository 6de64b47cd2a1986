"""pytest fixtures on the sandbox, for our users and for us.

pytest loads this module by itself wherever keebai-async is installed, so it imports nothing heavy until a
fixture is used. The fixtures are plain ones, and the sandbox runs on a thread of its own: they work in tests
of any kind, with any plugin for async tests or none.

    async def test_my_shop_confirms_an_order(keebai_sandbox):
        await my_shop.confirm("A-17", base_url=keebai_sandbox.url, token=keebai_sandbox.token)

        assert keebai_sandbox.ledger.times_messaged() == {"+5491155555555": 1}

Without pytest, open one with `with Sandbox(speed=100.0) as sandbox:`.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol, Unpack

import pytest

from keebai_async.lazy_names import LazyModule

if TYPE_CHECKING:
    import keebai_async.clock as clocks
    import keebai_async.sandbox as sandboxes
    from keebai_async.clock import ManualClock as ManualClock
    from keebai_async.sandbox import Sandbox as Sandbox
    from keebai_async.sandbox import SignedDeliveries as SignedDeliveries
    from keebai_async.sandbox import WhautomateSandbox as WhautomateSandbox
else:
    clocks = LazyModule("keebai_async.clock")
    sandboxes = LazyModule("keebai_async.sandbox")

__all__ = [
    "ManualClock",
    "Sandbox",
    "SandboxFactory",
    "SignedDeliveries",
    "WhautomateSandbox",
    "keebai_deliveries",
    "keebai_sandbox",
    "keebai_sandbox_factory",
    "whautomate_sandbox",
]


class SandboxFactory(Protocol):
    """Opens a Sandbox with any of its keywords; it is closed when the test ends."""

    def __call__(
        self,
        *,
        clock: "clocks.Clock | None" = None,
        speed: float = 1.0,
        **options: "Unpack[sandboxes.SandboxOptions]",
    ) -> "sandboxes.Sandbox": ...


@pytest.fixture
def keebai_sandbox() -> "Iterator[sandboxes.Sandbox]":
    """A running Sandbox with its defaults, on time that runs a hundred times as fast as ours."""
    from keebai_async.sandbox.keebai.server import Sandbox

    with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
def keebai_sandbox_factory() -> Iterator[SandboxFactory]:
    """Opens sandboxes: `sandbox = keebai_sandbox_factory(failing=0.02, clock=ManualClock())`."""
    from keebai_async.sandbox.keebai.server import Sandbox

    with ExitStack() as open_sandboxes:

        def factory(
            *,
            clock: "clocks.Clock | None" = None,
            speed: float = 1.0,
            **options: "Unpack[sandboxes.SandboxOptions]",
        ) -> "sandboxes.Sandbox":
            return open_sandboxes.enter_context(Sandbox(clock=clock, speed=speed, **options))

        yield factory


@pytest.fixture
def keebai_deliveries() -> "sandboxes.SignedDeliveries":
    """Makes single webhooks, signed as Keebai does with a `secret` of its own, for a receiver of yours.

    made = keebai_deliveries("received", text="STOP")
    client.post("/webhooks/keebai", content=made.body, headers=made.headers)
    """
    from keebai_async.sandbox.keebai.single_event import SignedDeliveries

    return SignedDeliveries()


@pytest.fixture
def whautomate_sandbox() -> "Iterator[sandboxes.WhautomateSandbox]":
    """A running WhautomateSandbox with its defaults, on time that runs a hundred times as fast as ours."""
    from keebai_async.sandbox.whautomate.server import WhautomateSandbox

    with WhautomateSandbox(speed=100.0) as sandbox:
        yield sandbox


def __getattr__(name: str) -> object:
    match name:
        case "ManualClock":
            from keebai_async.clock import ManualClock

            return ManualClock
        case "Sandbox":
            from keebai_async.sandbox.keebai.server import Sandbox

            return Sandbox
        case "SignedDeliveries":
            from keebai_async.sandbox.keebai.single_event import SignedDeliveries

            return SignedDeliveries
        case "WhautomateSandbox":
            from keebai_async.sandbox.whautomate.server import WhautomateSandbox

            return WhautomateSandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
