"""The fixtures in the projects of our users: every usual way to run tests, each in a project of its own."""

from importlib.util import find_spec
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

SHOP = """
import asyncio
import unittest

import pytest

from keebai_async import Keebai
from keebai_async.testing import Sandbox, WhautomateSandbox

PERSON = "+5491155555555"


async def confirm(sandbox):
    async with Keebai(
        sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id, limiter="memory:"
    ) as keebai:
        await keebai.messages.send_text(PERSON, "Hola")


def was_messaged_once(sandbox):
    return sandbox.ledger.times_messaged() == {PERSON: 1}
"""

ASYNC_TESTS = """
async def test_one(keebai_sandbox):
    await confirm(keebai_sandbox)
    assert was_messaged_once(keebai_sandbox)

async def test_a_sandbox_made_for_it(keebai_sandbox_factory):
    sandbox = keebai_sandbox_factory(speed=100.0, failing=0.5)
    await confirm(sandbox)
    assert was_messaged_once(sandbox)

async def test_the_other_service(whautomate_sandbox):
    assert whautomate_sandbox.ledger.broadcasts == []
"""

OTHER_LOOP_SCOPES = """
@pytest.mark.asyncio(loop_scope="session")
async def test_in_the_sessions_loop(keebai_sandbox):
    await confirm(keebai_sandbox)
    assert was_messaged_once(keebai_sandbox)

@pytest.mark.asyncio(loop_scope="module")
class TestInTheModulesLoop:
    async def test_it(self, keebai_sandbox):
        await confirm(keebai_sandbox)
        assert was_messaged_once(keebai_sandbox)
"""

PLAIN_TESTS = """
def test_one(keebai_sandbox):
    asyncio.run(confirm(keebai_sandbox))
    assert was_messaged_once(keebai_sandbox)

def test_a_sandbox_made_for_it(keebai_sandbox_factory):
    sandbox = keebai_sandbox_factory(speed=100.0)
    asyncio.run(confirm(sandbox))
    assert was_messaged_once(sandbox)

def test_the_other_service(whautomate_sandbox):
    assert whautomate_sandbox.ledger.broadcasts == []
"""

UNITTEST_TESTS = """
class PlainCase(unittest.TestCase):
    def test_one(self):
        with Sandbox(speed=100.0) as sandbox, WhautomateSandbox(speed=100.0):
            asyncio.run(confirm(sandbox))
            self.assertTrue(was_messaged_once(sandbox))

class AsyncCase(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox(speed=100.0))

    async def test_one(self):
        await confirm(self.sandbox)
        self.assertTrue(was_messaged_once(self.sandbox))
"""

WEB_APP_TESTS = """
from aiohttp import web

async def test_a_web_app_that_messages_somebody(aiohttp_client, keebai_sandbox):
    async def order(request):
        await confirm(keebai_sandbox)
        return web.Response()

    app = web.Application()
    app.router.add_post("/order", order)
    shop = await aiohttp_client(app)
    assert (await shop.post("/order")).status == 200
    assert was_messaged_once(keebai_sandbox)
"""

ANYIO = """
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

STRICT = "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function"
AUTO = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"


def run_in_a_project(
    pytester: pytest.Pytester, tests: str, *plugins: str, settings: str = ""
) -> pytest.RunResult:
    """Run *tests* in a project that has *plugins*, and in which every warning is an error.

    Ours is loaded first: nobody can say in which order pytest loads what is installed.
    """
    for plugin in plugins:
        if find_spec(plugin.partition(".")[0]) is None:
            pytest.skip(f"no {plugin} on this machine: the fixtures are not tried with it")
    pytester.makeini(f"[pytest]\nfilterwarnings = error\n{settings}")
    pytester.makepyfile(dedent(SHOP) + dedent(tests))
    loaded = [f"-p{plugin}" for plugin in ("keebai_async.testing", *plugins)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_inprocess(*loaded, "-q")


def test_with_pytest_asyncio_in_strict_mode(pytester: pytest.Pytester) -> None:
    tests = ASYNC_TESTS.replace("async def", "@pytest.mark.asyncio\nasync def") + OTHER_LOOP_SCOPES
    result = run_in_a_project(pytester, tests, "pytest_asyncio.plugin", settings=STRICT)

    result.assert_outcomes(passed=5)


def test_with_pytest_asyncio_in_auto_mode(pytester: pytest.Pytester) -> None:
    tests = ASYNC_TESTS + OTHER_LOOP_SCOPES
    result = run_in_a_project(pytester, tests, "pytest_asyncio.plugin", settings=AUTO)

    result.assert_outcomes(passed=5)


def test_with_anyios_plugin(pytester: pytest.Pytester) -> None:
    result = run_in_a_project(pytester, ANYIO + ASYNC_TESTS, "anyio.pytest_plugin")

    result.assert_outcomes(passed=3)


def test_with_pytest_aiohttp(pytester: pytest.Pytester) -> None:
    plugins = ("pytest_asyncio.plugin", "pytest_aiohttp.plugin")
    result = run_in_a_project(pytester, ASYNC_TESTS + WEB_APP_TESTS, *plugins, settings=AUTO)

    result.assert_outcomes(passed=4)


def test_with_no_plugin_for_async_tests(pytester: pytest.Pytester) -> None:
    result = run_in_a_project(pytester, PLAIN_TESTS)

    result.assert_outcomes(passed=3)


def test_in_plain_tests_of_a_project_with_pytest_asyncio(pytester: pytest.Pytester) -> None:
    result = run_in_a_project(pytester, PLAIN_TESTS, "pytest_asyncio.plugin", settings=STRICT)

    result.assert_outcomes(passed=3)


def test_with_unittest(pytester: pytest.Pytester) -> None:
    result = run_in_a_project(pytester, UNITTEST_TESTS)

    result.assert_outcomes(passed=2)
