"""Write the pages that show what can be imported, by topic, for Sphinx to fill from the docstrings.

    python docs/write_api.py            write what is out of date, remove what is no page any more
    python docs/write_api.py --check    say what is out of date, and exit with 1 if anything is

The pages are in `docs/api/`. What several modules export is on the page of the first one.
"""

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PAGES: Final = Path(__file__).resolve().parent / "api"


class Topic(NamedTuple):
    """A page: its file, its title, the public modules it shows, and of what is made in which rooms."""

    file: str
    title: str
    modules: tuple[str, ...]
    made_in: tuple[str, ...] = ("",)


TOPICS: Final = (
    Topic("errors.rst", "Errors", ("keebai_async.errors",)),
    Topic("events.rst", "Events", ("keebai_async",), ("model.events", "types")),
    Topic("opt_outs.rst", "Opt-outs", ("keebai_async",), ("opt_outs", "model.opt_outs")),
    Topic(
        "outbox.rst", "Messages sent once", ("keebai_async",), ("outbox", "model.outbox", "journal.outbox")
    ),
    Topic("quota.rst", "Quota", ("keebai_async.quota",)),
    Topic("webhooks.rst", "Webhooks", ("keebai_async.webhooks",)),
    Topic("whautomate.rst", "Whautomate", ("keebai_async.whautomate",)),
    Topic("web.rst", "In a web app", ("keebai_async.web",)),
    Topic(
        "workers.rst",
        "Engines as bells",
        ("keebai_async.workers", "keebai_async.workers.procrastinate", "keebai_async.workers.dbos"),
    ),
    Topic(
        "testing.rst",
        "Testing",
        ("keebai_async.testing", "keebai_async.sandbox", "keebai_async.sandbox.faults"),
    ),
    Topic("observe.rst", "Records", ("keebai_async.observe", "keebai_async.observe.opentelemetry")),
    Topic(
        "client.rst",
        "Client",
        ("keebai_async",),
        ("client", "keebai", "credentials", "transport", "clock", "quota", "model.sender", "model.template"),
    ),
    Topic("campaigns.rst", "Campaigns", ("keebai_async",)),
    Topic("service.rst", "A service that carries campaigns", ("keebai_async.campaign",)),
    Topic("journal.rst", "Journal", ("keebai_async.journal",)),
)
"""Every public object is on the first of these pages that it belongs to."""


def pages() -> dict[str, str]:
    """Each page by the name of its file."""
    shown: set[int] = set()
    return {topic.file: "\n".join(_page(topic, shown)) + "\n" for topic in TOPICS}


def _page(topic: Topic, shown: set[int]) -> Iterator[str]:
    yield topic.title
    yield "=" * len(topic.title)
    for module in topic.modules:
        found = [
            (name, thing)
            for name, thing in exported(module).items()
            if id(thing) not in shown and _made_in(thing, topic.made_in) and not _is_another_name(name, thing)
        ]
        shown.update(id(thing) for _, thing in found)
        if found:
            yield from ("", f"From ``{module}``:")
        for name, thing in found:
            yield from ("", f".. {_directive(thing)}:: {module}.{name}")


def exported(module: str) -> dict[str, object]:
    """What a public module shows to who imports from it, by name."""
    room = importlib.import_module(module)
    names = getattr(room, "__all__", None) or [
        name
        for name, thing in vars(room).items()
        if not name.startswith("_") and getattr(thing, "__module__", "").startswith(module)
    ]
    return {name: getattr(room, name) for name in sorted(names)}


def _made_in(thing: object, rooms: tuple[str, ...]) -> bool:
    module = getattr(thing, "__module__", "types").removeprefix("keebai_async.")
    return any(not room or module == room or module.startswith(f"{room}.") for room in rooms)


def _is_another_name(name: str, thing: object) -> bool:
    return isinstance(thing, type) and thing.__name__ != name


def _directive(thing: object) -> str:
    if isinstance(thing, type):
        return "autoexception" if issubclass(thing, BaseException) else "autoclass"
    return "autofunction" if inspect.isroutine(thing) else "autodata"


if __name__ == "__main__":
    sys.path.insert(0, str(PAGES.parents[1]))
    from written_pages import keep_current

    sys.exit(keep_current(sys.argv[1:], PAGES, pages(), what="Write the pages of what can be imported."))
