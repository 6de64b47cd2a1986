"""Submit one chunk, exactly as often as is certain to be safe.

The problem: a request that messages 5,000 people has no idempotency key. The naive way retries what
failed, and messages people twice whenever the answer was lost rather than the request; or it writes
down what happened after it happened, and forgets it when the process dies in between. Our way, for each
attempt, in this order: a place in the quota; the intent on disk; the bytes; the verdict; the verdict on
disk; only then does anyone hear of it. `_attempt` is that order. If we die

- while people who opted out are cut from it: nothing left, and it is cut or it is not;
- waiting for its hours, or for a place: nothing left, nothing is written, the chunk is still planned;
- while the intent is written: nothing left; the chunk is planned or, if the disk had it, unknown;
- after the intent: it may have left, so it is unknown when the campaign comes back;
- after the intent, but are only frozen, and wake: the intent is too old, nothing leaves, and it is taken
  back (if the lease is another's by then, that is the last thing that we may say, and the run ends);
- after the bytes, but are only frozen, and wake with the answer: it is told as evidence, in the same way;
- after the verdict, before it is on disk: unknown, since we could not prove what we saw;
- after that: the journal says what is true.

From the intent to the verdict on disk an attempt is shielded from cancellation: a stop lets it finish
(the request has a time limit), and calls off only attempts that still wait for their place. What a verdict
tells about the others (the service is gone, the token is rejected) is heeded before anything is awaited.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext

import anyio
import msgspec

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.circuit_breaker import CircuitBreaker
from keebai_async.campaign.control import RunControl
from keebai_async.campaign.freshness import Clocks, IntentAge, machine_clocks
from keebai_async.campaign.lead import LOOK_AGAIN, Lead
from keebai_async.campaign.opted_out import LastLook, LeftOut, OptedOutCutter, OptOutsNow
from keebai_async.campaign.run_state import RunState, StopRun
from keebai_async.campaign.service import (
    CampaignService,
    ChunkVerdict,
    Halted,
    Refusal,
    Taken,
    Throttled,
    Unknown,
    Unsent,
)
from keebai_async.campaign.stop import stop_for
from keebai_async.campaign.timetable import NotYet, Timetable
from keebai_async.clock import Clock
from keebai_async.errors import ForbiddenMove
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import (
    AnyEvent,
    ChunkAccepted,
    ChunkSubmitting,
    ChunkUnknown,
    PeopleLeftOut,
    Waiting,
)
from keebai_async.model.report import utc
from keebai_async.model.stop import Cause, Stop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.campaign_records import SubmitsHeld
from keebai_async.observe.chunk_records import BroadcastIdRepeated, ChunkSubmitEnded, ChunkSubmitStarted

_CROWDED = 1.0
"""Seconds that a chunk waits before it looks again, if another campaign took its room in the last instant."""
MOST_THROTTLED = 5
"""429s in a row for one chunk before the campaign stops: somebody else uses the token up."""


class TakenBefore(msgspec.Struct, frozen=True):
    """The chunk left earlier and was accepted, as was heard only now. Nothing left this time."""


class OutOfHours(msgspec.Struct, frozen=True):
    """Nothing was submitted: other chunks may leave before this one does."""


ChunkEnd = Taken | TakenBefore | Refusal | Unknown | LeftOut | OutOfHours
"""How a chunk comes back that was to be submitted."""


def _may_leave(state: RunState) -> bool:
    return state.may_leave


class Submitter:
    """Makes attempts while the run allows it. *tell* gets each event once it is on disk."""

    def __init__(
        self,
        chunks: Chunks,
        service: CampaignService,
        *,
        clock: Clock,
        control: RunControl,
        breaker: CircuitBreaker,
        tell: Callable[[AnyEvent], None],
        timetable: Timetable,
        lead: Lead | None = None,
        clocks: Callable[[], Clocks] = machine_clocks,
        observer: Observer = TO_LOG,
        opt_outs: OptOutsNow | None = None,
        last_look: LastLook | None = None,
    ) -> None:
        self._chunks = chunks
        self._service = service
        self._clock = clock
        self._control = control
        self._breaker = breaker
        self._owners = {chunk.broadcast_id: chunk.number for chunk in chunks if chunk.broadcast_id}
        self._lead = lead
        self._timetable = timetable
        self._choosing = anyio.Lock()
        self._asking = anyio.Lock()
        self._held: NotYet | str = ""
        self._told_until = 0.0
        self.waits_for_its_time = False
        """Whether no chunk that waits may leave now, by its hours or because its time has not come."""
        self._leaving: set[int] = set()  # chunks that may leave, whether or not they have yet
        self._crowded_out: set[int] = set()  # chunks whose room in a day another one got first
        self._clocks = clocks
        self._observer = observer
        self._opted_out = OptedOutCutter(chunks, opt_outs, last_look)
        self.tell = tell

    def stop(self, stop: Stop) -> None:
        """Let nothing more leave; what has left is awaited and written down. The first reason counts."""
        self._control.apply(StopRun(stop))

    @property
    def stopped(self) -> Stop | None:
        return self._control.state.stop

    @asynccontextmanager
    async def submit(self, number: int) -> AsyncIterator[ChunkEnd | None]:
        """Submit a chunk until there is a verdict other than "again"; None means that we were stopped.

        OutOfHours, LeftOut and TakenBefore mean that nothing was submitted. With OutOfHours it is not its
        time: see `next_of`. With LeftOut, people who opted out, or have it by now, were cut from it, and the
        others are in another chunk, which is to be submitted in its place. The verdict is on disk, but for a
        refusal: what becomes of the people of a refused chunk is for the caller to put there, inside
        `async with`, where the shield of the attempt still holds.

        Raises:
            QuotaUnusable: no place could be asked for; nothing has left.
            JournalUnusable: something could not be written; if it was the intent, nothing has left.
        """
        throttled = 0
        while await self._until_it_may_leave(number):
            if self._chunks[number].state is ChunkState.ACCEPTED:  # a webhook proved it meanwhile
                yield TakenBefore()
                return
            async with self._in_its_place(number):
                try:
                    left_out = await self._opted_out.cut(number)
                except ForbiddenMove:
                    if not await self.heard_that_it_left(number):
                        raise
                    continue
                if left_out is not None:
                    self._tell_left_out(number, left_out)
                    yield left_out
                    return
                async with self._told(number), self._attempt(self._chunks[number]) as verdict:
                    match verdict:
                        case Taken() | Refusal() | Unknown():
                            yield verdict
                            return
                        case Throttled():
                            throttled += 1
                            if throttled == MOST_THROTTLED:
                                self._stop_for_throttling(number, throttled)
                        case Halted() | Unsent() | None:
                            pass
        yield None if self.stopped is not None else OutOfHours()

    async def next_of(self, waiting: deque[int]) -> int | None:
        """Take the next chunk to submit out of *waiting*; None if it is to be asked again.

        Where none may leave now, by the hours or because its time has not come, it waits for a while.
        """
        async with self._choosing:  # one waits for all
            return await self._next_of(waiting) if waiting else None

    async def _next_of(self, waiting: deque[int]) -> int | None:
        control = self._control
        if not control.state.may_leave:
            self._held = ""
            await control.until(lambda: control.state.may_leave or self.stopped is not None)
            return None
        wall = self._clock.wall()
        place, held = self._timetable.next_of(waiting, wall)
        if held is None:
            self.waits_for_its_time = False
            number = waiting[place]
            del waiting[place]
            return number
        self.waits_for_its_time = True
        await self._hold(held.until - wall, held.why, tell=self._begins_to_hold(held))
        return None

    @asynccontextmanager
    async def _attempt(self, chunk: Chunk) -> AsyncIterator[ChunkVerdict | None]:
        """Make one attempt, and give its verdict inside its shield; None if it was called off in time."""
        number = chunk.number
        body = self._service.body(self._chunks.plan, chunk, await self._chunks.items(number))
        with self._control.while_allowed(_may_leave) as scope:
            async with self._service.slot() as slot:  # waits for a place, and may be called off meanwhile
                # Who opted out, or got it, while it waited is cut from it before it asks for another place.
                holds_one = await self._opted_out.holds_one(number)
                timely = self._out_of_hours(number) is None
                if timely and not holds_one and self._breaker.closed and self._control.commit(scope):
                    # from here on it may not be called off
                    age = IntentAge(self._clocks, lease=self._chunks.lease_lasts)
                    if not await self._intend(number):  # the intent, on disk
                        yield None
                        return
                    self._tell_submitting(chunk)
                    answer = await slot.submit(  # the bytes, unless the intent is too old by then
                        body,
                        recipients=chunk.recipients,
                        objection=lambda: age.objection() or self._out_of_hours(number),
                    )
                    verdict = self._named_once(chunk, answer)
                    self._heed(verdict)
                    await self._write(chunk, verdict)  # the verdict, on disk
                    if verdict is not answer and isinstance(answer, Taken):
                        self._tell_repeated(chunk, answer.broadcast_id or "")
                    yield verdict
                    return
        yield None

    def _tell_left_out(self, number: int, left_out: LeftOut) -> None:
        into = () if left_out.into is None else (left_out.into.number,)
        self.tell(PeopleLeftOut(number=number, recipients=left_out.people, reason=left_out.reason, into=into))

    async def _intend(self, number: int) -> bool:
        """Write the intent down; False if the chunk need not leave any more, or has no room in a day."""
        daily = self._timetable.daily
        try:
            if daily is not None:
                if not (has_room := await self._chunks.submit_within(number, daily)):
                    self._crowded_out.add(number)
                return has_room
            await self._chunks.submit(number)
        except ForbiddenMove:
            if not await self.heard_that_it_left(number):
                raise
            return False
        return True

    async def heard_that_it_left(self, number: int) -> bool:
        """Whether a planned chunk left before, and a webhook told of it since we last looked."""
        self.proven(await self._chunks.hear())
        return self._chunks[number].state is not ChunkState.PLANNED

    def proven(self, chunks: Iterable[Chunk]) -> None:
        """Tell of *chunks* that were just proven to have been accepted."""
        for chunk in chunks:
            if chunk.broadcast_id is not None:
                self._owners.setdefault(chunk.broadcast_id, chunk.number)
            self.tell(
                ChunkAccepted(
                    number=chunk.number,
                    of=self._chunks.of,
                    recipients=chunk.recipients,
                    accepted=chunk.accepted,
                    broadcast_id=chunk.broadcast_id,
                    proven_at=utc(chunk.proven_at),
                )
            )

    def _named_once(self, chunk: Chunk, verdict: ChunkVerdict) -> ChunkVerdict:
        """*verdict*, without a broadcast id that is another chunk's: accepted, and under no name we know."""
        if not isinstance(verdict, Taken) or verdict.broadcast_id is None:
            return verdict
        if self._owners.setdefault(verdict.broadcast_id, chunk.number) == chunk.number:
            return verdict
        return Taken(accepted=verdict.accepted, broadcast_id=None)

    def _tell_repeated(self, chunk: Chunk, broadcast_id: str) -> None:
        campaign, owner = self._chunks.plan.campaign_id, self._owners[broadcast_id]
        self._observer(
            BroadcastIdRepeated(campaign=campaign, chunk=chunk.number, broadcast=broadcast_id, owner=owner)
        )

    @asynccontextmanager
    async def _told(self, number: int) -> AsyncIterator[None]:
        """Tell the beginning and the end of an attempt. It awaits nothing."""
        chunk, since = self._chunks[number], self._clock.now()
        started = ChunkSubmitStarted(
            campaign=self._chunks.plan.campaign_id,
            chunk=number,
            recipients=chunk.recipients,
            attempt=chunk.attempts + 1,
        )
        self._observer(started)
        try:
            yield
        finally:
            state, seconds = self._chunks[number].state, self._clock.now() - since
            self._observer(ChunkSubmitEnded(submit=started, state=state, seconds=seconds))

    def _heed(self, verdict: ChunkVerdict) -> None:
        """Let nobody else leave into what this verdict tells of."""
        match verdict:
            case Unknown(reason=reason) | Unsent(reason=reason):
                self._breaker.trip(reason)
            case Halted(fault=fault):
                self.stop(stop_for(fault))
            case Taken() | Refusal() | Throttled():
                pass  # the gate keeps the pause of a 429, and a refusal is about this chunk

    async def _write(self, chunk: Chunk, verdict: ChunkVerdict) -> None:
        number = chunk.number
        match verdict:
            case Taken():
                await self._accept(chunk, verdict)
            case Halted(fault=fault):
                await self._chunks.take_back(number, fault.message)
            case Unsent(reason=reason):
                await self._chunks.take_back(number, reason)
            case Throttled():
                await self._chunks.take_back(number, "429")
            case Unknown(reason=reason):
                await self._chunks.lose(number, reason)
                self.tell(ChunkUnknown(number=number, recipients=chunk.recipients, reason=reason))
            case Refusal():
                pass  # its people go different ways, which the caller of `submit` decides

    async def _accept(self, chunk: Chunk, taken: Taken) -> None:
        await self._chunks.accept(chunk.number, accepted=taken.accepted, broadcast_id=taken.broadcast_id)
        self.tell(
            ChunkAccepted(
                number=chunk.number,
                of=self._chunks.of,
                recipients=chunk.recipients,
                accepted=taken.accepted,
                broadcast_id=taken.broadcast_id,
            )
        )

    def _tell_submitting(self, chunk: Chunk) -> None:
        self._held = ""
        if self._lead is not None:
            self._lead.left(self._clock.now())
        self.tell(ChunkSubmitting(number=chunk.number, of=self._chunks.of, recipients=chunk.recipients))

    @asynccontextmanager
    async def _in_its_place(self, number: int) -> AsyncIterator[None]:
        """Give the place that it has in the pace back at the end. It awaits nothing."""
        try:
            yield
        finally:
            self._leaving.discard(number)

    def _out_of_hours(self, number: int) -> str | None:
        """Why a chunk may not leave at this instant, by its hours or because its time has not come."""
        held = self._timetable.opens(number, self._clock.wall())
        return None if held is None else f"it has to wait for {held.why}"

    async def _has_room(self, number: int) -> bool:
        """Whether this chunk may leave by the paces; if not, some of the time until then is over.

        Raises JournalUnusable.
        """
        # With a daily limit all others wait for the one that asks the journal.
        async with nullcontext() if self._timetable.daily is None else self._asking:
            held = await self._room(number)
            if held is not None:
                wall = self._clock.wall()
                late = wall >= self._told_until  # somebody else took the room of that time
                if tell := self._begins_to_hold(held.why) or late:
                    self._told_until = held.until
                await self._hold(held.until - wall, held.why, tell=tell)
        return held is None

    async def _room(self, number: int) -> NotYet | None:
        """What this chunk waits for by the paces; None if it may leave now, and then it has its place.

        Raises JournalUnusable.
        """
        chunks, daily = self._chunks, self._timetable.daily
        wall = self._clock.wall()
        # What leaves while this is read is seen in the instant of the intent, at the latest.
        in_journal = () if daily is None else await chunks.left_since(wall - daily.per)
        held = self._timetable.room(
            chunks[number].recipients,
            chunks,
            wall,
            leaving=sum(
                chunks[each].recipients for each in self._leaving if chunks[each].state is ChunkState.PLANNED
            ),
            in_journal=in_journal,
        )
        if held is None:
            self._leaving.add(number)
        return held

    async def _until_it_may_leave(self, number: int) -> bool:
        """Wait for the end of a pause, of an outage, and of what the sender has to do.

        False after a stop, and where it is not its time any more.
        """
        control = self._control
        while True:
            await control.until(lambda: control.state.may_leave or self.stopped is not None)
            if self.stopped is not None or self._out_of_hours(number) is not None:
                return False
            if number in self._crowded_out:
                self._crowded_out.discard(number)
                await self._hold(_CROWDED, "the daily limit of all campaigns", tell=False)
            elif not self._breaker.closed:
                await self._probe()
            elif self._lead is not None and (wait := self._lead.wait(self._chunks, self._clock.now())):
                await self._keep_lead(self._lead, wait)
            elif await self._has_room(number):
                return True

    async def _probe(self) -> None:
        stop = None
        with self._control.while_allowed(_may_leave):
            stop = await self._breaker.until_closed()
        if stop is not None:
            self.stop(stop)

    def _begins_to_hold(self, held: NotYet | str) -> bool:
        """Say once for each *held*, and again after somebody left."""
        begins, self._held = held != self._held, held
        return begins

    async def _keep_lead(self, lead: Lead, seconds: float) -> None:
        await self._hold(seconds, "the sender has enough to do for now", tell=lead.begins_to_wait())

    async def _hold(self, seconds: float, why: str, *, tell: bool) -> None:
        if tell:
            self.tell(Waiting(seconds=seconds, why=why))
            held = SubmitsHeld(campaign=self._chunks.plan.campaign_id, seconds=seconds, reason=why)
            self._observer(held)
        with self._control.while_allowed(_may_leave):
            await self._clock.sleep(min(seconds, LOOK_AGAIN))

    def _stop_for_throttling(self, number: int, times: int) -> None:
        words = f"the service answered 429 to chunk {number} {times} times in a row"
        self.stop(Stop(cause=Cause.THROTTLED, reason=words))
