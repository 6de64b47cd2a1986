"""Makes the journals of this folder, with version 0.1 of this library, and what 0.1 said of each.

They were made once, by version 0.1 (commit b578579), and are never made again by a later one: what they
prove is that a file of 0.1 opens, reports and resumes today. In a checkout of that version:

    PYTHONPATH=/path/to/0.1 python /path/to/this/make.py

Each NAME.db is a journal with one campaign (none in `half_planned`); where its process was killed, the
log NAME.db-wal lies beside it as SIGKILL left it. NAME.json is what 0.1 answered of it: the report, the
rejected rows, the numbers of each chunk, and what the service had accepted by then, in order. A Sandbox
numbers its broadcasts from 1, so that one which accepts the same again knows them by the same ids.

Only names that both versions export are used here. All numbers are made up.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from keebai_async import Guards, Keebai, PlanOptions, Quota, Timeouts
from keebai_async.clock import ScaledClock
from keebai_async.sandbox import Complaints, Sandbox, Window, faults

HERE = Path(__file__).parent
BULK = "POST /messages/bulk"
SPEED = 100.0
SIZE = 4


def number(person: int) -> str:
    return f"+549{1_100_000_000 + person}"


def row(person: int) -> dict[str, object]:
    return {"to": number(person), "nombre": f"Ana {person}", "codigo": "M-7"}


def everybody(count: int) -> Iterator[dict[str, object]]:
    return (row(person) for person in range(count))


def messy(count: int) -> Iterator[dict[str, object]]:
    """*count* people who are ready, and between them rows of every kind that is not."""
    for person in range(count):
        yield row(person)
        if person == 3:
            yield row(1)
            yield row(2) | {"to": number(2).replace("+549", "+54")}
        if person == 7:
            yield {"to": "+54911", "nombre": "Short", "codigo": "M-7"}
            yield {"to": "", "nombre": "Nobody", "codigo": "M-7"}
        if person == 9:
            yield row(9_000)  # suppressed
            yield {"to": number(9_001), "nombre": "", "codigo": "M-7"}


def sandbox(*, malformed: tuple[int, ...] = (), failing: float = 0.0, named: bool = True) -> Sandbox:
    return Sandbox(
        speed=SPEED,
        windows=(Window("second", 10_000, 1.0),),
        complaints=Complaints(named=named),
        malformed={number(person) for person in malformed},
        failing=failing,
    )


def client(url: str, token: str, sender: str, journal: Path) -> Keebai:
    return Keebai(
        token,
        base_url=url,
        phone_number_id=sender,
        clock=ScaledClock(SPEED),
        quotas=[Quota(10_000, 1.0)],
        journal=str(journal),
        poll_floor=2.0,
        timeout=Timeouts(connect=30.0, read=30.0, submit=30.0),
    )


def client_of(service: Sandbox, journal: Path) -> Keebai:
    return client(service.url, service.token, service.phone_number_id, journal)


async def plan(keebai: Keebai, count: int, *, guards: Guards | None = None, mess: bool = False) -> str:
    options = PlanOptions(
        chunk_size=SIZE, guards=guards or Guards(), suppress=([number(9_000)],) if mess else ()
    )
    made = await keebai.campaigns.plan(
        messy(count) if mess else everybody(count),
        template="promo",
        language="es",
        name="Promo marzo",
        options=options,
    )
    return made.campaign_id


# Runs that end by themselves


async def planned(path: Path, service: Sandbox) -> None:
    async with client_of(service, path) as keebai:
        await plan(keebai, 14, mess=True)


async def run(path: Path, service: Sandbox, count: int, *, guards: Guards | None = None, mess: bool) -> str:
    async with client_of(service, path) as keebai:
        campaign = await plan(keebai, count, guards=guards, mess=mess)
        async with keebai.campaigns.start(campaign) as launched:
            await launched.report()
    return campaign


async def unknown(path: Path, service: Sandbox) -> None:
    """One submit that never arrived, one whose answer was lost, one whose answer could not be read."""
    service.faults.on(BULK, faults.ResetBeforeReading(), nth=2)
    service.faults.on(BULK, faults.Reset(), nth=4)
    service.faults.on(BULK, faults.NotJson(), nth=6)
    await run(path, service, 40, mess=False)


async def finished(path: Path, service: Sandbox) -> None:
    await run(path, service, 30, mess=True)


async def guarded(path: Path, service: Sandbox) -> None:
    """Its canary failed."""
    await run(path, service, 40, guards=Guards(canary=4), mess=False)


async def token(path: Path, service: Sandbox) -> None:
    service.faults.on(BULK, faults.Late(seconds=20.0), times=2)
    service.faults.on(BULK, faults.Status(status=401, accepted=False), nth=3)
    await run(path, service, 40, mess=False)


async def purged(path: Path, service: Sandbox) -> None:
    campaign = await run(path, service, 30, mess=True)
    async with client_of(service, path) as keebai:
        await keebai.campaigns.purge(campaign)


# Runs that are killed, in a process of their own


async def killed(path: Path, service: Sandbox) -> None:
    """Two chunks were answered, four are on their way (two of them arrived), two are planned."""
    async with client_of(service, path) as keebai:
        campaign = await plan(keebai, 32)
    service.faults.on(BULK, faults.Hang(), nth=3, times=2)
    service.faults.on(BULK, faults.Hang(accepted=False), nth=5, times=None)
    async with child(service, path, "run", campaign) as process:
        while service.traffic.requests[BULK] < 6:  # noqa: ASYNC110 - a sandbox tells nobody
            await anyio.sleep(0.01)
        await anyio.sleep(0.3)
        process.kill()


async def paused(path: Path, service: Sandbox) -> None:
    """Under guards, paused after its canary and killed then: nobody took the pause back."""
    service.faults.on(BULK, faults.Late(seconds=20.0), times=None)
    async with client_of(service, path) as keebai:
        campaign = await plan(keebai, 48, guards=Guards(canary=3, stop_above=0.5))
    async with child(service, path, "pause", campaign) as process:
        await word_from(process)
        await anyio.sleep(1.0)  # what was on its way is answered
        process.kill()


async def half_planned(path: Path, service: Sandbox) -> None:
    async with child(service, path, "plan", "-") as process:
        await word_from(process)
        await anyio.sleep(0.3)
        process.kill()


@asynccontextmanager
async def child(
    service: Sandbox, path: Path, what: str, campaign: str
) -> AsyncIterator[subprocess.Popen[str]]:
    """A process of its own that runs *campaign*, or plans one; it is dead when this ends."""
    command = [sys.executable, __file__, what, campaign, str(path)]
    process = subprocess.Popen(  # noqa: ASYNC220 - it is fast, and nothing here is in a hurry
        [*command, service.url, service.token, service.phone_number_id], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def word_from(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    await anyio.to_thread.run_sync(process.stdout.readline)


async def live(what: str, campaign: str, path: str, url: str, secret: str, sender: str) -> None:
    async with client(url, secret, sender, Path(path)) as keebai:
        if what == "plan":
            options = PlanOptions(chunk_size=200)
            await keebai.campaigns.plan(endless(), template="promo", language="es", options=options)
        async with keebai.campaigns.start(campaign) as launched:
            accepted = 0
            async for event in launched.events():
                accepted += type(event).__name__ == "ChunkAccepted"
                if what == "pause" and accepted == 3:
                    await launched.pause()
                    print("paused", flush=True)
                    await anyio.sleep_forever()


async def endless() -> AsyncIterator[dict[str, object]]:
    for person in range(700):
        yield row(person)
    print("so far", flush=True)
    await anyio.sleep_forever()


# What 0.1 says of them


def files_of(path: Path) -> list[Path]:
    return [file for file in path.parent.glob(path.name + "*") if not file.name.endswith("-shm")]


async def answer(path: Path, service: Sandbox) -> dict[str, object]:
    said: dict[str, object] = {"reports": (), "ledger": ledger(service)}
    # A copy is asked: the file that is kept must be as its own process left it.
    with tempfile.TemporaryDirectory() as folder:
        for file in files_of(path):
            shutil.copy(file, folder)
        async with client_of(service, Path(folder) / path.name) as keebai:
            for report in await keebai.campaigns.list():
                campaign = report.campaign_id
                said["reports"] = (report,)
                said["rejections"] = [each async for each in keebai.campaigns.rejections(campaign)]
                said["unknown"] = await keebai.campaigns.unknown(campaign)
                said["moves"] = await keebai.journal.moves(campaign)
                said["people"] = {} if path.stem == "purged" else await people(keebai, campaign)
    return said


async def people(keebai: Keebai, campaign: str) -> dict[int, list[str]]:
    started = await keebai.journal.load(campaign)
    found = {}
    for chunk in started.chunks:
        items = msgspec.json.decode(await keebai.journal.items(campaign, chunk.number))
        found[chunk.number] = [item["to"] for item in items]
    return found


def ledger(service: Sandbox) -> list[dict[str, object]]:
    return [
        {
            "broadcast_id": one.broadcast_id,
            "template_name": one.template,
            "language": one.language,
            "campaign_name": one.campaign_name,
            "recipients": msgspec.Raw(one.items),
        }
        for one in service.ledger.submissions
    ]


STORIES = (
    (planned, sandbox()),
    (killed, sandbox()),
    (unknown, sandbox()),
    (finished, sandbox(malformed=(5, 21), failing=0.1, named=False)),
    (paused, sandbox()),
    (guarded, sandbox(failing=0.6)),
    (token, sandbox()),
    (purged, sandbox(malformed=(5, 21), failing=0.1)),
    (half_planned, sandbox()),
)


async def main() -> None:
    for story, service in STORIES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{story.__name__}.db"
            async with service:
                await story(path, service)
                said = await answer(path, service)
            for file in files_of(path):
                (HERE / file.name).write_bytes(file.read_bytes())
        lines = msgspec.json.format(msgspec.json.encode(said), indent=1)
        (HERE / f"{story.__name__}.json").write_bytes(lines + b"\n")


def live_in_june_2025() -> None:
    """A lease must look as old as it is, whatever the clock of the machine on which the tests run."""
    now, began = time.time, time.time()
    setattr(time, "time", lambda: 1_750_000_000.0 + now() - began)  # noqa: B010 - it is a function


if __name__ == "__main__":
    live_in_june_2025()
    if len(sys.argv) > 1:
        what, campaign, path, url, secret, sender = sys.argv[1:]
        anyio.run(live, what, campaign, path, url, secret, sender)
    else:
        anyio.run(main)
