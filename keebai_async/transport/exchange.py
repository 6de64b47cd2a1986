"""Requests under the quota: a place in the gate, one attempt, what it means, and whether there is another.

What happens in the place is a Slot's (`slot.py`). Meaning is decided in `verdict`, repeating in `retry`.
"""

import asyncio
import random
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType
from typing import Final, Protocol

import anyio

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.draining import Drain
from keebai_async.errors import Misused, RequestError, TokenRejected
from keebai_async.model.requests import Requests
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.quota_records import PlaceNotSettled
from keebai_async.quota.gate import Gate, Lane, Place, PromptGate, TakenPlace, TellingGate
from keebai_async.quota.window import Wait
from keebai_async.transport.call_limit import BoundedGate, CallLimit
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import read_error_in_success
from keebai_async.transport.error_mapping import error_for, error_for_read, error_of_body
from keebai_async.transport.rate_headers import pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome
from keebai_async.transport.request import Request, Timeouts
from keebai_async.transport.request_recorder import RequestRecorder, note_of
from keebai_async.transport.retry import NO_RETRIES, RetryPolicy, backoff, wait_before_repeat
from keebai_async.transport.slot import HttpTransport, Judge, Slot
from keebai_async.transport.verdict import (
    Accepted,
    SubmitPolicy,
    Throttled,
    Unknown,
    Unsent,
    Verdict,
    judge,
)

_SETTLED_WITHIN: Final = 5.0
"""Seconds after the end of a request in which its place in the quota is settled."""


class AttemptWith(Protocol):
    """What makes one attempt in a place: with `Slot.submit`, and with what has to be done around that."""

    async def __call__(self, slot: Slot, request: Request, attempt: int) -> Verdict: ...


async def _submit_in(slot: Slot, request: Request, attempt: int) -> Verdict:
    return await slot.submit(request, attempt=attempt)


class Exchange:
    """Reads and submits on one session and one gate. Cheap to make: options are its arguments.

    *observer* is told of every attempt, with *server* and *port* as where it goes, and of the
    quota of *account*, a name for the token. It must not raise.

    *longest_quota_wait* bounds in how many seconds of *clock* a call without a `timeout` must have its
    places; None is for ever. Who waits for one while *drain* is closed is told so at once, and a submit that
    has left is waited for by who closes it, until its place is settled and its outcome told.
    """

    def __init__(
        self,
        session: HttpTransport,
        gate: Gate,
        *,
        clock: Clock = SYSTEM_CLOCK,
        chance: random.Random | None = None,
        retries: RetryPolicy | None = None,
        policy: SubmitPolicy | None = None,
        timeouts: Timeouts | None = None,
        dialect: ServiceDialect = STANDARD,
        observer: Observer = TO_LOG,
        server: str | None = None,
        port: int | None = None,
        account: str | None = None,
        longest_quota_wait: float | None = None,
        drain: Drain | None = None,
    ) -> None:
        self._session = session
        if isinstance(gate, TellingGate):
            gate = gate.observed(observer, account=account)
        self._gate = gate
        # Asked once: what a protocol asks of an object takes longer than a place in memory.
        self._bounded = gate if isinstance(gate, BoundedGate) else None
        self._prompt = gate if isinstance(gate, PromptGate) else None
        self._recorder = RequestRecorder(observer, clock, server=server, port=port)
        self.observer = observer
        self._clock = clock
        self._longest_quota_wait = longest_quota_wait
        self._drain = drain
        self._chance = chance or random.Random()  # noqa: S311 - it spreads waits, it keeps no secret
        self._retries = retries or RetryPolicy()
        self._timeouts = timeouts
        self._dialect = dialect
        self._judge: Judge = partial(judge, policy=policy or SubmitPolicy(), dialect=dialect)

    async def read(self, request: Request, *, tally: Requests | None = None, once: bool = False) -> Answer:
        """A complete 2xx, after the retries that the policy allows; none if *once*.

        Raises:
            RequestError: the class says what to do next.
            Misused: the session is closed, or of another event loop.
        """
        policy = NO_RETRIES if once else self._retries
        attempt, throttled, limit = 0, False, self._limit_of(request)
        while True:
            attempt += 1
            async with self.slot(request.lane, tally=tally, limit=limit) as slot:
                outcome = await slot.send(limit.request(), attempt=attempt)
            if isinstance(outcome, Answer) and 200 <= outcome.status < 300 and outcome.complete:
                fault = read_error_in_success(outcome, self._dialect)
                if fault is not None:
                    raise self._worded(error_of_body(fault, request, attempt))
                return outcome
            if not once and not throttled and self._worth_waiting(outcome, limit):
                throttled = True  # the gate holds the next attempt until the pause is over
                self._recorder.retry(request, attempt, self._pause_of(outcome), "429")
                continue
            wait = wait_before_repeat(policy, outcome, attempt, self._chance)
            if wait is None or not limit.allows(wait):
                wall = self._clock.wall()
                raise self._worded(
                    error_for_read(outcome, request, attempt, wall=wall, dialect=self._dialect)
                )
            self._recorder.retry(request, attempt, wait, _reason_of(outcome))
            await self._clock.sleep(wait)

    async def submit(
        self,
        request: Request,
        *,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        attempt_with: AttemptWith = _submit_in,
    ) -> Answer:
        """The answer to an accepted submit; made again only while it was certainly not accepted.

        *attempt_with* makes each attempt; what it raises ends the submit.

        Raises:
            OutcomeUnknown: it may have been accepted.
            RequestError: it was not accepted.
            Misused: the session is closed, or of another event loop.
        """
        attempt, throttled, limit = 0, False, self._limit_of(request)
        longest = self._retries.longest_pause
        while True:
            attempt += 1
            verdict = await self.submit_once(
                request,
                tally=tally,
                policy=policy,
                attempt=attempt,
                limit=limit,
                attempt_with=attempt_with,
            )
            match verdict:
                case Accepted(answer=answer):
                    return answer
                case Throttled(pause=pause) if not throttled and pause <= longest and limit.allows(pause):
                    throttled = True
                    self._recorder.retry(request, attempt, pause, "429")
                case Unsent(reason=reason) if attempt <= self._retries.retries and limit.allows(0.0):
                    wait = backoff(self._retries, attempt, self._chance)
                    self._recorder.retry(request, attempt, wait, reason)
                    await self._clock.sleep(wait)
                case _:
                    if isinstance(verdict, Unknown):
                        self._tell_unknown(request, verdict, attempt)
                    raise self._worded(error_for(verdict, request, attempt))

    async def submit_once(
        self,
        request: Request,
        *,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        attempt: int = 1,
        limit: CallLimit | None = None,
        attempt_with: AttemptWith = _submit_in,
    ) -> Verdict:
        """Make exactly one attempt, and say what it means. Trouble on the way is no exception.

        Cancelled when some of it may have left, the cancellation says so in a note, and the log in a warning.

        Raises:
            Misused, QuotaUnusable, QuotaExhausted: as `slot` does; then nothing has left.
        """
        slot: Slot | None = None
        try:
            with self._until_it_is_told(request):
                async with self.slot(request.lane, tally=tally, policy=policy, limit=limit) as slot:
                    return await attempt_with(slot, limit.request() if limit else request, attempt)
        except asyncio.CancelledError as error:
            if slot is not None and slot.perhaps_accepted:
                error.add_note(note_of(request))
                if slot.verdict is not None:  # its end was told as an answer, which nobody will see
                    self._recorder.unknown(request, attempt, "cancelled after the reply had come")
            raise

    def _until_it_is_told(self, request: Request) -> AbstractContextManager[None]:
        """Be waited for by who closes the client: for the answer, and for its place in the quota.

        It stands around both, because after the answer the place is still to be settled, and until then the
        store of the quota must not be closed. Its caller hears of the outcome without another await.
        """
        if self._drain is None:
            return nullcontext()
        whole = request.timeout or (self._timeouts or Timeouts()).whole(request.kind)
        return self._drain.inside(seconds=whole + _SETTLED_WITHIN)

    def slot(
        self,
        lane: Lane,
        *,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        limit: CallLimit | None = None,
    ) -> AbstractAsyncContextManager[Slot]:
        """Wait for a place in the quota, for one request: until then, and after it, nothing has left.

        Inside `async with`, `send` or `submit` makes the request; left without one, the place is given
        back. *tally* counts what leaves. *limit* is how long a place is waited for.

        Raises:
            Misused: the session is closed, or of another event loop. It is looked at before a place is
                waited for, and again when it has come; a client that is closed meanwhile ends the wait.
            QuotaUnusable: no place could be asked for.
            QuotaExhausted: none came within *limit*.
        """
        return _SlotInQuota(self, lane, tally, policy, limit)

    def _slot_in(self, place: Place, tally: Requests | None, policy: SubmitPolicy | None) -> Slot:
        return Slot(
            self._session,
            place,
            clock=self._clock,
            timeouts=self._timeouts,
            tally=tally,
            judge=self._judge if policy is None else partial(judge, policy=policy, dialect=self._dialect),
            recorder=self._recorder,
        )

    async def _place(
        self, lane: Lane, limit: CallLimit | None
    ) -> tuple[Place, AbstractAsyncContextManager[Place | Wait]]:
        """A place that was waited for, and what gave it, which is to be left."""
        patience = None if limit is None else limit.patience
        waiting: AbstractAsyncContextManager[Place | Wait]
        if patience is not None and self._bounded is not None:
            waiting = self._bounded.place_within(lane, patience)
        else:
            waiting = self._gate.place(lane)
        since = self._clock.now()
        given = await self._given(waiting, limit, patience)
        if limit is not None:
            limit.waited(self._clock.now() - since)
        return given, waiting

    async def _settled(self, leaving: Awaitable[object]) -> None:
        """Leave a place. That it cannot be settled says nothing of the request, whose outcome is known."""
        try:
            await leaving
        except Exception as error:
            self.observer(PlaceNotSettled(store=type(self._gate).__name__, reason=f"{error}"))

    async def _given(
        self,
        waiting: AbstractAsyncContextManager[Place | Wait],
        limit: CallLimit | None,
        patience: float | None,
    ) -> Place:
        given: Place | Wait | None = None
        by_itself = limit is None or (limit.on_clock and self._bounded is not None)
        with anyio.move_on_after(None if by_itself else patience) as scope:
            with nullcontext() if self._drain is None else self._drain.waiting(scope.cancel):
                given = await waiting.__aenter__()
        if given is not None and not isinstance(given, Wait):
            return given
        self._session.check()  # a client that was closed says so
        if limit is None or patience is None:
            raise Misused("the wait for a place in the quota was ended: open another client")
        raise limit.spent(patience, given)

    def _limit_of(self, request: Request) -> CallLimit:
        return CallLimit(request, longest_wait=self._longest_quota_wait)

    def _worded(self, error: RequestError) -> RequestError:
        if isinstance(error, TokenRejected) and self._dialect.about_tokens:
            error.args = (f"{error} ({self._dialect.about_tokens})",)
        return error

    def _worth_waiting(self, outcome: Outcome, limit: CallLimit) -> bool:
        if isinstance(outcome, Failure) or outcome.status != 429:
            return False
        pause = self._pause_of(outcome)
        return pause <= self._retries.longest_pause and limit.allows(pause)

    def _pause_of(self, outcome: Outcome) -> float:
        return 0.0 if isinstance(outcome, Failure) else pause_of(outcome, wall=self._clock.wall())

    def tell_unknown(self, request: Request, reason: str, *, attempt: int = 1, status: int | None) -> None:
        """Tell that a submit was accepted in a reply that does not say what became of it."""
        self._recorder.unknown(request, attempt, reason, status=status)

    def _tell_unknown(self, request: Request, verdict: Unknown, attempt: int) -> None:
        if request.method == "DELETE" and verdict.status == 204:
            return  # it needs no body to say that it is done
        self.tell_unknown(request, verdict.reason, attempt=attempt, status=verdict.status)


class _SlotInQuota(AbstractAsyncContextManager[Slot]):
    """A Slot of *exchange*: its place is waited for on entry, and left on exit, whatever happens."""

    __slots__ = ("_exchange", "_lane", "_limit", "_policy", "_slot", "_taken", "_tally", "_waiting")

    def __init__(
        self,
        exchange: Exchange,
        lane: Lane,
        tally: Requests | None,
        policy: SubmitPolicy | None,
        limit: CallLimit | None,
    ) -> None:
        self._exchange = exchange
        self._lane = lane
        self._tally = tally
        self._policy = policy
        self._limit = limit
        self._slot: Slot | None = None
        self._taken: TakenPlace | None = None
        self._waiting: AbstractAsyncContextManager[Place | Wait] | None = None

    async def __aenter__(self) -> Slot:
        exchange = self._exchange
        exchange._session.check()
        if exchange._prompt is not None:
            self._taken = taken = exchange._prompt.place_now(self._lane)
            if taken is not None:
                self._slot = exchange._slot_in(taken, self._tally, self._policy)
                return self._slot
        place, self._waiting = await exchange._place(self._lane, self._limit)
        self._slot = exchange._slot_in(place, self._tally, self._policy)
        try:
            exchange._session.check()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self._slot

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._slot is not None:
            self._slot.close()
        if self._taken is not None:
            await self._exchange._settled(self._taken.leave())
        elif self._waiting is not None:
            await self._exchange._settled(self._waiting.__aexit__(kind, error, trace))


def _reason_of(outcome: Outcome) -> str:
    """Why an attempt did not do."""
    return outcome.reason if isinstance(outcome, Failure) else f"the service answered {outcome.status}"
