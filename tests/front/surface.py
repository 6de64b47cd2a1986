"""What is public: the modules that may be imported from, and every type that their signatures name."""

import importlib
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Final

import keebai_async

PUBLIC_MODULES: Final = (
    "keebai_async",
    "keebai_async.campaign",
    "keebai_async.errors",
    "keebai_async.journal",
    "keebai_async.observe",
    "keebai_async.observe.opentelemetry",
    "keebai_async.quota",
    "keebai_async.sandbox",
    "keebai_async.sandbox.faults",
    "keebai_async.testing",
    "keebai_async.web",
    "keebai_async.webhooks",
    "keebai_async.whautomate",
    "keebai_async.workers",
    "keebai_async.workers.dbos",
    "keebai_async.workers.procrastinate",
)

HANDED_OUT: Final = {
    # Users get these and do not make them, so what their constructors take is nobody's business.
    "Broadcasts",
    "CampaignRun",
    "Campaigns",
    "Channels",
    "EventStream",
    "Ledger",
    "SandboxWebhooks",
    "WhautomateSandboxWebhooks",
    "Messages",
    "Outbox",
    "Numbers",
    "Templates",
    "Webhooks",
    "TokenTraffic",
    "Traffic",
    "WhautomateBroadcasts",
    "WhautomateLedger",
    "WhautomateMessages",
    "WhautomateSegments",
}

_OPERATORS: Final = {"__init__", "__call__", "__aenter__", "__enter__", "__iter__", "__aiter__", "__add__"}


def exported(module: str) -> dict[str, object]:
    """The names of a public module, as one who imports from it sees them."""
    room = importlib.import_module(module)
    if hasattr(room, "__all__"):
        return {name: getattr(room, name) for name in room.__all__}
    return {
        name: value
        for name, value in vars(room).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and (_is_our(value) or not hasattr(value, "__module__"))
        and (module.endswith("sandbox") or getattr(value, "__module__", module) == module)
    }


def everything_exported() -> Iterator[tuple[str, object]]:
    for module in PUBLIC_MODULES:
        for name, value in exported(module).items():
            yield f"{module}.{name}", value


def signatures(name: str, thing: object) -> Iterator[tuple[str, object]]:
    """(where, what) for every annotated thing that a user of *thing* sees, so that hints can be asked for."""
    if not isinstance(thing, type):
        if isinstance(thing, types.FunctionType):
            yield name, thing
        return
    for base in thing.__mro__:
        if _is_our(base):
            yield f"{name} ({base.__name__})", base
    for attribute in dir(thing):
        if attribute.startswith("_") and attribute not in _OPERATORS:
            continue
        if attribute == "__init__" and thing.__name__ in HANDED_OUT:
            continue
        for function in _functions(inspect.getattr_static(thing, attribute)):
            if _is_our(function):
                yield f"{name}.{attribute}", function


def hints_of(thing: object) -> dict[str, object]:
    """The public part of its type hints."""
    hints = typing.get_type_hints(thing)
    return {name: hint for name, hint in hints.items() if not name.startswith("_")}


def types_in(hint: object) -> Iterator[type]:
    """Every class that a hint names, however deep."""
    if isinstance(hint, list | tuple):
        for part in hint:
            yield from types_in(part)
        return
    parts = typing.get_args(hint)
    if isinstance(hint, type) and not parts:
        yield hint
    if isinstance(hint, typing.TypeVar):
        yield from types_in(hint.__bound__)
    yield from types_in(typing.get_origin(hint)) if parts else ()
    for part in parts:
        yield from types_in(part)


def _functions(found: object) -> Iterator[types.FunctionType]:
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    found = inspect.unwrap(found) if callable(found) else found
    if isinstance(found, types.FunctionType):
        yield found


def _is_our(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(keebai_async.__name__)
