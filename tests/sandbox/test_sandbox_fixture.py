import subprocess
import sys

from aiohttp import ClientSession

from keebai_async.clock import ManualClock
from keebai_async.testing import Sandbox, SandboxFactory


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


def test_loading_the_plugin_loads_neither_server_nor_loop() -> None:
    """pytest imports it in every project that has the library installed."""
    program = "import sys, keebai_async.testing; print({'aiohttp', 'anyio', 'msgspec'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"
