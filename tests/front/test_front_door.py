"""`import keebai_async`: names only, all of them there, and nothing paid for in advance."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keebai_async


def test_every_public_name_is_importable_and_sorted() -> None:
    assert list(keebai_async.__all__) == sorted(set(keebai_async.__all__))
    for name in keebai_async.__all__:
        value = getattr(keebai_async, name)
        assert getattr(value, "__name__", name) == name  # a union has none
    assert set(keebai_async.__all__) <= set(dir(keebai_async))


def test_type_checkers_see_the_same_names_in_the_same_homes() -> None:
    tree = ast.parse(Path(keebai_async.__file__).read_text(encoding="utf-8"))
    seen = {
        (alias.name, node.module)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {(name, f"keebai_async.{home}") for name, home in keebai_async._HOME_OF.items()}
    assert seen == homes
    assert {name for name, _ in homes} == set(keebai_async.__all__)


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
