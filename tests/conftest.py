"""What every test stands on: asyncio as the one backend, and in CI nothing that is left out quietly."""

import gc
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from keebai_async.clock import ManualClock
from tests.postgres_server import PostgresServer, postgres_or_skip

# What is collected stays to the end, and nothing of it is garbage: to look through it again and again took a
# tenth of all the time.
gc.disable()

# What the command prints has the separators of its user's locale.
for name in ("LC_ALL", "LC_NUMERIC"):
    os.environ.pop(name, None)
os.environ["LANG"] = "en_US.UTF-8"

# No test speaks TLS with a server of others. To read the machine's certificates for that took each of the
# hundreds of programs that load aiohttp up to 0.1 s.
os.environ["SSL_CERT_FILE"] = os.devnull

# Started in the background of a shell, or with nohup, we ignore what programs that we start must hear. They
# inherit that, but not a handler: a signal that has one here, though it does nothing, they find as it comes.
_IGNORED = "KEEBAI_TESTS_IGNORE"
ignored = set(os.environ.get(_IGNORED, "").split())  # by who started this worker
ignored |= {
    heard.name
    for heard in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    if signal.getsignal(heard) is signal.SIG_IGN
}
os.environ[_IGNORED] = " ".join(ignored)
for name in ignored:
    signal.signal(signal.Signals[name], lambda *_: None)

# How long an example takes says something of the machine, not of the code; in CI hypothesis knows that.
settings.register_profile(
    "patient", settings.get_profile("default"), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if os.environ.get("CI") != "true":
    settings.load_profile("patient")
# For another Python than the first: what a property says of our code was tried there, with many examples.
settings.register_profile("few", settings.get_profile("ci"), max_examples=10)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few are few also where a property asks for a number of its own."""
    if settings.get_current_profile_name() != "few":
        return
    few = settings.get_profile("few").max_examples
    for test in (item.obj for item in items if isinstance(item, pytest.Function)):
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if isinstance(own, settings) and own.max_examples > few:
            test._hypothesis_internal_use_settings = settings(own, max_examples=few)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def state_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the programs of a user share is, for the tests, in a folder of theirs, which pytest sweeps.

    Before, each run that was killed left a folder behind that nobody ever removed.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    """Time that runs by itself: it leaps to the next sleeper whenever the event loop has nothing to do."""
    clock = ManualClock()
    async with clock.running():
        yield clock


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own; who stops it starts it again."""
    with postgres_or_skip() as server:
        yield server


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed: whatever it needs must be installed there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"CI runs every test, and this one was skipped: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport) -> str:
    said = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(said).removeprefix("Skipped: ")
