"""A service that carries campaigns is a room of its own and one entry beside it, and keeps all promises."""

import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec
import pytest

from keebai_async import PlanOptions
from keebai_async.errors import InvalidInput
from keebai_async.journal.open import open_journal
from keebai_async.keebai.settings import SERVICE_NAME
from keebai_async.model.plan import Plan
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.services import SERVICES, service_of
from tests.campaign.planning import freeze
from tests.courier.client import Courier
from tests.courier.server import KEY, Depot, depot
from tests.courier.settings import COURIER, LARGEST

ROOT = Path(__file__).parents[2]
LETTER = ("--template", "invitation", "--language", "es", "--name", "Party")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A terminal at which both services are known, and a journal that both use."""

    folder: Path
    environment: dict[str, str]

    @property
    def journal(self) -> str:
        return self.environment["KEEBAI_JOURNAL"]

    async def run(self, *arguments: str, service: str = "") -> Ended:
        environment = self.environment | {"KEEBAI_SERVICE": service}
        with anyio.fail_after(60):
            done = await anyio.run_process(
                [sys.executable, "-m", "tests.courier", *arguments],
                cwd=self.folder,
                env=environment,
                check=False,
            )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
async def courier() -> AsyncIterator[Depot]:
    async with depot() as seen:
        yield seen


@pytest.fixture
async def keebai() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=100.0) as box:
        yield box


@pytest.fixture
def desk(tmp_path: Path, courier: Depot, keebai: Sandbox) -> Desk:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KEEBAI_")},
        "PYTHONPATH": str(ROOT),
        "KEEBAI_JOURNAL": str(tmp_path / "campaigns.db"),
        "KEEBAI_BASE_URL": keebai.url,
        "KEEBAI_API_TOKEN": keebai.token,
        "KEEBAI_PHONE_NUMBER_ID": keebai.phone_number_id,
        "COURIER_KEY": KEY,
        "COURIER_URL": courier.url,
    }
    rows = ["to,nombre", *(f"+54911555{number:05},Ana" for number in range(100)), "nobody,Luz"]
    (tmp_path / "guests.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Desk(tmp_path, environment)


async def plan_of(desk: Desk, campaign_id: str) -> Plan:
    journal = open_journal(desk.journal)
    try:
        return (await journal.load(campaign_id)).plan
    finally:
        await journal.aclose()


def id_in(planned: Ended) -> str:
    assert planned.code == 0, planned.err
    return planned.err.rsplit("keebai-async launch ", 1)[1].split()[0]


async def test_the_command_plans_and_launches_through_the_courier(desk: Desk, courier: Depot) -> None:
    planned = await desk.run("plan", "guests.csv", *LETTER, service=COURIER)
    campaign = id_in(planned)
    launched = await desk.run("launch", campaign, "--yes", service=COURIER)

    assert launched.code == 0, launched.err
    assert sorted(courier.sizes) == [20, LARGEST, LARGEST]  # two of them may leave side by side
    assert set(courier.messaged.values()) == {1}
    assert len(courier.messaged) == 100
    assert {each["label"] for each in courier.parcels} == {f"Party [0{part}/03]" for part in (1, 2, 3)}
    assert (await plan_of(desk, campaign)).service == COURIER
    report = await desk.run("status", campaign)
    assert "100 sent" in " ".join(report.out.split())


async def test_a_plan_for_one_service_is_not_launched_at_another(
    desk: Desk, courier: Depot, keebai: Sandbox
) -> None:
    campaign = id_in(await desk.run("plan", "guests.csv", *LETTER, service=COURIER))
    before = courier.requests

    for command in (("launch", campaign, "--yes"), ("resume", campaign, "--yes")):
        refused = await desk.run(*command)
        assert refused.code == 2
        assert refused.err == (
            f"error: campaign {campaign} was planned for courier, and this is keebai:"
            " go on with it at courier, or plan the list again\n"
        )
    assert (courier.requests, keebai.traffic.requests.total()) == (before, 0)


async def test_a_plan_that_says_no_service_is_keebais(desk: Desk, courier: Depot) -> None:
    journal = open_journal(desk.journal)
    plan = await freeze(journal, 10)
    await journal.aclose()
    without = {name: value for name, value in msgspec.to_builtins(plan).items() if name != "service"}
    assert msgspec.convert(without, Plan).service == SERVICE_NAME

    refused = await desk.run("resume", plan.campaign_id, "--yes", service=COURIER)

    assert (refused.code, courier.requests) == (2, 0)
    assert "was planned for keebai, and this is courier" in refused.err


async def test_a_program_is_told_the_same_before_anything_is_submitted(
    desk: Desk, courier: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURIER_URL", courier.url)
    async with Courier(KEY, journal=desk.journal) as client:
        plan = await freeze(client.journal, 10)
        with pytest.raises(InvalidInput, match="planned for keebai"):
            async with client.campaigns.start(plan):
                pass
        with pytest.raises(InvalidInput, match="chunk holds 1 to 40 people"):
            await client.campaigns.plan(
                "guests.csv", template="invitation", language="es", options=PlanOptions(chunk_size=41)
            )
    assert courier.requests == 0


def test_a_service_that_nobody_knows_is_one_line() -> None:
    with pytest.raises(InvalidInput, match="no service called 'pigeon' carries campaigns"):
        service_of({"KEEBAI_SERVICE": "pigeon"})
    assert service_of({}) is SERVICES[SERVICE_NAME]


async def test_the_courier_names_its_own_variables_in_errors(desk: Desk) -> None:
    desk.environment["COURIER_KEY"] = "not-the-key-of-anybody"

    refused = await desk.run("plan", "guests.csv", *LETTER, service=COURIER)

    assert refused.code == 4
    assert "put a valid token into COURIER_KEY" in refused.err
