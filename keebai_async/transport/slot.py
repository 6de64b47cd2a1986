"""Slot: a place in the quota, for one request, and what the gate is told of that.

Every attempt of everything goes through a Slot, so nothing leaves that the gate did not let through, and the
gate hears how each one ended.
"""

from typing import Protocol

from keebai_async.clock import Clock
from keebai_async.errors import Misused
from keebai_async.model.requests import Requests
from keebai_async.quota.gate import Ending, Lane, Place
from keebai_async.transport.rate_headers import allowances_of, pause_of
from keebai_async.transport.reply import Failure, Outcome, Stage, stage_of
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.request_recorder import AttemptRecorder, RequestRecorder
from keebai_async.transport.verdict import Accepted, Unknown, Verdict


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

    __slots__ = (
        "_clock",
        "_judge",
        "_may_have_left",
        "_open",
        "_place",
        "_recorder",
        "_session",
        "_tally",
        "_timeouts",
        "verdict",
    )

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
