"""Where the library cannot work, it says so at once: another event loop, none of asyncio's, a fork."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Coroutine
from pathlib import Path

import anyio
import pytest

from keebai_async import Keebai, KeebaiError, Misused, Whautomate
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.window import LaneWindow, Quota
from tests.quota.benches import RedisServer
from tests.quota.conftest import redis_server as redis_server

TOKEN = "kbai_pk_" + "0" * 64
NOWHERE = "http://127.0.0.1:9/v1"
Work = Callable[[], Coroutine[object, object, None]]
EIGHT = [LaneWindow(quota=Quota(8, 60.0), per=60.0, most=8)]


def keebai() -> Keebai:
    return Keebai(TOKEN, base_url=NOWHERE, phone_number_id="100000000000001", journal="memory:")


async def entered() -> None:
    async with keebai():
        pass


async def whautomate_entered() -> None:
    async with Whautomate("a-key-of-some-length", host=NOWHERE):
        pass


async def never_entered() -> None:
    await keebai().messages.send_text("+5491155550101", "Hola")


async def planned() -> None:
    await keebai().campaigns.plan([{"to": "+5491155550101"}], template="promo", language="es")


ON_ANOTHER_LIBRARY = [entered, whautomate_entered, never_entered, planned]


def driven_by_hand(work: Coroutine[object, object, None]) -> None:
    """Run it as an event loop that is not asyncio's would begin to."""
    try:
        work.send(None)
    finally:
        work.close()


@pytest.mark.parametrize("work", ON_ANOTHER_LIBRARY)
def test_without_an_event_loop_of_asyncio_it_is_said_which_one_is_needed(work: Work) -> None:
    with pytest.raises(Misused, match="runs on asyncio"):
        driven_by_hand(work())


@pytest.mark.parametrize("work", ON_ANOTHER_LIBRARY)
def test_under_trio_there_is_one_error_of_ours_and_no_group(work: Work) -> None:
    pytest.importorskip("trio")
    with pytest.raises(KeebaiError, match="trio is not supported"):
        anyio.run(work, backend="trio")


def test_a_redis_store_in_a_second_loop_says_so(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, "second loop")

    async def spent() -> tuple[int, ...]:
        return await store.spent(EIGHT)

    async def take() -> None:
        await store.take(EIGHT)

    async def once_and_closed() -> None:
        assert await spent() == (0,)
        await store.aclose()

    anyio.run(once_and_closed)
    for use in (spent, take):
        with pytest.raises(Misused, match="another event loop"):
            anyio.run(use)


def forked(path: Path, before: str, after: str) -> str:
    """What a child of a fork prints that runs *after*, in a process that ran *before*; both know *path*."""
    program = textwrap.dedent(
        """
        import asyncio, os, sys, warnings
        from keebai_async import Misused
        from keebai_async.journal import open_journal
        from keebai_async.quota import LaneWindow, Quota, open_store

        EIGHT = [LaneWindow(quota=Quota(8, 60.0), per=60.0, most=8)]
        path = sys.argv[1]
        warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
        {before}
        if os.fork() == 0:
            try:
                {after}
                print("used", flush=True)
            except Misused as error:
                print(error, flush=True)
            os._exit(0)
        os.wait()
        """
    ).format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=25, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


USE_JOURNAL = "asyncio.run(journal.campaigns())"
OPEN_STORE = "store = open_store('sqlite:' + path, key='k')"
USE_STORE = "asyncio.run(store.spent(EIGHT))"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
class TestAFork:
    """A child has neither its parent's threads nor its leases, and shares its SQLite connection."""

    @pytest.mark.parametrize("where", ["path", "'memory:'"])
    def test_a_journal_says_so(self, tmp_path: Path, where: str) -> None:
        said = forked(tmp_path / "kept.db", f"journal = open_journal({where}); {USE_JOURNAL}", USE_JOURNAL)
        assert "journal was opened before this process was forked" in said

    def test_a_quota_store_says_so(self, tmp_path: Path) -> None:
        said = forked(
            tmp_path / "kept.db", f"store = open_store('sqlite:' + path, key='k'); {USE_STORE}", USE_STORE
        )
        assert "quota was opened before this process was forked" in said

    def test_a_quota_store_that_was_not_used_yet_is_the_childs(self, tmp_path: Path) -> None:
        assert (
            forked(tmp_path / "kept.db", "store = open_store('sqlite:' + path, key='k')", USE_STORE) == "used"
        )

    def test_closing_what_the_parent_opened_is_no_error(self, tmp_path: Path) -> None:
        used = f"journal = open_journal(path); {USE_JOURNAL}"
        assert forked(tmp_path / "kept.db", used, "asyncio.run(journal.aclose())") == "used"

    def test_one_that_the_child_opens_works(self, tmp_path: Path) -> None:
        used = f"journal = open_journal(path); {USE_JOURNAL}"
        assert forked(tmp_path / "kept.db", used, f"journal = open_journal(path); {USE_JOURNAL}") == "used"
