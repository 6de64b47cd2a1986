"""The storm: a campaign is told of by webhooks, and those who receive them are killed at random instants.

    python -m tests.webhooks.storm --people 50000 --speed 60

A sandbox delivers, in both dialects, doubled, in any order, failed and then delivered. Two subscriptions hear
of everybody. The address of the first is a port that several `webhooks serve` share, on one journal and one
spool: one after another they are killed (SIGKILL) or told to end (SIGTERM) and started again, and one always
lives. The second has a receiver alone, with a spool of its own, which is killed too, and while it is dead the
subscription may be switched off: then its owner switches it on again. Both write into the same journal.

In the end what the journal knows of each person is compared with the sandbox's truth, and each event that was
answered 204 is looked for in the spool that took it.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from keebai_async.client import Keebai
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox, Subscription, WebhookAttempt, WebhookSwitches
from keebai_async.webhooks import Spool
from keebai_async.webhooks.receiver import _number_of
from tests.webhooks.kit import PROJECT
from tests.webhooks.people import client, known, people, truth
from tests.webhooks.ports import free_port

PATH = "/webhooks/keebai"
KILL, END = signal.SIGKILL, signal.SIGTERM


@dataclass
class Tally:
    """What happened."""

    people: int = 0
    seconds: float = 0.0
    deliveries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    answered: int = 0
    """Events that were answered 204, each once for each subscription."""
    lost: int = 0
    """Those of them that no spool has worked off."""
    wrong: int = 0
    """People of whom the journal knows something else than the sandbox."""
    switched_off: int = 0
    """How often the first subscription was."""
    switched_off_alone: int = 0
    """How often the second one was, whose only receiver was dead."""
    fates: Counter[str] = field(default_factory=Counter)
    besides: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.strikes.items()))
        answers = ", ".join(f"{name} {count:,}" for name, count in self.answers.most_common())
        fates = ", ".join(f"{name} {count:,}" for name, count in sorted(self.fates.items()))
        alone = self.switched_off_alone
        return [
            f"{self.people:,} people, {self.deliveries:,} deliveries in {self.seconds:.0f} s",
            f"{self.processes} receivers, {self.strikes.total()} strikes: {struck}",
            f"answers: {answers}",
            f"events answered 204: {self.answered:,}; lost {self.lost}",
            f"people: {fates}; wrong in the journal {self.wrong}",
            f"the shared subscription switched off {self.switched_off} times, the other {alone} times",
            f"wrong besides {len(self.besides)}",
            *self.besides,
        ]


class Receiver:
    """A process that receives, started again and again."""

    def __init__(self, command: list[str], environment: dict[str, str], said: Path, tally: Tally) -> None:
        self._command = command
        self._environment = environment
        self._said = said
        self._tally = tally
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when it receives."""
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it outlives this
                self._command, cwd=PROJECT, env=self._environment, stdout=said, stderr=said
            )
        self._tally.processes += 1
        await until(lambda: b"receiving" in self._said.read_bytes() or self._ended is not None)
        if self._ended is not None:
            raise AssertionError(self._said.read_text()[-2_000:])

    @property
    def _ended(self) -> int | None:
        return None if self._process is None else self._process.poll()

    async def strike(self, how: signal.Signals) -> None:
        """Return when it is dead."""
        assert self._process is not None
        self._tally.strikes[how.name] += 1
        self._process.send_signal(how)
        await until(lambda: self._ended is not None)
        if how is END and self._ended != 0:
            self._tally.besides.append(f"exit code {self._ended}: {self._said.read_text()[-500:]}")

    def leave(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Round:
    """One campaign, from its first message to the last event."""

    def __init__(
        self, box: Sandbox, keebai: Keebai, folder: Path, chance: random.Random, tally: Tally
    ) -> None:
        self._box = box
        self._keebai = keebai
        self._folder = folder
        self._chance = chance
        self._tally = tally

    async def run(self, count: int, *, receivers: int, calm: float) -> None:
        """Strike about every *calm* seconds until everything was told."""
        shared_port, port = free_port(), free_port()
        shared, alone = self._subscribed(shared_port), self._subscribed(port)
        journal = self._folder / "campaigns.db"
        serve = ["-m", "keebai_async", "webhooks", "serve", "--share-port", "--port", str(shared_port)]
        many = [self._receiver(f"serve{n}", serve, shared) for n in range(receivers)]
        own = ["-m", "tests.webhooks.recording", str(self._folder / "own.db"), str(journal), str(port)]
        one = self._receiver("own", own, alone)
        plan = await self._keebai.campaigns.plan(
            people(count),
            template="promo",
            language="es",
            name="Promo",
            options=PlanOptions(chunk_size=min(5_000, max(1, count // 5))),
        )
        try:
            async with anyio.create_task_group() as starting:
                for each in (*many, one):
                    starting.start_soon(each.start)
            since = time.monotonic()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._strike_many, many, calm)
                tasks.start_soon(self._strike_one, one, alone, calm)
                tasks.start_soon(self._watch, shared)
                async with self._keebai.campaigns.start(plan) as run:
                    await run.report()
                await until(lambda: not self._box.webhooks.waiting)
                tasks.cancel_scope.cancel()
            self._tally.seconds = time.monotonic() - since
            for each in (*many, one):
                each.leave()  # some of them may be between two lives
                await each.start()
            await self._worked_off(self._folder / "webhooks.db", shared)
            await self._worked_off(self._folder / "own.db", alone)
            for each in (*many, one):
                await each.strike(END)
        finally:
            for each in (*many, one):
                each.leave()
        await self._compare(plan.campaign_id)

    def _subscribed(self, port: int) -> Subscription:
        one = self._box.subscribe(f"http://127.0.0.1:{port}{PATH}")
        one.attempts = deque[WebhookAttempt]()  # of any length: each is looked at in the end
        return one

    def _receiver(self, name: str, arguments: list[str], of: Subscription) -> Receiver:
        environment = os.environ | {
            "PYTHONPATH": str(PROJECT),
            "KEEBAI_WEBHOOK_SECRET": of.secret,
            "KEEBAI_JOURNAL": str(self._folder / "campaigns.db"),
        }
        return Receiver([sys.executable, *arguments], environment, self._folder / name, self._tally)

    async def _strike_many(self, many: list[Receiver], calm: float) -> None:
        while True:
            await asyncio.sleep(self._chance.random() * 2 * calm)
            victim = self._chance.choice(many)
            await victim.strike(self._chance.choice((KILL, KILL, END)))
            await victim.start()

    async def _strike_one(self, one: Receiver, of: Subscription, calm: float) -> None:
        while True:
            await asyncio.sleep(self._chance.random() * 4 * calm)
            await one.strike(KILL)
            await one.start()
            if not of.is_active:
                self._tally.switched_off_alone += 1
                of.is_active, of.failures, of.disabled_reason = True, 0, None

    async def _watch(self, shared: Subscription) -> None:
        while True:
            await asyncio.sleep(0.05)
            if not shared.is_active:
                self._tally.switched_off += 1
                shared.is_active, shared.failures, shared.disabled_reason = True, 0, None

    async def _worked_off(self, path: Path, of: Subscription) -> None:
        """Wait until a spool is empty, and count the events that were answered and are not in it."""
        spool = Spool(path)
        while await spool.count():  # noqa: ASYNC110 - it is worked off in another process
            await anyio.sleep(0.05)
        answered = {one.event_id for one in of.attempts if one.status == 204}
        self._tally.deliveries += len(of.attempts)
        self._tally.answered += len(answered)
        if self._box.webhooks.switches.dialect == "docs":  # in the other one an event has no id
            self._tally.lost += len(await spool.new([_number_of(each) for each in answered]))
        await spool.aclose()

    async def _compare(self, campaign_id: str) -> None:
        ours, theirs = await known(self._keebai, campaign_id), truth(self._box)
        wrong = [number for number, fate in theirs.items() if ours.get(number) != fate]
        self._tally.people = len(ours)
        self._tally.wrong = len(wrong) + len(ours.keys() - theirs.keys())
        self._tally.answers = self._box.webhooks.answers
        self._tally.fates = Counter(fate for fate, _ in theirs.values())
        self._tally.besides += [f"{theirs[each]} was told, {ours.get(each)} is known" for each in wrong[:5]]


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for happens in other processes
        await anyio.sleep(0.02)


@asynccontextmanager
async def a_world(
    folder: Path, *, speed: float, seed: int, dialect: str
) -> AsyncIterator[tuple[Sandbox, Keebai]]:
    switches = WebhookSwitches(
        dialect="mixed" if dialect == "mixed" else "docs",
        capped=0.4,
        stopped=0.2,
        failed_first=0.05,
        duplicates=0.05,
        disorder=10.0,
        without_delivered=0.1,
        unknown_kinds=0.01,
    )
    async with (
        Sandbox(speed=speed, failing=0.05, seed=seed, webhooks=switches) as box,
        client(box, folder / "campaigns.db") as keebai,
    ):
        yield box, keebai


async def storm(
    folder: Path,
    *,
    count: int,
    speed: float,
    seed: int = 0,
    receivers: int = 3,
    calm: float = 1.5,
    dialect: str = "docs",
) -> Tally:
    """One campaign of *count* people."""
    tally = Tally()
    async with a_world(folder, speed=speed, seed=seed, dialect=dialect) as (box, keebai):
        round_ = Round(box, keebai, folder, random.Random(seed), tally)
        await round_.run(count, receivers=receivers, calm=calm)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description="Receivers of webhooks in a storm of signals.")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--speed", type=float, default=60.0, help="how fast time runs; 80 people a second")
    parser.add_argument("--receivers", type=int, default=3)
    parser.add_argument("--calm", type=float, default=3.0, help="seconds between two strikes, about")
    parser.add_argument("--dialect", choices=["docs", "mixed"], default="docs")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = anyio.run(
            lambda: storm(
                Path(folder),
                count=given.people,
                speed=given.speed,
                seed=given.seed,
                receivers=given.receivers,
                calm=given.calm,
                dialect=given.dialect,
            )
        )
    print(*tally.lines(), sep="\n")


if __name__ == "__main__":
    main()
