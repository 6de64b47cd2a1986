"""`keebai.supervise()`: run what the journal says is wanted, also what another process left behind.

The problem: a campaign takes hours, and processes do not live that long: deploys, crashes, a machine that
dies. Who writes the loop around `campaigns.start` by hand gets one of these wrong: a campaign that nobody
takes up again, one that is taken up although a person stopped it, one that is started twice, a shutdown that
cuts submits off, a failure that is repeated for ever. Here the journal holds what is wanted, leases say who
runs it, and every process that supervises the same journal looks there now and then. What follows when a run
ends is decided in `taking_up.py`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, Protocol

import anyio

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaigns import Campaigns
from keebai_async.clock import wait_for
from keebai_async.draining import drain_of, out_of_reach, quiet_if_never_begun
from keebai_async.errors import CampaignBusy, InvalidInput, JournalUnusable, KeebaiError, Misused
from keebai_async.model.want import Want
from keebai_async.taking_up import FIRST_RETRY, TakingHost, retry_wait, take_up, tries_after

EVERY: Final = 1.0
"""Seconds between two looks at what is wanted: with a lease that ran out, it is what others wait for."""


class SupervisedClient(TakingHost, Protocol):
    """What a supervisor uses of the client it belongs to."""

    @property
    def campaigns(self) -> Campaigns: ...


@asynccontextmanager
async def supervising(
    client: SupervisedClient, *, at_once: int, looked: Callable[[int], None] | None = None
) -> AsyncIterator[Campaigns]:
    """Inside `async with` what is wanted is run, at most *at_once* campaigns at a time, those
    that are paused or wait for their time apart.

    *looked* is called after each look that the journal answered, with how many campaigns run here.

    Leaving it is a shutdown: nothing more is submitted, what is on its way is awaited and written down, and
    the campaigns stay wanted. So is closing the client inside. Raises InvalidInput if *at_once* is less than
    1, and Misused if the client is closed.
    """
    async with supervisor_of(client, at_once=at_once, looked=looked):
        yield client.campaigns


@asynccontextmanager
async def supervisor_of(
    client: SupervisedClient, *, at_once: int, looked: Callable[[int], None] | None = None
) -> "AsyncIterator[Supervisor]":
    """The same for who may have to close it before the end of the block."""
    if at_once < 1:
        raise InvalidInput("at_once is at least 1", field="at_once", value=str(at_once))
    drain_of(client).check()
    supervisor, failed = Supervisor(client, at_once=at_once, looked=looked), None
    with quiet_if_never_begun(supervisor.run) as run:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            try:
                yield supervisor
            except Exception as error:  # the caller's own comes out as it is, and not in a group
                failed = error
            finally:
                supervisor.close()
    if failed is not None:
        raise failed


class Supervisor:
    """What runs campaigns in one process. Use it by `supervising`."""

    def __init__(
        self,
        client: SupervisedClient,
        *,
        at_once: int,
        every: float = EVERY,
        looked: Callable[[int], None] | None = None,
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._at_once = at_once
        self._every = every
        self._looked = looked
        self._runs: dict[str, CampaignRun | None] = {}
        self._not_before: dict[str, float] = {}
        self._journal_failed: dict[str, int] = {}
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
                _shut_down(run)

    async def run(self) -> None:
        """Until `close`, or until the client is closed, and then until the last run has ended."""
        out_of_reach()  # who opened us waits, whatever happens to them
        with drain_of(self._client).waiting(self.close):
            async with anyio.create_task_group() as runs:
                while not self._closed.is_set():
                    for want in await self._due():
                        if self._busy < self._at_once and not self._closed.is_set():
                            self._runs[want.campaign_id] = None
                            runs.start_soon(self._carry, want)
                    await wait_for(self._clock, self._closed, self._every)

    @property
    def _busy(self) -> int:
        return sum(
            1 for run in self._runs.values() if run is None or not (run.paused or run.waits_for_its_time)
        )

    async def _due(self) -> list[Want]:
        """What is wanted, and runs nowhere. Nothing, while the journal cannot be read."""
        running = set(self._runs)  # one that ends meanwhile may be in the answer all the same
        try:
            due = await self._client.campaigns.due()
        except JournalUnusable:  # it comes back, or the next write tells
            return []
        except Misused:
            if self._closed.is_set():  # the journal was closed with its client
                return []
            raise
        if self._looked is not None:
            self._looked(len(self._runs))
        now = self._clock.now()
        return [
            want
            for want in due
            if want.campaign_id not in running and self._not_before.get(want.campaign_id, now) <= now
        ]

    async def _carry(self, want: Want) -> None:
        campaign_id, since = want.campaign_id, self._clock.now()
        try:
            await take_up(
                self._client, want, self._client.campaigns.wanted_run, began=partial(self._began, campaign_id)
            )
            self._journal_failed.pop(campaign_id, None)
        except JournalUnusable:  # what is put off cannot be kept: it is remembered here
            lasted = self._clock.now() - since
            tries = tries_after(self._journal_failed.get(campaign_id, 0), lasted)
            self._journal_failed[campaign_id] = tries
            self._not_before[campaign_id] = self._clock.now() + retry_wait(tries)
        except CampaignBusy:
            # Who has it now may be gone in a moment, and while they have it, it is not due.
            if not await self._is_held(campaign_id):
                self._not_before[campaign_id] = self._clock.now() + FIRST_RETRY
        except KeebaiError:
            pass  # what follows is in the journal
        finally:
            del self._runs[campaign_id]

    async def _is_held(self, campaign_id: str) -> bool:
        with suppress(JournalUnusable, Misused):
            want = await self._client.journal.want_of(campaign_id)
            return want is not None and want.holder is not None
        return False

    def _began(self, campaign_id: str, run: CampaignRun) -> None:
        self._runs[campaign_id] = run
        if self._closed.is_set():
            _shut_down(run)


def _shut_down(run: CampaignRun) -> None:
    run.stop("its process shuts down")
