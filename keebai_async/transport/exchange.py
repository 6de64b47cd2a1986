"""Requests under the quota: a place in the gate, one attempt, what it means, and whether there is another.

Every attempt of everything goes through `_attempt`, so nothing leaves that the gate did not let through,
and the gate hears how each one ended. Meaning is decided in `verdict`, repeating in `retry`.
"""

import logging
import random
from collections.abc import Awaitable, Callable
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

Leaving = Callable[[], Awaitable[None]]


class Wire(Protocol):
    """What an exchange asks of a session."""

    def check(self) -> None:
        """Raise Misused if it cannot be used here and now."""

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        """Make one attempt; trouble on the way is a Failure."""


class Exchange:
    """Reads and submits on one session and one gate. Cheap to make: options are its arguments."""

    def __init__(
        self,
        session: Wire,
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
            outcome = await self._attempt(request, attempt, tally)
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
        leaving: Leaving | None = None,
        tally: Requests | None = None,
        policy: SubmitPolicy | None = None,
        attempt: int = 1,
    ) -> Verdict:
        """Make exactly one attempt, and say what it means. Trouble on the way is no exception.

        *leaving* is awaited when the gate has given a place, before the first byte is written. If it
        raises, nothing is sent, the place is given back, and its exception comes out.

        Raises:
            Misused: the session is closed, or of another event loop; then *leaving* was not awaited.
        """
        outcome = await self._attempt(request, attempt, tally, leaving)
        return judge(
            outcome,
            wall=self._clock.wall(),
            policy=policy or self._policy,
            dialect=self._dialect,
        )

    async def _attempt(
        self, request: Request, attempt: int, tally: Requests | None, leaving: Leaving | None = None
    ) -> Outcome:
        self._session.check()  # before a place is waited for, and again when it has come
        async with self._gate.place(request.lane) as place:
            try:
                self._session.check()
                if leaving is not None:
                    await leaving()
            except BaseException:
                place.settle(Ending.UNSENT)
                raise
            start = self._clock.now()
            outcome = await self._send(request, place, tally)
            self._settle(request, place, outcome, tally)
        _log(request, outcome, attempt, self._clock.now() - start)
        return outcome

    async def _send(self, request: Request, place: Place, tally: Requests | None) -> Outcome:
        try:
            return await self._session.send(request, self._timeouts)
        except Misused:
            place.settle(Ending.UNSENT)
            raise
        except BaseException:
            # Cancelled on the way: the service may count it, even later than now.
            place.settle(Ending.UNANSWERED)
            if tally is not None:
                _count(tally, request)
            raise

    def _settle(self, request: Request, place: Place, outcome: Outcome, tally: Requests | None) -> None:
        if isinstance(outcome, Failure):
            unsent = outcome.stage is Stage.NOT_WRITTEN
            place.settle(Ending.UNSENT if unsent else Ending.UNANSWERED)
            if tally is not None and not unsent:
                _count(tally, request)
            return
        throttled = outcome.status == 429
        pause = pause_of(outcome, wall=self._clock.wall()) if throttled else None
        place.settle(Ending.ANSWERED, allowances=allowances_of(outcome), pause=pause)
        if tally is not None:
            _count(tally, request, throttled=throttled)

    def _worded(self, error: RequestError) -> RequestError:
        if isinstance(error, TokenRejected) and self._dialect.about_tokens:
            error.args = (f"{error} ({self._dialect.about_tokens})",)
        return error

    def _worth_waiting(self, outcome: Outcome) -> bool:
        if isinstance(outcome, Failure) or outcome.status != 429:
            return False
        return pause_of(outcome, wall=self._clock.wall()) <= self._retries.longest_pause


def _count(tally: Requests, request: Request, *, throttled: bool = False) -> None:
    """Count one more that left; a 429 is counted as what it asked for, and as throttled."""
    if request.kind is RequestKind.SUBMIT:
        tally.submits += 1
    elif request.lane is Lane.POLL:
        tally.polls += 1
    else:
        tally.other += 1
    tally.throttled += throttled


def _log(request: Request, outcome: Outcome, attempt: int, seconds: float) -> None:
    if isinstance(outcome, Failure):
        level, event = logging.INFO, "request failed"
        said: dict[str, object] = {"stage": outcome.stage.value, "reason": outcome.reason}
    elif outcome.status == 429:
        level, event, said = logging.WARNING, "request throttled", {"status": 429}
    else:
        level, event, said = logging.DEBUG, "request answered", {"status": outcome.status}
    if logger.isEnabledFor(level):
        said |= {
            "method": request.method,
            "path": request.path,
            "attempt": attempt,
            "seconds": round(seconds, 3),
        }
        logger.log(level, event, extra=said)
