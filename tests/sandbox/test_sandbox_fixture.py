import subprocess
import sys
import time

from aiohttp import ClientSession

from keebai_async.clock import ManualClock
from keebai_async.testing import Sandbox, SandboxFactory, SignedDeliveries, WhautomateSandbox
from keebai_async.webhooks import MessageReceived, WebhookSecrets, receive


async def test_a_test_gets_a_running_sandbox(keebai_sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {keebai_sandbox.token}"}
    async with ClientSession(headers=headers) as session, session.get(f"{keebai_sandbox.url}/me") as reply:
        assert reply.status == 200

    assert keebai_sandbox.traffic.requests == {"GET /me": 1}


async def test_a_test_makes_sandboxes_of_its_own(keebai_sandbox_factory: SandboxFactory) -> None:
    clock = ManualClock()
    one = keebai_sandbox_factory(clock=clock)
    other = keebai_sandbox_factory(failing=0.5)

    assert one.clock is clock
    assert one.url != other.url


def test_a_test_gets_webhooks_that_its_receiver_lets_in(keebai_deliveries: SignedDeliveries) -> None:
    made = keebai_deliveries("received", "+5491155550199", text="STOP")

    event = receive(
        made.headers, made.body, now=time.time(), secrets=WebhookSecrets(keebai_deliveries.secret)
    )

    assert isinstance(event, MessageReceived)
    assert (event.number, event.text) == ("+5491155550199", "STOP")


async def test_a_test_hears_of_a_broadcast_of_whautomate(whautomate_sandbox: WhautomateSandbox) -> None:
    headers = {"x-api-key": whautomate_sandbox.key}
    url = f"{whautomate_sandbox.url}/webhooks"
    async with ClientSession(headers=headers) as session, session.get(url) as reply:
        assert await reply.json() == []


def test_loading_the_plugin_loads_neither_server_nor_loop() -> None:
    """pytest imports it in every project that has the library installed."""
    program = "import sys, keebai_async.testing; print({'aiohttp', 'anyio', 'msgspec'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"
