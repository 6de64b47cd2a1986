"""Requests under the quota: a place in the gate, one attempt, what it means, and whether there is another.

Every attempt of everything goes through a Slot, so nothing leaves that the gate did not let through, and
the gate hears how each one ended. Meaning is decided in `verdict`, repeating in `retry`.
"""

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import Misused, RequestError, TokenRejected
from keebai_async.model.requests import Requests
from keebai_async.quota.gate import Ending, Gate, Lane, Place
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import read_error_in_success
from keebai_async.transport.error_mapping import error_for, error_for_read, error_of_body
from keebai_async.transport.rate_headers import allowances_of, pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.retry import NO_RETRIES, RetryPolicy, backoff, wait_before_repeat
from keebai_async.transport.verdict import Accepted, SubmitPolicy, Throttled, Unsent, Verdict, judge

logger = logging.getLogger("keebai_async")


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
    ) -> None:
        self._session = session
        self._place = place
        self._clock = clock
        self._timeouts = timeouts
        self._tally = tally
        self._judge = judge
        self._open = True

    async def submit(self, request: Request, *, attempt: int = 1) -> Verdict:
        """Send it, and say what came of it. Trouble on the way is no exception."""
        outcome = await self.send(request, attempt=attempt)
        return self._judge(outcome, wall=self._clock.wall())

    async def send(self, request: Request, *, attempt: int = 1) -> Outcome:
        """Make the one request that this place is for.

        Raises:
            Misused: it was made already, or the place was given back; nothing leaves.
        """
        if not self._open:
            raise Misused("a place in the quota is for one request")
        self._open = False
        start = self._clock.now()
        outcome = await self._send(request)
        self._settle(request, outcome)
        _log(request, outcome, attempt, self._clock.now() - start)  # each attempt of everything is told here
        return outcome

    def close(self) -> None:
        """Give the place back, if nothing was sent."""
        if self._open:
            self._open = False
            self._place.settle(Ending.UNSENT)

    async def _send(self, request: Request) -> Outcome:
        try:
            return await self._session.send(request, self._timeouts)
        except Misused as error:
            # Closed since the place was given. The intent is on disk, and nothing left: that is an outcome.
            return Failure(stage=Stage.NOT_WRITTEN, reason=str(error))
        except BaseException:
            # Cancelled on the way: the service may count it, even later than now.
            self._place.settle(Ending.UNANSWERED)
            self._count(request)
            raise

    def _settle(self, request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            unsent = outcome.stage is Stage.NOT_WRITTEN
            self._place.settle(Ending.UNSENT if unsent else Ending.UNANSWERED)
            if not unsent:
                self._count(request)
            return
        throttled = outcome.status == 429
        pause = pause_of(outcome, wall=self._clock.wall()) if throttled else None
        self._place.settle(Ending.ANSWERED, allowances=allowances_of(outcome), pause=pause)
        self._count(request, throttled=throttled)

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


class Exchange:
    """Reads and submits on one session and one gate. Cheap to make: options are its arguments."""

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
    ) -> None:
        self._session = session
        self._gate = gate
        self._clock = clock
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
        attempt, throttled = 0, False
        while True:
            attempt += 1
            async with self.slot(request.lane, tally=tally) as slot:
                outcome = await slot.send(request, attempt=attempt)
            if isinstance(outcome, Answer) and 200 <= outcome.status < 300 and outcome.complete:
                fault = read_error_in_success(outcome, self._dialect)
                if fault is not None:
                    raise self._worded(error_of_body(fault, request, attempt))
                return outcome
            if not once and not throttled and self._worth_waiting(outcome):
                throttled = True  # the gate holds the next attempt until the pause is over
                continue
            wait = wait_before_repeat(policy, outcome, attempt, self._chance)
            if wait is None:
                wall = self._clock.wall()
                raise self._worded(
                    error_for_read(outcome, request, attempt, wall=wall, dialect=self._dialect)
                )
            await self._clock.sleep(wait)

    async def submit(
        self, request: Request, *, tally: Requests | None = None, policy: SubmitPolicy | None = None
    ) -> Answer:
        """The answer to an accepted submit; made again only while it was certainly not accepted.

        Raises:
            OutcomeUnknown: it may have been accepted.
            RequestError: it was not accepted.
            Misused: the session is closed, or of another event loop.
        """
        attempt, throttled = 0, False
        while True:
            attempt += 1
            verdict = await self.submit_once(request, tally=tally, policy=policy, attempt=attempt)
            match verdict:
                case Accepted(answer=answer):
                    return answer
                case Throttled(pause=pause) if not throttled and pause <= self._retries.longest_pause:
                    throttled = True
                case Unsent() if attempt <= self._retries.retries:
                    await self._clock.sleep(backoff(self._retries, attempt, self._chance))
                case _:
                    raise self._worded(error_for(verdict, request, attempt))

    async def submit_once(
        self,
        request: Request,
        *,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        attempt: int = 1,
    ) -> Verdict:
        """Make exactly one attempt, and say what it means. Trouble on the way is no exception.

        Raises:
            Misused, QuotaUnusable: as `slot` does; then nothing has left.
        """
        async with self.slot(request.lane, tally=tally, policy=policy) as slot:
            return await slot.submit(request, attempt=attempt)

    @asynccontextmanager
    async def slot(
        self, lane: Lane, *, tally: Requests | None = None, policy: SubmitPolicy | None = None
    ) -> AsyncIterator[Slot]:
        """Wait for a place in the quota, for one request: until then, and after it, nothing has left.

        Inside `async with`, `send` or `submit` makes the request; left without one, the place is given
        back. *tally* counts what leaves.

        Raises:
            Misused: the session is closed, or of another event loop. It is looked at before a place is
                waited for, and again when it has come.
            QuotaUnusable: no place could be asked for.
        """
        self._session.check()
        async with self._gate.place(lane) as place:
            slot = Slot(
                self._session,
                place,
                clock=self._clock,
                timeouts=self._timeouts,
                tally=tally,
                judge=partial(judge, policy=policy or self._policy, dialect=self._dialect),
            )
            try:
                self._session.check()
                yield slot
            finally:
                slot.close()

    def _worded(self, error: RequestError) -> RequestError:
        if isinstance(error, TokenRejected) and self._dialect.about_tokens:
            error.args = (f"{error} ({self._dialect.about_tokens})",)
        return error

    def _worth_waiting(self, outcome: Outcome) -> bool:
        if isinstance(outcome, Failure) or outcome.status != 429:
            return False
        return pause_of(outcome, wall=self._clock.wall()) <= self._retries.longest_pause


def _log(request: Request, outcome: Outcome, attempt: int, seconds: float) -> None:
    said: dict[str, object]
    if isinstance(outcome, Failure):
        level, event = logging.INFO, "request failed"
        said = {"stage": outcome.stage.value, "reason": outcome.reason}
    else:
        throttled = outcome.status == 429
        level = logging.WARNING if throttled else logging.DEBUG
        event = "request throttled" if throttled else "request answered"
        said = {"status": outcome.status}
    if logger.isEnabledFor(level):
        said |= {
            "method": request.method,
            "path": request.path,
            "attempt": attempt,
            "seconds": round(seconds, 3),
        }
        logger.log(level, event, extra=said)
