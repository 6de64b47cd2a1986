"""What a run no longer allows is called off at once; what must go on to its end does."""

import anyio
import pytest

from keebai_async.campaign.control import RunControl
from keebai_async.campaign.run_state import BeginRun, PauseRun, ResumeRun, RunPhase, RunState, StopRun
from keebai_async.clock import ManualClock
from keebai_async.model.chunk import Chunk
from keebai_async.model.stop import Cause, Stop

STOP = StopRun(Stop(cause=Cause.INTERRUPTED, reason="enough"))


def running() -> RunControl:
    control = RunControl()
    control.apply(BeginRun())
    return control


def may_leave(state: RunState) -> bool:
    return state.may_leave


def test_an_event_says_whether_it_changed_anything() -> None:
    control = running()
    assert control.apply(PauseRun())
    assert not control.apply(PauseRun())
    assert control.apply(ResumeRun())
    assert control.apply(STOP)
    assert not control.apply(STOP)


def test_an_end_is_what_the_chunks_are() -> None:
    finished, stopped = running(), running()
    finished.end(())
    stopped.end((Chunk(number=1, recipients=1),))
    assert (finished.state.phase, stopped.state.phase) == (RunPhase.FINISHED, RunPhase.STOPPED)


@pytest.mark.parametrize("event", [PauseRun(), STOP])
async def test_what_is_not_allowed_any_more_is_called_off_and_nothing_else(
    event: PauseRun | StopRun,
) -> None:
    control, clock, done = running(), ManualClock(0.0), list[str]()

    async def submit() -> None:
        with control.while_allowed(may_leave):
            await clock.sleep(100.0)
            done.append("submitted")

    async def follow() -> None:
        with control.while_allowed(lambda state: state.follows):
            await clock.sleep(100.0)
            done.append("followed")

    async with clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(submit)
        tasks.start_soon(follow)
        await clock.sleep(50.0)
        control.apply(event)

    assert done == (["followed"] if event == PauseRun() else [])
    assert control._under_way == {}  # what is over is remembered no longer


async def test_what_was_not_allowed_when_it_began_is_called_off_at_once() -> None:
    control = running()
    control.apply(PauseRun())
    with anyio.fail_after(60), control.while_allowed(may_leave) as scope:
        await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_what_is_kept_goes_on_through_a_stop_and_a_cancellation_from_outside() -> None:
    control, clock, done = running(), ManualClock(0.0), list[str]()

    async def attempt() -> None:
        with control.while_allowed(may_leave) as scope:
            assert control.commit(scope)
            await clock.sleep(100.0)
            done.append("written down")

    async with clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(attempt)
        await clock.sleep(50.0)
        control.apply(STOP)
        tasks.cancel_scope.cancel()

    assert done == ["written down"]


async def test_what_was_called_off_cannot_be_kept_even_if_it_is_allowed_again() -> None:
    control = running()
    with control.while_allowed(may_leave) as scope:
        control.apply(PauseRun())
        control.apply(ResumeRun())
        assert control.state.may_leave
        assert not control.commit(scope)
        assert not scope.shield


async def test_what_is_not_allowed_cannot_be_kept() -> None:
    control = running()
    with control.while_allowed(may_leave) as scope:
        control.state = RunState(phase=RunPhase.PAUSED)  # as if the scope had not heard of it
        assert not control.commit(scope)


async def test_who_waits_looks_again_after_each_change_and_each_wake() -> None:
    control, looks, open_ = running(), list[bool](), list[bool]()

    def holds() -> bool:
        looks.append(bool(open_))
        return bool(open_)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(control.until, holds)
        await anyio.wait_all_tasks_blocked()
        control.apply(PauseRun())
        await anyio.wait_all_tasks_blocked()
        open_.append(True)
        control.wake()

    assert looks == [False, False, True]
