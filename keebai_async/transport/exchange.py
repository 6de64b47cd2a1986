"""Requests under the quota: a place in the gate, one attempt, what it means, and whether there is another.

Every attempt of everything goes through a Slot, so nothing leaves that the gate did not let through, and
the gate hears how each one ended. Meaning is decided in `verdict`, repeating in `retry`.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Final, Protocol

import anyio

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.draining import Drain
from keebai_async.errors import Misused, RequestError, TokenRejected
from keebai_async.model.requests import Requests
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.quota_records import PlaceNotSettled
from keebai_async.quota.gate import Ending, Gate, Lane, Place, TellingGate
from keebai_async.quota.window import Wait
from keebai_async.transport.call_limit import BoundedGate, CallLimit
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import read_error_in_success
from keebai_async.transport.error_mapping import error_for, error_for_read, error_of_body
from keebai_async.transport.rate_headers import allowances_of, pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage, stage_of
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.request_recorder import AttemptRecorder, RequestRecorder, note_of
from keebai_async.transport.retry import NO_RETRIES, RetryPolicy, backoff, wait_before_repeat
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


class Judge(Protocol):
    """What decides what an outcome means, with the policy of this request in it."""

    def __call__(self, outcome: Outcome, *, wall: float) -> Verdict: ...


class HttpTransport(Protocol):
    """What an exchange asks of a session."""

    def check(self) -> None:
        """Raise Misused if it cannot be used here and now."""

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt; trouble on the way is a Failure."""
        ...


class Slot:
    """A place in the quota, for one request. Made by `Exchange.slot`."""

    def __init__(
        self,
        session: HttpTransport,
        place: Place,
        *,
        clock: Clock,
        timeouts: Timeouts | None,
        tally: Requests | None,
        judge: Judge,
        recorder: RequestRecorder,
    ) -> None:
        self._session = session
        self._place = place
        self._clock = clock
        self._timeouts = timeouts
        self._tally = tally
        self._judge = judge
        self._recorder = recorder
        self._open = True
        self._may_have_left = False
        self.verdict: Verdict | None = None
        """What a submit meant, once that is known."""

    async def submit(self, request: Request, *, attempt: int = 1) -> Verdict:
        """Send it, and say what came of it. Trouble on the way is no exception."""
        outcome = await self.send(request, attempt=attempt)
        self.verdict = self._judge(outcome, wall=self._clock.wall())
        return self.verdict

    @property
    def perhaps_accepted(self) -> bool:
        """Some of a submit may have left, and nothing says that it was not accepted."""
        return self._may_have_left and isinstance(self.verdict, Accepted | Unknown | None)

    async def send(self, request: Request, *, attempt: int = 1) -> Outcome:
        """Make the one request that this place is for.

        Raises:
            Misused: it was made already, or the place was given back; nothing leaves.
        """
        if not self._open:
            raise Misused("a place in the quota is for one request")
        self._open = False
        recorded = self._recorder.begin(request, attempt)  # each attempt of everything is told here
        outcome = await self._send(request, recorded)
        pause = self._settle(request, outcome)
        recorded.ended(outcome, pause=pause)
        return outcome

    def close(self) -> None:
        """Give the place back, if nothing was sent."""
        if self._open:
            self._open = False
            self._place.settle(Ending.UNSENT)

    async def _send(self, request: Request, recorded: AttemptRecorder) -> Outcome:
        try:
            return await self._session.send(request, self._timeouts)
        except Misused as error:
            # Closed since the place was given. The intent is on disk, and nothing left: that is an outcome.
            return Failure(stage=Stage.NOT_WRITTEN, reason=str(error))
        except BaseException as error:
            stage = stage_of(error)
            self._settle_without_answer(request, stage)
            recorded.raised(error, stage)
            raise

    def _settle_without_answer(self, request: Request, stage: Stage) -> None:
        """If something of it left, the service may count it, even later than now."""
        if stage is Stage.NOT_WRITTEN:
            self._place.settle(Ending.UNSENT)
            return
        self._may_have_left = True
        self._place.settle(Ending.UNANSWERED)
        self._count(request)

    def _settle(self, request: Request, outcome: Outcome) -> float | None:
        """Say to the gate what became of it; gives the pause that a 429 asks for."""
        if isinstance(outcome, Failure):
            self._settle_without_answer(request, outcome.stage)
            return None
        self._may_have_left = True
        throttled = outcome.status == 429
        pause = pause_of(outcome, wall=self._clock.wall()) if throttled else None
        self._place.settle(Ending.ANSWERED, allowances=allowances_of(outcome), pause=pause)
        self._count(request, throttled=throttled)
        return pause

    def _count(self, request: Request, *, throttled: bool = False) -> None:
        """Count one more that left; a 429 is counted as what it asked for, and as throttled."""
        tally = self._tally
        if tally is None:
            return
        if request.kind is RequestKind.SUBMIT:
            tally.submits += 1
        elif request.lane is Lane.POLL:
            tally.polls += 1
        else:
            tally.other += 1
        tally.throttled += throttled


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
        self._gate = gate.observed(observer, account=account) if isinstance(gate, TellingGate) else gate
        self._recorder = RequestRecorder(observer, clock, server=server, port=port)
        self.observer = observer
        self._clock = clock
        self._longest_quota_wait = longest_quota_wait
        self._drain = drain
        self._chance = chance or random.Random()  # noqa: S311 - it spreads waits, it keeps no secret
        self._retries = retries or RetryPolicy()
        self._policy = policy or SubmitPolicy()
        self._timeouts = timeouts
        self._dialect = dialect

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

    @asynccontextmanager
    async def slot(
        self,
        lane: Lane,
        *,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        limit: CallLimit | None = None,
    ) -> AsyncIterator[Slot]:
        """Wait for a place in the quota, for one request: until then, and after it, nothing has left.

        Inside `async with`, `send` or `submit` makes the request; left without one, the place is given
        back. *tally* counts what leaves. *limit* is how long a place is waited for.

        Raises:
            Misused: the session is closed, or of another event loop. It is looked at before a place is
                waited for, and again when it has come; a client that is closed meanwhile ends the wait.
            QuotaUnusable: no place could be asked for.
            QuotaExhausted: none came within *limit*.
        """
        self._session.check()
        async with self._place(lane, limit) as place:
            slot = Slot(
                self._session,
                place,
                clock=self._clock,
                timeouts=self._timeouts,
                tally=tally,
                judge=partial(judge, policy=policy or self._policy, dialect=self._dialect),
                recorder=self._recorder,
            )
            try:
                self._session.check()
                yield slot
            finally:
                slot.close()

    @asynccontextmanager
    async def _place(self, lane: Lane, limit: CallLimit | None) -> AsyncIterator[Place]:
        patience = None if limit is None else limit.patience
        waiting: AbstractAsyncContextManager[Place | Wait]
        if patience is not None and isinstance(self._gate, BoundedGate):
            waiting = self._gate.place_within(lane, patience)
        else:
            waiting = self._gate.place(lane)
        since = self._clock.now()
        given = await self._given(waiting, limit, patience)
        if limit is not None:
            limit.waited(self._clock.now() - since)
        try:
            yield given
        finally:
            await self._settled(waiting)

    async def _settled(self, waiting: AbstractAsyncContextManager[Place | Wait]) -> None:
        """Leave a place. That it cannot be settled says nothing of the request, whose outcome is known."""
        try:
            await waiting.__aexit__(*sys.exc_info())
        except Exception as error:
            self.observer(PlaceNotSettled(store=type(self._gate).__name__, reason=f"{error}"))

    async def _given(
        self,
        waiting: AbstractAsyncContextManager[Place | Wait],
        limit: CallLimit | None,
        patience: float | None,
    ) -> Place:
        given: Place | Wait | None = None
        by_itself = limit is None or (limit.on_clock and isinstance(self._gate, BoundedGate))
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


def _reason_of(outcome: Outcome) -> str:
    """Why an attempt did not do."""
    return outcome.reason if isinstance(outcome, Failure) else f"the service answered {outcome.status}"
