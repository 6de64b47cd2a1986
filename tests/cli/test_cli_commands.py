"""Each command has a file of its name, help that begins with an example, and a line in the manual."""

import platform
import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest
import typer

from keebai_async.cli import command_table, commands
from keebai_async.cli.app import program
from keebai_async.cli.command_table import COMMANDS, GROUPS
from keebai_async.cli.config.commands import CONFIG_COMMANDS
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.outbox.commands import OUTBOX_COMMANDS
from keebai_async.cli.register import register
from keebai_async.cli.webhooks.commands import WEBHOOKS_COMMANDS
from keebai_async.cli.whautomate.commands import WHAUTOMATE_COMMANDS
from tests.cli.shell import Shell

ROOT = Path(__file__).parents[2]
NAMES = list(COMMANDS)
FUNCTIONS = [getattr(command_table, "list_" if name == "list" else name) for name in NAMES]
MANUAL = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
EVERY_HELP = [
    (),
    *((name,) for name in NAMES),
    ("whautomate",),
    *(("whautomate", command.__name__.rstrip("_")) for command in WHAUTOMATE_COMMANDS),
    ("outbox",),
    *(("outbox", command.__name__.rstrip("_")) for command in OUTBOX_COMMANDS),
    ("config",),
    *(("config", command.__name__.rstrip("_")) for command in CONFIG_COMMANDS),
    ("webhooks",),
    *(("webhooks", command.__name__.rstrip("_")) for command in WEBHOOKS_COMMANDS),
]
EXAMPLES = [
    str(command.__doc__).rpartition("Example: ")[2].strip()
    for command in (*FUNCTIONS, *CONFIG_COMMANDS, *OUTBOX_COMMANDS, *WEBHOOKS_COMMANDS, *WHAUTOMATE_COMMANDS)
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_command_has_help_and_stands_in_the_manual(shell: Shell, name: str) -> None:
    ended = await shell.call(name, "--help")

    assert ended.code == 0
    assert "Usage: keebai-async " + name in ended.out
    assert any(line.startswith("|") and f"`{name}" in line for line in MANUAL.splitlines())


def test_a_file_of_the_commands_carries_its_commands_name() -> None:
    files = {path.stem for path in Path(commands.__path__[0]).glob("*.py")} - {"__init__"}

    assert files == set(NAMES)
    assert {command.__module__.rpartition(".")[2] for command in FUNCTIONS} == set(NAMES)


@pytest.mark.parametrize("words", EVERY_HELP, ids=" ".join)
async def test_every_help_begins_with_an_example(shell: Shell, words: tuple[str, ...]) -> None:
    usage, example, description, *_ = paragraphs((await shell.call(*words, "--help")).out)

    assert usage.startswith("Usage: keebai-async")
    assert example.startswith(" ".join(("Example: keebai-async", *words)))
    assert description[-1] == "."


def paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_typed_as_it_stands(example: str) -> None:
    name, *words = shlex.split(example)
    group = typer.main.get_command(program(words[0]))
    while hasattr(group, "commands") and words:
        group = group.commands[words.pop(0)]

    group.make_context(name, words)


def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with() -> None:
    every = typer.main.get_group(program(*COMMANDS, *GROUPS)).commands

    assert {name: command.short_help for name, command in every.items()} == COMMANDS | GROUPS


def test_a_command_without_an_example_cannot_be_added() -> None:
    def wave() -> None:
        """Wave."""

    with pytest.raises(ValueError, match="wave"):
        register(typer.Typer(), wave)


async def test_the_version_names_the_program_and_the_python(shell: Shell) -> None:
    ended = await shell.call("--version")

    assert ended.code == 0
    assert (
        ended.out == f"keebai-async {metadata.version('keebai-async')}, Python {platform.python_version()}\n"
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("watc",), "Did you mean 'watch'"),
        (("whautomate", "delet", "B1"), "Did you mean 'delete'"),
        (("plan", "clients.csv", "--templat", "promo"), "--template"),
    ],
    ids=" ".join,
)
async def test_a_slip_of_the_keyboard_is_told_what_was_probably_meant(
    shell: Shell, typed: tuple[str, ...], words: str
) -> None:
    ended = await shell.call(*typed)

    assert ended.code == Exit.USAGE
    assert words in ended.err


@pytest.mark.parametrize(
    ("typed", "help_command"),
    [
        (("plan", "clients.csv", "--no-such-option"), "keebai-async plan --help"),
        (("whautomate", "get"), "keebai-async whautomate get --help"),
        (("no-such-command",), "keebai-async --help"),
    ],
    ids=" ".join,
)
async def test_what_is_typed_wrong_names_the_help_to_read(
    shell: Shell, typed: tuple[str, ...], help_command: str
) -> None:
    ended = await shell.call(*typed)

    assert ended.code == Exit.USAGE
    assert ended.err.endswith(f"; see: {help_command}\n")


def test_the_manual_has_every_exit_code() -> None:
    rows = [line.split("|")[1].strip() for line in MANUAL.splitlines() if line.startswith("|")]

    assert {str(int(code)) for code in Exit} <= set(rows)
