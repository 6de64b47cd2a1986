"""Whole campaigns on real sockets, with somebody who listens."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.model.plan import Pace, Plan
from keebai_async.model.report import Report
from keebai_async.observe import Observer, Record
from keebai_async.observe.chunk_records import BroadcastRead, ChunkMoved, name_of
from keebai_async.observe.headcount import Headcount
from keebai_async.observe.request_records import RequestStarted
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox
from keebai_async.transport.request import Timeouts

BULK = "POST /messages/bulk"
LOOK = "GET /messages/bulk/{broadcast_id}"


@asynccontextmanager
async def listened(*observers: Observer) -> AsyncIterator[tuple[Sandbox, Keebai]]:
    """A sandbox, and a client whose observers are these, on one clock that runs by itself."""
    clock = ManualClock()
    async with (
        Sandbox(clock=clock) as sandbox,
        Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            clock=clock,
            timeout=Timeouts(connect=30.0, read=10.0, submit=60.0),
            observer=observers,
        ) as keebai,
        clock.running(),
    ):
        yield sandbox, keebai


def people(count: int) -> list[dict[str, str]]:
    return [{"to": number_of(person), "nombre": "Ana", "codigo": "M-7"} for person in range(count)]


def number_of(person: int) -> str:
    return f"+549{2_364_718_500 + person}"


async def plan(
    keebai: Keebai, count: int, *, chunk_size: int, name: str = "Promo marzo", pace: Pace | None = None
) -> Plan:
    return await keebai.campaigns.plan(
        people(count),
        template="promo",
        language="es",
        name=name,
        options=PlanOptions(chunk_size=chunk_size, pace=pace),
    )


async def run(keebai: Keebai, campaign_id: str) -> Report:
    async with keebai.campaigns.resume(campaign_id) as run:
        return await run.report()


Steps = dict[int, list[tuple[int, str]]]
"""The moves of each chunk, by their step and name."""


def moves_told(told: Iterable[Record]) -> Steps:
    found: Steps = {}
    for record in told:
        if isinstance(record, ChunkMoved):
            found.setdefault(record.chunk, []).append((record.step, record.move))
    return found


async def moves_kept(keebai: Keebai, campaign_id: str) -> Steps:
    found: Steps = {}
    for move in await keebai.journal.moves(campaign_id):
        found.setdefault(move.number, []).append((move.step, name_of(move)))
    return found


def requests_told(told: Iterable[Record]) -> Counter[str]:
    return Counter(f"{each.method} {each.route}" for each in told if isinstance(each, RequestStarted))


def changed(told: Iterable[Record]) -> Headcount:
    """What all that was told means for where people are."""
    changes = (each.change for each in told if isinstance(each, ChunkMoved | BroadcastRead))
    return sum(changes, Headcount())
