"""The storm: whole processes run campaigns, and everything that can end one strikes at random instants.

    python -m tests.crash.storm --rounds 300
    python -m tests.crash.storm --journal postgres --events 200

The second is another one, of several machines at once: see `storm_of_machines`. The first:

Each round is one campaign on a sandbox of its own. It is run by one process after another, as the command or
as a program, and each of them is struck: SIGINT, SIGTERM, SIGHUP, SIGKILL, a second Ctrl-C, SIGSTOP and
SIGCONT, its client closed, its task cancelled, its run left by an error, stopped through the journal. Now and
then a reply is lost. Then it is run to its end, and the journal compared with the sandbox's ledger, person by
person.

Unknown may be who was on the way when a process was killed (SIGKILL, a second Ctrl-C), and whose reply was
lost: nobody else.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from keebai_async.model import lost
from keebai_async.model.chunk import ChunkState
from keebai_async.sandbox import faults
from tests.crash.actor import Role
from tests.crash.nursery import Life, Nursery
from tests.crash.storm_of_machines import StormTally, storm_of_machines
from tests.crash.truth import Account, check
from tests.crash.world import BULK, SIZE, SPEED, World, world
from tests.postgres_server import PostgresServer, postgres_programs

SIGNALS = {"int": signal.SIGINT, "term": signal.SIGTERM, "hup": signal.SIGHUP, "kill": signal.SIGKILL}
DONE_TO_IT = (*SIGNALS, "int twice", "stop/cont", "long stop/cont", "asked to stop")
DONE_BY_IT = ("close", "cancel", "leave")
KILLS = frozenset({"kill", "int twice"})
SPANS = (0.02, 0.1, 0.3, 0.8)
"""Seconds in which a strike may come."""
TOLD_EVERY = 15.0
"""Seconds between two lines that say how far the storm is."""


@dataclass
class Tally:
    """What happened in all rounds together, in people where nothing else is said."""

    rounds: int = 0
    processes: int = 0
    strikes: Counter[str] = field(default_factory=Counter)
    people: int = 0
    messaged: int = 0
    twice: int = 0
    lost: int = 0
    unknown: int = 0
    unknown_by_kills: int = 0
    unknown_by_lost_replies: int = 0
    unknown_beyond_the_rule: int = 0
    wrong: list[str] = field(default_factory=list)

    def so_far(self) -> str:
        return (
            f"{self.rounds} rounds, {self.processes} processes, {self.strikes.total()} strikes, twice"
            f" {self.twice}, lost {self.lost}, unknown {self.unknown}, wrong besides {len(self.wrong)}"
        )

    def lines(self) -> list[str]:
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.strikes.items()))
        return [
            f"{self.rounds} rounds, {self.processes} processes, {self.strikes.total()} strikes: {struck}",
            f"{self.people:,} people, {self.messaged:,} messaged, twice {self.twice}, lost {self.lost}",
            f"unknown {self.unknown:,}",
            f"  on the way at a kill   {self.unknown_by_kills:,}",
            f"  with a lost reply      {self.unknown_by_lost_replies:,}",
            f"  beyond the rule        {self.unknown_beyond_the_rule:,}",
            f"wrong besides {len(self.wrong)}",
            *self.wrong,
        ]


class Round:
    """One campaign, from its plan to its end."""

    def __init__(self, here: World, nursery: Nursery, chance: random.Random, tally: Tally) -> None:
        self._here = here
        self._nursery = nursery
        self._chance = chance
        self._tally = tally
        self._on_the_way: set[int] = set()
        """Chunks that had no outcome on disk when their process was killed."""
        self._replies_lost = 0

    async def run(self, strikes: int) -> None:
        for _ in range(strikes):
            await self._live(self._chance.choice((*DONE_TO_IT, *DONE_BY_IT)))
        self._here.sandbox.faults.clear()
        await self._live("")
        await self._count()

    async def _live(self, strike: str) -> None:
        before = await self._here.account()
        role = self._role(strike, before)
        self._weather(role)
        async with self._nursery.life(role) as life, anyio.create_task_group() as tasks:
            tasks.start_soon(life.end)
            if strike in DONE_TO_IT:
                await asyncio.sleep(self._chance.random() * self._chance.choice(SPANS))
                await self._strike(life, strike, role)
        self._tally.processes += 1
        if strike:
            self._tally.strikes[strike] += 1
        await self._look(life, strike, role)

    def _role(self, strike: str, before: Account | None) -> Role:
        here, chance = self._here, self._chance
        return Role(
            journal=str(here.path),
            url=here.sandbox.url,
            token=here.sandbox.token,
            sender=here.sandbox.phone_number_id,
            speed=SPEED,
            people=here.people,
            size=SIZE,
            output=str(here.path.with_name("output")),
            campaign=None if before is None else before.plan.campaign_id,
            as_command=before is not None and strike not in DONE_BY_IT and chance.random() < 0.6,
            does=strike if strike in DONE_BY_IT else "",
            after=chance.random() * chance.choice(SPANS),
            longest_intent=0.1 if strike == "long stop/cont" else 15.0,
        )

    def _weather(self, role: Role) -> None:
        """How long answers take while this process lives, and which reply is lost."""
        plan = self._here.sandbox.faults
        plan.clear()
        if self._chance.random() < 0.3:
            plan.on(BULK, faults.Reset(), nth=self._chance.randint(1, 6))
        ours = self._chance.choice((0.001, 0.01, 0.05, 0.2))
        plan.on(BULK, faults.Late(seconds=ours * SPEED), times=None)

    async def _strike(self, life: Life, strike: str, role: Role) -> None:
        if strike == "asked to stop":
            campaign = role.campaign or life.began
            if campaign is not None:
                async with self._here.client() as keebai:
                    await keebai.campaigns.stop(campaign)
            return
        with suppress(ProcessLookupError):
            if life.gone is not None:
                return
            if strike in SIGNALS:
                os.kill(life.pid, SIGNALS[strike])
            elif strike == "int twice":
                os.kill(life.pid, signal.SIGINT)
                await asyncio.sleep(0.25)
                os.kill(life.pid, signal.SIGINT)
            else:
                os.kill(life.pid, signal.SIGSTOP)
                await asyncio.sleep(0.3 if strike.startswith("long") else self._chance.random() * 0.1)
                os.kill(life.pid, signal.SIGCONT)

    async def _look(self, life: Life, strike: str, role: Role) -> None:
        given = [
            record for record in self._here.sandbox.faults.given if isinstance(record.fault, faults.Reset)
        ]
        self._replies_lost = len(given)
        account = await self._here.account()
        if account is None:
            if len(self._here.sandbox.ledger):
                self._tally.wrong.append(f"{strike}: somebody was messaged, and no campaign is kept")
            return
        try:
            check(account, self._here.sandbox, people=self._here.people)
        except AssertionError as error:
            self._tally.wrong.append(f"{strike}: {str(error).splitlines()[:3]}")
        on_the_way = {chunk.number for chunk in account.chunks(ChunkState.SUBMITTING)} - self._on_the_way
        if strike in KILLS:
            self._on_the_way |= on_the_way
        elif on_the_way:
            self._tally.wrong.append(
                f"{strike or 'no strike'}: {len(on_the_way)} chunks without an outcome, {life.gone}"
            )
        if life.gone in {1, 2}:
            output = anyio.Path(role.output)
            said = (await output.read_text(errors="replace"))[-600:] if await output.exists() else ""
            self._tally.wrong.append(f"{strike or 'no strike'}: exit code {life.gone}: {life.error or said}")

    async def _count(self) -> None:
        here, tally = self._here, self._tally
        account = await here.account()
        assert account is not None
        unknown = account.chunks(ChunkState.UNKNOWN)
        killed = [chunk for chunk in unknown if chunk.number in self._on_the_way]
        others = [chunk for chunk in unknown if chunk.number not in self._on_the_way]
        tally.unknown += sum(chunk.recipients for chunk in unknown)
        tally.unknown_by_kills += sum(chunk.recipients for chunk in killed)
        tally.unknown_by_lost_replies += sum(chunk.recipients for chunk in others[: self._replies_lost])
        tally.unknown_beyond_the_rule += sum(chunk.recipients for chunk in others[self._replies_lost :])
        settled = await here.settle_all()
        messaged = here.sandbox.ledger.times_messaged()
        answered_for = {to for numbers in settled.people.values() for to in numbers}
        accepted = {
            to for chunk in settled.chunks(ChunkState.ACCEPTED) for to in settled.people[chunk.number]
        }
        tally.rounds += 1
        tally.people += here.people
        tally.messaged += len(messaged)
        tally.twice += sum(times > 1 for times in messaged.values())
        tally.lost += here.people - len(answered_for) + len(accepted - messaged.keys())


async def storm(nursery: Nursery, folder: Path, *, seed: int, tally: Tally, strikes: int = 5) -> None:
    """One round."""
    chance = random.Random(seed)
    async with world(None, folder / "journal.db") as here:
        await Round(here, nursery, chance, tally).run(strikes)


@contextmanager
def telling(so_far: Callable[[], str], *, every: float = TOLD_EVERY) -> Iterator[None]:
    """Print how far it is every so many seconds, whatever the storm waits for meanwhile."""
    over, since = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(every):
            print(f"{time.monotonic() - since:.0f} s:", so_far(), flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def on_postgres(events: int, seed: int) -> None:
    logging.getLogger("keebai_async").addHandler(logging.NullHandler())
    programs, tally, since = postgres_programs(), StormTally(), time.monotonic()
    if programs is None:
        raise SystemExit("there is no PostgreSQL (initdb, postgres) on this machine")
    server = PostgresServer(programs)
    try:
        server.make()
        with suppress(KeyboardInterrupt), telling(tally.so_far):  # what was counted until then is told
            anyio.run(partial(storm_of_machines, server, events=events, seed=seed, tally=tally))
    finally:
        server.remove()
        print(f"{time.monotonic() - since:.0f} s", *tally.lines(), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Campaigns in a storm of signals.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--events", type=int, default=200)
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if given.journal == "postgres":
        on_postgres(given.events, given.seed)
        return
    logging.getLogger("keebai_async").addHandler(logging.NullHandler())
    for name, nothing in (("_MAY_STILL_ARRIVE", {}), ("LATE_ARRIVAL", 0.0)):
        setattr(lost, name, nothing)  # the ledger shows everything at once
    nursery, tally, since = Nursery("tests.crash.actor"), Tally(), time.monotonic()
    with suppress(KeyboardInterrupt), telling(tally.so_far):  # what was counted until then is told
        for seed in range(given.seed, given.seed + given.rounds):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    anyio.run(partial(storm, nursery, Path(folder), seed=seed, tally=tally))
                except Exception:
                    tally.wrong.append(f"seed {seed}: {traceback.format_exc()[-2000:]}")
    nursery.close()
    print(f"{time.monotonic() - since:.0f} s", *tally.lines(), sep="\n")


if __name__ == "__main__":
    main()
