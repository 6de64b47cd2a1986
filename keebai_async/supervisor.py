"""`keebai.supervise()`: run what the journal says is wanted, also what another process left behind.

The problem: a campaign takes hours, and processes do not live that long: deploys, crashes, a machine that
dies. Who writes the loop around `campaigns.start` by hand gets one of these wrong: a campaign that nobody
takes up again, one that is taken up although a person stopped it, one that is started twice, a shutdown that
cuts submits off, a failure that is repeated for ever. Here the journal holds what is wanted (`Want`), leases
say who runs it, and every process that supervises the same journal looks there now and then.

What ends a run decides what follows, as a table (`AFTER`): a shutdown leaves the campaign wanted, so that the
next process takes it up; a person's stop does not, and what only a person can fix neither; what passes by
itself is tried again, later each time.
"""

import enum
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final, Protocol

import anyio

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaigns import Campaigns
from keebai_async.clock import Clock
from keebai_async.draining import out_of_reach, quiet_if_never_begun
from keebai_async.errors import (
    AlreadyLaunched,
    AnotherToken,
    CampaignBusy,
    CampaignNotFound,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    PeoplePurged,
)
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import ChunkState
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want
from keebai_async.observe import Observer
from keebai_async.observe.campaign_records import CampaignLeft, CampaignTakenUp

EVERY: Final = 2.0
"""Seconds between two looks at what is wanted."""

FIRST_RETRY: Final = 5.0
LAST_RETRY: Final = 600.0
"""Seconds before a campaign is tried again: twice as many each time, from the first to the last."""


class Next(enum.Enum):
    """What a supervisor does with a campaign whose run has ended."""

    DONE = "done"
    """Nothing is left, or nothing that a program can do: it is not wanted any more."""
    AGAIN = "again"
    """It is taken up again at once."""
    LATER = "later"
    """It is tried again, later each time."""
    WAIT = "wait"
    """It stays wanted, and waits until somebody settles what is unknown."""


AFTER: Final[Mapping[Cause | None, Next]] = MappingProxyType(
    {
        None: Next.DONE,
        Cause.INTERRUPTED: Next.DONE,  # by a person; by a shutdown it stays as it is
        Cause.TOKEN: Next.DONE,
        Cause.SCOPE: Next.DONE,
        Cause.NOT_FOUND: Next.DONE,
        Cause.REFUSED: Next.DONE,
        Cause.TEMPLATE: Next.DONE,
        Cause.GUARD: Next.DONE,
        Cause.NOT_TRACKED: Next.AGAIN,
        Cause.SETTLED: Next.AGAIN,
        Cause.UNKNOWN: Next.WAIT,
        Cause.UNREACHABLE: Next.LATER,
        Cause.THROTTLED: Next.LATER,
        Cause.QUOTA: Next.LATER,
        Cause.JOURNAL: Next.LATER,
    }
)


class SupervisedClient(Protocol):
    """What a supervisor uses of the client it belongs to."""

    @property
    def journal(self) -> Journal: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def observer(self) -> Observer: ...

    @property
    def campaigns(self) -> Campaigns: ...

    def token_mark(self, salt: str) -> str: ...


@asynccontextmanager
async def supervising(client: SupervisedClient, *, at_once: int) -> AsyncIterator[Campaigns]:
    """Inside `async with` what is wanted is run, at most *at_once* campaigns at a time, those
    that are paused or wait for their time apart.

    Leaving it is a shutdown: nothing more is submitted, what is on its way is awaited and written down, and
    the campaigns stay wanted. Raises InvalidInput if *at_once* is less than 1.
    """
    if at_once < 1:
        raise InvalidInput("at_once is at least 1", field="at_once", value=str(at_once))
    supervisor, failed = Supervisor(client, at_once=at_once), None
    with quiet_if_never_begun(supervisor.run) as run:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            try:
                yield client.campaigns
            except Exception as error:  # the caller's own comes out as it is, and not in a group
                failed = error
            finally:
                supervisor.close()
    if failed is not None:
        raise failed


class Supervisor:
    """What runs campaigns in one process. Use it by `supervising`."""

    def __init__(self, client: SupervisedClient, *, at_once: int, every: float = EVERY) -> None:
        self._client = client
        self._clock = client.clock
        self._at_once = at_once
        self._every = every
        self._runs: dict[str, CampaignRun | None] = {}
        self._not_before: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._closed = anyio.Event()

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of the campaigns that run here now."""
        return tuple(self._runs)

    def close(self) -> None:
        """Take nothing up any more, and end what runs, in good order."""
        self._closed.set()
        for run in self._runs.values():
            if run is not None:
                run.stop("its process shuts down")

    async def run(self) -> None:
        """Until `close`, and then until the last run has ended."""
        out_of_reach()  # who opened us waits, whatever happens to them
        async with anyio.create_task_group() as runs:
            while not self._closed.is_set():
                for want in await self._due():
                    if self._busy < self._at_once:
                        self._runs[want.campaign_id] = None
                        runs.start_soon(self._carry, want)
                await self._nap()

    async def _nap(self) -> None:
        async with anyio.create_task_group() as tasks:

            async def sleep() -> None:
                await self._clock.sleep(self._every)
                tasks.cancel_scope.cancel()

            tasks.start_soon(sleep)
            await self._closed.wait()
            tasks.cancel_scope.cancel()

    @property
    def _busy(self) -> int:
        return sum(
            1 for run in self._runs.values() if run is None or not (run.paused or run.waits_for_its_time)
        )

    async def _due(self) -> list[Want]:
        """What is wanted, and runs nowhere. Nothing, while the journal cannot be read."""
        running = set(self._runs)  # one that ends meanwhile may be in the answer all the same
        try:
            wanted = await self._client.journal.wanted(by=self._clock.wall())
        except JournalUnusable:  # it comes back, or the next write tells
            return []
        now = self._clock.now()
        return [
            want
            for want in wanted
            if want.campaign_id not in running
            and not want.held
            and want.holder is None
            and self._not_before.get(want.campaign_id, now) <= now
            and want.account in ("", self._client.token_mark(want.salt))
        ]

    async def _carry(self, want: Want) -> None:
        campaign_id = want.campaign_id
        try:
            follows = await self._run(want)
            if self._closed.is_set():
                return
            await self._settle(campaign_id, follows)
        except JournalUnusable:
            self._later(campaign_id)
        finally:
            del self._runs[campaign_id]

    async def _run(self, want: Want) -> Next:
        """Run a campaign to its end, and say what follows. Raises JournalUnusable."""
        campaign_id = want.campaign_id
        try:
            campaign = await self._client.journal.load(campaign_id)
            if not _has_work(campaign):
                return Next.WAIT if _is_unknown(campaign) else Next.DONE
            async with self._client.campaigns.start(campaign_id, again=want.again) as run:
                self._runs[campaign_id] = run
                self._tell_taken_up(campaign)
                if self._closed.is_set():
                    run.stop("its process shuts down")
                report = await run.report()
        except (AlreadyLaunched, PeoplePurged, AnotherToken, CampaignNotFound, InvalidInput) as error:
            self._tell_left(campaign_id, f"{error}")
            return Next.DONE
        except CampaignBusy:
            return Next.LATER  # another process was quicker
        except JournalUnusable:
            raise
        except KeebaiError:
            return Next.LATER
        follows = AFTER[report.stopped_by]
        if follows is Next.DONE and not self._closed.is_set():
            finished = report.stopped_by is None
            self._tell_left(campaign_id, report.reason or "finished", finished=finished)
        return follows

    async def _settle(self, campaign_id: str, follows: Next) -> None:
        match follows:
            case Next.DONE:
                self._failures.pop(campaign_id, None)
                await self._client.journal.unwant(campaign_id)
            case Next.AGAIN:
                self._failures.pop(campaign_id, None)
            case Next.LATER:
                self._later(campaign_id)
            case Next.WAIT:
                self._not_before[campaign_id] = self._clock.now() + FIRST_RETRY

    def _later(self, campaign_id: str) -> None:
        failures = self._failures[campaign_id] = self._failures.get(campaign_id, 0) + 1
        wait = min(LAST_RETRY, FIRST_RETRY * 2.0 ** (failures - 1))
        self._not_before[campaign_id] = self._clock.now() + wait

    def _tell_taken_up(self, campaign: StoredCampaign) -> None:
        self._client.observer(CampaignTakenUp(campaign=campaign.plan.campaign_id, state=campaign.state))

    def _tell_left(self, campaign_id: str, reason: str, *, finished: bool = False) -> None:
        self._client.observer(CampaignLeft(campaign=campaign_id, reason=reason, finished=finished))


def _has_work(campaign: StoredCampaign) -> bool:
    """Whether a run could do something: submit, find out what was lost, or follow."""
    return any(
        chunk.state in {ChunkState.PLANNED, ChunkState.SUBMITTING} or (chunk.tracked and not chunk.final)
        for chunk in campaign.chunks
        if chunk.recipients
    )


def _is_unknown(campaign: StoredCampaign) -> bool:
    return any(chunk.state is ChunkState.UNKNOWN for chunk in campaign.chunks)
