"""A sandbox that survives, a journal file, and the processes that run one campaign after another on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from keebai_async.client import Keebai
from keebai_async.journal.contract import Journal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Guards
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Complaints, Sandbox, Window, faults
from keebai_async.transport.request import Timeouts
from tests.crash.child import Task
from tests.crash.nursery import Life, Nursery
from tests.crash.people import NAME, everybody, number
from tests.crash.truth import Account, accounts, check, found_in_portal

BULK = "POST /messages/bulk"
READ = "GET /messages/bulk/{broadcast_id}"
PEOPLE = 300
SIZE = 20
SPEED = 400.0
"""How fast the service's time and the clients' run here; a moment of ours is so many times longer there."""
BRIEF = 0.004
"""Seconds of ours for an answer: twice as long as it takes until a request is UNDER_WAY."""
MALFORMED = (37, 205)
WIDE = (Window("second", 10_000, 1.0),)
"""Whether the quota is kept is tried elsewhere; here nothing should wait for it."""


class World:
    def __init__(self, nursery: Nursery | None, sandbox: Sandbox, path: Path, *, people: int) -> None:
        self._nursery = nursery
        self.sandbox = sandbox
        self.path = path
        self.people = people
        self.on_their_way: set[int] = set()
        """Chunks that had no outcome on disk when a process was gone, by number."""
        self._campaign: str | None = None
        self.lost = 0
        """Replies that nobody could see, as far as this side knows."""

    @asynccontextmanager
    async def life(self, *, point: str = "", nth: int = 1, room: int | None = None) -> AsyncIterator[Life]:
        """A process that goes on with the campaign, or plans it if there is none."""
        account = await self.account()
        task = self.task(None if account is None else account.plan.campaign_id, point, nth, room)
        assert self._nursery is not None
        async with self._nursery.life(task) as life:
            yield life
        await self.look_at_the_body()

    def task(self, campaign: str | None, point: str = "", nth: int = 1, room: int | None = None) -> Task:
        """What a process is to do: go on with *campaign*, and die at *point*."""
        return Task(
            journal=str(self.path),
            url=self.sandbox.url,
            token=self.sandbox.token,
            sender=self.sandbox.phone_number_id,
            speed=SPEED,
            people=self.people,
            size=SIZE,
            campaign=campaign,
            point=point,
            nth=nth,
            room=room,
        )

    async def live(self, *, point: str = "", nth: int = 1, room: int | None = None) -> Life:
        """The same until it is gone."""
        async with self.life(point=point, nth=nth, room=room) as life:
            await life.end()
        return life

    async def live_damaged(self) -> Life:
        """Let a process go on with the campaign of a journal that this side cannot read any more."""
        assert self._nursery is not None
        assert self._campaign is not None
        async with self._nursery.life(self.task(self._campaign)) as life:
            await life.end()
        return life

    async def account(self) -> Account | None:
        """What the journal says of the campaign; None if there is none yet."""
        if not self.path.exists():
            return None
        found = await accounts(self.path)
        assert len(found) <= 1  # half a plan is no campaign
        return found[0] if found else None

    async def truth(self) -> Account:
        """The same, compared with the ledger."""
        account = await self.account()
        assert account is not None
        check(account, self.sandbox, people=self.people)
        return account

    async def look_at_the_body(self) -> None:
        if (account := await self.account()) is None:
            assert len(self.sandbox.ledger) == 0
            return
        check(account, self.sandbox, people=self.people)
        self._campaign = account.plan.campaign_id
        self.on_their_way |= {chunk.number for chunk in account.chunks(ChunkState.SUBMITTING)}

    async def look_again(self) -> None:
        """Believe only what the journal says now of what was on its way."""
        self.on_their_way.clear()
        await self.look_at_the_body()

    async def end(self) -> Account:
        """Let it live until it ends by itself, and explain every unknown."""
        life = await self.live()
        assert (life.gone, life.error) == (0, None)
        account = await self.truth()
        unknown = {chunk.number for chunk in account.chunks(ChunkState.UNKNOWN)}
        assert unknown >= self.on_their_way
        assert len(unknown - self.on_their_way) <= self.lost
        assert account.report.unsent == account.report.untracked == 0
        assert account.report.pending == 0
        assert life.ended == ("stopped" if unknown else "finished")
        return account

    async def settle(self) -> Account:
        """Reconcile every unknown chunk by a look into the ledger; afterwards everybody is messaged once."""
        account = await self.settle_all()
        refused = [account.people[chunk.number] for chunk in account.chunks(ChunkState.REFUSED)]
        assert sorted(refused) == [[number(person)] for person in MALFORMED if person < self.people]
        return account

    async def settle_all(self) -> Account:
        """The same, with whatever numbers the service finds malformed."""
        self.sandbox.faults.clear()
        account = await self.account()
        assert account is not None
        async with self.client() as keebai:
            for chunk in account.chunks(ChunkState.UNKNOWN):
                found = found_in_portal(account, chunk, self.sandbox)
                await keebai.campaigns.reconcile(
                    account.plan.campaign_id,
                    chunk.number,
                    accepted=None if found is None else found.broadcast_id,
                    resend=found is None,
                )
            async with keebai.campaigns.resume(account.plan.campaign_id) as run:
                await run.report()
        account = await self.truth()
        assert account.report.state == "finished"
        assert account.report.accepted == self.sandbox.ledger.total
        assert account.report.accepted + account.report.refused == self.people
        return account

    async def run_here(self, *, guards: Guards | None = None, timeout: float = 30.0) -> Account:
        """Run the campaign in this process to its end, and compare; plan it if there is none yet."""
        async with self.client(timeout=timeout) as keebai:
            campaign = await self.campaign(keebai)
            async with keebai.campaigns.resume(campaign, guards=guards) as run:
                await run.report()
        return await self.truth()

    async def campaign(self, keebai: Keebai) -> str:
        """The id of the campaign, which is planned if there is none yet."""
        if (account := await self.account()) is not None:
            return account.plan.campaign_id
        plan = await keebai.campaigns.plan(
            everybody(self.people),
            template="promo",
            language="es",
            name=NAME,
            options=PlanOptions(chunk_size=SIZE),
        )
        return plan.campaign_id

    def client(self, *, timeout: float = 30.0, journal: Journal | None = None) -> Keebai:
        """A client in this process, on the same journal."""
        return Keebai(
            self.sandbox.token,
            base_url=self.sandbox.url,
            phone_number_id=self.sandbox.phone_number_id,
            clock=self.sandbox.clock,
            quotas=[Quota(10_000, 1.0)],
            journal=journal or str(self.path),
            poll_floor=2.0,
            timeout=Timeouts(connect=timeout, read=timeout, submit=timeout),
        )


@asynccontextmanager
async def world(
    nursery: Nursery | None, path: Path, *, people: int = PEOPLE, failing: float = 0.05
) -> AsyncIterator[World]:
    """A service that finds somebody malformed and names nobody; without a *nursery* no process is born."""
    async with Sandbox(
        speed=SPEED,
        windows=WIDE,
        complaints=Complaints(named=False),
        malformed={number(person) for person in MALFORMED},
        failing=failing,
    ) as sandbox:
        made = World(nursery, sandbox, path, people=people)
        with anyio.fail_after(120):
            yield made


def lose_replies(world: World, *nths: int) -> None:
    """Let the replies to the *nths* submits from now on be lost after the service accepted them."""
    for nth in nths:
        world.sandbox.faults.on(BULK, faults.Reset(), nth=nth)
    world.lost += len(nths)


def take_time(world: World, ours: float = BRIEF) -> None:
    """Let every submit that meets no other fault take so many seconds of *ours*, however fast time runs."""
    world.sandbox.faults.on(BULK, faults.Late(seconds=ours * SPEED), times=None)
