"""WholeRun: one run of a list over several senders, which is one run of each of its parts, side by side.

The parts have nothing in common while they run: each has a lease, a line at the service and an end of its
own. So one that cannot begin, or stops, does that alone, and what it says stands in the report of the whole.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
from msgspec.structs import replace

from keebai_async.campaign.event_log import EventLog
from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign.stop import leaves
from keebai_async.clock import Clock
from keebai_async.draining import out_of_reach
from keebai_async.errors import AnotherToken, CampaignError, JournalUnusable, KeebaiError
from keebai_async.journal.contract import Journal
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.events import AnyEvent
from keebai_async.model.part import part_ids
from keebai_async.model.report import Report
from keebai_async.model.situation import Situation, situation_of
from keebai_async.model.stop import Cause
from keebai_async.model.whole import whole_situation

PartRun = Callable[[StoredCampaign, Sequence[StoredCampaign]], CampaignRun]
"""The run of one of several parts, which has not begun."""

MayBegin = Callable[[Sequence[StoredCampaign]], Awaitable[None]]
"""Raises what speaks against the whole, whose parts are given, before any of them begins."""


class WholeRun(CampaignRun):
    """A CampaignRun of the parts of the list *campaign_id*, or of the one of that id: it acts through theirs.

    Raises, on entering:
        CampaignNotFound: the journal has no such list, or a part of it is not there.
        CampaignError: nothing of it can begin; this is the reason of its first part.
        JournalUnusable: also inside, from the instant when something could not be written.
    """

    __slots__ = ()

    def __init__(
        self, campaign_id: str, *, journal: Journal, clock: Clock, run_of: PartRun, may_begin: MayBegin
    ) -> None:
        # Not that of a CampaignRun: whatever is public of it is done otherwise here, as a test makes sure.
        self.campaign_id = campaign_id
        self._journal = journal
        self._clock = clock
        self._run_of = run_of
        self._may_begin = may_begin
        self._log = EventLog()
        self._runs: dict[str, CampaignRun] = {}
        self._refused: dict[str, CampaignError] = {}
        self._failed: list[KeebaiError] = []
        self._stop: str | None = None

    async def __aenter__(self) -> Self:
        self._life = self._live()
        with _out_of_its_group():
            await self._life.__aenter__()
        return self

    @asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        self._parts = await load_parts(self._journal, self.campaign_id)
        await self._may_begin(self._parts)
        self._left = len(self._parts)
        async with anyio.create_task_group() as tasks:
            for campaign in self._parts:
                await tasks.start(self._carry, campaign)
            if self._failed or not self._runs:
                self.stop()
                raise next(iter([*self._failed, *self._refused.values()]))
            try:
                yield
            finally:
                await self._log.until_closed()
        if self._failed:
            raise self._failed[0]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        with _out_of_its_group(error):
            await self._life.__aexit__(kind, error, trace)

    async def _carry(
        self, campaign: StoredCampaign, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Run one part to its end, whatever becomes of the others."""
        out_of_reach()  # who runs the whole waits for it, and stops it in good order
        campaign_id, began = campaign.plan.campaign_id, False
        run = self._run_of(campaign, self._parts)
        try:
            if self._stop is not None:
                run.stop(self._stop)
            async with run:
                self._runs[campaign_id], began = run, True
                task_status.started()
                async for event in run.events():
                    self._log.tell(event)
        except JournalUnusable as error:
            self._failed.append(error)
        except CampaignError as error:
            self._refused[campaign_id] = error
        except KeebaiError as error:
            self._failed.append(error)
        finally:
            self._left -= 1
            if not self._left:
                self._log.close()
        if not began:
            task_status.started()

    @property
    def paused(self) -> bool:
        """Whether a part submits nothing until it is resumed."""
        return any(run.paused for run in self._runs.values())

    @property
    def waits_for_its_time(self) -> bool:
        """Whether nothing of any part may leave now, by its hours or because its time has not come."""
        return all(run.waits_for_its_time for run in self._runs.values())

    @property
    def of(self) -> int:
        """How many chunks there are now, in all parts together."""
        begun = sum(run.of for run in self._runs.values())
        return begun + sum(
            len(each.chunks) for each in self._parts if each.plan.campaign_id not in self._runs
        )

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Everything that the parts tell; *campaign_id* of an event says which of them it was."""
        async for event in self._log:
            yield event

    async def report(self) -> Report:
        """Wait for the end of all parts, and give the report of the whole."""
        await self._log.until_closed()
        return self.snapshot()

    def snapshot(self) -> Report:
        """The report as it would be now."""
        return self.situation().report

    def situation(self) -> Situation:
        """Where the list and each of its parts stand now, and what leads on."""
        found = list(map(self._situation, self._parts))
        return whole_situation(found, self._parts[0].plan) if part_ids(self.campaign_id) else found[0]

    def stop(self, reason: str = "stopped before it was finished") -> None:
        """Submit nothing more in any part; what is on its way is awaited."""
        self._stop = self._stop or reason
        for run in self._runs.values():
            run.stop(reason)

    async def pause(self) -> None:
        """Submit nothing more in any part until `resume`."""
        for run in self._runs.values():
            await run.pause()

    async def resume(self) -> None:
        """Go on after `pause`."""
        for run in self._runs.values():
            await run.resume()

    def _situation(self, campaign: StoredCampaign) -> Situation:
        campaign_id = campaign.plan.campaign_id
        if campaign_id in self._runs:
            return self._runs[campaign_id].situation()
        now = situation_of(campaign, self._clock.wall())
        error = self._refused.get(campaign_id)
        if error is None:
            return now
        cause = Cause.TOKEN if isinstance(error, AnotherToken) else Cause.REFUSED
        report = replace(now.report, reason=str(error), stopped_by=cause)
        return replace(now, report=report, reason=str(error), cause=cause)


@contextmanager
def _out_of_its_group(error: BaseException | None = None) -> Iterator[None]:
    """Let one of our errors out of the group that its task group made of it; *error* is the caller's own."""
    try:
        yield
    except BaseExceptionGroup as group:
        failures = leaves(group)
        ours = [failure for failure in failures if isinstance(failure, KeebaiError)]
        if ours:
            raise ours[0] from group
        if failures != [error]:
            raise
