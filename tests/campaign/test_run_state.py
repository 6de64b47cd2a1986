"""The state of a run: what the table holds happens, nothing else does, and it keeps its promises."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.campaign.run_state import (
    PAUSE,
    RUN_TABLE,
    BeginRun,
    EndRun,
    FinishRun,
    PauseRun,
    ResumeRun,
    RunEvent,
    RunPhase,
    RunState,
    StopRun,
    apply,
    end_of,
)
from keebai_async.errors import ForbiddenMove
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.remainder import left_open
from keebai_async.model.stop import Cause, Stop

P: Final = RunPhase

# Written out a second time on purpose: a change of the table has to be meant.
ALLOWED: Final[dict[tuple[RunPhase, type[RunEvent]], RunPhase]] = {
    (P.STARTING, BeginRun): P.RUNNING,
    (P.STARTING, StopRun): P.STOPPING,
    (P.RUNNING, PauseRun): P.PAUSED,
    (P.RUNNING, ResumeRun): P.RUNNING,
    (P.RUNNING, StopRun): P.STOPPING,
    (P.RUNNING, FinishRun): P.FINISHED,
    (P.PAUSED, PauseRun): P.PAUSED,
    (P.PAUSED, ResumeRun): P.RUNNING,
    (P.PAUSED, StopRun): P.STOPPING,
    (P.PAUSED, FinishRun): P.FINISHED,
    (P.STOPPING, BeginRun): P.STOPPING,
    (P.STOPPING, PauseRun): P.STOPPING,
    (P.STOPPING, ResumeRun): P.STOPPING,
    (P.STOPPING, StopRun): P.STOPPING,
    (P.STOPPING, EndRun): P.STOPPED,
    (P.STOPPED, PauseRun): P.STOPPED,
    (P.STOPPED, ResumeRun): P.STOPPED,
    (P.STOPPED, StopRun): P.STOPPED,
    (P.FINISHED, PauseRun): P.FINISHED,
    (P.FINISHED, ResumeRun): P.FINISHED,
    (P.FINISHED, StopRun): P.FINISHED,
}
KINDS: Final[tuple[type[RunEvent], ...]] = (BeginRun, PauseRun, ResumeRun, StopRun, EndRun, FinishRun)

SETTLED: Final = (
    Chunk(number=1, recipients=5, state=ChunkState.ACCEPTED, broadcast_id="b", accepted=5, final=True),
    Chunk(number=2, recipients=5, state=ChunkState.ACCEPTED, accepted=5),
    Chunk(number=3, recipients=5, state=ChunkState.REFUSED),
    Chunk(number=4, recipients=5, state=ChunkState.ABANDONED),
)
OPEN: Final = (
    Chunk(number=5, recipients=5, state=ChunkState.ACCEPTED, broadcast_id="b", accepted=5),
    Chunk(number=6, recipients=5),
    Chunk(number=7, recipients=5, state=ChunkState.SUBMITTING),
    Chunk(number=8, recipients=7, state=ChunkState.UNKNOWN),
)


def stop_of(cause: Cause) -> Stop:
    return Stop(cause=cause, reason=f"because of {cause.value}")


def event_of(kind: type[RunEvent]) -> RunEvent:
    events: tuple[RunEvent, ...] = (
        BeginRun(),
        PauseRun(),
        ResumeRun(),
        StopRun(stop_of(Cause.GUARD)),
        EndRun(),
        FinishRun(SETTLED),
    )
    return next(event for event in events if type(event) is kind)


def state_in(phase: RunPhase) -> RunState:
    stops = phase in {RunPhase.STOPPING, RunPhase.STOPPED}
    return RunState(phase=phase, stop=stop_of(Cause.TOKEN) if stops else None)


def test_the_table_is_what_was_agreed_and_every_event_is_in_these_tests() -> None:
    assert dict(RUN_TABLE) == ALLOWED
    assert set(KINDS) == set(RunEvent.__args__)


@pytest.mark.parametrize("phase", RunPhase)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_table_holds_happens_and_nothing_else_does(phase: RunPhase, kind: type[RunEvent]) -> None:
    before = state_in(phase)
    if (phase, kind) in ALLOWED:
        assert apply(before, event_of(kind)).phase is ALLOWED[phase, kind]
    else:
        with pytest.raises(ForbiddenMove, match=f"{phase.value} cannot {kind.__name__}"):
            apply(before, event_of(kind))


def test_nothing_leads_out_of_an_end_nor_back_from_a_stop() -> None:
    for (phase, _), after in RUN_TABLE.items():
        if phase in {RunPhase.STOPPED, RunPhase.FINISHED}:
            assert after is phase
        if phase is RunPhase.STOPPING:
            assert after in {RunPhase.STOPPING, RunPhase.STOPPED}


@pytest.mark.parametrize(
    ("phase", "may_leave", "follows", "campaign"),
    [
        (RunPhase.STARTING, False, False, CampaignState.RUNNING),
        (RunPhase.RUNNING, True, True, CampaignState.RUNNING),
        (RunPhase.PAUSED, False, True, CampaignState.PAUSED),
        (RunPhase.STOPPING, False, False, CampaignState.RUNNING),
        (RunPhase.STOPPED, False, False, CampaignState.STOPPED),
        (RunPhase.FINISHED, False, False, CampaignState.FINISHED),
    ],
)
def test_what_a_phase_allows_and_shows(
    phase: RunPhase, may_leave: bool, follows: bool, campaign: CampaignState
) -> None:
    state = state_in(phase)
    assert (state.may_leave, state.follows, state.campaign) == (may_leave, follows, campaign)


def test_only_a_paused_and_a_stopped_run_say_why() -> None:
    why = {phase: state_in(phase).why for phase in RunPhase}
    assert why == dict.fromkeys(RunPhase) | {
        RunPhase.PAUSED: PAUSE,
        RunPhase.STOPPED: stop_of(Cause.TOKEN),
    }


@pytest.mark.parametrize("chunk", OPEN, ids=lambda chunk: chunk.state.value)
def test_a_run_in_which_somebody_is_left_is_not_finished(chunk: Chunk) -> None:
    running = state_in(RunPhase.RUNNING)
    with pytest.raises(ForbiddenMove, match="cannot be finished"):
        apply(running, FinishRun((*SETTLED, chunk)))

    end = end_of(running, (*SETTLED, chunk))

    assert (end.phase, end.why) == (RunPhase.STOPPED, left_open((*SETTLED, chunk)))


def test_what_is_left_open_is_said_and_an_unknown_chunk_first() -> None:
    assert left_open(()) is left_open(SETTLED) is None
    followed_no_further = left_open(OPEN[:1])
    assert followed_no_further is not None
    assert followed_no_further.cause is Cause.NOT_TRACKED
    unknown = left_open(OPEN)
    assert unknown is not None
    assert unknown.cause is Cause.UNKNOWN
    assert "7 people is unknown (chunk 8): settle it with reconcile" in unknown.reason


@pytest.mark.parametrize("phase", [RunPhase.RUNNING, RunPhase.PAUSED])
def test_a_run_in_which_nobody_is_left_is_finished_also_if_it_was_paused(phase: RunPhase) -> None:
    assert end_of(state_in(phase), SETTLED) == RunState(phase=RunPhase.FINISHED)


def test_a_run_that_was_stopped_ends_stopped_even_if_nobody_is_left() -> None:
    assert end_of(state_in(RunPhase.STOPPING), SETTLED).why == stop_of(Cause.TOKEN)


def test_an_end_is_an_end() -> None:
    for phase in (RunPhase.STARTING, RunPhase.STOPPED, RunPhase.FINISHED):
        with pytest.raises(ForbiddenMove):
            end_of(state_in(phase), SETTLED)


STOPS: Final = st.sampled_from(Cause).map(lambda cause: StopRun(stop_of(cause)))
"""People, guards, rejected tokens, lost journals ..."""
ASKED: Final[st.SearchStrategy[RunEvent]] = st.one_of(st.just(PauseRun()), st.just(ResumeRun()), STOPS)


@given(
    st.lists(STOPS, max_size=1),
    st.lists(ASKED, max_size=12),
    st.sets(st.sampled_from(SETTLED + OPEN)),
    st.lists(ASKED, max_size=3),
)
def test_whatever_happens_to_a_run_it_keeps_its_promises(
    early: list[StopRun], events: list[RunEvent], chunks: set[Chunk], late: list[RunEvent]
) -> None:
    state, first = RunState(), None
    for event in [*early, BeginRun(), *events]:
        if isinstance(event, StopRun) and first is None:
            first = event.stop
        state = apply(state, event)
        assert state.stop == first  # the first reason counts
        assert not (first and state.may_leave)  # after a stop nothing more may leave
        assert not (first and state.follows)
        assert (state.stop is None) is (state.phase not in {RunPhase.STOPPING, RunPhase.STOPPED})
        if isinstance(event, PauseRun):
            assert not state.may_leave  # a pause is one, whatever came before it
        if isinstance(event, ResumeRun):
            assert state.may_leave is (first is None)
        if isinstance(event, StopRun):
            assert state.phase is RunPhase.STOPPING  # a pause and then a stop is a stop
        assert state.campaign in {CampaignState.RUNNING, CampaignState.PAUSED}

    end = end_of(state, chunks)

    settled = all(chunk.settled for chunk in chunks)
    assert (end.phase is RunPhase.FINISHED) is (settled and first is None)  # finished only when settled
    assert end.campaign in {CampaignState.FINISHED, CampaignState.STOPPED}
    assert end.why == (first or left_open(chunks))
    for event in late:
        assert apply(end, event) == end  # nothing changes an end
