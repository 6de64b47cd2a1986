"""Write a page for each command: its help, with every argument and option, as the program itself says it.

    python docs/write_commands.py            write what is out of date, remove what is no command any more
    python docs/write_commands.py --check    say what is out of date, and exit with 1 if anything is

The pages are in `docs/commands/`. A group of commands, such as `webhooks`, has one page.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol, cast

PAGES: Final = Path(__file__).resolve().parent / "commands"
PROGRAM: Final = "keebai-async"
_EXAMPLE: Final = "Example: "
_LONG_OR_SHORT: Final = re.compile(r"(?<![\w`-])(--?[a-z][a-z-]*)(?![\w`])")


class Parameter(Protocol):
    """An option or an argument of a command."""

    name: str
    param_type_name: str
    opts: list[str]
    secondary_opts: list[str]
    metavar: str | None
    required: bool
    multiple: bool
    is_flag: bool
    hidden: bool
    help: str | None
    rich_help_panel: str | None


class Command(Protocol):
    """A command, or a group of them, whichever Click is behind it."""

    help: str | None
    params: list[Parameter]
    commands: dict[str, "Command"]


def pages() -> dict[str, str]:
    """The page of each command and group, by the name of its file."""
    import typer

    from keebai_async.cli.app import program
    from keebai_async.cli.command_table import COMMANDS, GROUPS

    root = cast("Command", typer.main.get_command(program(*COMMANDS, *GROUPS)))
    found = {}
    for name, command in root.commands.items():
        words = GROUPS.get(name)
        lines = _page(name, command) if words is None else _group_page(name, command)
        found[f"{name}.md"] = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"
    return found


def _page(name: str, command: Command) -> Iterator[str]:
    yield f"# {PROGRAM} {name}"
    yield ""
    yield from _described(command, heading="##")


def _group_page(name: str, group: Command) -> Iterator[str]:
    yield f"# {PROGRAM} {name}"
    for each, command in group.commands.items():
        yield ""
        yield f"## {name} {each}"
        yield ""
        yield from _described(command, heading="###")


def _described(command: Command, *, heading: str) -> Iterator[str]:
    paragraphs = (command.help or "").strip().split("\n\n")
    examples = [each.removeprefix(_EXAMPLE) for each in paragraphs if each.startswith(_EXAMPLE)]
    for each in examples:
        yield from ("```sh", each, "```", "")
    for each in paragraphs:
        if not each.startswith(_EXAMPLE):
            yield from (_prose(each), "")
    yield from _tables(command.params, heading)


def _tables(parameters: Iterable[Parameter], heading: str) -> Iterator[str]:
    """A table for the arguments, and one for each panel of options, in the order of the help."""
    panels: dict[str, list[Parameter]] = {"Arguments": [], "Options": []}
    for each in parameters:
        if getattr(each, "hidden", False) or each.name == "help":
            continue
        panel = "Arguments" if each.param_type_name == "argument" else "Options"
        panels.setdefault(each.rich_help_panel or panel, []).append(each)
    for panel, members in panels.items():
        if members:
            yield from (f"{heading} {panel}", "", "| name | means |", "| --- | --- |")
            yield from (f"| {_names(each)} | {_means(each)} |" for each in members)
            yield ""


def _names(parameter: Parameter) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = sorted((*parameter.opts, *parameter.secondary_opts), key=len, reverse=True)
    value = "" if getattr(parameter, "is_flag", False) else f" {parameter.metavar or 'TEXT'}"
    return ", ".join(f"`{name}{value if place == 0 else ''}`" for place, name in enumerate(names))


def _means(parameter: Parameter) -> str:
    return _prose(parameter.help or "")


def _prose(text: str) -> str:
    """One line, with the names of options as code."""
    line = " ".join(text.split()).replace("\\[", "[").replace("|", "\\|").replace("<", "\\<")
    return _LONG_OR_SHORT.sub(r"`\1`", line)


if __name__ == "__main__":
    sys.path.insert(0, str(PAGES.parents[1]))
    from written_pages import keep_current

    sys.exit(keep_current(sys.argv[1:], PAGES, pages(), what="Write a page for each command."))
