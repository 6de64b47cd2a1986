"""Clocks: time that a test turns by hand, time that runs by itself, and waiting with a limit."""

import anyio
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.clock import ManualClock, ScaledClock, SystemClock, wait_for


async def test_manual_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(100.0)
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.now())

    async with anyio.create_task_group() as tasks:
        for seconds in (30.0, 10.0, 20.0):
            tasks.start_soon(sleeper, seconds)
        await anyio.wait_all_tasks_blocked()
        assert (clock.now(), woken) == (100.0, [])
        await clock.advance(20.0)
        assert (clock.now(), woken) == (120.0, [110.0, 120.0])
        await clock.advance(10.0)

    assert woken == [110.0, 120.0, 130.0]


@given(st.lists(st.integers(1, 50), max_size=10), st.integers(0, 60))
def test_advancing_wakes_those_whose_time_has_come_in_order(naps: list[int], seconds: int) -> None:
    async def main() -> list[float]:
        clock = ManualClock(0.0)
        woken: list[float] = []

        async def sleeper(nap: int) -> None:
            await clock.sleep(nap)
            woken.append(clock.now())

        async with anyio.create_task_group() as tasks:
            for nap in naps:
                tasks.start_soon(sleeper, nap)
            await clock.advance(seconds)
            assert clock.now() == seconds
            tasks.cancel_scope.cancel()
        return woken

    assert anyio.run(main) == sorted(float(nap) for nap in naps if nap <= seconds)


async def test_a_chain_of_sleeps_is_walked_to_its_end() -> None:
    clock = ManualClock(0.0)
    times: list[float] = []

    async def chain() -> None:
        for _ in range(4):
            await clock.sleep(15.0)
            times.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(chain)
        await clock.advance(60.0)

    assert times == [15.0, 30.0, 45.0, 60.0]


async def test_running_time_leaps_over_hours_and_stops_with_its_block() -> None:
    clock = ManualClock(0.0)
    async with clock.running():
        await clock.sleep(86_400.0)

    assert clock.now() == 86_400.0
    with anyio.move_on_after(0.01):
        await clock.sleep(1.0)
    assert clock.now() == 86_400.0


async def test_a_cancelled_sleeper_does_not_hold_time_back() -> None:
    clock = ManualClock(0.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 5.0)
        tasks.start_soon(clock.sleep, 5.0)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    async with clock.running():
        await clock.sleep(50.0)

    assert clock.now() == 50.0


async def test_what_fails_while_time_runs_comes_out_as_it_is() -> None:
    clock = ManualClock(0.0)
    with pytest.raises(ZeroDivisionError):
        async with clock.running():
            _ = 1 // int(clock.now())


async def test_sleeping_for_nothing_lets_others_run() -> None:
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    for clock in (ManualClock(), SystemClock(), ScaledClock(1000.0)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            before = len(ran)
            await clock.sleep(0.0)
            await clock.sleep(-5.0)
            assert len(ran) == before + 1


async def test_an_event_in_time_ends_the_wait_at_once() -> None:
    clock, event = ManualClock(0.0), anyio.Event()

    async def later() -> None:
        await clock.sleep(3.0)
        event.set()

    async with clock.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(later)
        assert await wait_for(clock, event, 10.0)
        assert clock.now() == 3.0


async def test_an_event_that_does_not_come_costs_exactly_the_limit() -> None:
    clock, event = ManualClock(0.0), anyio.Event()
    async with clock.running():
        assert not await wait_for(clock, event, 10.0)
        assert clock.now() == 10.0
        event.set()
        assert await wait_for(clock, event, 0.0)
        assert clock.now() == 10.0


async def test_a_cancelled_wait_leaves_nobody_sleeping() -> None:
    clock, event = ManualClock(0.0), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait_for, clock, event, 10.0)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()

    assert clock._sleepers == []


async def test_scaled_time_runs_as_much_faster_as_it_says() -> None:
    clock, machine = ScaledClock(10_000.0), SystemClock()
    started, real = clock.now(), machine.now()
    await clock.sleep(100.0)

    assert clock.now() - started >= 100.0
    assert machine.now() - real >= 0.01
    assert clock.wall() == pytest.approx(machine.wall() + clock.now(), abs=3_600.0)


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_time_never_runs_backwards(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be positive"):
        ScaledClock(speed)


async def test_sleepers_of_another_threads_loop_wake_too() -> None:
    clock = ManualClock(100.0)
    woken: list[float] = []

    async def nap(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(clock.now())

    async def give_up() -> None:
        with anyio.move_on_after(0.01):
            await clock.sleep(1.0)

    await anyio.to_thread.run_sync(anyio.run, give_up)
    async with clock.running():
        await anyio.to_thread.run_sync(anyio.run, nap, 60.0)

    assert woken == [160.0]
