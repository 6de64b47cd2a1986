"""The public surface is usable as exported: what a signature names can be imported, resolved and mocked."""

import ast
import inspect
import subprocess
import sys
import textwrap
from unittest.mock import AsyncMock, create_autospec

import pytest

import keebai_async
from keebai_async import Campaigns
from tests.documents.papers import paper
from tests.front.surface import PUBLIC_MODULES, everything_exported, hints_of, signatures, types_in

PUBLIC = dict(everything_exported())
CLASSES = {name: thing for name, thing in PUBLIC.items() if isinstance(thing, type)}


def test_the_hints_of_everything_public_can_be_resolved() -> None:
    for name, thing in PUBLIC.items():
        for where, annotated in signatures(name, thing):
            try:
                hints_of(annotated)
            except Exception as error:
                raise AssertionError(f"{where}: {error}") from error


def test_every_type_in_a_public_signature_is_public() -> None:
    public = {id(thing) for thing in PUBLIC.values()}
    hidden = {
        f"{named.__module__}.{named.__qualname__}, in {where}: {hint_name}"
        for name, thing in PUBLIC.items()
        for where, annotated in signatures(name, thing)
        for hint_name, hint in hints_of(annotated).items()
        for named in types_in(hint)
        if named.__module__.startswith("keebai_async") and id(named) not in public
    }
    assert sorted(hidden) == []


def test_every_type_of_a_public_union_is_public() -> None:
    public = {id(thing) for thing in PUBLIC.values()}
    hidden = {
        f"{named.__qualname__}, in {name}"
        for name, thing in PUBLIC.items()
        for named in types_in(thing)
        if named.__module__.startswith("keebai_async") and id(named) not in public
    }
    assert sorted(hidden) == []


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_an_object_has_its_class_has_too(name: str) -> None:
    """So that help() shows it, and a mock that is made of the class has it."""
    kind = CLASSES[name]
    if issubclass(kind, BaseException):
        return
    for base in kind.__mro__:
        if base.__module__.startswith("keebai_async"):
            missing = {attribute for attribute in _set_on_self(base) if not hasattr(kind, attribute)}
            assert missing == set(), base


def _set_on_self(kind: type) -> set[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and not node.attr.startswith("_")
    }


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_public_class_can_be_mocked(name: str) -> None:
    create_autospec(CLASSES[name])
    create_autospec(CLASSES[name], instance=True)


def test_a_campaign_in_one_call_takes_what_its_plan_takes() -> None:
    plan, run = (inspect.signature(each).parameters for each in (Campaigns.plan, Campaigns.run))
    assert set(plan) - set(run) == {"progress"}
    assert {name: each.default for name, each in plan.items() if name != "progress"}.items() <= {
        name: each.default for name, each in run.items()
    }.items()


async def test_a_mocked_client_has_the_resources_of_a_real_one() -> None:
    for mock in (create_autospec(keebai_async.Keebai, instance=True), AsyncMock(spec=keebai_async.Keebai)):
        mock.messages.send_text = AsyncMock(return_value="a receipt")
        assert await mock.messages.send_text("+5491155550101", "Hola") == "a receipt"
        for resource in ("broadcasts", "templates", "numbers", "channels", "campaigns", "limiter", "sender"):
            getattr(mock, resource)
        with pytest.raises(AttributeError):
            _ = mock.nothing_of_this
    whautomate = create_autospec(keebai_async.Whautomate, instance=True)
    for resource in ("broadcasts", "segments", "messages"):
        getattr(whautomate, resource)


def test_resolving_the_hints_is_what_imports_aiohttp() -> None:
    script = (
        "import sys, typing\n"
        "from keebai_async import Keebai\n"
        "before = 'aiohttp' in sys.modules\n"
        "session = typing.get_type_hints(Keebai.__init__)['session']\n"
        "import aiohttp\n"
        "assert session == aiohttp.ClientSession | None\n"
        "print(before)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_manual_names_the_public_modules_and_no_other() -> None:
    listed = [first.strip("`") for first, *_ in paper("docs/python.md").rows("What is public")]
    assert sorted(listed) == sorted(PUBLIC_MODULES)
