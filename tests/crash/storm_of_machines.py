"""The storm on PostgreSQL: three machines supervise one journal, and everything strikes them.

    python -m tests.crash.storm --journal postgres --events 200

Each event is one of: a machine is killed, and comes back; a machine is frozen, mostly for longer than its
lease, and wakes; the database is killed or restarted. The machines cannot see each other's processes, share
the quota in the database, and their clocks are minutes apart. Campaigns are made all the while. At the end
what the journal says is compared with the sandbox's ledger, chunk by chunk.

Carried on counts the seconds from the kill of a machine, or from the instant it was frozen, until another one
runs the campaign. Unknown may be what was on its way then, and nothing else.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import msgspec

from keebai_async.client import Keebai
from keebai_async.journal.contract import Journal
from keebai_async.journal.open import open_journal
from keebai_async.journal.postgres_tables import LEASE
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Sandbox, Window, faults
from tests.crash.machine import MachinePlace
from tests.crash.nursery import PROJECT
from tests.crash.people import number
from tests.crash.truth import Item
from tests.crash.world import BULK, SPEED
from tests.postgres_server import PostgresServer

MACHINES = ("ana", "bea", "carla")
CLOCKS = (0.0, 240.0, -180.0)
"""Seconds by which the clock of each machine is ahead."""
QUOTA = (80, 10.0)
AT_LEAST_UNFINISHED = 4
PEOPLE, SIZE = 4_800, 80
IN_TIME = 10.0
"""Seconds from the loss of a machine in which another one should run its campaigns."""
EVENTS = ("kill", "freeze", "database killed", "database restarted")
WEIGHTS = (4, 3, 1, 1)


@dataclass
class StormTally:
    """What happened, in people where nothing else is said."""

    events: Counter[str] = field(default_factory=Counter)
    campaigns: int = 0
    ended: int = 0
    """Campaigns in which nothing is left to do for a program, at the last look."""
    people: int = 0
    messaged: int = 0
    twice: int = 0
    lost: int = 0
    accepted_but_not_at_the_server: int = 0
    unknown: int = 0
    unknown_at_the_server: int = 0
    unknown_beyond_the_rule: int = 0
    over_quota: int = 0
    in_the_air: set[tuple[str, int]] = field(default_factory=set)
    """Chunks that had no outcome when their machine was killed or frozen."""
    taken_up_after: list[float] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """What happened around each campaign that was not carried on in time."""
    wrong: list[str] = field(default_factory=list)

    def so_far(self) -> str:
        after = sorted(self.taken_up_after) or [0.0]
        return (
            f"{self.events.total()} events, {self.events['kill']} kills, {self.ended} of {self.campaigns}"
            f" campaigns ended, carried on {len(self.taken_up_after)} times, {after[-1]:.1f} s at most"
        )

    def lines(self) -> list[str]:
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.events.items()))
        after = sorted(self.taken_up_after) or [0.0]
        return [
            f"{self.events.total()} events: {struck}",
            f"{self.campaigns} campaigns, {self.people:,} people, {self.messaged:,} messaged",
            f"twice {self.twice}, lost {self.lost}",
            f"accepted but not at the server {self.accepted_but_not_at_the_server}",
            f"over the quota {self.over_quota} (429)",
            f"unknown {self.unknown:,}, of whom {self.unknown_at_the_server:,} were messaged",
            f"  in the air were {len(self.in_the_air):,} chunks of {SIZE}",
            f"  unknown beyond these {self.unknown_beyond_the_rule}",
            f"carried on {len(self.taken_up_after)} times",
            f"  after {after[len(after) // 2]:.1f} s (median), {after[-1]:.1f} s at most",
            f"  later than {IN_TIME:g} s {len(self.late)} times",
            *self.late,
            f"wrong besides {len(self.wrong)}",
            *self.wrong,
        ]


class RunningMachine:
    """One process, and what it said."""

    def __init__(self, place: MachinePlace, storm: "StormOfMachines") -> None:
        self.holds: set[str] = set()
        self._name = place.name
        self._storm = storm
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.machine"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(place).decode() + "\n")
        self.process.stdin.flush()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            match line.split():
                case ["took", campaign]:
                    self.holds.add(campaign)
                    self._storm.taken(campaign)
                case ["left", campaign]:
                    self.holds.discard(campaign)
                case _:
                    self._storm.note(f"{self._name} is ready")

    def end(self) -> int:
        with suppress(OSError):
            self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(60)
        self._forget()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self) -> None:
        self._thread.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class StormOfMachines:
    def __init__(
        self, server: PostgresServer, sandbox: Sandbox, *, seed: int, people: int, tally: StormTally
    ) -> None:
        self._people = people
        self._server = server
        self._sandbox = sandbox
        self._journal = server.schema()
        self._chance = random.Random(seed)
        self._tally = tally
        self._machines: list[RunningMachine] = []
        self._orphans: dict[str, float] = {}
        self._born = 0
        self._notes: deque[tuple[float, str]] = deque(maxlen=100)

    def note(self, words: str) -> None:
        """What happened now, to explain what comes late."""
        self._notes.append((time.monotonic(), words))

    def taken(self, campaign: str) -> None:
        since = self._orphans.pop(campaign, None)
        if since is None:
            return
        after = time.monotonic() - since
        self._tally.taken_up_after.append(after)
        if after > IN_TIME:
            notes = [f"{at - since:+.1f} s {words}" for at, words in list(self._notes) if at > since - 3.0]
            self._tally.late.append(f"  {after:.1f} s: {', '.join(notes)}")
            print(self._tally.late[-1], flush=True)

    async def run(self, events: int) -> None:
        self._sandbox.faults.on(BULK, faults.Late(seconds=0.6 * SPEED), times=None)
        async with self._client() as keebai:
            await self._plan(keebai)
            self._machines = [self._machine(each) for each in range(len(MACHINES))]
            try:
                for _ in range(events):
                    await anyio.sleep(0.2 + self._chance.random())
                    await self._strike(keebai.journal)
                    await self._plan(keebai)
                await self._until_done(keebai)
            finally:
                for machine in self._machines:
                    if code := await anyio.to_thread.run_sync(machine.end):
                        self._tally.wrong.append(f"a machine ended with {code}")
            await self._count(keebai.journal)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Keebai]:
        journal = open_journal(self._journal)
        async with Keebai(
            self._sandbox.token,
            base_url=self._sandbox.url,
            phone_number_id=self._sandbox.phone_number_id,
            quotas=[Quota(*QUOTA)],
            limiter=self._journal,
            journal=journal,
        ) as keebai:
            yield keebai
        await journal.aclose()

    def _machine(self, which: int) -> RunningMachine:
        self._born += 1
        sandbox = self._sandbox
        place = MachinePlace(
            name=f"{MACHINES[which]}, boot {self._born}",
            url=sandbox.url,
            token=sandbox.token,
            sender=sandbox.phone_number_id,
            journal=self._journal,
            quota=QUOTA,
            wrong_by=CLOCKS[which],
        )
        return RunningMachine(place, self)

    async def _plan(self, keebai: Keebai) -> None:
        """Keep as many campaigns unfinished as there should be."""
        for _ in range(AT_LEAST_UNFINISHED - await self._unfinished(keebai.journal)):
            first = self._tally.campaigns * self._people
            self._tally.campaigns += 1
            await keebai.campaigns.launch(
                [
                    {"to": number(first + person), "nombre": "Ana", "codigo": "M-7"}
                    for person in range(self._people)
                ],
                template="promo",
                language="es",
                name=f"Promo {self._tally.campaigns}",
                options=PlanOptions(chunk_size=SIZE),
            )

    async def _strike(self, journal: Journal) -> None:
        (event,) = self._chance.choices(EVENTS, WEIGHTS)
        self._tally.events[event] += 1
        began = time.monotonic()
        which = self._chance.randrange(len(MACHINES))
        machine = self._machines[which]
        match event:
            case "kill":
                now = time.monotonic()
                machine.kill()
                self._orphans.update(dict.fromkeys(machine.holds, now))
                await self._look_into_the_air(journal, machine)
                self._machines[which] = self._machine(which)
            case "freeze":
                now = time.monotonic()
                machine.process.send_signal(signal.SIGSTOP)
                held = set(machine.holds)
                self._orphans.update(dict.fromkeys(held, now))
                await self._look_into_the_air(journal, machine)
                await anyio.sleep(LEASE * (0.8 + self._chance.random()))
                for campaign in held:  # who wakes goes on with what nobody took
                    self._orphans.pop(campaign, None)
                machine.process.send_signal(signal.SIGCONT)
            case _:
                kill = event == "database killed"
                await anyio.to_thread.run_sync(lambda: self._server.restart(kill=kill))
        whose = "" if event.startswith("database") else f"{MACHINES[which]}: "
        self.note(f"{whose}{event}, {time.monotonic() - began:.1f} s")

    async def _look_into_the_air(self, journal: Journal, machine: RunningMachine) -> None:
        for campaign in sorted(machine.holds):
            for chunk in await journal.chunks(campaign):
                if chunk.state is ChunkState.SUBMITTING:
                    self._tally.in_the_air.add((campaign, chunk.number))

    async def _until_done(self, keebai: Keebai) -> None:
        with anyio.move_on_after(400) as scope:
            while await self._unfinished(keebai.journal):  # noqa: ASYNC110 - other processes end them
                await anyio.sleep(0.3)
        if scope.cancelled_caught:
            self._tally.wrong.append("some campaigns were not carried on to their end")

    async def _unfinished(self, journal: Journal) -> int:
        kept = await journal.campaigns()
        unfinished = sum(_is_open(each) for each in kept)
        self._tally.ended = len(kept) - unfinished
        return unfinished

    async def _count(self, journal: Journal) -> None:
        tally, ledger = self._tally, self._sandbox.ledger
        messaged = ledger.times_messaged()
        at_server = {one.broadcast_id: one.numbers for one in ledger.submissions}
        answered_for: Counter[str] = Counter()
        for kept in await journal.campaigns():
            started = await journal.load(kept.plan.campaign_id)  # compares every chunk with its moves
            for chunk in started.chunks:
                people = await _people(journal, started, chunk)
                answered_for.update(people)
                there = sum(messaged[to] > 0 for to in people)
                match chunk.state:
                    case ChunkState.ACCEPTED:
                        same = chunk.broadcast_id is None or at_server.get(chunk.broadcast_id) == people
                        tally.accepted_but_not_at_the_server += 0 if same else len(people)
                        tally.lost += len(people) - there
                    case ChunkState.UNKNOWN:
                        known = (kept.plan.campaign_id, chunk.number) in tally.in_the_air
                        tally.unknown_beyond_the_rule += 0 if known else len(people)
                        tally.unknown += len(people)
                        tally.unknown_at_the_server += there
                    case _ if there:
                        tally.wrong.append(f"chunk {chunk.number} is {chunk.state.value}, and was messaged")
                    case _ if chunk.recipients:
                        tally.wrong.append(f"chunk {chunk.number} is left {chunk.state.value}")
        tally.people = tally.campaigns * self._people
        tally.messaged = len(messaged)
        tally.over_quota = self._sandbox.traffic.throttled.total()
        tally.twice = sum(times > 1 for times in messaged.values())
        tally.lost += sum(answered_for[number(person)] != 1 for person in range(tally.people))


def _is_open(kept: StoredCampaign) -> bool:
    """Whether there is something left to do in it for a program."""
    if kept.state is CampaignState.FINISHED:
        return False
    return kept.holder is not None or any(
        not chunk.settled and chunk.state is not ChunkState.UNKNOWN for chunk in kept.chunks
    )


async def _people(journal: Journal, started: StoredCampaign, chunk: Chunk) -> list[str]:
    items = await journal.items(started.plan.campaign_id, chunk.number)
    return [item.to for item in msgspec.json.decode(items, type=list[Item])]


async def storm_of_machines(
    server: PostgresServer, *, events: int, seed: int, tally: StormTally, people: int = PEOPLE
) -> None:
    """*people* are those of each campaign."""
    most, seconds = QUOTA
    windows = (Window("ours", most, seconds * SPEED),)  # the sandbox's time runs faster
    async with Sandbox(speed=SPEED, windows=windows) as sandbox:
        await StormOfMachines(server, sandbox, seed=seed, people=people, tally=tally).run(events)
