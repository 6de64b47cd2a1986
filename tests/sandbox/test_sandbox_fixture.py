import os
import subprocess
import sys
from pathlib import Path

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
    one = await keebai_sandbox_factory(clock=clock)
    other = await keebai_sandbox_factory(failing=0.5)

    assert one.clock is clock
    assert one.url != other.url


def test_loading_the_plugin_loads_neither_server_nor_loop() -> None:
    """pytest imports it in every project that has the library installed."""
    program = "import sys, keebai_async.testing; print({'aiohttp', 'anyio', 'msgspec'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"


def test_the_plugin_may_be_loaded_before_the_one_that_runs_async_tests(tmp_path: Path) -> None:
    (tmp_path / "test_a_shop.py").write_text(
        """
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_it_has_an_address(keebai_sandbox):
    assert keebai_sandbox.url.startswith("http://127.0.0.1:")
"""
    )
    plugins = ["-p", "keebai_async.testing", "-p", "anyio.pytest_plugin", "-p", "no:cacheprovider"]
    said = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-q",
            *plugins,
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stdout
    assert "1 passed" in said.stdout
