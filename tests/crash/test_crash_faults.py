"""All that can go wrong on the way, alone and together, with an outage: the report is the ledger."""

import random
from pathlib import Path

import anyio
import pytest

from keebai_async.campaign.dispatch import IN_FLIGHT
from keebai_async.errors import KeebaiError
from keebai_async.model.chunk import ChunkState
from keebai_async.sandbox import faults
from keebai_async.sandbox.faults import AnyFault
from tests.crash.world import BULK, SPEED, World, take_time, world

PATIENCE = 0.6
"""Seconds after which a client gives up a request that gets no answer in time."""

UNCLEAR: tuple[AnyFault, ...] = (
    faults.Reset(),
    faults.ResetBeforeReading(),
    faults.Hang(),
    faults.Status(status=500),
    faults.Status(status=504),
    faults.Status(status=500, accepted=False),
    faults.GatewayError(status=502),
    faults.GatewayError(status=503),
    faults.Late(seconds=SPEED * 3 * PATIENCE),
    faults.Html(),
    faults.Html(status=202, accepted=True),
    faults.Redirect(),
    faults.Redirect(accepted=True),
)
UNREADABLE: tuple[AnyFault, ...] = (faults.NotJson(), faults.CutOff(), faults.Huge())
CLEAR: tuple[AnyFault, ...] = (faults.Late(seconds=5.0), faults.Status(status=401, accepted=False))


def patience_with(fault: AnyFault) -> float:
    """Short where no answer comes in time, and long enough for a busy machine where one does."""
    return PATIENCE if isinstance(fault, faults.Hang | faults.Late) else 30.0


async def settled(here: World) -> None:
    """Look up every unknown chunk, resume, and find everyone messaged once."""
    account = await here.settle()
    assert account.report.unknown == account.report.unsent == 0


@pytest.mark.parametrize("fault", UNCLEAR, ids=repr)
async def test_replies_that_say_nothing_are_settled_by_a_look_into_the_portal(
    path: Path, fault: AnyFault
) -> None:
    async with world(None, path, people=200) as here:
        here.sandbox.faults.on(BULK, fault, nth=2, times=3)

        account = await here.run_here(timeout=patience_with(fault))

        unknown = account.chunks(ChunkState.UNKNOWN)
        assert 1 <= len(unknown) <= 3
        assert account.report.stopped_by == "unknown"
        await settled(here)


@pytest.mark.parametrize("fault", UNREADABLE, ids=repr)
async def test_an_accepted_reply_that_cannot_be_read_is_untracked_and_never_unknown(
    path: Path, fault: AnyFault
) -> None:
    async with world(None, path, people=200) as here:
        here.sandbox.malformed.clear()
        here.sandbox.faults.on(BULK, fault, nth=2, times=3)

        account = await here.run_here()

        assert (account.report.untracked, account.report.unknown) == (60, 0)
        assert account.report.accepted == here.sandbox.ledger.total == 200


@pytest.mark.parametrize("seed", range(5))
async def test_faults_in_any_combination_with_an_outage_in_the_middle_lose_and_repeat_nobody(
    path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with world(None, path) as here:
        for nth in sorted(chance.sample(range(1, 25), k=6)):
            here.sandbox.faults.on(BULK, chance.choice(UNCLEAR + CLEAR), nth=nth)
        here.sandbox.faults.on("GET /me", faults.GatewayError(), nth=chance.randint(1, 3), times=2)
        take_time(here)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outage, here, chance.randint(3, 9))
            account = await here.run_here(timeout=PATIENCE)
            while account.report.unsent:  # a 401 among the faults stops a run
                account = await here.run_here(timeout=PATIENCE)
            tasks.cancel_scope.cancel()

        met = sum(given.route == BULK for given in here.sandbox.faults.given)
        assert len(account.chunks(ChunkState.UNKNOWN)) <= met + IN_FLIGHT
        await settled(here)


async def outage(here: World, after: int) -> None:
    """Once *after* submits were accepted the service is gone for a while."""
    while len(here.sandbox.ledger) < after:  # noqa: ASYNC110 - the ledger tells nobody
        await anyio.sleep(0.001)
    await here.sandbox.__aexit__(None, None, None)
    try:
        await anyio.sleep(0.2)
    finally:
        with anyio.CancelScope(shield=True):
            await here.sandbox.__aenter__()


@pytest.mark.parametrize("whose", ["of another chunk", "that nobody has"])
async def test_a_broadcast_that_is_not_the_unknown_chunks_does_not_settle_it(path: Path, whose: str) -> None:
    """A person who copies the wrong line would otherwise lose everybody of the chunk, silently."""
    async with world(None, path, people=200) as here:
        here.sandbox.faults.on(BULK, faults.ResetBeforeReading(), nth=2)
        account = await here.run_here()
        (unknown,) = account.chunks(ChunkState.UNKNOWN)
        other = next(
            chunk.broadcast_id for chunk in account.chunks(ChunkState.ACCEPTED) if chunk.recipients == 20
        )
        assert other is not None
        wrong = other if whose == "of another chunk" else "66aa0011" + "f" * 16

        async with here.client() as keebai:
            with pytest.raises(KeebaiError, match=r"chunk|404"):
                await keebai.campaigns.reconcile(account.plan.campaign_id, unknown.number, accepted=wrong)

        assert (await here.truth()).report.unknown == 20
