"""Processes that run real campaigns and kill themselves at a named point, for tests.

One process imports everything once and forks a Life for each Task that it reads on stdin, a JSON object a
line; what a Life says, and how it ended, are lines on stdout. The points are reached by wrapping the journal
and the service in here: the product knows nothing of them.
"""

import asyncio
import importlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import anyio
import msgspec
from msgspec.structs import replace

from keebai_async.campaign import chunks
from keebai_async.campaign.service import ChunkVerdict
from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.errors import KeebaiError
from keebai_async.journal import drafts, schema, sqlite_tables
from keebai_async.journal.sqlite_tables import SqliteJournal, SqliteTables
from keebai_async.journal.tables import MoveRow, StoredRow
from keebai_async.keebai.campaign_service import KeebaiCampaignService, KeebaiSubmitSlot
from keebai_async.model.campaign import CampaignState, RunFacts
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import AnyEvent
from keebai_async.model.lifecycle import HandOn, Move, Refuse
from keebai_async.model.plan import Plan
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.transport.request import Objection, Timeouts
from tests.crash.people import NAME, everybody

T = TypeVar("T")

UNDER_WAY = 0.002
"""Seconds after the intent at which a request is on its way: the sandbox answers later than that."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Run *campaign*, or plan a new one if it is None; die at *point* when it is reached the *nth* time."""

    journal: str
    url: str
    token: str
    sender: str
    speed: float
    people: int
    size: int
    campaign: str | None = None
    point: str = ""
    nth: int = 1
    room: int | None = None
    """Bytes to which the journal's files may grow, from the *nth* time on that *point* is reached."""


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a Life, or about it."""

    pid: int | None = None
    began: str | None = None
    """The campaign it runs."""
    ended: str | None = None
    """The state in which the run ended."""
    stopped_by: Cause | None = None
    error: str | None = None
    gone: int | None = None
    """The exit code; negative is the signal that ended it."""


def say(said: Said) -> None:
    # One write: a line of somebody who is killed is there as a whole or not at all.
    os.write(sys.stdout.fileno(), msgspec.json.encode(said) + b"\n")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """What happens when a point is reached."""

    def __init__(self, point: str, nth: int, act: Callable[[], None]) -> None:
        self._point = point
        self._left = nth
        self._act = act

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                self._act()


class MortalJournal(SqliteJournal):
    def __init__(self, path: str, fate: Fate) -> None:
        super().__init__(path)
        self._fate = fate

    async def _around(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        self._fate(f"before {name}")
        given = await work()
        self._fate(f"after {name}")
        return given

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        await self._around("add_chunk", partial(super().add_chunk, campaign_id, number, recipients, items))

    async def freeze(self, *plans: Plan) -> None:
        await self._around("freeze", partial(super().freeze, *plans))

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        chunk: Chunk = await self._around(name_of(move), partial(super().record, campaign_id, move))
        return chunk

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        work = partial(super().recut, campaign_id, moves, keep=keep, children=children)
        chunks: tuple[Chunk, ...] = await self._around("recut", work)
        return chunks

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        work = partial(super().progress, campaign_id, number, sent=sent, failed=failed, final=final)
        chunk: Chunk = await self._around("progress", work)
        return chunk

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        reason: str | None = None,
        stopped_by: Cause | None = None,
        requests: Requests | None = None,
        seconds: float | None = None,
        facts: RunFacts | None = None,
        notes: Sequence[AnyEvent] = (),
    ) -> int:
        work = partial(
            super().set_state,
            campaign_id,
            state,
            reason=reason,
            stopped_by=stopped_by,
            requests=requests,
            seconds=seconds,
            facts=facts,
            notes=notes,
        )
        event_id: int = await self._around(state.value, work)
        return event_id

    async def recover(self, campaign_id: str) -> tuple[Chunk, ...]:
        chunks: tuple[Chunk, ...] = await self._around("recover", partial(super().recover, campaign_id))
        return chunks


class MortalSlot(KeebaiSubmitSlot):
    def __init__(self, slot: KeebaiSubmitSlot, fate: Fate) -> None:
        self._inner = slot
        self._fate = fate

    async def submit(
        self, body: bytes, *, recipients: int, objection: Objection | None = None
    ) -> ChunkVerdict:
        # Between here and the verdict the request is on its way.
        asyncio.get_running_loop().call_later(UNDER_WAY, self._fate, "under way")
        verdict = await self._inner.submit(body, recipients=recipients, objection=objection)
        self._fate("verdict seen")
        return verdict


class MortalService(KeebaiCampaignService):
    fate: Fate

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[KeebaiSubmitSlot]:
        self.fate("before a place")
        async with super().slot() as slot:
            yield MortalSlot(slot, self.fate)


class MortalKeebai(Keebai):
    fate: Fate

    def campaign_service(self) -> KeebaiCampaignService:
        service = MortalService(self._exchange)
        service.fate = self.fate
        return service


class MortalMigration(Sequence[str]):
    """A second version of the file, in the middle of which the process dies."""

    statements = ("CREATE TABLE later (id INTEGER)", "ALTER TABLE chunks ADD COLUMN later TEXT")

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def __iter__(self) -> Iterator[str]:
        for statement in self.statements:
            self._fate("migrating")
            yield statement
        self._fate("migrated")

    def __len__(self) -> int:
        return len(self.statements)

    def __getitem__(self, place: Any) -> Any:
        return self.statements[place]


def name_of(move: Move) -> str:
    return type(move).__name__.lower()


def reach_into_transactions(fate: Fate) -> None:
    """Let points be reached while a transaction is written and not committed."""
    insert, freeze = SqliteTables.insert, drafts.freeze

    def insert_mortally(tables: SqliteTables, row: StoredRow) -> None:
        insert(tables, row)
        if isinstance(row, MoveRow):
            fate(f"inside {name_of(row.move)}")

    def freeze_mortally(*arguments: Any, **named: Any) -> None:
        freeze(*arguments, **named)
        fate("inside freeze")

    setattr(SqliteTables, "insert", insert_mortally)  # noqa: B010 - it is a method
    setattr(drafts, "freeze", freeze_mortally)  # noqa: B010 - it is a function


def begin_migration(fate: Fate) -> None:
    newer = (*schema.MIGRATIONS, MortalMigration(fate))
    migrate = partial(schema.migrate, migrations=newer)
    setattr(sqlite_tables, "USE", replace(sqlite_tables.USE, migrate=migrate))  # noqa: B010 - it is a constant


async def live(task: Task) -> None:
    act = kill if task.room is None else partial(limit_files, task.room)
    if task.room is not None:  # for good, so there is nothing to be patient for
        setattr(chunks, "PATIENCE_WITH_ANSWERS", 20.0)  # noqa: B010 - it is a constant
    fate = Fate(task.point, task.nth, act)
    reach_into_transactions(fate)
    if task.point.startswith("migrat"):
        begin_migration(fate)
    MortalKeebai.fate = fate
    journal = MortalJournal(task.journal, fate)
    async with MortalKeebai(
        task.token,
        base_url=task.url,
        phone_number_id=task.sender,
        clock=ScaledClock(task.speed),
        quotas=[Quota(10_000, 1.0)],
        journal=journal,
        poll_floor=2.0,
        timeout=Timeouts(connect=30.0, read=30.0, submit=30.0),
    ) as keebai:
        try:
            campaign = task.campaign
            if campaign is None:
                campaign = await plan(keebai, task)
            async with keebai.campaigns.resume(campaign) as run:
                say(Said(began=campaign))
                fate("leased")
                report = await run.report()
            fate("released")
            say(Said(ended=report.state, stopped_by=report.stopped_by))
        finally:
            await journal.aclose()


async def plan(keebai: Keebai, task: Task) -> str:
    made = await keebai.campaigns.plan(
        everybody(task.people),
        template="promo",
        language="es",
        name=NAME,
        options=PlanOptions(chunk_size=task.size),
    )
    return made.campaign_id


def limit_files(room: int) -> None:
    """From now on no file may grow beyond *room* bytes: to SQLite the disk is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))


def run(task: Task) -> int:
    try:
        anyio.run(live, task)
    except KeebaiError as error:
        say(Said(error=f"{type(error).__name__}: {error}"))
        return 1
    except BaseException:
        traceback.print_exc()
        return 2
    return 0


def serve(kind: type[T], run: Callable[[T], int], *modules: str) -> None:
    for module in ("aiohttp", "keebai_async.campaigns", "anyio._backends._asyncio", *modules):
        importlib.import_module(module)  # what a Life would import by itself, each for a quarter of a second
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=kind)
        announced, announce = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(announce)
            os.read(announced, 1)  # nothing that it says may come before it is known who says it
            os._exit(run(task))
        say(Said(pid=pid))
        os.write(announce, b".")
        os.close(announce)
        os.close(announced)
        _, status = os.waitpid(pid, 0)
        say(Said(gone=os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    serve(Task, run)
