"""Plans at once hold the event loop no longer than one."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import aclosing

import anyio
import pytest

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.planning.plan import make_plan
from keebai_async.sources import loop_turns, open_source
from keebai_async.sources.block import BLOCK_ROWS
from keebai_async.sources.loop_turns import TimedTurns, next_turn, turn
from keebai_async.sources.objects import in_thread
from tests.planning.made import PROMO, SENDER, person

PLANS, BLOCKS = 20, 4


class Rounds:
    """Who did something in each round of the loop, and how often something was done in all."""

    def __init__(self) -> None:
        self.who: defaultdict[int, set[object]] = defaultdict(set)
        self.done = 0
        self._round = 0

    @property
    def at_once(self) -> int:
        """How many did something in one round, at most."""
        return max(map(len, self.who.values()))

    async def run(self) -> None:
        while True:
            self._round += 1
            await asyncio.sleep(0)

    def note(self, who: object) -> None:
        self.who[self._round].add(who)
        self.done += 1


async def test_of_many_plans_one_works_in_a_round_of_the_loop() -> None:
    rounds = Rounds()

    async def plan(number: int) -> None:
        await make_plan(
            open_source([person(number * 10_000 + n) for n in range(BLOCK_ROWS * BLOCKS)]),
            campaign_id=f"promo-{number}",
            name="Promo",
            template=PROMO,
            sender=SENDER,
            journal=MemoryJournal(),
            created_at=0.0,
            service="keebai",
            largest_chunk=5_000,
            progress=lambda _: rounds.note(number),
        )

    async with anyio.create_task_group() as counting:
        counting.start_soon(rounds.run)
        async with anyio.create_task_group() as plans:
            for number in range(PLANS):
                plans.start_soon(plan, number)
        counting.cancel_scope.cancel()

    assert rounds.done == PLANS * BLOCKS
    assert rounds.at_once == 1


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    rounds, order = Rounds(), list[str]()

    async def work(name: str) -> None:
        for _ in range(3):
            await next_turn()
            order.append(name)
            rounds.note(name)

    async with anyio.create_task_group() as counting:
        counting.start_soon(rounds.run)
        async with anyio.create_task_group() as working:
            for name in "abc":
                working.start_soon(work, name)
        counting.cancel_scope.cancel()

    assert order == list("abcabcabc")
    assert rounds.at_once == 1


@pytest.mark.parametrize(("seconds", "order"), [(-1.0, "abababab"), (3_600.0, "aaaabbbb")])
async def test_a_turn_goes_on_until_it_was_long_enough(
    monkeypatch: pytest.MonkeyPatch, seconds: float, order: str
) -> None:
    monkeypatch.setattr(loop_turns, "TURN", seconds)
    done = list[str]()

    async def work(name: str) -> None:
        turns = TimedTurns()
        for _ in range(4):
            await turns.go_on()
            done.append(name)

    async with anyio.create_task_group() as working:
        for name in "ab":
            working.start_soon(work, name)

    assert done == list(order)


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
