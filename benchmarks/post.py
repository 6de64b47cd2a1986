"""What a bulk request costs, beside httpx; and a million rows to the last of their requests.

    python benchmarks/post.py [--rounds 7] [--people 1000000]

The sandbox is another process, so what it does is not counted. Printed is the processor's time in this one
for a request of 5,000 people: ours from dicts and from bytes that are ready, and httpx with `json=`.
Then a CSV is planned into a journal on disk and submitted, without a quota that would hold it back: the
seconds until the last request is answered, which is all that a launch does but for following it.
"""

import argparse
import asyncio
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent))
from elsewhere import WIDE, Place, sandbox_elsewhere
from plan import goal, number

from keebai_async.client import Keebai
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import Quota

CHUNK = 5_000
Person = dict[str, object]


def client(place: Place, journal: SqliteJournal | None = None) -> Keebai:
    return Keebai(
        place.token,
        base_url=place.url,
        phone_number_id=place.phone_number_id,
        limiter=RateLimiter((Quota(WIDE, 60.0),)),
        journal=journal,
    )


def people(start: int) -> list[Person]:
    return [
        {"to": number(n), "variables": {"nombre": f"María José {n}", "codigo": f"A-{n}"}}
        for n in range(start, start + CHUNK)
    ]


async def posts(place: Place, rounds: int) -> None:
    """A request of each kind in turns."""
    took: dict[str, list[float]] = {}

    async def timed(name: str, work: Callable[[], Awaitable[object]]) -> None:
        start = time.process_time()
        await work()
        took.setdefault(name, []).append((time.process_time() - start) * 1e3)

    def body(rows: list[Person]) -> Person:
        sender = {"phone_number_id": place.phone_number_id}
        return sender | {"template_name": "promo", "language": "es", "recipients": rows}

    httpx_post = httpx_poster(place)
    async with client(place) as keebai:
        for turn in range(rounds + 1):
            at = 10 * turn * CHUNK
            rows = people(at)
            create = partial(keebai.broadcasts.create, template="promo", language="es", recipients=rows)
            await timed("ours, from dicts", create)
            ready = msgspec.json.encode(body(people(at + CHUNK)))
            await timed("ours, bytes ready", partial(keebai.broadcasts.create_raw, ready, recipients=CHUNK))
            if httpx_post is not None:
                other = body(people(at + 2 * CHUNK))
                await timed("httpx, json=", partial(httpx_post, other))
    print(f"a request of {CHUNK:,} people, ms of this process's processor, {rounds} rounds: median")
    for name, found in took.items():
        found.pop(0)  # connects, and imports what it needs
        print(f"  {name:<20}{statistics.median(found):7.2f}   ({min(found):.2f} to {max(found):.2f})")
    if theirs := took.get("httpx, json="):
        for name in ("ours, from dicts", "ours, bytes ready"):
            ratios = [a / b for a, b in zip(took[name], theirs, strict=True)]
            goal(f"{name} / httpx", statistics.median(ratios), most=0.25, spread=(min(ratios), max(ratios)))


def httpx_poster(place: Place) -> Callable[[Person], Awaitable[object]] | None:
    """What posts with httpx; None if it is not installed."""
    if importlib.util.find_spec("httpx") is None:
        print("httpx is not installed: that rival is left out")
        return None
    import httpx  # type: ignore[import-not-found, unused-ignore]

    http = httpx.AsyncClient(headers={"Authorization": f"Bearer {place.token}"}, timeout=60)

    async def post(body: Person) -> None:
        answer = await http.post(f"{place.url}/messages/bulk", json=body)
        answer.raise_for_status()

    return post


async def whole(place: Place, count: int, folder: Path) -> None:
    """From the file to the last request that is answered."""
    path = folder / "people.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("to,nombre,codigo\n")
        file.writelines(f"{number(n)},María José {n},A-{n}\n" for n in range(count))
    journal = SqliteJournal(folder / "journal.db")
    async with client(place, journal) as keebai:
        start, own = time.perf_counter(), time.process_time()
        plan = await keebai.campaigns.plan(path, template="promo", language="es", name="Promo")
        planned = time.perf_counter() - start
        async with keebai.campaigns.start(plan, track=False) as run:
            report = await run.report()
        took, own = time.perf_counter() - start, time.process_time() - own
    await journal.aclose()
    assert report.accepted == count, report
    print(
        f"{count:,} rows to the last request: {took:.1f} s, of them {planned:.1f} s to plan into the journal"
    )
    print(f"  {own / count * 1e6:.1f} us of the processor for each person, journal and HTTP and all")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--people", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    with sandbox_elsewhere(speed=100.0, windows=(60.0,)) as place, tempfile.TemporaryDirectory() as folder:
        asyncio.run(posts(place, chosen.rounds))
        asyncio.run(whole(place, chosen.people, Path(folder)))


if __name__ == "__main__":
    main()
