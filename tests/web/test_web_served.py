"""The apps of docs/web.md under the real servers, with browsers that look on."""

import random
import signal
from functools import partial
from pathlib import Path

import aiohttp
import anyio
import pytest

from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import CampaignState
from keebai_async.model.events import AnyEvent, BroadcastProgress, ChunkAccepted, StateChanged, topic_of
from keebai_async.sandbox import Sandbox
from tests.web.browser import Browser
from tests.web.served import SERVERS, App, terminate

pytestmark = pytest.mark.timeout(600)  # several processes are started, one after another

SPEED = 50.0

KILLS = 3

IN_GOOD_ORDER = {0, -signal.SIGTERM}
"""Exit codes: uvicorn gives the signal on, once its app has ended."""


def lasting(events: list[AnyEvent]) -> list[AnyEvent]:
    """Those that the journal keeps for good."""
    return [event for event in events if not topic_of(event)]


async def all_told(path: Path, campaign_id: str) -> list[AnyEvent]:
    journal = SqliteJournal(path)
    try:
        return list((await journal.events(campaign_id, limit=100_000)).events)
    finally:
        await journal.aclose()


@pytest.mark.parametrize("kind", SERVERS)
async def test_a_list_is_uploaded_and_every_browser_sees_its_campaign_to_the_end(
    kind: str, tmp_path: Path
) -> None:
    async with Sandbox(speed=SPEED) as sandbox:
        app = App(kind, tmp_path, sandbox)
        async with app.serving() as process:
            campaign_id = await app.launch(12)
            one, two = Browser(app.events(campaign_id)), Browser(app.events(campaign_id))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one.look)
                tasks.start_soon(two.look)
            late = Browser(app.events(campaign_id))
            await late.look()

            assert lasting(one.events) == lasting(two.events) == lasting(late.events)
            assert late.events == await all_told(app.journal, campaign_id)
            assert isinstance(late.events[-1], StateChanged)
            assert late.events[-1].state is CampaignState.FINISHED
            assert sum(isinstance(event, ChunkAccepted) for event in one.events) == 1
            progress = [event for event in late.events if isinstance(event, BroadcastProgress)]
            assert [(each.sent, each.final) for each in progress] == [(12, True)]
            seen_all = Browser(app.events(campaign_id))
            seen_all.last_event_id = one.last_event_id
            await seen_all.look()
            assert (seen_all.events, seen_all.connected) == ([], 0)  # 204
            async with aiohttp.ClientSession() as session, session.get(app.events("nothing")) as response:
                assert response.status == 404
            assert await terminate(process) in IN_GOOD_ORDER, app.log
    assert sandbox.ledger.times_messaged().total() == 12
    assert sandbox.ledger.repeated() == {}
    assert "Traceback" not in app.log


@pytest.mark.parametrize("kind", SERVERS)
async def test_a_list_that_cannot_be_sent_is_refused_in_words(kind: str, tmp_path: Path) -> None:
    """Before, the browser saw an Internal Server Error, and the list again was one, too."""
    async with Sandbox(speed=SPEED) as sandbox:
        app = App(kind, tmp_path, sandbox)
        async with app.serving() as process:
            garbage = await app.upload("garbage")
            campaign_id = await app.launch(12)
            await Browser(app.events(campaign_id)).look()
            again = await app.upload(app.people(12))
            assert await terminate(process) in IN_GOOD_ORDER, app.log
    assert (garbage[0], again[0]) == (422, 422)
    assert "holds nobody: there is nobody to message" in garbage[1]
    assert "this list was launched under the name 'Promo' before" in again[1]
    assert "Traceback" not in app.log
    assert sandbox.ledger.times_messaged().total() == 12


@pytest.mark.parametrize("kind", SERVERS)
async def test_an_open_browser_keeps_no_server_alive_and_nothing_is_submitted_after_its_end(
    kind: str, tmp_path: Path
) -> None:
    """Before, uvicorn waited for the browser for ever, aiohttp for a minute, and they went on submitting."""
    async with Sandbox(speed=SPEED) as sandbox:
        app = App(kind, tmp_path, sandbox, chunk_size=1, quota="20/60s")
        async with anyio.create_task_group() as tasks:
            async with app.serving() as process:
                campaign_id = await app.launch(150)
                browser = Browser(app.events(campaign_id))
                tasks.start_soon(browser.look)
                await browser.until(lambda: len(browser.events) >= 10)
                code = await terminate(process)
            submitted = sandbox.ledger.times_messaged().total()
            at_the_end = await all_told(app.journal, campaign_id)
            tasks.cancel_scope.cancel()

    assert code in IN_GOOD_ORDER, app.log
    assert "Traceback" not in app.log
    assert 0 < submitted <= 20
    accepted = sum(event.accepted for event in at_the_end if isinstance(event, ChunkAccepted))
    assert accepted == submitted
    last = at_the_end[-1]
    assert isinstance(last, StateChanged)
    assert (last.state, last.reason) == (CampaignState.STOPPED, "its process shuts down")
    assert not browser.ended


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_server_that_is_killed_again_and_again_hides_no_event_and_repeats_none(
    kind: str, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    async with Sandbox(speed=SPEED) as sandbox:
        app = App(kind, tmp_path, sandbox, chunk_size=2)
        async with app.serving():
            campaign_id = await app.launch(60)
        one, two, late = (Browser(app.events(campaign_id)) for _ in range(3))
        begins = chance.randrange(KILLS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.look)
            for kill in range(KILLS):
                if kill == begins:
                    tasks.start_soon(two.look)
                async with app.serving() as process:
                    await anyio.sleep(chance.uniform(0.0, 0.7))
                    if chance.random() < 0.4:
                        await terminate(process)
            async with app.serving():
                told = await settled(app.journal, campaign_id)
                tasks.start_soon(late.look)
                for each in (one, two, late):
                    await each.until(partial(has_seen, each, told[-1].id))
                tasks.cancel_scope.cancel()

    assert sandbox.ledger.repeated() == {}
    for browser in (one, two, late):
        assert browser.ids == sorted(set(browser.ids))
        assert lasting(browser.events) == lasting(told)
        counters = {e.number: e for e in browser.events if isinstance(e, BroadcastProgress)}
        assert counters == {e.number: e for e in told if isinstance(e, BroadcastProgress)}


def has_seen(browser: Browser, event_id: int) -> bool:
    return bool(browser.events) and browser.events[-1].id >= event_id


async def settled(path: Path, campaign_id: str) -> list[AnyEvent]:
    """Everything that was told, once nothing is left that a program can do and nothing more is told."""
    journal = SqliteJournal(path)
    try:
        while True:
            campaign = await journal.load(campaign_id)
            states = {chunk.state.value for chunk in campaign.chunks if not chunk.settled}
            if states <= {"unknown"} and campaign.holder is None:
                return list((await journal.events(campaign_id, limit=100_000)).events)
            await anyio.sleep(0.05)
    finally:
        await journal.aclose()
