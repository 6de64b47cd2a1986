"""Another service, in another language, written from the contract alone: it is heard as the sandbox is."""

import json
import random
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio
import msgspec
import pytest

from keebai_async.client import Keebai
from keebai_async.model.recipient import Recipient
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox
from keebai_async.webhooks import Spool
from tests.webhooks.kit import SECRET
from tests.webhooks.people import client, known, people
from tests.webhooks.serving import serving

NODE: Final = shutil.which("node")
SERVICE: Final = Path(__file__).with_name("service.mjs")
STORIES: Final = (
    [("sent", 0), ("delivered", 0), ("read", 0)],
    [("sent", 0), ("delivered", 0)],
    [("sent", 0), ("failed", 131049)],
    [("failed", 131026)],
    [("sent", 0), ("failed", 131026), ("delivered", 0)],
    [("sent", 0), ("read", 0)],
    [("sent", 0), ("delivered", 0), ("failed", 131050)],
    [("sent", 0)],
)
ENDS: Final = ("read", "delivered", "failed", "failed", "delivered", "read", "delivered", "sent")
PEOPLE: Final = 120

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: another service cannot be run")


async def planned(keebai: Keebai) -> tuple[str, list[dict[str, object]], dict[str, tuple[str, int]]]:
    """A campaign in the journal, its people as the service would tell of them, and what becomes of each."""
    plan = await keebai.campaigns.plan(
        people(PEOPLE), template="promo", language="es", name="Promo", options=PlanOptions(chunk_size=50)
    )
    told: list[dict[str, object]] = []
    ends: dict[str, tuple[str, int]] = {}
    for chunk in (await keebai.journal.load(plan.campaign_id)).chunks:
        items = await keebai.journal.items(plan.campaign_id, chunk.number)
        for person in msgspec.json.decode(items, type=list[Recipient]):
            kind = len(told) % len(STORIES)
            story = STORIES[kind]
            told.append({"number": person.to, "meta_data": person.meta_data, "story": story})
            ends[person.to] = (ENDS[kind], next((code for word, code in story if word == "failed"), 0))
    return plan.campaign_id, told, ends


async def deliver(**orders: object) -> Mapping[str, object]:
    assert NODE is not None
    done = await anyio.run_process([NODE, str(SERVICE)], input=json.dumps(orders).encode())
    said: Mapping[str, object] = json.loads(done.stdout)
    return said


async def anybody_known(keebai: Keebai, campaign_id: str) -> int:
    counts = await keebai.campaigns.fates(campaign_id)
    return counts.sent + counts.failed + counts.delivered + counts.read


async def worked_off(folder: Path) -> None:
    spool = Spool(folder / "webhooks.db")
    while await spool.count():  # noqa: ASYNC110 - it is worked off in another process
        await anyio.sleep(0.02)
    await spool.aclose()


@pytest.mark.parametrize("dialect", ["D", "K"])
async def test_what_another_service_tells_is_known_of_everybody_whoever_is_killed(
    dialect: str, tmp_path: Path
) -> None:
    async with Sandbox() as box, client(box, tmp_path / "campaigns.db") as keebai:
        campaign_id, told, ends = await planned(keebai)
        orders = {"secret": SECRET, "dialect": dialect, "people": told, "twice": 0.2, "wait": 400}
        async with serving(tmp_path) as first, anyio.create_task_group() as tasks:
            said: list[Mapping[str, object]] = []

            async def service() -> None:
                said.append(await deliver(url=first.url, at_once=4, **orders))

            tasks.start_soon(service)
            await anyio.sleep(random.Random(dialect).random() * 0.3 + 0.3)
            first.process.send_signal(signal.SIGKILL)
            await first.process.wait()
            async with serving(tmp_path, port=first.port) as second:
                while not said:  # noqa: ASYNC110 - it delivers in another process
                    await anyio.sleep(0.02)
                await worked_off(tmp_path)
                assert await second.end() == 0
        assert said[0]["given_up"] == []
        assert await known(keebai, campaign_id) == ends
        counts = await keebai.campaigns.fates(campaign_id)
    assert counts.codes == {131026: PEOPLE // 8, 131049: PEOPLE // 8}


async def test_what_another_service_signs_with_another_secret_is_not_heard(tmp_path: Path) -> None:
    async with Sandbox() as box, client(box, tmp_path / "campaigns.db") as keebai:
        campaign_id, told, _ = await planned(keebai)
        async with serving(tmp_path) as served:
            said = await deliver(
                url=served.url, secret="whsec_other", dialect="D", people=told[:8], wait=1, at_once=2
            )
            assert await served.end() == 0
        counts = await keebai.campaigns.fates(campaign_id)

    assert (said["answers"], said["taken"]) == ({"401": 17}, [])
    assert (counts.sent, counts.failed, counts.delivered, counts.read) == (0, 0, 0, 0)
