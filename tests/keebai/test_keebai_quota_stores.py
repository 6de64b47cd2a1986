"""A client finds the store of its spending by a name."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from keebai_async import service_client
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.observe import QuotaKeptInMemory
from keebai_async.quota.default_place import default_quota_file
from keebai_async.quota.limiter import RateLimiter
from keebai_async.sandbox.keebai.server import Sandbox

ROOT = Path(__file__).parents[2]


def client(sandbox: Sandbox, limiter: str | None = None) -> Keebai:
    return Keebai(sandbox.token, base_url=sandbox.url, clock=sandbox.clock, limiter=limiter)


async def spent(keebai: Keebai) -> int:
    assert isinstance(keebai.limiter, RateLimiter)
    return (await keebai.limiter.spent())[0][1]


async def test_clients_that_name_the_same_file_spend_from_one_quota(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'quota.db'}"
    async with Sandbox() as sandbox:
        async with client(sandbox, store) as first:
            await first.me()
        async with client(sandbox, store) as second, client(sandbox) as alone:
            await second.with_options(poll_floor=9.0).me()

            assert (await spent(second), await spent(alone)) == (2, 0)


async def test_the_environment_names_the_store_where_the_program_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEBAI_QUOTA_STORE", f"sqlite:{tmp_path / 'quota.db'}")
    async with Sandbox() as sandbox:
        async with client(sandbox) as told:
            await told.me()
        async with client(sandbox, "memory:") as other:
            await other.me()

    assert (tmp_path / "quota.db").exists()


async def test_clients_in_memory_share_one_limiter() -> None:
    async with Sandbox() as sandbox, client(sandbox, "memory:") as one, client(sandbox) as other:
        assert one.limiter is other.limiter


def test_a_store_that_does_not_exist_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="redis://"):
        Keebai("kbai_pk_" + "0a" * 32, limiter="mysql://elsewhere")


PROGRAM = """
import asyncio, sys
from keebai_async import Keebai

async def main():
    async with Keebai(sys.argv[1], base_url=sys.argv[2], phone_number_id="1") as keebai:
        await keebai.me()
        print((await keebai.limiter.spent())[0][1])

asyncio.run(main())
"""


async def test_processes_that_say_nothing_share_one_file_of_their_user(tmp_path: Path) -> None:
    """Several web workers met 122 answers of 429, and lost a third of what they sent."""
    async with Sandbox() as sandbox:
        command = [sys.executable, "-c", PROGRAM, sandbox.token, sandbox.url]
        environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": os.defpath}
        said = [await anyio.run_process(command, env=environment) for _ in range(3)]

    assert [int(each.stdout) for each in said] == [1, 2, 3]
    assert [file.name for file in (tmp_path / "keebai-async").glob("*.db")] == ["quota.db"]


def test_where_no_file_can_be_had_the_quota_is_in_memory_and_that_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keebai-async").write_text("somebody's file, where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(service_client, "_TOLD", [])
    told: list[object] = []

    made = [Keebai("kbai_pk_" + "0a" * 32, phone_number_id="1", observer=told.append) for _ in range(2)]

    assert made[0].limiter is made[1].limiter
    assert [type(each) for each in told] == [QuotaKeptInMemory]


@pytest.mark.parametrize(
    ("environment", "platform", "place"),
    [
        ({"HOME": "/home/ana"}, "linux", "/home/ana/.local/state/keebai-async/quota.db"),
        ({"HOME": "/home/ana", "XDG_STATE_HOME": "/state"}, "linux", "/state/keebai-async/quota.db"),
        (
            {"HOME": "/Users/ana", "XDG_STATE_HOME": "/state"},
            "darwin",
            "/Users/ana/Library/Application Support/keebai-async/quota.db",
        ),
        ({"LOCALAPPDATA": "/Local"}, "win32", "/Local/keebai-async/quota.db"),
    ],
)
def test_the_file_lies_where_programs_of_that_system_keep_such(
    environment: dict[str, str], platform: str, place: str
) -> None:
    assert default_quota_file(environment, platform) == Path(place)
