"""CampaignRun: one run of a campaign, from what the journal says to a report."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
from msgspec.structs import replace

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.circuit_breaker import CircuitBreaker
from keebai_async.campaign.control import RunControl
from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.event_log import EventLog
from keebai_async.campaign.keeping import LONGEST_WRITE
from keebai_async.campaign.lead import Lead
from keebai_async.campaign.opted_out import LastLook, OptOutsNow
from keebai_async.campaign.repetition import refuse_purged, refuse_reached, refuse_repetition
from keebai_async.campaign.run_records import RunRecords
from keebai_async.campaign.run_state import BeginRun, PauseRun, ResumeRun, RunPhase, StopRun
from keebai_async.campaign.service import CampaignService, check_service
from keebai_async.campaign.stop import leaves, stop_for_failure
from keebai_async.campaign.submit import Submitter
from keebai_async.campaign.template_check import TemplateCheck
from keebai_async.campaign.terms import NewTerms, changed
from keebai_async.campaign.timetable import NO_ZONES, Timetable, Zones, zones_for
from keebai_async.campaign.told_facts import TokenMark, ToldFacts, check_token
from keebai_async.campaign.track import Tracker
from keebai_async.clock import Clock, wait_for
from keebai_async.draining import Drain, out_of_reach, quiet_if_never_begun
from keebai_async.errors import JournalUnusable, KeebaiError
from keebai_async.journal.contract import Journal
from keebai_async.journal.parts import load_with_siblings
from keebai_async.model.campaign import CampaignState, RunFacts, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.decided import Act, Decider, decided_by
from keebai_async.model.events import (
    AnyEvent,
    BroadcastProgress,
    BroadcastStuck,
    BroadcastUnread,
    ChunkAccepted,
    ChunkRefused,
    ChunkUnknown,
    StateChanged,
    Waiting,
    topic_of,
)
from keebai_async.model.guard import canary_failed, canary_of, canary_unnamed, exceeded
from keebai_async.model.pacing import first_message_at, may_be_held, probably_held
from keebai_async.model.places import departures
from keebai_async.model.reached import Reached
from keebai_async.model.report import Report, report_of
from keebai_async.model.requests import Requests
from keebai_async.model.situation import Situation, situation_of
from keebai_async.model.stop import Cause, Stop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.polling.planner import PollPlanner
from keebai_async.polling.watcher import Watcher
from keebai_async.quota.window import WORTH_TELLING

WISHES_EVERY = 2.0
"""Seconds between two looks at what another process asks of this run: a person waits for the answer."""

HEARD_EVERY = 0.5
"""Seconds between two looks at what webhooks told, while something is unknown; otherwise WISHES_EVERY."""

PATIENCE_WITH_WEBHOOKS = 60.0
"""Seconds since webhooks last told of one more person, for which a run waits for what they prove."""

ReachedBefore = Callable[[StoredCampaign], Awaitable[Iterable[Reached]]]
"""What other campaigns have to do with the people of one."""

PrepareLook = Callable[[StoredCampaign], Awaitable[LastLook | None]]
"""What is asked of each chunk of a campaign before it is submitted; None if nothing is. May refuse it all."""

StillWanted = Callable[[], Awaitable[None]]
"""Raises CampaignBusy if the campaign is not to run any more.

It is asked inside the lease: a stop that somebody asks for from then on is heard by the run.
"""

Waits = Callable[[Callable[[float, str], None]], AbstractContextManager[None]]
"""Takes a function, and inside `with` tells it the seconds of each wait for the quota, and why."""


class CampaignRun:
    """An async context manager; inside it the campaign runs.

    Leaving it early, by an exception or by cancellation, is a stop: nothing more is submitted, submits
    on their way are awaited (each has its time limit) and written down, and the campaign can be resumed.

    Raises, on entering:
        CampaignNotFound: the journal has no such campaign.
        CampaignBusy: another process runs it; or the same list was launched before under the same name, or
            too many of its people got the same template a short time ago, and *again* does not say that
            this is meant; or people to be sent to were purged; or it is a retry that may not begin yet.
        AnotherToken: it was launched with another token, and *new_token* does not say that this is meant.
        InvalidInput: it was planned for another service, or the new *terms* make no sense.
        JournalUnusable: also inside, from the instant when something could not be written.
    """

    __slots__ = {"__dict__": "", "__weakref__": "", "campaign_id": "The campaign that runs."}

    campaign_id: str

    def __init__(
        self,
        campaign_id: str,
        *,
        journal: Journal,
        service: CampaignService,
        clock: Clock,
        planner: PollPlanner,
        lead: Lead | None = None,
        waits: Waits | None = None,
        track: bool = True,
        again: bool = False,
        agreed: Iterable[Reached] = (),
        reached_before: ReachedBefore | None = None,
        prepare_look: PrepareLook | None = None,
        still_wanted: StillWanted | None = None,
        terms: NewTerms | None = None,
        token_mark: TokenMark | None = None,
        new_token: bool = False,
        opt_outs: OptOutsNow | None = None,
        who: Decider | None = None,
        drains: Iterable[Drain] = (),
        longest_submit: float = 60.0,
        observer: Observer = TO_LOG,
    ) -> None:
        self.campaign_id = campaign_id
        self._journal = journal
        self._service = service
        self._clock = clock
        self._planner = planner
        self._lead = lead
        self._waits = waits
        self._track = track
        self._again = again
        self._agreed = tuple(agreed)
        self._reached_before = reached_before
        self._prepare_look = prepare_look
        self._last_look: LastLook | None = None
        self._still_wanted = still_wanted
        self._new_terms = terms or NewTerms()
        self._token_mark = token_mark
        self._new_token = new_token
        self._opt_outs = opt_outs
        self._who = who
        self._observer = observer
        self._records = RunRecords(campaign_id, observer=observer, clock=clock)
        self._control = RunControl()
        self._log = EventLog()
        self._drains = tuple(drains)
        self._longest_end = longest_submit + 2 * LONGEST_WRITE  # the verdict, and the state
        self._inside = ExitStack()

    async def __aenter__(self) -> Self:
        self._life = self._live()
        await self._life.__aenter__()
        return self

    # Not an AsyncExitStack: one that is cancelled while it closes ties an exception to itself as its own
    # context, and who follows that chain, such as a task group around us, never comes to its end.
    @asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        # Who closes the client waits for the work, not for the caller inside `async with`, who may be the one
        # that closes it: so `_end` leaves the drains, and here it is for a run that never came so far.
        with self._inside:
            for drain in self._drains:
                drain.check()
                self._inside.enter_context(drain.inside(seconds=self._longest_end, stop=self._closed))
            async with self._journal.lease(self.campaign_id):
                self._records.taken(await self._journal.recover(self.campaign_id))
                if self._still_wanted is not None:
                    await self._still_wanted()
                self._before = self._kept = await self._journal.load(self.campaign_id)
                check_service(self._before.plan, self._service.name)
                refuse_purged(self._before)
                check_token(self._before, self._token_mark, new_token=self._new_token)
                if not self._again:
                    await self._refuse_repetition()
                if self._prepare_look is not None:
                    self._last_look = await self._prepare_look(self._before)
                await self._set_terms()
                await self._keep_who()
                self._set_up()
                self._control.apply(BeginRun())
                with (
                    nullcontext() if self._waits is None else self._waits(self._tell_quota),
                    self._ended_if_never_begun(),
                    quiet_if_never_begun(self._run_and_tell) as run_and_tell,
                ):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(run_and_tell)
                        try:
                            yield
                        finally:
                            await self._log.until_closed()

    @contextmanager
    def _ended_if_never_begun(self) -> Iterator[None]:
        """Let nobody wait for the end of a run whose task was cancelled before its first step.

        The journal needs no word of it: nothing has left, and the campaign stands where it stood.
        """
        try:
            yield
        finally:
            if not self._log.closed:
                self.stop("cancelled before it began")
                self._control.end(self._chunks)
                self._log.close()

    async def _refuse_repetition(self) -> None:
        await refuse_repetition(self._before, self._journal)
        if self._reached_before is not None:
            reached = await self._reached_before(self._before)
            parts = await load_with_siblings(self._journal, self._before)
            refuse_reached(self._before, reached, agreed=self._agreed, parts=parts)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        try:
            await self._life.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            failures = leaves(group)
            ours = [failure for failure in failures if isinstance(failure, KeebaiError)]
            if ours:
                raise ours[0] from group
            if failures != [error]:
                raise

    def _probably_held(self) -> bool:
        first = self._template_since
        if first is None:
            first = min((at for at, _ in departures(self._chunks)), default=None)
        return probably_held(self._before.plan, first=first, now=self._clock.wall())

    async def _set_terms(self) -> None:
        before, wall = self._before, self._clock.wall()
        self._terms = changed(before.terms, self._new_terms, before.chunks)
        every = await self._journal.campaigns() if may_be_held(before.plan) else ()
        self._template_since = first_message_at(before.plan, every)
        self._zones: Zones = NO_ZONES
        if self._terms.hours is not None:
            self._zones = await anyio.to_thread.run_sync(zones_for, self._terms, before.plan, wall)

    async def _keep_who(self) -> None:
        """Let it be known who launched or resumed it before anything leaves. A worker goes on without."""
        before, who = self._before, self._who
        first = before.facts.launched_at is None and not any(chunk.step for chunk in before.chunks)
        if before.state is CampaignState.FINISHED or (who is None and not first):
            return
        act, at = (Act.LAUNCHED if first else Act.RESUMED), self._clock.wall()
        worker = Decider(login="" if before.holder is None else before.holder.login)
        decided = decided_by(who or worker, act, at=at, words="a worker" if who is None else "")
        await self._journal.decide(self.campaign_id, decided)
        facts = replace(before.facts, decided=(*before.facts.decided, decided))
        self._before = replace(before, facts=facts)

    def _set_up(self) -> None:
        self._began = self._clock.now()
        self._heard_at: float | None = None
        self._lost = anyio.Event()
        self._notes: dict[str, AnyEvent] = {}
        terms = self._terms
        self._guards = terms.guards
        self._facts = ToldFacts(self._before, terms=terms, mark=self._token_mark, at=self._clock.wall())
        self._chunks = Chunks(
            self._before,
            journal=self._journal,
            clock=self._clock,
            observer=self._observer,
            tell_wait=self._tell_wait,
            tell_planned=self._tell,
        )
        self._template = TemplateCheck(self._before.plan, self._service)
        self._breaker = CircuitBreaker(
            self._template.probe,
            clock=self._clock,
            tell=self._tell_wait,
            campaign_id=self.campaign_id,
            observer=self._observer,
        )
        self._check_template()
        self._submitter = Submitter(
            self._chunks,
            self._service,
            clock=self._clock,
            control=self._control,
            breaker=self._breaker,
            tell=self._tell,
            lead=self._lead if self._track else None,
            timetable=Timetable(terms, self._before.plan, self._chunks.__getitem__, zones=self._zones),
            last_look=self._last_look,
            observer=self._observer,
            opt_outs=None if terms.ignore_opt_outs else self._opt_outs,
        )
        self._tracker = Tracker(
            self._chunks,
            Watcher(self._service.progress, planner=self._planner, clock=self._clock),
            tell=self._tell,
            observer=self._observer,
            held=self._probably_held,
        )
        wall = self._clock.wall()
        for chunk in self._chunks:
            self._tracker.add(chunk, age=max(0.0, wall - (chunk.submitted_at or wall)))

    def _check_template(self) -> None:
        """Let nothing leave before the template has been read again."""
        self._template.due = True
        self._breaker.hold("its template is to be read again")

    @property
    def paused(self) -> bool:
        """Whether it submits nothing until it is resumed."""
        return self._control.state.phase is RunPhase.PAUSED

    @property
    def waits_for_its_time(self) -> bool:
        """Whether nothing of it may leave now, by its hours or because its time has not come."""
        return self._submitter.waits_for_its_time

    @property
    def of(self) -> int:
        """How many chunks there are now."""
        return self._chunks.of

    async def events(self) -> AsyncIterator[AnyEvent]:
        """Everything this run tells, from its beginning to its end; any number of readers may."""
        async for event in self._log:
            yield event

    async def report(self) -> Report:
        """Wait for the end of the run, and give its report."""
        await self._log.until_closed()
        return self.snapshot()

    def snapshot(self) -> Report:
        """The report as it would be now."""
        return report_of(self._now())

    def situation(self) -> Situation:
        """Where the campaign stands now, and what leads on."""
        return situation_of(self._now(), self._clock.wall())

    def stop(self, reason: str = "stopped before it was finished") -> None:
        """Submit nothing more; what is on its way is awaited. The run then ends, and can be resumed."""
        self._halt(Stop(cause=Cause.INTERRUPTED, reason=reason))

    async def pause(self) -> None:
        """Submit nothing more until `resume`; delivery is followed all the same."""
        if self._control.apply(PauseRun()):
            await self._keep_state()

    async def resume(self) -> None:
        """Go on after `pause`."""
        if self._control.state.phase is RunPhase.PAUSED:
            self._check_template()
        if self._control.apply(ResumeRun()):
            await self._keep_state()

    def _closed(self) -> None:
        self.stop("stopped because its client was closed")

    async def _run_and_tell(self) -> None:
        out_of_reach()
        with self._records.run(self._now):
            await self._run()

    async def _run(self) -> None:
        try:
            await self._keep_state()
            with (
                quiet_if_never_begun(self._listen, told=False) as listen,
                quiet_if_never_begun(self._listen_to_webhooks, told=False) as listen_to_webhooks,
            ):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(listen)
                    await self._hear()
                    tasks.start_soon(listen_to_webhooks)
                    await self._submit_and_follow()
                    tasks.cancel_scope.cancel()
        except BaseException as error:
            self._halt(stop_for_failure(error))
            raise
        finally:
            await self._end()

    async def _submit_and_follow(self) -> None:
        """Return when everyone is submitted and followed to the end, or when the run was stopped."""
        following = anyio.CancelScope()
        with quiet_if_never_begun(partial(self._follow, following), told=False) as follow:
            async with anyio.create_task_group() as tasks:
                if self._track or self._guards.canary is not None:
                    tasks.start_soon(follow)
                if self._guards.canary is not None:
                    await self._send_canary()
                if not self._track:
                    following.cancel()
                await self._wait_under_the_guard()
                await dispatch(self._chunks, self._submitter)
                if self._track:
                    await self._wait_for_webhooks()
                self._tracker.close()

    async def _send_canary(self) -> None:
        """Send the canary, and wait for its end; nobody else is sent if too many of it fail."""
        await dispatch(self._chunks, self._submitter, canary_of(self._chunks))
        await self._control.until(lambda: self._stopped or self._canary_ended())
        unnamed = canary_unnamed(self._chunks)
        if unnamed and self._before.facts.canary_unnamed:
            return  # an earlier run stopped for it, and somebody started this one all the same
        if not self._stopped and (why := canary_failed(self._guards, self._chunks)):
            if unnamed:
                self._facts.canary_unnamed()
            self._halt(Stop(cause=Cause.GUARD, reason=why))

    async def _wait_under_the_guard(self) -> None:
        """Where a guard stopped an earlier run, submit nothing before the share is known again."""
        while not self._stopped and (why := exceeded(self._guards, self._chunks)):
            if self._track and self._tracker.expects_more:
                await self._control.changed()  # with the next progress it is weighed again
            else:
                self._halt(Stop(cause=Cause.GUARD, reason=why))

    async def _wait_for_webhooks(self) -> None:
        """While there is something unknown, and webhooks tell of others, wait for them to tell of it."""
        told = False
        while not self._stopped and self._chunks.unknown:
            left = math.inf if self._tracker.expects_more else self._patience()
            if left <= 0:
                return
            if left < math.inf and not told:
                self._tell_wait(left, "webhooks to tell of somebody who is unknown")
                told = True
            await self._control.changed()

    def _patience(self) -> float:
        """Seconds for which webhooks may still tell of somebody new: none if they never did."""
        if self._heard_at is None:
            return 0.0
        return self._heard_at + PATIENCE_WITH_WEBHOOKS - self._clock.now()

    def _canary_ended(self) -> bool:
        return all(
            chunk.settled or chunk.state is ChunkState.UNKNOWN or chunk.number in self._tracker.gone
            for chunk in canary_of(self._chunks)
        )

    async def _follow(self, following: anyio.CancelScope) -> None:
        with following, self._control.while_allowed(lambda state: state.follows):
            if stop := await self._tracker.run():
                self._halt(stop)

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
                    await self._keep_facts()

    async def _listen_to_webhooks(self) -> None:
        """See what receivers wrote into the journal, soon if that may settle something."""
        while True:
            self._lost = anyio.Event()
            if self._chunks.provable:
                await self._clock.sleep(HEARD_EVERY)
            else:
                await wait_for(self._clock, self._lost, WISHES_EVERY)
            with suppress(JournalUnusable):  # the next write that matters tells
                await self._hear()
            self._control.wake()

    async def _hear(self) -> None:
        before = self._chunks.told
        self._submitter.proven(await self._chunks.hear())
        if self._chunks.told > before:
            self._heard_at = self._clock.now()
            self._tracker.heard()

    @property
    def _stopped(self) -> bool:
        return self._control.state.stop is not None

    def _halt(self, stop: Stop) -> None:
        self._control.apply(StopRun(stop))

    async def _end(self) -> None:
        self._control.end(self._chunks)
        self._facts.end(at=self._clock.wall())
        try:
            with anyio.CancelScope(shield=True):
                await self._keep_state()
        finally:
            self._log.close()
            self._inside.close()

    async def _keep_state(self) -> None:
        """Put on disk where the run stands, and then tell it."""
        now = self._now()
        event_id = await self._journal.set_state(
            self.campaign_id,
            now.state,
            reason=now.reason,
            stopped_by=now.stopped_by,
            requests=now.requests,
            seconds=now.seconds,
            facts=now.facts,
            notes=self._take_notes(),
        )
        before, self._kept = self._kept, now
        self._records.moved(before, now)
        self._tell(StateChanged(id=event_id, state=now.state, reason=now.reason))

    async def _keep_facts(self) -> None:
        """Let those who look on see what is spent and what is waited for, if that has changed."""
        now = self._now()
        if _told(now) == _told(self._kept) and not self._notes:
            return
        with suppress(JournalUnusable):  # it is for people to look at: the next write that matters tells
            await self._journal.keep_facts(
                self.campaign_id,
                now.facts,
                requests=now.requests,
                seconds=now.seconds,
                notes=self._take_notes(),
            )
            self._kept = replace(self._kept, requests=now.requests, facts=now.facts)

    def _take_notes(self) -> tuple[AnyEvent, ...]:
        notes, self._notes = tuple(self._notes.values()), {}
        return notes

    def _now(self) -> StoredCampaign:
        state = self._control.state
        over = state.phase in {RunPhase.STOPPED, RunPhase.FINISHED}
        return replace(
            self._before,
            holder=None if over else self._before.holder,
            facts=self._facts.now(
                gone=self._tracker.gone,
                at=self._clock.wall(),
                next_look=None if over else self._tracker.next_look,
                rate=None if over else self._tracker.delivery_rate,
            ),
            state=state.campaign,
            reason=None if state.why is None else state.why.reason,
            stopped_by=None if state.why is None else state.why.cause,
            chunks=tuple(self._chunks),
            requests=self._before.requests + self._service.requests,
            seconds=self._before.seconds + self._clock.now() - self._began,
        )

    def _tell(self, event: AnyEvent) -> None:
        """Everything that happens in a run comes through here, once it is on disk."""
        if isinstance(event, ChunkAccepted):
            self._track_from_now_on(self._chunks[event.number])
        if isinstance(event, ChunkUnknown):
            self._lost.set()
        if isinstance(event, BroadcastProgress) and (why := exceeded(self._guards, self._chunks)):
            self._halt(Stop(cause=Cause.GUARD, reason=why))
        if isinstance(event, BroadcastProgress) and self._template.bursts(self._chunks):
            self._check_template()
        wall = self._clock.wall()
        self._facts.event(event, at=wall)
        stamped = replace(
            event,
            campaign_id=self.campaign_id,
            time=datetime.fromtimestamp(wall, UTC),
            id=event.id or self._id_of(event),
        )
        if isinstance(stamped, Waiting | BroadcastStuck | BroadcastUnread):
            self._notes[topic_of(stamped)] = stamped
        self._log.tell(stamped)
        self._control.wake()

    def _id_of(self, event: AnyEvent) -> int:
        """The id that the journal gave what was told of a chunk just now; 0 for what is not there (yet)."""
        match event:
            case StateChanged() | BroadcastProgress() | BroadcastStuck() | BroadcastUnread() | Waiting():
                return 0
            case ChunkRefused(number=number) if any(chunk.parent == number for chunk in self._chunks):
                return self._chunks[number].event_id - 1  # the last was told of its people who go on
            case _:
                return self._chunks[event.number].event_id

    def _track_from_now_on(self, chunk: Chunk) -> None:
        since = None if chunk.proven_at is None else chunk.submitted_at
        self._tracker.add(chunk, age=0.0 if since is None else max(0.0, self._clock.wall() - since))

    def _tell_quota(self, seconds: float, why: str) -> None:
        if seconds >= WORTH_TELLING:
            self._tell_wait(seconds, why)

    def _tell_wait(self, seconds: float, why: str) -> None:
        self._tell(Waiting(seconds=seconds, why=why))


def _told(campaign: StoredCampaign) -> tuple[Requests, RunFacts]:
    """What of it is worth a write; the time alone is not."""
    return campaign.requests, replace(campaign.facts, told_at=None)
