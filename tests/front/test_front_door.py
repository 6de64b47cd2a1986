"""`import keebai_async`: names only, all of them there, and nothing paid for in advance."""

import builtins
import pickle
import pydoc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Final

import pytest

import keebai_async
from keebai_async.lazy_names import lazily
from tests.front.surface import PUBLIC_MODULES, exported

FROM_0_1: Final = (
    "AcceptedBroadcast BroadcastProgress BroadcastStatus BroadcastStuck BroadcastUnread CampaignBusy "
    "CampaignError CampaignNotFound CampaignRun CampaignState Campaigns Channel Chunk ChunkAccepted "
    "ChunkLine ChunkRefused ChunkSplit ChunkState ChunkSubmitting ChunkUnknown Clock Conflict "
    "ConnectionFailed Event Failures ForbiddenMove Guards InvalidInput Journal JournalUnusable Keebai "
    "KeebaiError LogSummary MetaCode Misused NotFound Number OutcomeUnknown Phase Plan PlanOptions "
    "PlanProgress PlanTooLarge Progress Quota QuotaExhausted QuotaUnusable RateLimited RateLimiter Reason "
    "Receipt Recipient Rejection Remedy Report RequestError RequestInvalid Requests RetryPolicy ScopeMissing "
    "Sender ServerFailed StateChanged SubmitPolicy Template TemplateUnusable TimedOut Timeouts Token "
    "TokenRejected Undecodable UnusableSource Waiting Whautomate open_journal "
)
"""Every name that could be imported from keebai_async in version 0.1."""


def test_every_public_name_is_importable_and_sorted() -> None:
    names = list(vars(keebai_async)["__all__"])
    assert names == sorted(set(names))
    for name in names:
        value = getattr(keebai_async, name)
        assert getattr(value, "__name__", name) == name  # a union has none
    assert set(names) <= set(dir(keebai_async))


def test_what_version_0_1_exported_is_still_there() -> None:
    assert set(FROM_0_1.split()) <= set(dir(keebai_async))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this"):
        _ = keebai_async.nothing_of_this  # type: ignore[attr-defined]


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = modules_after("import keebai_async")
    assert not loaded & {"aiohttp", "anyio", "msgspec", "asyncio", "yarl"}


def test_importing_the_client_leaves_aiohttp_alone_until_the_first_request() -> None:
    loaded = modules_after("from keebai_async import Keebai\nKeebai('token-of-twelve')")
    assert "keebai_async.client" in loaded
    assert not loaded & {"aiohttp", "yarl", "sqlite3", "typer", "rich"}


def test_a_star_import_gives_the_names_and_nothing_else() -> None:
    got: dict[str, object] = {}
    exec("from keebai_async import *", got)  # noqa: S102
    assert set(got) - {"__builtins__"} == set(vars(keebai_async)["__all__"])


def test_help_shows_what_is_there() -> None:
    page = pydoc.plain(pydoc.render_doc(keebai_async))
    assert "class Keebai(" in page
    assert "open_journal(" in page


@pytest.mark.parametrize("module", [name for name in PUBLIC_MODULES if name != "keebai_async.errors"])
def test_names_that_are_imported_late_are_the_ones_from_home(module: str) -> None:
    for name, value in exported(module).items():
        if isinstance(value, type):
            assert getattr(sys.modules[value.__module__], value.__qualname__) is value, name
            assert pickle.loads(pickle.dumps(value)) is value  # noqa: S301


def test_an_import_in_another_thread_is_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    package: dict[str, object] = {"__name__": "package"}
    with lazily(package), ThreadPoolExecutor() as threads:
        assert threads.submit(import_module, "colorsys").result().rgb_to_hls


def test_names_are_noted_and_found_when_they_are_used() -> None:
    package: dict[str, object] = {"__name__": "package"}
    with lazily(package):
        exec("from no_such_module import one as two, three\nfrom math import pi", package)  # noqa: S102
    find = package["__getattr__"]
    assert callable(find)
    assert package["__all__"] == ["pi", "three", "two"]
    assert "pi" not in package
    assert find("pi") == package["pi"] == 3.141592653589793
    with pytest.raises(ModuleNotFoundError):
        find("two")


def test_a_block_that_fails_leaves_imports_as_they_were() -> None:
    before = builtins.__import__
    with pytest.raises(ZeroDivisionError), lazily({"__name__": "package"}):
        _ = 1 / 0
    assert builtins.__import__ is before
