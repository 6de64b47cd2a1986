"""50,000 people, 3 of whom only the server finds malformed: the others are accepted, the 3 are named."""

import csv
from pathlib import Path

import pytest

from keebai_async.client import Keebai
from keebai_async.model.chunk import ChunkState
from keebai_async.sandbox import Complaints, Sandbox
from tests.cli.shell import Shell
from tests.crash.people import everybody, number
from tests.crash.truth import accounts, check
from tests.crash.world import BULK

PEOPLE = 50_000
BAD = {number(person) for person in (17, 24_999, 31_234)}


@pytest.mark.parametrize("named", [True, False])
async def test_three_malformed_numbers_cost_under_sixty_requests_and_nobody_else(
    path: Path, *, named: bool
) -> None:
    async with Sandbox(speed=500.0, malformed=BAD, complaints=Complaints(named=named)) as sandbox:
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            clock=sandbox.clock,
            journal=str(path),
        ) as keebai:
            report = await keebai.campaigns.run(
                everybody(PEOPLE), template="promo", language="es", name="Promo marzo"
            )
        (account,) = await accounts(path)
        shell = Shell(path.parent, sandbox)
        exported = await shell.call("export", report.campaign_id, "refused.csv", "--refused")

    check(account, sandbox, people=PEOPLE)
    assert (report.state, report.accepted, report.refused) == ("finished", PEOPLE - 3, 3)
    assert sandbox.traffic.requests[BULK] < 60
    refused = account.chunks(ChunkState.REFUSED)
    assert {account.people[chunk.number][0] for chunk in refused} == BAD
    assert exported.code == 0, exported.err
    with (path.parent / "refused.csv").open(encoding="utf-8", newline="") as file:
        assert {row["to"].removeprefix("'") for row in csv.DictReader(file)} == BAD
