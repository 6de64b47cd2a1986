"""What it costs to be sure: events a second through the receiver, beside a handler that only answers.

    python benchmarks/webhooks.py [--events 20000]

Each door is a process of its own on one core, and so is who sends. A ratio is what to look at. Then the time
of an answer at 3,000 deliveries a second, which is what a campaign of 1,000 messages a second brings: the
99th percentile, for the bare handler and for the receiver. Then the whole way, from the spool into a journal.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.marks import Mark, tag_of
from keebai_async.model.plan import Plan
from keebai_async.model.sender import Sender
from keebai_async.webhooks import (
    FateRecorder,
    Spool,
    WebhookReceiver,
    WebhookSecrets,
    signature_header,
    webhook_handler,
)

SECRET = "whsec_" + "0123456789abcdef" * 4
AT_ONCE = 64
ROUNDS = 3
RATE = 3_000


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


async def serve(door: str, spool: str) -> None:
    """A process: the door *door*, until it is killed."""
    app = web.Application()
    receiver = WebhookReceiver(spool, secrets=WebhookSecrets(SECRET))

    async def bare(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app.router.add_post("/", bare if door == "bare" else webhook_handler(receiver))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say(str(runner.addresses[0][1]))
    await asyncio.Event().wait()


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


def open_door(door: str, spool: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", door, str(spool)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def at_the_doors(folder: Path, bodies: list[bytes]) -> None:
    speeds: dict[str, list[float]] = {"bare": [], "receiver": []}
    slow: dict[str, list[float]] = {"bare": [], "receiver": []}
    for turn in range(ROUNDS):
        for door in speeds:
            process, port = open_door(door, folder / f"{door}{turn}.db")
            try:
                seconds, _ = asyncio.run(send(port, bodies, None))
                speeds[door].append(len(bodies) / seconds)
                _, took = asyncio.run(send(port, bodies[: RATE * 3], RATE))
                slow[door].append(statistics.quantiles(took, n=100)[98])
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
    ratios = [bare / ours for bare, ours in zip(speeds["bare"], speeds["receiver"], strict=True)]
    for door, found in speeds.items():
        say(f"{door:>9}: {statistics.median(found):6,.0f} answers a second")
    say(f"    ratio: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    for door, found in slow.items():
        say(f"{door:>9}: 99 % answered within {statistics.median(found) * 1e3:.1f} ms, at {RATE:,} a second")


async def into_the_journal(folder: Path, bodies: list[bytes]) -> None:
    journal = SqliteJournal(folder / "journal.db")
    chunks = (5_000,) * (len(bodies) // 5_000 + 1)
    for number, people in enumerate(chunks, start=1):
        await journal.add_chunk("promo", number, people, b"[" + b",".join([b"1"] * people) + b"]")
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
    spool = Spool(folder / "whole.db")
    async with asyncio.TaskGroup() as tasks:
        for body in bodies:
            tasks.create_task(spool.put(body))
    recorder = FateRecorder(journal)
    receiver = WebhookReceiver(spool, secrets=WebhookSecrets(SECRET))
    start = time.perf_counter()
    async for batch in receiver.batches():
        if await recorder.record(batch) and recorder.counts["new"] == len(bodies):
            break
    seconds = time.perf_counter() - start
    say(f"  journal: {len(bodies) / seconds:6,.0f} events a second from the spool into it")
    await receiver.aclose()
    await journal.aclose()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--serve", nargs=2)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(*chosen.serve))
        return
    bodies = [delivery(number) for number in range(chosen.events)]
    with tempfile.TemporaryDirectory() as folder:
        at_the_doors(Path(folder), bodies)
        asyncio.run(into_the_journal(Path(folder), bodies))


if __name__ == "__main__":
    main()
