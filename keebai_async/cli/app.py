"""The command `keebai-async`: every command under its name, and every error as one line."""

import os
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from keebai_async.cli import steering
from keebai_async.cli.commands import account, doctor, export, launch, reconcile, sandbox, send, status
from keebai_async.cli.console import answer, drop_output, say
from keebai_async.cli.exit_codes import KEEBAI, WHAUTOMATE, Exit, Words, cause_of, code_of_error, line_of
from keebai_async.cli.version import version
from keebai_async.cli.whautomate import commands as whautomate

COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    launch.plan,
    launch.launch,
    status.resume,
    steering.pause,
    steering.stop,
    status.status,
    status.list_,
    status.watch,
    reconcile.reconcile,
    export.export,
    export.report,
    export.purge,
    send.send,
    send.text,
    account.templates,
    account.numbers,
    doctor.doctor,
    sandbox.sandbox,
    sandbox.demo,
)

app = typer.Typer(
    name="keebai-async",
    help="Launch WhatsApp template campaigns through Keebai: everyone once, nobody twice.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command(command.__name__.rstrip("_"))(command)
app.add_typer(whautomate.app, name="whautomate")

# Click's error for what was typed wrong, or that of the Click that newer Typers carry inside: it has no
# public name that both share, but BadParameter is a child of its child.
_TypedWrong: Final = typer.BadParameter.__mro__[2]


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
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
        return _end(cause_of(error), WHAUTOMATE if "whautomate" in arguments[:1] else KEEBAI)
    return int(code or Exit.DONE)


def _end(error: BaseException, service: Words) -> int:
    if os.environ.get("KEEBAI_DEBUG"):
        traceback.print_exception(error)
    match error:
        case KeyboardInterrupt() | typer.Abort():
            say("interrupted")
            return Exit.INTERRUPTED
        case BrokenPipeError():
            drop_output()  # or Python complains at its end
            return Exit.FAILED
        case _ if isinstance(error, _TypedWrong):
            words = getattr(error, "format_message", error.__str__)()
            say(f"error: {words.rstrip('.')}; see: keebai-async COMMAND --help")
            return Exit.USAGE
        case _:
            say(line_of(error, service))
            return code_of_error(error)
