"""The database of a running campaign is killed and comes back: the run waits, and goes on."""

import random

import anyio
import anyio.to_thread
import pytest

from keebai_async.client import Keebai
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Sandbox, faults
from tests.crash.people import NAME, everybody
from tests.crash.world import BULK, SIZE, SPEED, WIDE
from tests.postgres_server import PostgresServer

PEOPLE = 600


@pytest.mark.parametrize("kill", [True, False])
async def test_a_campaign_whose_database_restarts_again_and_again_reaches_everybody_once(
    postgres: PostgresServer, kill: bool
) -> None:
    chance = random.Random(17)
    async with Sandbox(speed=SPEED, windows=WIDE) as sandbox:
        sandbox.faults.on(BULK, faults.Late(seconds=0.1 * SPEED), times=None)
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            clock=sandbox.clock,
            quotas=[Quota(10_000, 1.0)],
            journal=postgres.schema(),
            poll_floor=2.0,
        ) as keebai:
            options = PlanOptions(chunk_size=SIZE)
            plan = await keebai.campaigns.plan(
                everybody(PEOPLE), template="promo", language="es", name=NAME, options=options
            )
            restarts = 0
            async with keebai.campaigns.start(plan) as run, anyio.create_task_group() as tasks:

                async def strike() -> None:
                    nonlocal restarts
                    while True:
                        await anyio.sleep(0.1 + chance.random() * 0.3)
                        with anyio.CancelScope(shield=True):
                            await anyio.to_thread.run_sync(lambda: postgres.restart(kill=kill))
                        restarts += 1

                tasks.start_soon(strike)
                report = await run.report()
                tasks.cancel_scope.cancel()

    assert restarts > 0
    assert (report.state, report.accepted, report.unknown) == ("finished", PEOPLE, 0)
    assert (sandbox.ledger.total, sandbox.ledger.repeated()) == (PEOPLE, {})
