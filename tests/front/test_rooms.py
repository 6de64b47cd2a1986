"""The house: which room may import which, as data, and that every import keeps to it."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

import keebai_async

PACKAGE: Final = Path(keebai_async.__file__).parent

ROOMS: Final = {
    # From the ground up: a room imports only what stands above its own line here, so there is no circle.
    "lazy_names": "",
    "errors": "",
    "loops": "errors",
    "clock": "",
    "privacy": "",
    "zones": "errors",
    "draining": "errors loops",
    "model": "errors privacy",
    "inputs": "errors privacy",
    "credentials": "errors privacy",
    "storage": "errors loops clock",
    "sources": "errors privacy model storage",
    "observe": "lazy_names errors clock privacy model",
    "quota": "lazy_names loops errors clock model storage observe",
    "transport": "loops errors clock draining privacy model credentials quota observe",
    "polling": "errors clock model quota observe",
    "journal": "lazy_names errors clock draining privacy model storage",
    "planning": "errors privacy zones model sources journal",
    "environment": "errors credentials quota polling",
    "campaign": (
        "lazy_names errors clock draining privacy zones model quota transport polling journal observe"
    ),
    "outbox": "errors clock draining model environment transport journal campaign",
    "service_client": (
        "lazy_names errors clock draining credentials model quota transport environment observe"
    ),
    "journal_client": "lazy_names environment journal outbox service_client",
    "keebai": "errors clock privacy model inputs quota transport polling environment campaign outbox",
    "whautomate": (
        "lazy_names errors clock privacy model inputs credentials quota transport polling environment"
        " journal_client outbox observe"
    ),
    "webhooks": "lazy_names errors loops clock model credentials storage journal",
    "deciding": "errors model storage",
    "taking_up": "errors clock model journal campaign observe",
    "campaign_looks": "errors clock draining model journal campaign",
    "campaign_host": "errors model quota campaign campaign_looks observe",
    "campaign_care": "errors deciding model journal planning campaign campaign_looks campaign_host",
    "campaign_planning": (
        "errors deciding model sources journal planning campaign campaign_host campaign_care observe"
    ),
    "campaigns": (
        "errors deciding draining model quota polling journal planning campaign taking_up campaign_host"
        " campaign_planning"
    ),
    "opt_outs": "lazy_names errors clock privacy model journal planning",
    "supervisor": "errors clock draining model campaign taking_up campaigns",
    "campaign_client": ("lazy_names errors model campaign journal_client campaigns supervisor opt_outs"),
    "client": (
        "lazy_names clock model credentials quota transport environment campaign keebai campaign_client"
        " observe"
    ),
    "services": "errors environment quota observe keebai campaign_client client",
    "web": "errors loops model campaign supervisor",
    "workers": "lazy_names campaigns",
    "sandbox": "clock",  # it shares no decision with the client, or it would prove nothing
    "testing": "lazy_names clock sandbox",
    "cli": (
        "lazy_names errors clock deciding privacy zones model credentials sources quota transport polling"
        " journal planning environment service_client campaign campaign_looks campaign_host outbox keebai"
        " whautomate webhooks campaign_client client services sandbox observe opt_outs"
    ),
    "__main__": "cli",
    "__init__": (
        "lazy_names errors clock model credentials sources quota transport polling journal planning campaign"
        " campaign_host outbox keebai whautomate campaigns opt_outs client observe"
    ),
}

SERVICES: Final = {"keebai", "whautomate"}
KNOW_NO_SERVICE: Final = (
    "campaign",
    "campaign_care.py",
    "campaign_client.py",
    "campaign_host.py",
    "campaign_planning.py",
    "campaigns.py",
    "journal",
    "model",
    "observe",
    "planning",
    "polling",
    "quota",
    "service_client.py",
    "sources",
    "storage",
    "transport",
)
WORDS_OF_SERVICES: Final = (
    "phone_number_id",
    "channel_id",
    "template_name",
    "campaign_name",
    "total_recipients",
    "invalid_phone",
    "MISSING_ACCESS_TOKEN",
    "/messages",
    "KEEBAI_",
    "WHAUTOMATE_",
)


def room_of(module: str) -> str:
    _, _, inside = module.partition(".")
    return inside.partition(".")[0] or "__init__"


def files(*under: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules of the package, or of these rooms or files of it, by their dotted names."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if not under or any(inside.is_relative_to(each) for each in under):
            module = ".".join((keebai_async.__name__, *inside.with_suffix("").parts))
            yield module.removesuffix(".__init__"), parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module of ours that is imported anywhere in it: also inside functions, and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def arrows() -> set[tuple[str, str, str]]:
    """(room, room it imports, module that does)."""
    return {
        (room_of(module), room_of(imported), module)
        for module, tree in files()
        for imported in imports(tree)
        if imported.startswith(f"{keebai_async.__name__}.") and room_of(imported) != room_of(module)
    }


def test_every_room_is_in_the_drawing() -> None:
    assert {room_of(module) for module, _ in files()} <= set(ROOMS)


def test_the_drawing_has_no_circle() -> None:
    seen: set[str] = set()
    for room, allowed in ROOMS.items():
        assert set(allowed.split()) <= seen, f"{room} may import only what is drawn before it"
        seen.add(room)


def test_no_room_imports_what_it_may_not() -> None:
    wrong = [
        f"{module} imports from {imported}"
        for room, imported, module in sorted(arrows())
        if imported not in ROOMS[room].split()
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    named = {module: set(imports(tree)) for module, tree in files() if module != keebai_async.__name__}
    needs = {
        module: {
            name if name in named else name.rpartition(".")[0]
            for name in names
            if room_of(name) != "__init__" and name.startswith(f"{keebai_async.__name__}.")
        }
        for module, names in named.items()
    }
    done: set[str] = set()
    while ready := {module for module, others in needs.items() if module not in done and others <= done}:
        done |= ready
    assert sorted(set(needs) - done) == [], "these are in a circle, or need one that is"


@pytest.mark.parametrize("place", KNOW_NO_SERVICE)
def test_the_engine_knows_no_service_by_name(place: str) -> None:
    for module, tree in files(place):
        assert not SERVICES & {room_of(imported) for imported in imports(tree)}, module
        if module != "keebai_async.model.sender":  # a sender is one of two ids, both Meta's and public
            texts = [text for text in _texts(tree) if any(word in text for word in WORDS_OF_SERVICES)]
            assert texts == [], module


def test_no_name_of_a_class_stands_for_two() -> None:
    assert _twice(_classes) == {}


def test_no_name_of_a_constant_or_of_a_type_stands_for_two() -> None:
    assert _twice(_assigned) == {}


def _twice(names: Callable[[ast.Module], Iterator[str]]) -> dict[str, list[str]]:
    """The names that stand in several places, also those that a module keeps to itself."""
    where: dict[str, list[str]] = {}
    for module, tree in files():
        for name in names(tree):
            where.setdefault(name, []).append(module)
    return {name: modules for name, modules in where.items() if len(modules) > 1}


def _classes(tree: ast.Module) -> Iterator[str]:
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _assigned(tree: ast.Module) -> Iterator[str]:
    """The names of constants, and of types made of others; a TypeVar is neither."""
    for node in tree.body:
        target: ast.expr | None = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign) and not ast.unparse(node.value).startswith("TypeVar("):
            target = node.targets[0]
        if isinstance(target, ast.Name) and target.id.lstrip("_")[:1].isupper():
            yield target.id


def test_keebai_is_known_by_its_client_its_entry_and_its_own_commands_alone() -> None:
    """So that another service is a room beside it, and an entry in `services.py`."""
    who = {
        module.removeprefix(f"{keebai_async.__name__}.")
        for module, tree in files()
        for imported in imports(tree)
        if room_of(module) != "keebai" and room_of(imported) in {"keebai", "client"}
    }
    its_own_commands = {"cli.commands.doctor", "cli.connect", "cli.sandbox_run", "cli.text_output"}
    assert who - its_own_commands == {"client", "services", "keebai_async"}


def _texts(tree: ast.Module) -> Iterator[str]:
    """The texts in the code; what stands alone as a statement is a docstring."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value
