"""The command `keebai-async`: every command under its name, and every error as one line."""

import logging
import os
import re
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Protocol, runtime_checkable

import typer

from keebai_async.cli.commands.demo import demo
from keebai_async.cli.commands.doctor import doctor
from keebai_async.cli.commands.export import export
from keebai_async.cli.commands.launch import launch
from keebai_async.cli.commands.list import list_
from keebai_async.cli.commands.numbers import numbers
from keebai_async.cli.commands.pause import pause
from keebai_async.cli.commands.plan import plan
from keebai_async.cli.commands.purge import purge
from keebai_async.cli.commands.reconcile import reconcile
from keebai_async.cli.commands.remove import remove
from keebai_async.cli.commands.report import report
from keebai_async.cli.commands.resume import resume
from keebai_async.cli.commands.retry import retry
from keebai_async.cli.commands.sandbox import sandbox
from keebai_async.cli.commands.send import send
from keebai_async.cli.commands.status import status
from keebai_async.cli.commands.stop import stop
from keebai_async.cli.commands.templates import templates
from keebai_async.cli.commands.text import text
from keebai_async.cli.commands.watch import watch
from keebai_async.cli.commands.work import work
from keebai_async.cli.connect import chosen_service
from keebai_async.cli.console import version
from keebai_async.cli.error_line import cause_of, line_of
from keebai_async.cli.exit_codes import Exit, code_of_error
from keebai_async.cli.figures import in_locale
from keebai_async.cli.json_output import emit, error_object
from keebai_async.cli.options import journal_option
from keebai_async.cli.optouts.commands import optouts_app
from keebai_async.cli.outbox.commands import outbox_app
from keebai_async.cli.output import answer, say
from keebai_async.cli.register import register
from keebai_async.cli.shown import shown_text
from keebai_async.cli.webhooks.commands import webhooks_app
from keebai_async.cli.whautomate.commands import whautomate_app
from keebai_async.environment import VariableNames
from keebai_async.errors import InvalidInput
from keebai_async.observe.logging_sink import LOGGER
from keebai_async.services import SERVICES
from keebai_async.whautomate.settings import WHAUTOMATE_VARIABLES

COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    plan,
    launch,
    resume,
    pause,
    stop,
    status,
    list_,
    watch,
    work,
    reconcile,
    retry,
    export,
    report,
    purge,
    remove,
    send,
    text,
    templates,
    numbers,
    doctor,
    sandbox,
    demo,
)
"""In the order in which the help lists them."""

app = typer.Typer(
    name="keebai-async",
    help="Example: keebai-async demo\n\n"
    "Launch WhatsApp template campaigns through Keebai: everyone once, nobody twice.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    register(app, command)
app.add_typer(outbox_app, name="outbox")
app.add_typer(optouts_app, name="optouts")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(whautomate_app, name="whautomate")

# A command says itself what happens: without this, Python prints each warning of the log beside it.
_SILENT: Final = logging.NullHandler()

_ON_CAMPAIGN: Final = re.compile(
    r"keebai-async (?:list\b|(?:pause|reconcile|remove|resume|status|stop) [^\s-](?:\S*\w)?)"
)
"""A command inside an error, up to the id of its campaign."""

_INPUT: Final = re.compile(
    r"Invalid value for '([^'/ ]+)[^:]*: (?:Value error, |Input should be )?(.*?)(?:, unable to parse .*)?"
)
"""What the reader of options says of a value, in the words of a program."""


@runtime_checkable
class _TypedWrong(Protocol):
    """Click's error for what was typed wrong, or that of the Click in newer Typers: they share no name."""

    exit_code: int

    def format_message(self) -> str: ...


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the versions of the program and of Python.")
    ] = False,
) -> None:
    logging.getLogger(LOGGER).addHandler(_SILENT)
    if show_version:
        answer(version())
        raise typer.Exit(Exit.DONE)
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(Exit.USAGE)


def run(arguments: Sequence[str]) -> int:
    """Run one command, and give its exit code. Errors end as one line on stderr."""
    try:
        code = app(list(arguments), prog_name="keebai-async", standalone_mode=False)
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # the last place that can word it
        return _end(cause_of(error), arguments)
    return int(code or Exit.DONE)


def _variables(arguments: Sequence[str]) -> VariableNames:
    """Those of the service that the command works with."""
    if "whautomate" in arguments[:1]:
        return WHAUTOMATE_VARIABLES
    try:
        return chosen_service().variables
    except InvalidInput:  # which is then what the command ended with
        return next(iter(SERVICES.values())).variables


def _end(error: BaseException, arguments: Sequence[str]) -> int:
    words, code = _worded(error, _variables(arguments), arguments)
    say(in_locale(words))
    if "--json" in arguments:
        emit(error_object(error, words.removeprefix("error: "), code))
    return code


def _worded(error: BaseException, variables: VariableNames, arguments: Sequence[str]) -> tuple[str, Exit]:
    if os.environ.get("KEEBAI_DEBUG"):
        traceback.print_exception(error)
    match error:
        case KeyboardInterrupt() | typer.Abort():
            return "interrupted", Exit.INTERRUPTED
        case _TypedWrong():
            return _typed_wrong(error, arguments), Exit.USAGE
        case _:
            return _on_journal(line_of(error, variables, arguments), arguments), code_of_error(error)


def _on_journal(words: str, arguments: Sequence[str]) -> str:
    """*words* with `--journal` in each command that looks for a campaign, if it was named as an option."""
    given = _given("--journal", arguments)
    return words if given is None else _ON_CAMPAIGN.sub(lambda found: found[0] + journal_option(given), words)


def _given(option: str, arguments: Sequence[str]) -> str | None:
    """What *option* was given, the first time."""
    for place, word in enumerate(arguments):
        name, sign, value = word.partition("=")
        if name == option:
            return shown_text(value if sign else "".join(arguments[place + 1 : place + 2]))
    return None


def _typed_wrong(error: _TypedWrong, arguments: Sequence[str]) -> str:
    """`error: No such option: --templat; see: keebai-async plan --help`."""
    words = error.format_message().rstrip(".")
    if found := _INPUT.fullmatch(words):
        given = _given(found[1], arguments)
        must = "must be " if "Input should be" in words else ""
        words = f"{found[1]}: {must}{found[2]}" + (f", not {given!r}" if must and given is not None else "")
    command = getattr(getattr(error, "ctx", None), "command_path", "keebai-async")
    return shown_text(f"error: {words}; see: {command} --help")
