"""A campaign that goes wrong stops by itself, and goes on only when a person says so."""

from pathlib import Path

import pytest

from keebai_async.cli.campaign_codes import code_of
from keebai_async.cli.exit_codes import Exit
from keebai_async.model.plan import Guards
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import faults
from tests.crash.nursery import Nursery
from tests.crash.people import everybody
from tests.crash.truth import Account
from tests.crash.world import BULK, SIZE, SPEED, World, take_time, world

PEOPLE = 1_000


async def run(here: World, guards: Guards) -> Account:
    return await here.run_here(guards=guards)


async def test_a_canary_of_whom_too_many_fail_is_all_that_is_sent(path: Path) -> None:
    guards = Guards(canary=20)
    async with world(None, path, people=400, failing=0.5) as here:
        here.sandbox.malformed.clear()

        stopped = await run(here, guards)
        again = await run(here, guards)

        for account in (stopped, again):
            assert code_of(account.report) is Exit.GUARD
            assert (account.report.accepted, account.report.unsent) == (20, 380)
        assert here.sandbox.ledger.total == 20
        persuaded = await run(here, Guards())
        assert (persuaded.report.state, persuaded.report.accepted) == ("finished", 400)


async def test_a_canary_that_is_well_lets_the_others_follow(path: Path) -> None:
    async with world(None, path, people=200, failing=0.0) as here:
        here.sandbox.malformed.clear()

        account = await run(here, Guards(canary=20))

        assert (account.report.state, account.report.accepted) == ("finished", 200)


async def test_too_large_a_share_of_failures_leaves_everyone_unsent_who_is(path: Path) -> None:
    guards = Guards(stop_above=0.2)
    async with world(None, path, people=PEOPLE, failing=0.3) as here:
        here.sandbox.malformed.clear()
        take_time(here, 5.0 / SPEED)

        account = await run(here, guards)

        report = account.report
        assert code_of(report) is Exit.GUARD
        assert report.unsent > 0
        assert report.unknown == 0
        assert here.sandbox.ledger.total == report.accepted == PEOPLE - report.unsent
        persuaded = await run(here, Guards())
        assert persuaded.report.state == "finished"
        assert persuaded.report.accepted == here.sandbox.ledger.total == PEOPLE


async def test_resumed_under_the_same_guard_nobody_is_submitted_before_the_share_is_known_again(
    path: Path,
) -> None:
    guards = Guards(stop_above=0.2)
    async with world(None, path, people=PEOPLE, failing=0.3) as here:
        here.sandbox.malformed.clear()
        take_time(here, 5.0 / SPEED)
        stopped = await run(here, guards)
        messaged = here.sandbox.ledger.total

        again = await run(here, guards)

        assert code_of(again.report) is Exit.GUARD
        assert again.report.unsent == stopped.report.unsent
        assert here.sandbox.ledger.total == messaged


@pytest.mark.parametrize("failing", [0.3, 0.0])
async def test_killed_under_a_guard_a_resumed_campaign_counts_what_failed_before(
    path: Path, failing: float
) -> None:
    """The counters that a guard goes by are those of all runs together."""
    async with world(None, path, people=PEOPLE, failing=failing) as here:
        here.sandbox.malformed.clear()
        take_time(here, 5.0 / SPEED)
        await run(here, Guards(stop_above=0.2))

        account = await run(here, Guards(stop_above=0.9))

        assert account.report.state == "finished"
        assert account.report.accepted == PEOPLE


@pytest.mark.parametrize("point", ["after accept", "before stopped"])
async def test_killed_before_it_was_said_that_a_canary_has_no_name_it_is_said_by_the_next_process(
    nursery: Nursery, path: Path, point: str
) -> None:
    async with world(nursery, path, people=200, failing=0.0) as here:
        here.sandbox.malformed.clear()
        async with here.client() as keebai:
            await keebai.campaigns.plan(
                everybody(here.people),
                template="promo",
                language="es",
                options=PlanOptions(chunk_size=SIZE, guards=Guards(canary=SIZE)),
            )
        here.sandbox.faults.on(BULK, faults.NotJson(), nth=1)

        killed = await here.live(point=point)
        stopped = await here.live()

        assert killed.killed
        assert stopped.stopped_by == "guard"
        assert here.sandbox.ledger.total == SIZE
        persuaded = await here.live()
        assert persuaded.ended == "finished"
        assert here.sandbox.ledger.total == here.people
