"""Plans at once hold the event loop no longer than one."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

import anyio

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.planning.plan import make_plan
from keebai_async.sources import open_source
from keebai_async.sources.loop_turns import next_turn, turn
from keebai_async.sources.objects import in_thread
from tests.planning.made import PROMO, SENDER, person

PLANS, BLOCKS = 20, 4


class Rounds:
    """How often something was done in each round of the loop."""

    def __init__(self) -> None:
        self.done: Counter[int] = Counter()
        self._round = 0

    async def run(self) -> None:
        while True:
            self._round += 1
            await asyncio.sleep(0)

    def note(self, _: object = None) -> None:
        self.done[self._round] += 1


async def test_of_many_plans_one_works_in_a_round_of_the_loop() -> None:
    rounds = Rounds()

    async def plan(number: int) -> None:
        await make_plan(
            open_source([person(number * 10_000 + n) for n in range(400 * BLOCKS)]),
            campaign_id=f"promo-{number}",
            name="Promo",
            template=PROMO,
            sender=SENDER,
            journal=MemoryJournal(),
            created_at=0.0,
            service="keebai",
            largest_chunk=5_000,
            progress=rounds.note,
        )

    async with anyio.create_task_group() as counting:
        counting.start_soon(rounds.run)
        async with anyio.create_task_group() as plans:
            for number in range(PLANS):
                plans.start_soon(plan, number)
        counting.cancel_scope.cancel()

    assert rounds.done.total() == PLANS * BLOCKS
    assert max(rounds.done.values()) == 1


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    rounds, order = Rounds(), list[str]()

    async def work(name: str) -> None:
        for _ in range(3):
            await next_turn()
            order.append(name)
            rounds.note()

    async with anyio.create_task_group() as counting:
        counting.start_soon(rounds.run)
        async with anyio.create_task_group() as working:
            for name in "abc":
                working.start_soon(work, name)
        counting.cancel_scope.cancel()

    assert order == list("abcabcabc")
    assert max(rounds.done.values()) == 1


async def test_who_is_woken_during_a_turn_works_before_the_next() -> None:
    """By a timer that is over: the loop sees it in one round, and the task works in the next."""
    loop, order = asyncio.get_running_loop(), list[str]()

    async def work() -> None:
        for turns in range(3):
            await next_turn()
            order.append(f"turn {turns}")
            if turns == 1:
                loop.call_at(loop.time(), woken.set_result, None)

    async def wait() -> None:
        await woken
        order.append("woken")

    woken = loop.create_future()
    await asyncio.gather(wait(), work())

    assert order == ["turn 0", "turn 1", "woken", "turn 2"]


async def test_who_is_cancelled_while_waiting_for_a_turn_keeps_nobody_waiting() -> None:
    done: list[str] = []

    async def work(name: str) -> None:
        await turn()
        done.append(name)

    tasks = [asyncio.create_task(work(name)) for name in "abcd"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.wait(tasks)

    assert done == ["a", "d"]


async def test_a_turn_is_over_when_a_plan_waits_for_something_else() -> None:
    never = asyncio.Event()

    async def waits() -> None:
        await turn()
        await never.wait()

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(0)
    with anyio.fail_after(30):
        await next_turn()
        await next_turn()
    waiting.cancel()


async def test_of_many_files_one_is_read_at_a_time() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def rows() -> Iterator[int]:
        nonlocal at_once, most
        for row in range(5):
            with lock:
                at_once += 1
                most = max(most, at_once)
            time.sleep(0.001)  # as long as to read some rows: others have the time to come in between
            with lock:
                at_once -= 1
            yield row

    async def read() -> None:
        async with aclosing(in_thread(rows(), 1, alone=True)) as pulled:
            assert [row async for some in pulled for row in some] == list(range(5))

    async with anyio.create_task_group() as reading:
        for _ in range(8):
            reading.start_soon(read)

    assert most == 1
