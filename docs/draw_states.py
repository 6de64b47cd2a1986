"""Draw the tables of states into the pages that show them: a Mermaid diagram, and the moves as a table.

    python docs/draw_states.py            draw again what is out of date
    python docs/draw_states.py --check    say what is out of date, and exit with 1 if anything is

A page marks the place with `<!-- drawn: NAME -->` and `<!-- end -->`. The diagram says what the code does,
because it is made from the same table; a table that does not exist yet leaves its place empty.
"""

import argparse
import enum
import importlib.util
import re
import sys
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

DOCS = Path(__file__).resolve().parent

Table = Mapping[tuple[Hashable, Hashable], Hashable]
"""(state, move) -> state; a state is a member of an enum, a move a class or a member of an enum."""


@dataclass(frozen=True)
class Drawing:
    """A table of the code, and the place in a page where it is shown."""

    name: str
    page: str
    module: str
    table: str = "TABLE"


DRAWINGS = (
    Drawing(name="chunk", page="architecture.md", module="keebai_async.model.lifecycle"),
    Drawing(name="run", page="architecture.md", module="keebai_async.campaign.run_state", table="RUN_TABLE"),
)


def drawn(table: Table) -> str:
    """The diagram and the moves, as Markdown.

    The first state of the table is where a life begins; where no move leads on, it ends. A move that
    leads to where it came from is no arrow: it is told in a line below.
    """
    arrows = {at: after for at, after in table.items() if at[0] != after}
    return "\n".join([*_diagram(arrows), "", *_moves(arrows), *_without_effect(table)])


def _diagram(arrows: Table) -> Iterator[str]:
    first = next(iter(arrows))[0]
    on = {before for before, _ in arrows}
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {_state(first)}"
    for (before, move), after in arrows.items():
        yield f"    {_state(before)} --> {_state(after)}: {_move(move)}"
    ends = (state for state in dict.fromkeys(arrows.values()) if state not in on)
    yield from (f"    {_state(state)} --> [*]" for state in ends)
    yield "```"


def _moves(arrows: Table) -> Iterator[str]:
    yield "| from | move | to | it says |"
    yield "| --- | --- | --- | --- |"
    for (before, move), after in arrows.items():
        yield f"| {_words(before)} | {_move(move)} | {_words(after)} | {_said(move)} |"


def _without_effect(table: Table) -> Iterator[str]:
    passed_over: dict[str, list[str]] = {}
    for (before, move), after in table.items():
        if before == after:
            passed_over.setdefault(_words(before), []).append(_move(move))
    if passed_over:
        yield ""
        yield "Taken, and without effect:"
        yield ""
    yield from (f"- {state}: {', '.join(moves)}" for state, moves in passed_over.items())


def _words(state: Hashable) -> str:
    return str(state.value) if isinstance(state, enum.Enum) else str(state)


def _state(state: Hashable) -> str:
    return re.sub(r"\W+", "_", _words(state))


def _move(move: Hashable) -> str:
    if isinstance(move, type):
        return move.__name__
    return str(move.value) if isinstance(move, enum.Enum) else str(move)


def _said(move: Hashable) -> str:
    """The first sentence of a class's docstring, with its arguments as code."""
    words = (move.__doc__ or "") if isinstance(move, type) else ""
    first = re.split(r"(?<=\.)\s", " ".join(words.split()), maxsplit=1)[0]
    return re.sub(r"\*(\w+)\*", r"`\1`", first).replace("|", "\\|")


def page_with(text: str, name: str, drawing: str) -> str:
    """*text* with *drawing* at the place that *name* marks. Raises ValueError if there is none."""
    place = re.compile(rf"(<!-- drawn: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(text):
        raise ValueError(f"no place is marked for the drawing {name!r}")
    inside = f"\n{drawing}\n\n" if drawing else ""
    return place.sub(lambda found: found[1] + inside + found[2], text, count=1)


def _drawing(wanted: Drawing) -> str:
    if importlib.util.find_spec(wanted.module) is None:
        return ""
    table: Table = getattr(import_module(wanted.module), wanted.table)
    return drawn(table)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Draw the tables of states into the pages.")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is out of date")
    check: bool = parser.parse_args(arguments).check
    old = 0
    for wanted in DRAWINGS:
        path = DOCS / wanted.page
        text = path.read_text(encoding="utf-8")
        current = page_with(text, wanted.name, _drawing(wanted))
        if current == text:
            continue
        old += 1
        print(f"{path.name}: the drawing {wanted.name!r} is {'out of date' if check else 'drawn again'}")
        if not check:
            path.write_text(current, encoding="utf-8")
    return int(check and old > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))
    sys.exit(main(sys.argv[1:]))
