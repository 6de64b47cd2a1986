"""Campaigns as jobs of engines that are there: workers are killed and shut down, others carry on.

They run for real, each in a process and on a "machine" of its own, on the tests' PostgreSQL.
"""

import random
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec

import anyio
import msgspec
import pytest
from anyio.abc import Process

from keebai_async import CampaignState, Cause, Keebai, PlanOptions, Report
from keebai_async.sandbox import Sandbox, faults
from tests.crash.world import BULK, SPEED, WIDE
from tests.postgres_server import PostgresServer
from tests.workers.place import WorkPlace

ENGINES = ["procrastinate", "dbos"]
CAMPAIGNS, PEOPLE, SIZE = 4, 150, 5


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=SPEED, windows=WIDE) as sandbox:
        sandbox.faults.on(BULK, faults.Late(seconds=0.15 * SPEED), times=None)
        yield sandbox


@pytest.fixture
async def place(postgres: PostgresServer, sandbox: Sandbox, engine: str) -> WorkPlace:
    """A database for the engine and the journal together."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    postgres.do(f"CREATE DATABASE {name}")
    address = postgres.address.replace("/postgres", f"/{name}")
    if engine == "procrastinate":
        from procrastinate import App, PsycopgConnector

        async with App(connector=PsycopgConnector(conninfo=address)).open_async() as app:
            await app.schema_manager.apply_schema_async()
    return WorkPlace(
        machine="the test",
        engine=address,
        journal=address,
        url=sandbox.url,
        token=sandbox.token,
        sender=sandbox.phone_number_id,
        speed=SPEED,
    )


class Workers:
    """Workers of one engine, each on a machine of its own."""

    def __init__(self, engine: str, place: WorkPlace) -> None:
        self._module = f"tests.workers.{engine}_worker"
        self._place = place
        self._born: list[Process] = []

    async def start(self) -> Process:
        place = msgspec.structs.replace(self._place, machine=f"machine-{len(self._born) + 1}")
        process = await anyio.open_process([sys.executable, "-m", self._module], stderr=None)
        self._born.append(process)
        assert process.stdin is not None
        await process.stdin.send(msgspec.json.encode(place))
        await process.stdin.aclose()
        await self._said(process, b"working\n")
        return process

    async def kill(self) -> None:
        """All that live."""
        for process in self._born:
            if process.returncode is None:
                process.kill()
            await process.wait()

    @staticmethod
    async def takes_no_more(process: Process) -> None:
        """Of DBOS: have it say that it ends, as it does before it ends."""
        process.send_signal(signal.SIGUSR1)
        await Workers._said(process, b"takes no more\n")

    @staticmethod
    async def _said(process: Process, line: bytes) -> None:
        assert process.stdout is not None
        said = b""
        while not said.endswith(line):
            said += await process.stdout.receive()


@pytest.fixture
async def workers(engine: str, place: WorkPlace) -> AsyncIterator[Workers]:
    workers = Workers(engine, place)
    yield workers
    await workers.kill()


@asynccontextmanager
async def launched(place: WorkPlace, sandbox: Sandbox) -> AsyncIterator[Keebai]:
    ours = msgspec.structs.replace(place, speed=1.0)  # what it wants is wanted now by everybody's clock
    async with ours.client() as keebai:
        for each in range(CAMPAIGNS):
            rows = [{"to": f"+54911{each:02}{n:06}", "nombre": "Ana", "codigo": "C"} for n in range(PEOPLE)]
            options = PlanOptions(chunk_size=SIZE)
            await keebai.campaigns.launch(
                rows, template="promo", language="es", name=f"campaign {each}", options=options
            )
        yield keebai


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    while not await happened():  # noqa: ASYNC110 - of other processes
        await anyio.sleep(0.1)


def is_over(report: Report) -> bool:
    """Nothing is left that a program can do."""
    unknown = report.state is CampaignState.STOPPED and report.stopped_by is Cause.UNKNOWN
    return report.state is CampaignState.FINISHED or unknown


async def all_over(keebai: Keebai) -> bool:
    return all(is_over(report) for report in await keebai.campaigns.list())


async def another_finishes_all(workers: Workers, keebai: Keebai, sandbox: Sandbox) -> None:
    """A new worker brings all campaigns to their end, each person once."""
    await workers.start()
    await until(lambda: all_over(keebai))
    await workers.kill()
    reports = await keebai.campaigns.list()
    assert [report.state for report in reports] == [CampaignState.FINISHED] * CAMPAIGNS
    times = sandbox.ledger.times_messaged()
    assert (len(times), max(times.values())) == (CAMPAIGNS * PEOPLE, 1)


async def test_killed_workers_are_followed_by_others_and_nobody_is_sent_to_twice(
    workers: Workers, place: WorkPlace, sandbox: Sandbox
) -> None:
    chance = random.Random(5)
    async with launched(place, sandbox) as keebai:
        running = [await workers.start(), await workers.start()]
        for kill in range(2):

            async def has_work(before: int = len(sandbox.ledger.submissions)) -> bool:
                return len(sandbox.ledger.submissions) > before or await all_over(keebai)

            await until(has_work)
            victim = running.pop(chance.randrange(2))
            victim.kill()
            await victim.wait()
            if kill == 0:
                running.append(await workers.start())
        await until(lambda: all_over(keebai))
        await workers.kill()
        reports = await keebai.campaigns.list()
        wanted = await keebai.campaigns.wanted()
    times = sandbox.ledger.times_messaged()
    assert max(times.values()) == 1
    accepted = sum(report.accepted for report in reports)
    unknown = sum(report.unknown for report in reports)
    assert accepted + unknown == CAMPAIGNS * PEOPLE
    assert accepted <= len(times)
    assert {want.campaign_id for want in wanted if not want.waits} == set()


async def test_a_worker_that_is_told_to_end_writes_down_what_is_on_its_way_and_another_goes_on(
    workers: Workers, place: WorkPlace, sandbox: Sandbox
) -> None:
    async with launched(place, sandbox) as keebai:
        first = await workers.start()

        async def begun() -> bool:
            return len(sandbox.ledger.submissions) > 2

        await until(begun)
        first.terminate()
        await first.wait()
        assert sum(report.unknown for report in await keebai.campaigns.list()) == 0
        await another_finishes_all(workers, keebai, sandbox)


@pytest.mark.parametrize("engine", ["dbos"], indirect=True)
async def test_what_dbos_begins_while_it_ends_takes_up_no_campaign_and_another_worker_does(
    workers: Workers, place: WorkPlace, sandbox: Sandbox
) -> None:
    from dbos import DBOSClient

    first = await workers.start()
    await workers.takes_no_more(first)
    async with launched(place, sandbox) as keebai:
        dbos = DBOSClient(system_database_url=place.engine)

        async def begun_and_left() -> bool:
            ended = await dbos.list_workflows_async(name="keebai run", status="SUCCESS")
            return len({each.workflow_id.partition("@")[0] for each in ended}) == CAMPAIGNS

        try:
            await until(begun_and_left)
        finally:
            dbos.destroy()
        first.terminate()
        await first.wait()
        assert not sandbox.ledger.submissions
        await another_finishes_all(workers, keebai, sandbox)
