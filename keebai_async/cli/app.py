"""The command `keebai-async`: every command under its name."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from keebai_async.cli import command_table
from keebai_async.cli.command_table import BEFORE_THE_COMMAND, COMMANDS, GROUPS
from keebai_async.cli.completion import typed_so_far
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.language import chosen_language, known_language, speaking
from keebai_async.cli.output import answer, say
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register
from keebai_async.observe.base import LOGGER

# A command says itself what happens: without this, Python prints each warning of the log beside it.
_SILENT: Final = logging.NullHandler()


def _main(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the versions of the program and of Python.")
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Take what is not given from this profile of your configuration file; before the command.",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="The language of what is printed: en, es or pt; before the command.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="Who you are, as it is kept of what you plan, launch and decide; before the command.",
        ),
    ] = None,
) -> None:
    logging.getLogger(LOGGER).addHandler(_SILENT)
    if show_version:
        from keebai_async.cli.console import version

        answer(version())
        raise typer.Exit(Exit.DONE)
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(Exit.USAGE)
    if not _HELP.intersection(context.obj or ()):
        from keebai_async.cli.config.files import profile_applied

        context.obj = context.with_resource(profile_applied(profile, user=user))
        language = chosen_language(os.environ) if lang is None else known_language(lang)
        context.with_resource(speaking(language))


_HELP: Final = frozenset({"--help", "-h"})


def _called(arguments: Sequence[str]) -> str:
    """The command or group that is called; empty if none is."""
    words = iter(arguments)
    for word in words:
        if word in BEFORE_THE_COMMAND:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def program(*called: str) -> typer.Typer:
    """The command line, with the commands and groups of these names; of others it knows the first words."""
    app = typer.Typer(
        name="keebai-async",
        cls=PlainGroup,
        help="Example: keebai-async demo\n\n"
        "Launch WhatsApp template campaigns through Keebai: everyone once, nobody twice.",
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_main)
    for name, words in (COMMANDS | GROUPS).items():
        if name not in called:
            app.command(name, short_help=words)(_not_called)
        elif name in COMMANDS:
            command: Callable[..., None] = getattr(command_table, "list_" if name == "list" else name)
            register(app, command)
        else:
            group: typer.Typer = getattr(command_table, f"{name}_app")
            app.add_typer(group, name=name)
    return app


def _not_called() -> None:
    raise AssertionError("a command that was not looked for was called")


def run(arguments: Sequence[str], *, loaded: Callable[[], None] = lambda: None) -> int:
    """Run one command, and give its exit code. Errors end as one line on stderr.

    *loaded* is called when all that the command needs is imported, before it begins.
    """
    called = _called(typed_so_far(os.environ) or arguments)
    try:
        app = program(called)
        if called:  # it may run for hours, and the installed program be another one by then
            import keebai_async.cli.ending  # noqa: F401
        loaded()
        code = app(list(arguments), prog_name="keebai-async", standalone_mode=False, obj=tuple(arguments))
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # the last place that can word it
        from keebai_async.cli.ending import end

        return end(error, arguments)
    return int(code or Exit.DONE)
