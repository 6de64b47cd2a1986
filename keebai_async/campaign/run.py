"""CampaignRun: one run of a campaign, from what the journal says to a report."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Self

import anyio
from msgspec.structs import replace

from keebai_async.campaign.chunks import Book
from keebai_async.campaign.circuit_breaker import Health
from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.event_log import News
from keebai_async.campaign.guard import canary_died, canary_of, exceeded
from keebai_async.campaign.pacing import Pace
from keebai_async.campaign.service import Service
from keebai_async.campaign.submit import Submitter
from keebai_async.campaign.track import Tracker
from keebai_async.clock import Clock
from keebai_async.errors import CampaignBusy, KeebaiError
from keebai_async.journal.contract import Journal
from keebai_async.keebai.broadcasts import gauge
from keebai_async.model.campaign import CampaignState, Started, Wish
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import BroadcastProgress, ChunkAccepted, Event, StateChanged, Waiting
from keebai_async.model.plan import Guards
from keebai_async.model.report import Report, report_of
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause, Stop
from keebai_async.polling.planner import PollPlan
from keebai_async.polling.watcher import Watcher

WISHES_EVERY = 2.0
"""Seconds between two looks at what another process asks of this run: a person waits for the answer."""

WORTH_TELLING = 3.0
"""Seconds; a shorter wait for a place in the quota is no event."""

Waits = Callable[[Callable[[float, str], None]], AbstractContextManager[None]]
"""Inside what it gives, whoever is handed to it is told the seconds of each wait for the quota, and why."""


class CampaignRun:
    """An async context manager; inside it the campaign runs.

    Leaving it early, by an exception or by cancellation, is a stop: nothing more is submitted, submits
    on their way are awaited (each has its time limit) and written down, and the campaign can be resumed.

    Raises, on entering:
        CampaignNotFound: the journal has no such campaign.
        CampaignBusy: another process runs it; or the same list was launched before under the same name,
            and *again* does not say that this is meant.
        JournalUnusable: also inside, from the instant when something could not be written.
    """

    def __init__(
        self,
        campaign_id: str,
        *,
        journal: Journal,
        service: Service,
        clock: Clock,
        poll_plan: PollPlan,
        pace: Pace | None = None,
        waits: Waits | None = None,
        track: bool = True,
        again: bool = False,
        guards: Guards | None = None,
    ) -> None:
        self.campaign_id = campaign_id
        self._journal = journal
        self._service = service
        self._clock = clock
        self._poll_plan = poll_plan
        self._pace = pace
        self._waits = waits
        self._track = track
        self._again = again
        self._given_guards = guards
        self._news = News()
        self._state = CampaignState.RUNNING
        self._stop: Stop | None = None
        self._why: Stop | None = None
        self._followed = anyio.Event()
        self._tracking = anyio.CancelScope()

    async def __aenter__(self) -> Self:
        self._life = self._live()
        await self._life.__aenter__()
        return self

    # Not an AsyncExitStack: one that is cancelled while it closes ties an exception to itself as its own
    # context, and whoever follows that chain, such as a task group around us, never comes to its end.
    @asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        async with self._journal.lease(self.campaign_id):
            await self._journal.recover(self.campaign_id)
            self._before = await self._journal.load(self.campaign_id)
            await self._refuse_a_repetition()
            self._set_up()
            with nullcontext() if self._waits is None else self._waits(self._tell_quota):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._run)
                    try:
                        yield
                    finally:
                        await self._news.wait_over()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._news.over:
            self.stop()
        try:
            await self._life.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            failures = _leaves(group)
            ours = [failure for failure in failures if isinstance(failure, KeebaiError)]
            if ours:
                raise ours[0] from group
            if failures != [error]:
                raise

    async def _refuse_a_repetition(self) -> None:
        """The same words to the same people under the same name are a second launch by mistake.

        Two programs may launch them at the same instant. Each has its lease by now and looks for the
        other's, so at least one of them sees the other before anything has left.
        """
        plan = self._before.plan
        if self._again or any(chunk.attempts for chunk in self._before.chunks):
            return
        for other in await self._journal.find(plan.name, plan.fingerprint):
            touched = other.holder is not None or any(chunk.attempts for chunk in other.chunks)
            if touched and other.plan.campaign_id != self.campaign_id:
                state = other.state if other.holder is None else CampaignState.RUNNING
                raise CampaignBusy(
                    f"this list was launched under the name {plan.name!r} before, as campaign"
                    f" {other.plan.campaign_id} ({state.value}): resume that one,"
                    " or say that it is to be sent again",
                    campaign_id=other.plan.campaign_id,
                )

    def _set_up(self) -> None:
        self._began = self._clock.now()
        self._book = Book(self._before, journal=self._journal, clock=self._clock)
        self._health = Health(self._service.probe, clock=self._clock, tell=self._tell_wait)
        self._submitter = Submitter(
            self._book,
            self._service,
            clock=self._clock,
            health=self._health,
            tell=self._tell,
            pace=self._pace if self._track else None,
        )
        self._tracker = Tracker(
            self._book,
            Watcher(self._service.status, gauge, plan=self._poll_plan, clock=self._clock),
            tell=self._tell,
        )
        for chunk in self._book.chunks:
            self._tracker.add(chunk)
        self._guards = self._given_guards or self._before.plan.guards
        if not self._track and self._guards.canary is None:
            self._tracking.cancel()

    @property
    def of(self) -> int:
        """How many chunks there are now."""
        return self._book.of

    async def events(self) -> AsyncIterator[Event]:
        """Everything this run tells, from its beginning to its end; any number of readers may."""
        async for event in self._news:
            yield event

    async def report(self) -> Report:
        """Wait for the end of the run, and give its report."""
        await self._news.wait_over()
        return self.snapshot()

    def snapshot(self) -> Report:
        """The report as it would be now."""
        return report_of(self._now())

    def stop(self, reason: str = "stopped before it was finished") -> None:
        """Submit nothing more; what is on its way is awaited. The run then ends, and can be resumed."""
        self._halt(Stop(cause=Cause.INTERRUPTED, reason=reason))

    async def pause(self) -> None:
        """Submit nothing more until `resume`; delivery is followed all the same."""
        if self._state is CampaignState.RUNNING and self._stop is None:
            self._submitter.pause()
            await self._become(CampaignState.PAUSED, Stop(cause=Cause.INTERRUPTED, reason="paused"))

    async def resume(self) -> None:
        """Go on after `pause`."""
        if self._state is CampaignState.PAUSED and self._stop is None:
            await self._become(CampaignState.RUNNING)
            self._submitter.resume()

    async def _run(self) -> None:
        whole = False
        try:
            await self._become(CampaignState.RUNNING)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen)
                tasks.start_soon(self._follow)
                if self._guards.canary is not None:
                    await self._fly_canary()
                await self._wait_under_the_guard()
                await dispatch(self._book, self._submitter)
                self._finish_submitting()
                await self._followed.wait()
                tasks.cancel_scope.cancel()
            whole = True
        finally:
            if not whole:
                self.stop()
            await self._end()

    async def _fly_canary(self) -> None:
        """Send the canary, and wait for its end; nobody else is sent if too many of it fail."""
        await dispatch(self._book, self._submitter, canary_of(self._book.chunks))
        while not self._submitter.stopped and not self._canary_landed():
            await self._news.change()
        if not self._submitter.stopped and (why := canary_died(self._guards, self._book.chunks)):
            self._halt(Stop(cause=Cause.GUARD, reason=why))
        if not self._track:
            self._tracking.cancel()

    async def _wait_under_the_guard(self) -> None:
        """Where a guard stopped an earlier run, submit nothing before the share is known anew."""
        while not self._submitter.stopped and (why := exceeded(self._guards, self._book.chunks)):
            if self._tracking.cancel_called or not self._tracker.expects_more:
                self._halt(Stop(cause=Cause.GUARD, reason=why))
            else:
                await self._news.change()  # with the next progress it is weighed again

    def _canary_landed(self) -> bool:
        return all(
            chunk.settled or chunk.state is ChunkState.UNKNOWN or chunk.number in self._tracker.gone
            for chunk in canary_of(self._book.chunks)
        )

    def _finish_submitting(self) -> None:
        if self._submitter.stopped is not None:
            self._halt(self._submitter.stopped)
        self._tracker.close()

    async def _follow(self) -> None:
        with self._tracking:
            if stop := await self._tracker.run():
                self._halt(stop)
        self._followed.set()

    async def _listen(self) -> None:
        """Do what another process asks of this run through the journal."""
        while True:
            await self._clock.sleep(WISHES_EVERY)
            match await self._journal.asked(self.campaign_id):
                case Wish.PAUSE:
                    await self.pause()
                case Wish.RESUME:
                    await self.resume()
                case Wish.STOP:
                    self.stop("stopped from another process")
                case None:
                    pass

    def _halt(self, stop: Stop) -> None:
        self._stop = self._stop or stop
        self._submitter.stop(stop)
        self._tracking.cancel()
        self._news.wake()  # whoever waits for news of the canary

    async def _end(self) -> None:
        stop = self._stop or self._left_open()
        state = CampaignState.FINISHED if stop is None else CampaignState.STOPPED
        try:
            with anyio.CancelScope(shield=True):
                await self._become(state, stop)
        finally:
            self._news.end()

    def _left_open(self) -> Stop | None:
        """What remains although everything was done that could be."""
        chunks = self._book.chunks
        unknown = [chunk for chunk in chunks if chunk.state is ChunkState.UNKNOWN]
        if unknown:
            people = sum(chunk.recipients for chunk in unknown)
            numbers = ", ".join(str(chunk.number) for chunk in unknown)
            words = f"what became of {people} people is unknown (chunk {numbers}): settle it with reconcile"
            return Stop(cause=Cause.UNKNOWN, reason=words)
        if not all(chunk.settled for chunk in chunks):
            return Stop(cause=Cause.NOT_TRACKED, reason="delivery was not followed to its end")
        return None

    async def _become(self, state: CampaignState, stop: Stop | None = None) -> None:
        now = self._now()
        await self._journal.set_state(
            self.campaign_id,
            state,
            reason=None if stop is None else stop.reason,
            stopped_by=None if stop is None else stop.cause,
            requests=now.requests,
            seconds=now.seconds,
        )
        self._state, self._why = state, stop
        self._tell(StateChanged(state=state, reason=None if stop is None else stop.reason))

    def _now(self) -> Started:
        spent, before = self._service.requests, self._before.requests
        return replace(
            self._before,
            state=self._state,
            reason=None if self._why is None else self._why.reason,
            stopped_by=None if self._why is None else self._why.cause,
            chunks=self._book.chunks,
            requests=Requests(
                submits=before.submits + spent.submits,
                polls=before.polls + spent.polls,
                other=before.other + spent.other,
                throttled=before.throttled + spent.throttled,
            ),
            seconds=self._before.seconds + self._clock.now() - self._began,
        )

    def _tell(self, event: Event) -> None:
        if isinstance(event, ChunkAccepted):
            self._tracker.add(self._book[event.number])
        if isinstance(event, BroadcastProgress) and (why := exceeded(self._guards, self._book.chunks)):
            self._halt(Stop(cause=Cause.GUARD, reason=why))
        self._news.tell(event)

    def _tell_quota(self, seconds: float, why: str) -> None:
        if seconds >= WORTH_TELLING:
            self._tell_wait(seconds, why)

    def _tell_wait(self, seconds: float, why: str) -> None:
        self._tell(Waiting(seconds=seconds, why=why))


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
