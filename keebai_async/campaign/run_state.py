"""The state of a run: its phases, and the events that lead from one to another. Pure.

Whether something may leave, whether delivery is followed, what the journal is told: all of it follows from
the phase. Every change of it is an event applied here, as every change of a chunk is a move of its
lifecycle. The points of the table: nothing leads from STOPPING back to RUNNING, and nothing leads to
FINISHED but a proof that nobody is left.
"""

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from keebai_async.errors import ForbiddenMove
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk
from keebai_async.model.remainder import left_open
from keebai_async.model.stop import Cause, Stop

PAUSE: Final = Stop(cause=Cause.INTERRUPTED, reason="paused")


class RunPhase(enum.StrEnum):
    STARTING = "starting"
    """It does not have the lease yet."""
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing leaves; delivery is followed all the same."""
    STOPPING = "stopping"
    """Nothing leaves any more; what has left is awaited and written down."""
    STOPPED = "stopped"
    FINISHED = "finished"


class BeginRun(msgspec.Struct, frozen=True, tag=True):
    """It has the lease, and knows what the journal knows."""


class PauseRun(msgspec.Struct, frozen=True, tag=True):
    """Somebody asks that nothing leaves for now."""


class ResumeRun(msgspec.Struct, frozen=True, tag=True):
    """Somebody asks that it goes on after a pause."""


class StopRun(msgspec.Struct, frozen=True, tag=True):
    """A person, a guard, a rejected token, a lost journal: *stop* says what."""

    stop: Stop


class EndRun(msgspec.Struct, frozen=True, tag=True):
    """What had left is written down, and there is nothing more to do before somebody resumes it."""


class FinishRun(msgspec.Struct, frozen=True, tag=True):
    """There is nothing more to do at all, as these *chunks* (all of the campaign) show."""

    chunks: tuple[Chunk, ...]


RunEvent = BeginRun | PauseRun | ResumeRun | StopRun | EndRun | FinishRun

_P = RunPhase

RUN_TABLE: Final[Mapping[tuple[RunPhase, type[RunEvent]], RunPhase]] = MappingProxyType(
    {
        (_P.STARTING, BeginRun): _P.RUNNING,
        (_P.STARTING, StopRun): _P.STOPPING,
        (_P.RUNNING, PauseRun): _P.PAUSED,
        (_P.RUNNING, ResumeRun): _P.RUNNING,
        (_P.RUNNING, StopRun): _P.STOPPING,
        (_P.RUNNING, FinishRun): _P.FINISHED,
        (_P.PAUSED, PauseRun): _P.PAUSED,
        (_P.PAUSED, ResumeRun): _P.RUNNING,
        (_P.PAUSED, StopRun): _P.STOPPING,
        (_P.PAUSED, FinishRun): _P.FINISHED,
        (_P.STOPPING, BeginRun): _P.STOPPING,
        (_P.STOPPING, PauseRun): _P.STOPPING,
        (_P.STOPPING, ResumeRun): _P.STOPPING,
        (_P.STOPPING, StopRun): _P.STOPPING,
        (_P.STOPPING, EndRun): _P.STOPPED,
        (_P.STOPPED, PauseRun): _P.STOPPED,
        (_P.STOPPED, ResumeRun): _P.STOPPED,
        (_P.STOPPED, StopRun): _P.STOPPED,
        (_P.FINISHED, PauseRun): _P.FINISHED,
        (_P.FINISHED, ResumeRun): _P.FINISHED,
        (_P.FINISHED, StopRun): _P.FINISHED,
    }
)

_SHOWN_AS: Final = MappingProxyType(
    {
        _P.STARTING: CampaignState.RUNNING,
        _P.RUNNING: CampaignState.RUNNING,
        _P.PAUSED: CampaignState.PAUSED,
        _P.STOPPING: CampaignState.RUNNING,  # until what has left is written down
        _P.STOPPED: CampaignState.STOPPED,
        _P.FINISHED: CampaignState.FINISHED,
    }
)


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands. *stop* is the first reason to stop that came; None while nothing stops it."""

    phase: RunPhase = RunPhase.STARTING
    stop: Stop | None = None

    @property
    def may_leave(self) -> bool:
        """A submit may leave now."""
        return self.phase is RunPhase.RUNNING

    @property
    def follows(self) -> bool:
        """Delivery is followed."""
        return self.phase in {RunPhase.RUNNING, RunPhase.PAUSED}

    @property
    def campaign(self) -> CampaignState:
        """The state of the campaign, for the journal and for people."""
        return _SHOWN_AS[self.phase]

    @property
    def why(self) -> Stop | None:
        """Why the campaign is paused or stopped."""
        if self.phase is RunPhase.PAUSED:
            return PAUSE
        return self.stop if self.phase is RunPhase.STOPPED else None


def apply(state: RunState, event: RunEvent) -> RunState:
    """The state after *event*.

    Raises:
        ForbiddenMove: the table does not hold it, or a run is to be finished in which somebody is left.
    """
    phase = RUN_TABLE.get((state.phase, type(event)))
    if phase is None:
        raise ForbiddenMove(f"a run that is {state.phase.value} cannot {type(event).__name__}")
    stop = state.stop
    if isinstance(event, StopRun) and phase is RunPhase.STOPPING:
        stop = stop or event.stop
    if isinstance(event, FinishRun) and (left := left_open(event.chunks)):
        raise ForbiddenMove(f"a run cannot be finished: {left.reason}")
    return RunState(phase=phase, stop=stop)


def end_of(state: RunState, chunks: Iterable[Chunk]) -> RunState:
    """The last state of a run in which nothing is on its way: finished, or stopped and why."""
    every = tuple(chunks)
    stop = state.stop or left_open(every)
    if stop is None:
        return apply(state, FinishRun(every))
    return apply(apply(state, StopRun(stop)), EndRun())
