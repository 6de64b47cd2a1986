"""Watcher: looking for real, with hung and failed looks, cancellation and stuck broadcasts."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import RequestError, ServerFailed
from keebai_async.model.progress import Progress
from keebai_async.polling.planner import PollPlanner, Stuck
from keebai_async.polling.watcher import Watcher

Look = Callable[[str], Awaitable[Progress]]


def progress(broadcast_id: str, done: int) -> Progress:
    return Progress(broadcast_id=broadcast_id, total=5_000, sent=done, final=done >= 5_000)


def finished(seen: object) -> bool:
    return isinstance(seen, Progress) and seen.final


def in_line(clock: ManualClock) -> Look:
    """A sender that delivers 80 a second from now on: broadcast `2` after `1` after `0`."""
    began = clock.now()

    async def look(broadcast_id: str) -> Progress:
        await clock.sleep(0.2)
        done = max(0, min(5_000, int(80 * (clock.now() - began)) - 5_000 * int(broadcast_id)))
        return progress(broadcast_id, done)

    return look


def watcher_of(look: Look, clock: ManualClock, count: int, **plan: float) -> Watcher:
    watcher = Watcher(look, planner=PollPlanner(**plan), clock=clock)
    for number in range(count):
        watcher.add(str(number), recipients=5_000, sender="one")
    return watcher


async def test_every_broadcast_is_seen_finished_within_a_second(clock: ManualClock) -> None:
    began = clock.now()
    late: dict[str, float] = {}
    looks = 0
    async with watcher_of(in_line(clock), clock, 10) as watcher:
        watcher.close()
        async for broadcast_id, seen in watcher:
            looks += 1
            if finished(seen):
                late[broadcast_id] = clock.now() - began - 62.5 * (int(broadcast_id) + 1)

    assert sorted(late) == [str(number) for number in range(10)]
    assert max(late.values()) < 1.0
    assert looks <= 30


async def test_it_waits_for_broadcasts_that_come_later_until_it_is_closed(clock: ManualClock) -> None:
    watcher = watcher_of(in_line(clock), clock, 0)
    order: list[str] = []

    async def submit() -> None:
        for number in range(3):
            await clock.sleep(100.0)
            watcher.add(str(number), recipients=5_000, sender="one")
        watcher.close()

    async with watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(submit)
        async for broadcast_id, seen in watcher:
            if finished(seen):
                order.append(broadcast_id)

    assert order == ["0", "1", "2"]


async def test_it_says_when_it_looks_next_as_one_time_until_it_has_looked(clock: ManualClock) -> None:
    deliver, looks = in_line(clock), list[float]()

    async def look(broadcast_id: str) -> Progress:
        looks.append(clock.wall())
        return await deliver(broadcast_id)

    watcher = watcher_of(look, clock, 2)
    assert watcher.next_look is None
    told = list[float | None]()
    async with watcher:
        watcher.close()
        await clock.sleep(0.5)
        while not looks:
            told.append(watcher.next_look)
            await clock.sleep(0.5)
        async for _ in watcher:
            pass

    assert len(told) > 10
    assert list(set(told)) == [pytest.approx(looks[0], abs=0.1)]
    assert watcher.next_look is None


async def test_closed_with_nothing_to_follow_it_ends_at_once(clock: ManualClock) -> None:
    async with watcher_of(in_line(clock), clock, 0) as watcher:
        watcher.close()
        assert [seen async for seen in watcher] == []


async def test_a_look_that_hangs_does_not_hold_up_another_sender(clock: ManualClock) -> None:
    line, began = in_line(clock), clock.now()

    async def look(broadcast_id: str) -> Progress:
        if broadcast_id == "hangs":
            await anyio.sleep_forever()
        return await line(broadcast_id)

    watcher = watcher_of(look, clock, 0)
    watcher.add("hangs", recipients=5_000, sender="two")
    watcher.add("0", recipients=5_000, sender="one")
    async with watcher:
        async for broadcast_id, seen in watcher:
            assert broadcast_id == "0"
            if finished(seen):
                break

    assert clock.now() < began + 64.0


async def test_a_failed_look_is_told_and_made_again(clock: ManualClock) -> None:
    line, failures = in_line(clock), [ServerFailed("down", method="GET", path="/x", status=503)]

    async def look(broadcast_id: str) -> Progress:
        if failures:
            raise failures.pop()
        return await line(broadcast_id)

    seen: list[object] = []
    async with watcher_of(look, clock, 1) as watcher:
        watcher.close()
        async for _, news in watcher:
            seen.append(news)

    assert isinstance(seen[0], RequestError)
    assert finished(seen[-1])


async def test_what_the_callers_block_raises_comes_out_as_it_is(clock: ManualClock) -> None:
    async def watch() -> None:
        async with watcher_of(in_line(clock), clock, 1) as watcher:
            async for _ in watcher:
                raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await watch()


async def test_an_error_that_is_no_request_error_ends_the_watch(clock: ManualClock) -> None:
    async def look(broadcast_id: str) -> Progress:
        raise ZeroDivisionError

    async def watch() -> None:
        async with watcher_of(look, clock, 1) as watcher:
            async for _ in watcher:
                pass

    with pytest.raises(ExceptionGroup) as caught:
        await watch()
    assert caught.group_contains(ZeroDivisionError)


async def test_a_broadcast_that_does_not_move_is_reported_and_can_be_given_up(clock: ManualClock) -> None:
    async def look(broadcast_id: str) -> Progress:
        return progress(broadcast_id, 100)

    reports: list[Stuck] = []
    async with watcher_of(look, clock, 1, stuck_after=600.0) as watcher:
        watcher.close()
        async for broadcast_id, news in watcher:
            if isinstance(news, Stuck):
                reports.append(news)
                watcher.forget(broadcast_id)

    assert [stuck.broadcast_id for stuck in reports] == ["0"]
    assert reports[0].seconds >= 600.0


@pytest.mark.parametrize("seconds", [0.0, 10.0, 46.9, 47.0, 47.075, 62.8, 63.0, 100.0])
async def test_cancelled_at_any_time_it_leaves_nothing_behind(clock: ManualClock, seconds: float) -> None:
    under_way = 0
    line = in_line(clock)

    async def look(broadcast_id: str) -> Progress:
        nonlocal under_way
        under_way += 1
        try:
            return await line(broadcast_id)
        finally:
            under_way -= 1

    async def watch() -> None:
        async with watcher_of(look, clock, 3) as watcher:
            async for _ in watcher:
                pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    assert under_way == 0
    assert clock._sleepers == []
