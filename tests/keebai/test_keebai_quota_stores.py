"""A client finds the store of its spending by a name."""

from pathlib import Path

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.quota.limiter import RateLimiter
from keebai_async.sandbox.keebai.server import Sandbox


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
        Keebai("kbai_pk_" + "0a" * 32, limiter="postgres://elsewhere")
