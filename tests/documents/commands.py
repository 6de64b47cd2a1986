"""Lines of the command as the papers show them, held against the command itself."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import typer

from keebai_async.cli.app import program
from keebai_async.cli.command_table import COMMANDS, GROUPS


class Parameter(Protocol):
    """An option or an argument of a command, whichever Click is behind it."""

    opts: list[str]
    secondary_opts: list[str]


class Command(Protocol):
    params: list[Parameter]

    def make_context(self, info_name: str, args: list[str]) -> object: ...


class Group(Command, Protocol):
    commands: dict[str, Command]


ROOT = cast("Group", typer.main.get_command(program(*COMMANDS, *GROUPS)))
_PLACEHOLDER = re.compile(r"[A-Z-]+")


def invocations(shell: str) -> Iterator[list[str]]:
    """The words behind `keebai-async` in each line of a shell that calls it, without what is redirected."""
    for line in shell.splitlines():
        for part in re.split(r"&&|\|", line):
            words = shlex.split(part.split(">")[0], comments=True)
            if words and words[0].rsplit("/", 1)[-1] == "keebai-async":
                yield words[1:]


def command_at(words: Sequence[str]) -> tuple[Command, list[str]] | None:
    """The command that *words* call, with the words behind its name.

    None if only its place is held (`COMMAND`). Raises LookupError if there is no such command.
    """
    command: Command = ROOT
    rest = list(words)
    while rest[:1] in (["--profile"], ["--as"]):  # they stand before the command
        del rest[:2]
    while rest and hasattr(command, "commands") and rest[0] not in options_of(command):
        name = rest.pop(0)
        if _PLACEHOLDER.fullmatch(name):
            return None
        found = cast("Group", command).commands.get(name)
        if found is None:
            raise LookupError(f"there is no command {name!r}")
        command = found
    return command, rest


def options_of(command: Command) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}


def all_options(group: Group = ROOT) -> set[str]:
    """The options of every command."""
    found = options_of(group)
    for command in group.commands.values():
        found |= all_options(cast("Group", command)) if hasattr(command, "commands") else options_of(command)
    return found


def check(words: Sequence[str]) -> None:
    """Raises LookupError if the command or one of its options does not exist."""
    called = command_at(words)
    if called is None:
        return
    command, rest = called
    for word in rest:
        name = word.strip("[](),").split("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", name) and name not in options_of(command):
            raise LookupError(f"{' '.join(words)}: there is no option {name}")
