"""Submit one chunk, exactly as often as is certain to be safe.

The problem: a request that messages 5,000 people has no idempotency key. The naive way retries what
failed, and messages people twice whenever the answer was lost rather than the request; or it writes
down what happened after it happened, and forgets it when the process dies in between. Our way, for each
attempt, in this order: a place in the quota; the intent on disk; the bytes; the verdict; the verdict on
disk; only then does anyone hear of it. If we die

- waiting for a place: nothing left, nothing is written, the chunk is still planned;
- after the intent: it may have left, so it is unknown when the campaign comes back;
- after the verdict, before it is on disk: the same, since we could not prove what we saw;
- after that: the journal says what is true.

From the intent to the verdict on disk an attempt is shielded from cancellation: a stop lets it finish
(the request has a time limit), and calls off only attempts that still wait for their place.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from keebai_async.campaign.chunks import Book
from keebai_async.campaign.circuit_breaker import Health
from keebai_async.campaign.pacing import Pace
from keebai_async.campaign.service import Service
from keebai_async.campaign.stop import stop_for, stop_for_error
from keebai_async.clock import Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.keebai.broadcasts import read_accepted
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import ChunkAccepted, ChunkSubmitting, ChunkUnknown, Event, Waiting
from keebai_async.model.plan import body_of
from keebai_async.model.stop import Cause, Stop
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.reply import Answer
from keebai_async.transport.verdict import Accepted, Halted, Refused, Throttled, Unknown, Unsent, Verdict

MOST_THROTTLED = 5
"""429s in a row for one chunk before the campaign stops: somebody else uses the token up."""


class _NotNow(Exception):
    """The attempt got its place, but in the meantime nothing should leave."""


class Submitter:
    """Makes attempts, and stops them. *tell* gets each event once it is on disk."""

    def __init__(
        self,
        book: Book,
        service: Service,
        *,
        clock: Clock,
        health: Health,
        tell: Callable[[Event], None],
        pace: Pace | None = None,
    ) -> None:
        self._book = book
        self._service = service
        self._clock = clock
        self._health = health
        self._pace = pace
        self.tell = tell
        self._waiting: set[anyio.CancelScope] = set()
        self._go = anyio.Event()
        self._go.set()
        self._ahead = False  # told that we wait for the sender
        self.stopped: Stop | None = None

    def stop(self, stop: Stop) -> None:
        """Let nothing more leave; what has left is awaited and written down. The first reason counts."""
        self.stopped = self.stopped or stop
        self.resume()
        self._call_off()

    def pause(self) -> None:
        """Let nothing more leave until `resume` is called."""
        if self._go.is_set():
            self._go = anyio.Event()
            self._call_off()

    def resume(self) -> None:
        self._go.set()

    @property
    def _may_leave(self) -> bool:
        return self.stopped is None and self._go.is_set()

    async def submit(
        self, number: int, *, refused: Callable[[ErrorBody], Awaitable[None]]
    ) -> Accepted | Refused | Unknown | None:
        """Submit a chunk until there is a verdict other than "again"; None means that we were stopped.

        *refused* is awaited in the shield of the attempt, to put on disk what becomes of a refused
        chunk's people; every other verdict is on disk when this returns.

        Raises:
            Halt: the service is not there, for longer than the campaign's patience.
            JournalUnusable: something could not be written; if it was the intent, nothing has left.
        """
        throttled = 0
        while self.stopped is None:
            await self._go.wait()
            if not self._health.good:
                with self._unless_called_off():
                    await self._health.wait()
                continue
            if self._pace is not None and (wait := self._pace.wait(self._book.chunks, self._clock.now())):
                await self._keep_pace(wait)
                continue
            match verdict := await self._attempt(self._book[number], refused):
                case Accepted() | Refused() | Unknown():
                    return verdict
                case Halted(fault=fault):
                    self.stop(stop_for(fault))
                case Throttled():
                    throttled += 1
                    if throttled == MOST_THROTTLED:
                        words = f"the service answered 429 to chunk {number} {throttled} times in a row"
                        self.stop(Stop(cause=Cause.THROTTLED, reason=words))
                case Unsent() | None:
                    pass
        return None

    async def _keep_pace(self, seconds: float) -> None:
        if not self._ahead:
            self._ahead = True
            self.tell(Waiting(seconds=seconds, why="the sender has enough to do for now"))
        with self._unless_called_off():
            await self._clock.sleep(seconds)

    async def _attempt(self, chunk: Chunk, refused: Callable[[ErrorBody], Awaitable[None]]) -> Verdict | None:
        items = await self._book.items(chunk.number)
        body = body_of(self._book.plan, chunk.number, items, parent=chunk.parent)
        verdict: Verdict | None = None
        with self._unless_called_off() as scope:

            async def leaving() -> None:
                self._waiting.discard(scope)
                if scope.cancel_called or not self._may_leave or not self._health.good:
                    raise _NotNow
                scope.shield = True  # cancelled from here on, we would forget a chunk that did go out
                await self._book.submit(chunk.number)
                self._ahead = False
                if self._pace is not None:
                    self._pace.left(self._clock.now())
                self.tell(ChunkSubmitting(number=chunk.number, of=self._book.of, recipients=chunk.recipients))

            try:
                verdict = await self._service.submit(body, recipients=chunk.recipients, leaving=leaving)
                await self._write(chunk, verdict, refused)
            except _NotNow:
                pass
            except QuotaUnusable as error:  # no place was given, so nothing has left
                self.stop(stop_for_error(error))
        return verdict

    async def _write(
        self, chunk: Chunk, verdict: Verdict, refused: Callable[[ErrorBody], Awaitable[None]]
    ) -> None:
        number = chunk.number
        match verdict:
            case Accepted(answer=answer):
                await self._accept(chunk, answer)
            case Refused(fault=fault):
                await refused(fault)
            case Halted(fault=fault):
                await self._book.take_back(number, fault.message)
            case Unsent(reason=reason):
                await self._book.take_back(number, reason)
                self._health.doubt(reason)
            case Throttled():
                await self._book.take_back(number, "429")
            case Unknown(reason=reason):
                self._health.doubt(reason)
                await self._book.lose(number, reason)
                self.tell(ChunkUnknown(number=number, recipients=chunk.recipients, reason=reason))

    async def _accept(self, chunk: Chunk, answer: Answer) -> None:
        broadcast = read_accepted(answer)
        accepted = chunk.recipients
        if broadcast is not None and broadcast.total_recipients is not None:
            accepted = max(0, min(accepted, broadcast.total_recipients))
        broadcast_id = None if broadcast is None else broadcast.broadcast_id
        await self._book.accept(chunk.number, accepted=accepted, broadcast_id=broadcast_id)
        self.tell(
            ChunkAccepted(
                number=chunk.number,
                of=self._book.of,
                recipients=chunk.recipients,
                accepted=accepted,
                broadcast_id=broadcast_id,
            )
        )

    @contextmanager
    def _unless_called_off(self) -> Iterator[anyio.CancelScope]:
        """Do something that a stop or a pause ends at once."""
        with anyio.CancelScope() as scope:
            self._waiting.add(scope)
            if not self._may_leave:
                scope.cancel()  # it was called off before it began, and nobody will do it again
            try:
                yield scope
            finally:
                self._waiting.discard(scope)

    def _call_off(self) -> None:
        for scope in self._waiting:
            scope.cancel()
