"""Two campaigns share a daily limit, and their processes are killed at any instant: no day has too many."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import anyio
import pytest
from msgspec.structs import replace

from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import DAY
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox, faults
from keebai_async.sandbox.faults import AnyFault, FaultPlan
from tests.crash.daily import Day, client_for
from tests.crash.nursery import Life, Nursery
from tests.crash.people import number
from tests.crash.truth import Account, accounts, found_in_portal
from tests.crash.world import BULK, WIDE

SPEED: Final = 40_000.0
"""A day is two seconds of ours."""
PEOPLE: Final = 7
"""In each of the campaigns."""
LIMIT: Final = 5
KILLS: Final = 4
"""Of each of them."""


class Doom(FaultPlan):
    """Kills processes as the nth submit arrives, whosever it is."""

    def __init__(self) -> None:
        super().__init__()
        self._doomed: list[tuple[int, Life]] = []
        self.submits = 0

    def strike(self, life: Life, *, nth: int) -> None:
        self._doomed.append((nth, life))

    def next(self, route: str) -> AnyFault | None:
        if route == BULK:
            self.submits += 1
            for nth, life in self._doomed:
                if nth == self.submits:
                    life.kill()
        return super().next(route)


@pytest.fixture
def nurseries() -> Iterator[tuple[Nursery, Nursery]]:
    """One for each campaign: what it forks lives one at a time."""
    with ExitStack() as open_until_the_end:
        one, other = (
            open_until_the_end.enter_context(closing(Nursery("tests.crash.daily"))) for _ in range(2)
        )
        yield one, other


@pytest.mark.parametrize("seed", range(2))
async def test_two_campaigns_that_are_killed_at_any_instant_never_send_more_than_the_limit_of_a_day(
    nurseries: tuple[Nursery, Nursery], path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with anyio.fail_after(120):
        async with Sandbox(speed=SPEED, windows=WIDE) as sandbox:
            clock = sandbox.clock
            origin, wall = time.monotonic() - clock.now() / SPEED, clock.wall() - clock.now()
            day = Day(
                journal=str(path),
                url=sandbox.url,
                token=sandbox.token,
                sender=sandbox.phone_number_id,
                speed=SPEED,
                origin=origin,
                wall=wall,
            )
            sandbox.faults = doom = Doom()
            # An answer that takes a while is one in which a process can be killed.
            doom.on(BULK, faults.Late(seconds=0.02 * SPEED), times=None)
            days = [replace(day, campaign=each) for each in await planned(day)]

            async with anyio.create_task_group() as tasks:
                for nursery, each in zip(nurseries, days, strict=True):
                    tasks.start_soon(live_and_die, nursery, each, doom, random.Random(chance.random()))

            doom.clear()
            unknown = await settle(day, path, sandbox)
            async with anyio.create_task_group() as tasks:
                for each in days:
                    tasks.start_soon(run_here, each)

            ended = await accounts(path)
            assert [each.report.accepted for each in ended] == [PEOPLE, PEOPLE]
            everybody = {number(person): 1 for person in range(2 * PEOPLE)}
            assert dict(sandbox.ledger.times_messaged()) == everybody
            assert unknown, "nobody was killed while a chunk was on its way"
            check_days(ended, sandbox)


async def planned(day: Day) -> list[str]:
    """Two campaigns with people of their own."""
    async with client_for(day) as keebai:
        return [
            (
                await keebai.campaigns.plan(
                    [{"to": number(person), "nombre": "Ana", "codigo": "M"} for person in people],
                    template="promo",
                    language="es",
                    name=name,
                    options=PlanOptions(daily_limit=LIMIT),
                )
            ).campaign_id
            for name, people in (("one", range(PEOPLE)), ("other", range(PEOPLE, 2 * PEOPLE)))
        ]


async def live_and_die(nursery: Nursery, day: Day, doom: Doom, chance: random.Random) -> None:
    """Let one process after another run a campaign, kill each at some instant, and let the last one end."""
    for kill in range(KILLS):
        async with nursery.life(day) as life:
            if kill == 0 or chance.random() < 0.5:
                # First both at the same submit, so that one of them has a chunk on its way for certain.
                doom.strike(life, nth=doom.submits + chance.randint(1, LIMIT) if kill else 2)
                await life.end()
                continue
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(life.end)
                # Not a wait for anything: the instant is what is tried out.
                await anyio.sleep(chance.choice((0.08, 0.2, 1.2)) * chance.random())
                life.kill()
    async with nursery.life(day) as life:
        await life.end()
        assert (life.gone, life.error) == (0, None)


async def settle(day: Day, path: Path, sandbox: Sandbox) -> int:
    """Settle what is unknown by a look into the ledger; gives how many chunks that were."""
    count = 0
    async with client_for(day) as keebai:
        for account in await accounts(path):
            for chunk in account.chunks(ChunkState.UNKNOWN):
                found = found_in_portal(account, chunk, sandbox)
                await keebai.campaigns.reconcile(
                    account.plan.campaign_id,
                    chunk.number,
                    accepted=None if found is None else found.broadcast_id,
                    resend=found is None,
                )
                count += 1
    return count


async def run_here(day: Day) -> None:
    async with client_for(day) as keebai, keebai.campaigns.resume(day.campaign) as run:
        await run.report()


def check_days(ended: Iterable[Account], sandbox: Sandbox) -> None:
    """By when the service had them, and by when the journal says that they left: no day has too many.

    A request arrives a moment after its intent was written, so of the service's days the longest of these
    moments is left out, or it would be our speed that is tried.
    """
    intended: Mapping[str, float] = {
        account.name_of(chunk): chunk.submitted_at
        for account in ended
        for chunk in account.chunks(ChunkState.ACCEPTED)
        if chunk.submitted_at is not None
    }
    arrived = {str(one.campaign_name): one.at for one in sandbox.ledger.submissions}
    assert intended.keys() == arrived.keys()
    wall = sandbox.clock.wall() - sandbox.clock.now()
    longest = max(arrived[name] + wall - intended[name] for name in arrived)
    assert most_within(DAY, intended.values()) <= LIMIT
    assert most_within(DAY - longest, arrived.values()) <= LIMIT


def most_within(seconds: float, times: Iterable[float]) -> int:
    left = sorted(times)
    return max(sum(1 for at in left if first <= at < first + seconds) for first in left)
