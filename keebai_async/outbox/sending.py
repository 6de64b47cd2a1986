"""Send a single message once, whatever becomes of the program that does.

The problem: the service has no idempotency key. A job that a queue delivers again, a request that a browser
makes again, a handler that was cancelled after its bytes had left: each of them sends the message twice, or
nobody knows whether it was sent. Here the caller names a message by a key of its own (`once="order-A-17"`),
and an attempt goes the way of a chunk (`campaign/submit.py`): a place in the quota, the intent on disk, the
bytes, the verdict, the verdict on disk, and only then is anyone told. If we die

- waiting for a place, or while the intent is written: nothing has left;
- after the intent: it may have left, so the message is unknown, and is sent by nobody until a person has
  settled it;
- after the verdict is on disk: the same key gives the same receipt, and nothing is sent.

From the intent to the verdict on disk an attempt is in a task of its own, which no cancellation reaches.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final, Generic, TypeVar

import anyio
import msgspec
from msgspec.structs import replace

from keebai_async.campaign.freshness import LONGEST_INTENT, IntentAge
from keebai_async.campaign.keeping import LONGEST_WRITE, Patience, in_time
from keebai_async.draining import Drain, drain_of, out_of_reach, quiet_if_never_begun
from keebai_async.environment import JOURNAL_VARIABLE
from keebai_async.errors import InvalidInput, MessageBusy, OutcomeUnknown, Undecodable
from keebai_async.journal.outbox import check_same
from keebai_async.model.chunk import ChunkState
from keebai_async.model.outbox import (
    MessageLost,
    MessageNotTaken,
    MessageOutcome,
    MessageTaken,
    OutboxMessage,
    check_once,
)
from keebai_async.model.requests import Requests
from keebai_async.outbox.outbox import OutboxHost
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Request
from keebai_async.transport.slot import Slot
from keebai_async.transport.verdict import Accepted, Halted, Refused, Throttled, Unknown, Unsent, Verdict

R = TypeVar("R", bound=msgspec.Struct)

LONGEST_HOLD: Final = 60.0
"""Seconds in which an outcome is written again and again while the journal says that it may work soon."""

_LOOKED_EVERY: Final = 0.25
"""Seconds between two looks at a message that somebody else is sending."""


class OnceRequest(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What is sent once: to whom (*to*, masked), *what* in words, and how its answer is *read*, as a *kind*.

    *read* gives None for an answer that says nothing of what was sent.
    """

    key: str
    service: str
    to: str
    what: str
    request: Request
    kind: type[R]
    read: Callable[[Answer], R | None]
    named: Callable[[R], str | None]
    """By what a receipt names the message at the service."""
    vouched: Callable[[str], R]
    """The receipt of a message that a person found at the service under this name."""


async def send_once(host: OutboxHost, once: OnceRequest[R], exchange: Exchange, tally: Requests) -> R:
    """Send a message unless its key was sent before, and give what the service answered to it.

    Raises:
        InvalidInput: the key is no key, or was used for another message, or nobody named a journal for it.
        MessageBusy: somebody else is sending it, and its outcome did not come in time.
        OutcomeUnknown: it may have been sent, now or before.
        Undecodable: it was sent, now or before, in an answer that cannot be read.
        RequestError: it was not sent.
        JournalUnusable: its intent could not be written, so nothing was sent; or its outcome, and then it
            is unknown.
    """
    check_once(once.key)
    _check_remembered(host)
    sending = _Sending(once, host, exchange, tally)
    with sending.waited_for, quiet_if_never_begun(sending.run) as run:
        async with anyio.create_task_group() as group:
            group.start_soon(run)
    return sending.result()


def _check_remembered(host: OutboxHost) -> None:
    """Raises InvalidInput if a key would be forgotten together with the client."""
    if not host.journal_named:
        raise InvalidInput(
            "once needs a journal that remembers its keys when this program ends, and none was named:"
            f' give the client one, such as journal="messages.db", or set {JOURNAL_VARIABLE}',
            field="once",
        )


class _SentElsewhere(Exception):
    """Between the look and the intent somebody else began, or ended."""


class _Sending(Generic[R]):
    """One call that sends one message."""

    def __init__(self, once: OnceRequest[R], host: OutboxHost, exchange: Exchange, tally: Requests) -> None:
        self._once = once
        self._outbox = host.journal.outbox
        self._clock = host.clock
        self._drains: tuple[Drain, ...] = (drain_of(host), drain_of(host.journal))
        self._seconds = (once.request.timeout or host.timeouts.submit) + LONGEST_INTENT
        self._longest = self._seconds + LONGEST_HOLD + 2 * LONGEST_WRITE  # the intent, and the last try
        self._exchange = exchange
        self._tally = tally
        self._draft = OutboxMessage(
            key=once.key,
            service=once.service,
            to=once.to,
            what=once.what,
            fingerprint=_fingerprint(once),
            created_at=host.clock.wall(),
        )
        self._error: Exception | None = None
        self._receipt: R | None = None
        self.waited_for = ExitStack()
        """Where who closes the client, or its journal, waits for us: left when the caller has the outcome."""

    def result(self) -> R:
        """The receipt; raises what went wrong, and CancelledError if `run` never came to its end."""
        if self._error is not None:
            raise self._error
        if self._receipt is None:
            raise asyncio.CancelledError("cancelled before it was sent")
        return self._receipt

    async def run(self) -> None:
        """Raises nothing but cancellation: what went wrong is for `result`."""
        out_of_reach()  # our parent waits for us, whatever happens to it
        try:
            self._receipt = await self._to_its_end()
        except Exception as error:
            self._error = error

    async def _to_its_end(self) -> R:
        since = self._clock.now()
        while True:
            found = await self._outbox.find(self._once.key)
            if found is not None:
                check_same(found, self._draft)
                if found.state is ChunkState.SUBMITTING:
                    await self._wait_for_the_other(since)
                    continue
                if found.state is not ChunkState.PLANNED:
                    return self._first_outcome(found)
            try:
                answer = await self._exchange.submit(
                    self._once.request, tally=self._tally, attempt_with=self._attempt
                )
            except _SentElsewhere:
                continue
            except OutcomeUnknown as error:
                error.args = (f"{error}; {self._how_to_settle()}",)
                raise
            receipt = self._once.read(answer)
            if receipt is None:
                raise self._unreadable(answer.status)
            return receipt

    async def _wait_for_the_other(self, since: float) -> None:
        if self._clock.now() - since > self._seconds:
            raise MessageBusy(
                f"the message {self._once.key!r} is being sent by somebody else, who has no answer yet",
                once=self._once.key,
            )
        await self._clock.sleep(_LOOKED_EVERY)

    async def _attempt(self, slot: Slot, request: Request, attempt: int) -> Verdict:
        """The intent, the bytes, the verdict, the verdict on disk: nothing comes between them."""
        with anyio.CancelScope(shield=True):
            self.waited_for.close()  # of the attempt before
            for drain in self._drains:
                self.waited_for.enter_context(drain.inside(seconds=self._longest))
            age = IntentAge()
            with in_time():
                _, mine = await self._outbox.begin(self._draft, seconds=self._seconds)
            if mine is None:
                self.waited_for.close()
                raise _SentElsewhere
            try:
                verdict = await slot.submit(replace(request, objection=age.objection), attempt=attempt)
                patience = Patience(self._clock, seconds=LONGEST_HOLD)
                await patience.keep(partial(self._outbox.end, self._once.key, mine, self._outcome(verdict)))
                return self._again_or_over(verdict)
            finally:
                self._outbox.over(mine)
        raise AssertionError("a shield swallows nothing")

    def _again_or_over(self, verdict: Verdict) -> Verdict:
        """Who closes the client does not wait for a pause before the next attempt: none will leave."""
        if isinstance(verdict, Throttled | Unsent):
            self.waited_for.close()
        return verdict

    def _outcome(self, verdict: Verdict) -> MessageOutcome:
        match verdict:
            case Accepted(answer=answer):
                receipt = self._once.read(answer)
                if receipt is None:
                    return MessageTaken(broadcast_id=None, receipt=None)
                return MessageTaken(
                    broadcast_id=self._once.named(receipt), receipt=msgspec.json.encode(receipt)
                )
            case Unknown(reason=reason):
                return MessageLost(reason=reason)
            case Refused(fault=fault) | Halted(fault=fault):
                return MessageNotTaken(reason=fault.message)
            case Throttled():
                return MessageNotTaken(reason="429")
            case Unsent(reason=reason):
                return MessageNotTaken(reason=reason)

    def _first_outcome(self, found: OutboxMessage) -> R:
        request = self._once.request
        if found.state is ChunkState.ACCEPTED:
            if found.receipt is not None:
                return msgspec.json.decode(found.receipt, type=self._once.kind)
            if found.life.broadcast_id:
                return self._once.vouched(found.life.broadcast_id)
            raise self._unreadable(None)
        how = "a person gave it up" if found.state is ChunkState.ABANDONED else self._how_to_settle()
        raise OutcomeUnknown(
            f"the message {found.key!r} was sent before, and may have been accepted or not:"
            f" {found.life.reason or 'no answer was seen'}; it is not sent again; {how}",
            method=request.method,
            path=request.path,
            attempts=found.life.attempts,
            recipients=1,
        )

    def _unreadable(self, status: int | None) -> Undecodable:
        request = self._once.request
        return Undecodable(
            f"the message {self._once.key!r} was accepted, but the service's answer does not say how it calls"
            " it: do not send it again",
            method=request.method,
            path=request.path,
            status=status,
        )

    def _how_to_settle(self) -> str:
        return f"look for it in the service's portal, and settle {self._once.key!r} in the outbox"


def _fingerprint(once: OnceRequest[R]) -> str:
    """A hash of everything that is sent, in whatever order its JSON names it, and to which service."""
    body = once.request.body
    sent = b"" if body is None else msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    return hashlib.sha256(b"\n".join((once.service.encode(), once.request.path.encode(), sent))).hexdigest()
