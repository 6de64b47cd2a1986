"""How a command ends that an error ends: as one line, with its exit code, and with `--json` as an object."""

import os
import re
import traceback
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import typer

from keebai_async.cli.command_table import BEFORE_THE_COMMAND
from keebai_async.cli.connect import chosen_service
from keebai_async.cli.error_line import cause_of, line_of
from keebai_async.cli.exit_codes import Exit, code_of_error
from keebai_async.cli.figures import in_locale
from keebai_async.cli.json_output import emit, error_object
from keebai_async.cli.options import journal_option
from keebai_async.cli.output import say
from keebai_async.cli.shown import shown_text
from keebai_async.environment import VariableNames
from keebai_async.errors import InvalidInput
from keebai_async.services import SERVICES
from keebai_async.whautomate.settings import WHAUTOMATE_VARIABLES

_ON_CAMPAIGN: Final = re.compile(
    r"keebai-async (?:list\b|(?:pause|reconcile|remove|resume|status|stop) [^\s-](?:\S*\w)?)"
)
"""A command inside an error, up to the id of its campaign."""

_INPUT: Final = re.compile(
    r"Invalid value for '([^'/ ]+)[^:]*: (?:Value error, |Input should be )?(.*?)(?:, unable to parse .*)?"
)
"""What the reader of options says of a value, in the words of a program."""


_DECIMAL_COMMA: Final = re.compile(r"[0-9]*,[0-9]+")
"""A number as it is written in Spanish and Portuguese."""

_INSTALL: Final = "--install-completion"

_NO_SUCH: Final = re.compile(r"No such option: ([\w-]+)(?: .*)?")


@runtime_checkable
class _TypedWrong(Protocol):
    """Click's error for what was typed wrong, or that of the Click in newer Typers: they share no name."""

    exit_code: int

    def format_message(self) -> str: ...


def end(error: BaseException, arguments: Sequence[str]) -> int:
    """Say why the command of these *arguments* ended, and give its exit code."""
    error = cause_of(error)
    words, code = _worded(error, _variables(arguments), arguments)
    say(in_locale(words))
    if "--json" in arguments:
        emit(error_object(error, words.removeprefix("error: "), code))
    return code


def _variables(arguments: Sequence[str]) -> VariableNames:
    """Those of the service that the command works with."""
    if "whautomate" in arguments[:1]:
        return WHAUTOMATE_VARIABLES
    try:
        return chosen_service().variables
    except InvalidInput:  # which is then what the command ended with
        return next(iter(SERVICES.values())).variables


def _worded(error: BaseException, variables: VariableNames, arguments: Sequence[str]) -> tuple[str, Exit]:
    if os.environ.get("KEEBAI_DEBUG"):
        traceback.print_exception(error)
    match error:
        case KeyboardInterrupt() | typer.Abort():
            return "interrupted", Exit.INTERRUPTED
        case _TypedWrong():
            return _typed_wrong(error, arguments), Exit.USAGE
        case OSError() if _INSTALL in arguments:
            file = f"cannot write {error.filename}: {error.strerror or error}"
            return shown_text(f"error: {file}; --show-completion prints what belongs there"), Exit.USAGE
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
        where, given = found[1], _given(found[1], arguments)
        variable = getattr(getattr(error, "param", None), "envvar", None)
        if given is None and isinstance(variable, str):
            where, given = variable, shown_text(os.environ.get(variable, ""))
        must = "must be " if "Input should be" in words else ""
        words = f"{where}: {must}{found[2]}" + (f", not {given!r}" if must and given is not None else "")
        if must and given is not None and _DECIMAL_COMMA.fullmatch(given):
            words += f": write a point, {given.replace(',', '.')}"
    if (early := _NO_SUCH.fullmatch(words)) and early[1] in BEFORE_THE_COMMAND:
        words = f"{early[1]} stands before the command: keebai-async {early[1]} NAME ..."
    command = getattr(getattr(error, "ctx", None), "command_path", "keebai-async")
    see = "See" if words.endswith("?") else "see"
    return shown_text(f"error: {words}{' ' if see == 'See' else '; '}{see}: {command} --help")
