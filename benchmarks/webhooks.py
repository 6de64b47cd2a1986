"""What it costs to be sure: events a second through the receiver, beside a handler that only answers.

    python benchmarks/webhooks.py [--events 20000] [--rate 3000] [--people 1000000]

Three doors, each a process of its own on one core: one that only answers; the receiver, which answers when a
delivery is on disk; and the whole way, which is the receiver, and in the same process, on the same core, what
became of each person written into a journal. Who sends has the other cores. A ratio is what to look at: of
answers a second, and of the processor's time for each, which other programs of the machine disturb less. The
whole way counts until the last event is in the journal.

Then the time of an answer while --rate deliveries come in a second: 3,000 are what a campaign of 1,000
messages a second brings. What was really reached is told beside it.

At last what a journal keeps of --people of whom all was told (sent, delivered, 60 % read, 2 % failed), and
what is in memory to know whose a reply is. With --events 0 nothing else is measured.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.fates import Fate, FateCounts, PersonNews
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.marks import Mark, tag_of
from keebai_async.model.plan import Plan
from keebai_async.model.sender import Sender
from keebai_async.webhooks import (
    FateRecorder,
    MessageReceived,
    WebhookReceiver,
    WebhookSecrets,
    signature_header,
    webhook_handler,
)
from keebai_async.webhooks.replies import ReplyFinder

SECRET = "whsec_" + "0123456789abcdef" * 4
AT_ONCE = 64
ROUNDS = 3
SENT_AT = 1_790_000_000.0


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def delivery(number: int) -> bytes:
    mark = str(Mark(tag_of("promo"), number // 5_000 + 1, number % 5_000))
    data = {
        "phone_number_id": "100000000000001",
        "message_id": f"wamid.HBgNNTQ5MTE1NTU1MDEwMRUCABEYEjQ0QjE4{number:08d}",
        "recipient_id": f"+54911{number:08d}",
        "status": "delivered",
        "timestamp": str(1_790_000_000 + number // 80),
        "meta_data": {"_kb": mark},
    }
    envelope = {
        "id": f"evt_{number:012x}",
        "type": "whatsapp.message.delivered",
        "company_id": "c",
        "data": data,
    }
    return json.dumps(envelope).encode()


async def serve(door: str, folder: str, count: str) -> None:
    """A process: the door *door*, until it is killed; it says when *count* events are in the journal."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    app = web.Application()
    receiver = WebhookReceiver(f"{folder}/{door}.db", secrets=WebhookSecrets(SECRET))

    async def bare(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app.router.add_post("/", bare if door == "bare" else webhook_handler(receiver))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say(str(runner.addresses[0][1]))
    if door == "whole":
        recorder = FateRecorder(await a_journal(Path(folder), int(count)))
        async for batch in receiver.batches():
            await recorder.record(batch)
            if recorder.counts["new"] == int(count):
                say("done")
    await asyncio.Event().wait()


async def a_journal(folder: Path, people: int, person: bytes = b"1") -> SqliteJournal:
    """One that holds a campaign of so many people, who are all the same."""
    journal = SqliteJournal(folder / "journal.db")
    chunks = (5_000,) * (people // 5_000 + 1)
    for number, size in enumerate(chunks, start=1):
        await journal.add_chunk("promo", number, size, b"[" + b",".join([person] * size) + b"]")
    await journal.freeze(
        Plan(
            campaign_id="promo",
            name="promo",
            template="promo",
            language="es",
            sender=Sender(phone_number_id="1"),
            created_at=0.0,
            read=sum(chunks),
            ready=sum(chunks),
            duplicates=0,
            rejected=0,
            suppressed=0,
            chunks=chunks,
        )
    )
    return journal


async def send(port: int, bodies: list[bytes], rate: float | None) -> tuple[float, list[float]]:
    """Seconds for all, and for each; at *rate* a second, or as fast as they are answered."""
    took: list[float] = []
    numbers = iter(range(len(bodies)))
    url = f"http://127.0.0.1:{port}/"
    start = time.perf_counter()

    async def worker(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            due = start + (number / rate if rate else 0.0)
            if rate and (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            headers = {"X-Keebai-Signature": signature_header(SECRET, bodies[number], at=int(time.time()))}
            begun = time.perf_counter()
            async with session.post(url, data=bodies[number], headers=headers) as reply:
                assert reply.status == 204
            took.append(time.perf_counter() - begun)

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(AT_ONCE):
            tasks.create_task(worker(session))
    return time.perf_counter() - start, took


@contextmanager
def open_door(door: str, folder: Path, count: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", door, str(folder), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def processor_time(process: subprocess.Popen[str]) -> float:
    """Seconds of the processor that it used so far, 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Found:
    """What was measured at one door, a value for each round."""

    def __init__(self) -> None:
        self.speed: list[float] = []
        self.cost: list[float] = []
        self.slow: list[float] = []
        self.reached: list[float] = []


def measure(door: str, folder: Path, bodies: list[bytes], rate: int, found: Found) -> None:
    with open_door(door, folder, len(bodies)) as (process, port):
        before, start = processor_time(process), time.perf_counter()
        asyncio.run(send(port, bodies, None))
        if door == "whole":
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
        found.speed.append(len(bodies) / (time.perf_counter() - start))
        found.cost.append((processor_time(process) - before) / len(bodies))
        some = bodies[: rate * 3]
        seconds, took = asyncio.run(send(port, some, rate))
        found.reached.append(len(some) / seconds)
        found.slow.append(statistics.quantiles(took, n=100)[98])


def at_the_doors(bodies: list[bytes], rate: int) -> None:
    doors = {"bare": Found(), "receiver": Found(), "whole": Found()}
    for _ in range(ROUNDS):
        for door, found in doors.items():
            with tempfile.TemporaryDirectory() as folder:
                measure(door, Path(folder), bodies, rate, found)
    bare = doors["bare"]
    for door, found in doors.items():
        slower = [b / f for b, f in zip(bare.speed, found.speed, strict=True)]
        dearer = [f / b for f, b in zip(found.cost, bare.cost, strict=True) if b]
        say(
            f"{door:>9}: {statistics.median(found.speed):6,.0f} events a second,"
            f" {statistics.median(slower):.2f} times as long ({min(slower):.2f} to {max(slower):.2f});"
            f" {statistics.median(found.cost) * 1e6:.0f} us of the processor for each"
            + (f", {statistics.median(dearer):.2f} times as much" if dearer else "")
        )
    for door, found in doors.items():
        say(
            f"{door:>9}: 99 % answered within {statistics.median(found.slow) * 1e3:.1f} ms,"
            f" at {statistics.median(found.reached):,.0f} of {rate:,} a second"
        )


async def what_is_kept(folder: Path, people: int) -> None:
    """Let everything be told of a campaign of so many people, a chunk at a time."""
    chance, size = random.Random(1), min(5_000, people)
    chunks = range(1, people // size + 1)
    journal = await a_journal(folder, people - size, b'{"to":"+5491155550101"}')
    for number in chunks:
        await journal.record("promo", Submit(number=number, step=1, at=SENT_AT))
        await journal.record("promo", Accept(number=number, step=2, accepted=size, broadcast_id=f"b{number}"))
    await journal.aclose()
    path = folder / "journal.db"
    before = path.stat().st_size
    journal = SqliteJournal(path)
    for number in chunks:
        await journal.tell(list(told_of(number, size, chance)))
    start = time.perf_counter()
    counts = FateCounts()
    async for _, fates in journal.fates("promo"):
        counts += fates.counts()
    seconds = time.perf_counter() - start
    tracemalloc.start()
    finder = ReplyFinder(journal)
    reply = MessageReceived(kind="whatsapp.message.received", number="+5491200000000", sender="1")
    await finder.news_of([(reply, SENT_AT + 100)])
    remembered = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    await journal.aclose()
    kept = path.stat().st_size - before
    say(f"     kept: {kept / people:.1f} bytes on disk for each of {people:,} people of whom all was told")
    say(f"  counted: {counts.told:,} people in {seconds:.1f} s, {seconds / people * 1e6:.1f} us each")
    say(f"  replies: {remembered / people:.1f} bytes of memory for each person, to know whose a reply is")


def told_of(chunk: int, size: int, chance: random.Random) -> Iterator[PersonNews]:
    for place in range(size):
        at = SENT_AT + (chunk * size + place) / 80
        one = PersonNews(campaign_id="promo", chunk=chunk, place=place, fate=Fate.SENT, at=at)
        if chance.random() < 0.02:
            yield replace(one, fate=Fate.FAILED, code=chance.choice((131026, 131049)))
            continue
        yield one
        delivered = at + chance.expovariate(1 / 5)
        yield replace(one, fate=Fate.DELIVERED, at=delivered)
        if chance.random() < 0.6:
            yield replace(one, fate=Fate.READ, at=delivered + chance.expovariate(1 / 3_600))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=3_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--serve", nargs=3)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(*chosen.serve))
        return
    if chosen.events:
        at_the_doors([delivery(number) for number in range(chosen.events)], chosen.rate)
    if chosen.people:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(what_is_kept(Path(folder), chosen.people))


if __name__ == "__main__":
    main()
