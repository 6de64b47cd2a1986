"""The recipes of the manual, for engines that are no extra of ours: run where these are installed.

Each is run as it is printed, by its own commands; its worker is killed, and another one carries on.
"""

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import anyio
import pytest

from keebai_async import CampaignState, Keebai, PlanOptions
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox, faults
from tests.crash.world import BULK, SPEED, WIDE
from tests.documents.papers import ROOT, paper
from tests.postgres_server import PostgresServer
from tests.quota.benches import RedisServer
from tests.workers.test_engines import all_over, until

PEOPLE, SIZE = 100, 5

COMMANDS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "arq": (("arq", "shop.WorkerSettings"),),
    "celery": (
        ("celery", "-A", "shop", "worker", "--concurrency", "3", "--loglevel", "ERROR"),
        ("celery", "-A", "shop", "beat", "--loglevel", "ERROR"),
    ),
    "taskiq_redis": (("taskiq", "worker", "shop:broker"), ("taskiq", "scheduler", "shop:scheduler")),
}
"""What is run of a recipe, by the module of its engine. The first is the worker."""


def recipe_of(engine: str) -> str:
    (code,) = [
        code for code in paper("docs/workers.md").code("python recipe") if f"from {engine} import" in code
    ]
    return code


def test_every_recipe_has_commands() -> None:
    recipes = paper("docs/workers.md").code("python recipe")
    assert sorted(recipes) == sorted(recipe_of(engine) for engine in COMMANDS)


@pytest.fixture(params=COMMANDS)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if find_spec(name) is None:
        # No skip, which fails in CI: the engines of recipes are not installed there, as the manual says.
        pytest.xfail(f"{name} is not installed")
    return name


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    server = RedisServer(tmp_path)
    server.start()
    yield server.url
    server.stop()


class RunningRecipe:
    """The programs of a recipe, each in a process group of its own."""

    def __init__(self, engine: str, folder: Path, environment: dict[str, str]) -> None:
        (folder / "shop.py").write_text(recipe_of(engine), encoding="utf-8")
        self._folder = folder
        self._environment = environment
        self._worker, *self._others = COMMANDS[engine]
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *, only_worker: bool = False) -> None:
        for module, *words in [self._worker] if only_worker else [self._worker, *self._others]:
            self._running.append(
                subprocess.Popen(
                    [sys.executable, "-m", module, *words],
                    cwd=self._folder,
                    env=self._environment,
                    start_new_session=True,
                )
            )

    def kill_worker(self) -> None:
        _kill(self._running.pop(0))

    def end(self) -> None:
        for process in self._running:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def test_a_recipe_runs_what_is_wanted_and_carries_on_after_a_kill(
    engine: str, redis_url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    name = f"shop_{uuid.uuid4().hex[:12]}"
    postgres.do(f"CREATE DATABASE {name}")
    journal = postgres.address.replace("/postgres", f"/{name}")
    async with Sandbox(speed=SPEED, windows=WIDE) as sandbox:
        sandbox.faults.on(BULK, faults.Late(seconds=0.3 * SPEED), times=None)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "REDIS_URL": redis_url,
            "KEEBAI_JOURNAL": journal,
            "KEEBAI_BASE_URL": sandbox.url,
            "KEEBAI_API_TOKEN": sandbox.token,
            "KEEBAI_PHONE_NUMBER_ID": sandbox.phone_number_id,
            "KEEBAI_QUOTA": "10000/1s",
            "KEEBAI_QUOTA_STORE": "memory:",
            "KEEBAI_POLL_FLOOR": "0.1",
        }
        recipe = RunningRecipe(engine, tmp_path, environment)
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            journal=journal,
            limiter=OpenGate(),
        ) as keebai:
            for each in range(2):
                rows = [
                    {"to": f"+54911{each:02}{n:06}", "nombre": "Ana", "codigo": "C"} for n in range(PEOPLE)
                ]
                await keebai.campaigns.launch(
                    rows,
                    template="promo",
                    language="es",
                    name=f"campaign {each}",
                    options=PlanOptions(chunk_size=SIZE),
                )
            try:
                recipe.start()
                with anyio.fail_after(50):
                    while len(sandbox.ledger.submissions) < 3:  # noqa: ASYNC110 - of other processes
                        await anyio.sleep(0.05)
                recipe.kill_worker()
                recipe.start(only_worker=True)
                with anyio.fail_after(50):
                    await until(lambda: all_over(keebai))
            finally:
                recipe.end()
            reports = await keebai.campaigns.list()
    times = sandbox.ledger.times_messaged()
    assert max(times.values()) == 1
    accepted = sum(report.accepted for report in reports)
    unknown = sum(report.unknown for report in reports)
    assert accepted + unknown == 2 * PEOPLE
    assert all(report.state is CampaignState.FINISHED or report.unknown for report in reports)
