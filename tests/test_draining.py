"""Who uses a thing is waited for before it is closed, and a task that never began is not taken for ended."""

import asyncio
import gc
import warnings

import anyio
import anyio.lowlevel
import pytest

from keebai_async.draining import Drain, quiet_if_never_begun


class Work:
    """What a task does, and how far it came."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False

    async def run(self) -> None:
        self.begun = True
        await anyio.lowlevel.checkpoint()
        self.ended = True


async def parent(work: Work, *, fails: bool = False) -> None:
    before = asyncio.all_tasks()
    with quiet_if_never_begun(work.run) as run:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            if not fails:
                for child in asyncio.all_tasks() - before:
                    child.cancel()  # before its first step, as `asyncio.run` does it at its end
            else:
                raise LookupError("the parent fails first")


async def test_a_task_that_was_cancelled_before_its_first_step_is_no_task_that_ended() -> None:
    work = Work()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(asyncio.CancelledError):
            await parent(work)
        gc.collect()

    assert not work.begun
    assert [str(each.message) for each in caught if "never awaited" in str(each.message)] == []


async def test_the_failure_of_its_parent_is_told_and_not_that_it_never_began() -> None:
    work = Work()
    with pytest.raises(ExceptionGroup) as raised:
        await parent(work, fails=True)

    assert raised.group_contains(LookupError)


async def test_a_task_that_came_to_its_end_is_as_any_other() -> None:
    work = Work()
    with quiet_if_never_begun(work.run) as run:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)

    assert work.ended


async def test_a_task_that_was_cancelled_on_its_way_began() -> None:
    work = Work()
    with quiet_if_never_begun(work.run) as run:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    assert (work.begun, work.ended) == (True, False)


async def test_who_is_inside_is_asked_to_stop_and_waited_for() -> None:
    drain, stopped = Drain(), anyio.Event()
    order: list[str] = []

    async def user() -> None:
        with drain.inside(seconds=60.0, stop=stopped.set):
            await stopped.wait()
            await anyio.lowlevel.checkpoint()
            order.append("out")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(user)
        await anyio.lowlevel.checkpoint()
        await drain.close()
        order.append("closed")

    assert order == ["out", "closed"]
