"""A journal that version 0.1 wrote opens, says what 0.1 said of it, and is resumed with nobody twice."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import anyio
import msgspec
import pytest

from keebai_async.client import Keebai
from keebai_async.model.chunk import ChunkState
from keebai_async.model.plan import Guards
from keebai_async.sandbox import Complaints, Sandbox
from tests.crash.people import number
from tests.crash.truth import Account, check
from tests.crash.world import SPEED, WIDE, World

FOLDER = Path(__file__).parent / "written_by_0_1"

KEPT = ("finished", "guarded", "killed", "paused", "planned", "purged", "token", "unknown")


class Said(msgspec.Struct):
    """What 0.1 said of a journal: see `make.py`."""

    reports: list[dict[str, object]]
    ledger: list[msgspec.Raw]
    rejections: list[dict[str, object]] = []
    moves: list[object] = []
    unknown: list[dict[str, object]] = []
    people: dict[str, list[str]] = {}

    @property
    def ready(self) -> int:
        ready = self.reports[0]["ready"]
        assert isinstance(ready, int)
        return ready


def said_of(name: str) -> Said:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Said)


def copy_of(name: str, folder: Path) -> Path:
    for file in FOLDER.glob(f"{name}.db*"):
        shutil.copyfile(file, folder / file.name)
    return folder / f"{name}.db"


def test_every_journal_of_the_folder_is_tried_here() -> None:
    assert {file.stem for file in FOLDER.glob("*.db")} == {*KEPT, "half_planned"}


@pytest.mark.parametrize("name", KEPT)
async def test_it_says_what_0_1_said_of_it(tmp_path: Path, name: str) -> None:
    said, path = said_of(name), copy_of(name, tmp_path)
    async with Keebai("none", journal=str(path)) as keebai:
        reports = [fields(report) for report in await keebai.campaigns.list()]
        campaign = str(said.reports[0]["campaign_id"])
        status = fields(await keebai.campaigns.status(campaign))
        rejections = [fields(each) async for each in keebai.campaigns.rejections(campaign)]
        moves = [fields(move) for move in await keebai.journal.moves(campaign)]
        unknown = [fields(each) for each in await keebai.campaigns.unknown(campaign)]
        people = await people_of(keebai, said, campaign)

    for now in (reports[0], status):
        assert same_where_0_1_spoke(now, said.reports[0])
    assert (len(reports), moves) == (1, said.moves)
    assert all(same_where_0_1_spoke(*pair) for pair in zip(rejections, said.rejections, strict=True))
    assert all(same_where_0_1_spoke(*pair) for pair in zip(unknown, said.unknown, strict=True))
    assert people == said.people


def fields(value: object) -> dict[str, object]:
    """As it stands in JSON."""
    return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, object])


def same_where_0_1_spoke(now: object, then: object) -> bool:
    """All that 0.1 said is there; of what it did not know, there may be more."""
    if isinstance(now, dict) and isinstance(then, dict):
        return all(same_where_0_1_spoke(now.get(key), then[key]) for key in then)
    if isinstance(now, list) and isinstance(then, list):
        return len(now) == len(then) and all(map(same_where_0_1_spoke, now, then))
    return now == then


async def people_of(keebai: Keebai, said: Said, campaign: str) -> dict[str, list[str]]:
    items = {chunk: await keebai.journal.items(campaign, int(chunk)) for chunk in said.people}
    return {chunk: [person["to"] for person in msgspec.json.decode(each)] for chunk, each in items.items()}


@asynccontextmanager
async def service_of(name: str, path: Path) -> AsyncIterator[World]:
    """The service that 0.1 talked to, as it was when the journal was written last."""
    said = said_of(name)
    malformed = {number(5), number(21)} if name in ("finished", "purged") else set()
    failing = {"finished": 0.1, "purged": 0.1, "guarded": 0.6}.get(name, 0.0)
    async with Sandbox(
        speed=SPEED, windows=WIDE, malformed=malformed, failing=failing, complaints=Complaints(named=False)
    ) as sandbox:
        await accept_again(sandbox, said)
        with anyio.fail_after(60):
            yield World(None, sandbox, path, people=said.ready)


async def accept_again(sandbox: Sandbox, said: Said) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for line in said.ledger:
            body = msgspec.json.decode(line)
            broadcast_id = body.pop("broadcast_id")
            body["phone_number_id"] = sandbox.phone_number_id
            async with session.post(f"{sandbox.url}/messages/bulk", json=body) as reply:
                assert (await reply.json())["broadcast_id"] == broadcast_id
            while sandbox.counters(broadcast_id).pending:  # noqa: ASYNC110 - a sandbox tells nobody
                await anyio.sleep(0.002)


@pytest.mark.parametrize("name", ["planned", "killed", "paused", "token", "unknown"])
async def test_it_is_resumed_to_its_end_with_nobody_twice(tmp_path: Path, name: str) -> None:
    path = copy_of(name, tmp_path)
    async with service_of(name, path) as here:
        check(await account_of(here), here.sandbox, people=here.people)

        account = await here.run_here()

        assert account.report.unsent == account.report.pending == 0
        unknown = {chunk.number for chunk in account.chunks(ChunkState.UNKNOWN)}
        assert unknown == {"killed": {3, 4, 5, 6}, "unknown": {2, 4}}.get(name, set())
        await here.settle_all()
        assert here.sandbox.ledger.total == here.people


async def account_of(here: World) -> Account:
    account = await here.account()
    assert account is not None
    return account


async def test_a_guard_that_stopped_it_still_does_until_a_person_lifts_it(tmp_path: Path) -> None:
    path = copy_of("guarded", tmp_path)
    async with service_of("guarded", path) as here:
        stopped = await here.run_here()
        assert (stopped.report.stopped_by, here.sandbox.ledger.total) == ("guard", 4)

        lifted = await here.run_here(guards=Guards())

        assert (lifted.report.state, here.sandbox.ledger.total) == ("finished", here.people)


@pytest.mark.parametrize("name", ["finished", "purged"])
async def test_one_that_is_finished_submits_nothing_more(tmp_path: Path, name: str) -> None:
    path, said = copy_of(name, tmp_path), said_of(name)
    async with service_of(name, path) as here:
        before = here.sandbox.ledger.total
        async with (
            here.client() as keebai,
            keebai.campaigns.resume(str(said.reports[0]["campaign_id"])) as run,
        ):
            report = await run.report()
        assert here.sandbox.ledger.total == before == report.accepted
    assert same_where_0_1_spoke(fields(report) | {"seconds": said.reports[0]["seconds"]}, said.reports[0])


async def test_its_people_can_be_purged(tmp_path: Path) -> None:
    path, said = copy_of("finished", tmp_path), said_of("finished")
    async with Keebai("none", journal=str(path)) as keebai:
        (campaign,) = await keebai.campaigns.purge_finished()
        report = fields(await keebai.campaigns.status(campaign))
        rejected = [each async for each in keebai.campaigns.rejections(campaign)]
    assert same_where_0_1_spoke(report, said.reports[0])
    assert {each.to for each in rejected} == {""}
    assert b"+549" not in path.read_bytes()


async def test_a_plan_that_its_killed_maker_left_is_swept(tmp_path: Path) -> None:
    path = copy_of("half_planned", tmp_path)
    async with Keebai("none", journal=str(path)) as keebai:
        assert await keebai.campaigns.list() == []
    with closing(sqlite3.connect(path)) as hand:
        assert hand.execute("SELECT count(*) FROM items").fetchone() == (0,)
