"""The exit code that a campaign ends a command with. Pure."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from keebai_async.cli.exit_codes import Exit
from keebai_async.model.report import Report
from keebai_async.model.situation import Situation, Standing
from keebai_async.model.stop import Cause

_STOPS: Final = {
    Cause.TOKEN: Exit.TOKEN,
    Cause.SCOPE: Exit.TOKEN,
    Cause.GUARD: Exit.GUARD,
    Cause.TEMPLATE: Exit.GUARD,
    Cause.UNKNOWN: Exit.UNKNOWN,
}
_NO_TROUBLE: Final = {Cause.NOT_TRACKED, Cause.SETTLED}
_FIRST_NEEDED: Final = (
    Exit.INTERRUPTED,
    Exit.UNKNOWN,
    Exit.TOKEN,
    Exit.GUARD,
    Exit.FAILED,
    Exit.FAILING,
    Exit.PARTLY,
)


def code_of(report: Report, *, failing: bool = False) -> Exit:
    """The exit code of a campaign that ended, or stopped, with *report*; *failing* as its situation says.

    What is uncertain goes before all but the user's own Ctrl-C: it may have cost money, and it needs
    a person before anything else is done.
    """
    if report.stopped_by is Cause.INTERRUPTED:
        return Exit.INTERRUPTED
    if report.unknown:
        return Exit.UNKNOWN
    if report.stopped_by is not None and report.stopped_by not in _NO_TROUBLE:
        return _STOPS.get(report.stopped_by, Exit.FAILED)
    if failing:
        return Exit.FAILING
    if report.failed or report.refused or report.untracked or report.abandoned:
        return Exit.PARTLY
    return Exit.DONE


def code_of_run(now: Situation) -> Exit:
    """The exit code of a run, here or in another process, that ended in this situation."""
    code = code_of(replace(now.report, stopped_by=now.cause), failing=now.failing is not None)
    if code is Exit.DONE and now.gone:
        return Exit.PARTLY
    ended = now.standing in {Standing.DIED, Standing.PURGED}
    return Exit.FAILED if ended and code is not Exit.UNKNOWN else code


def code_of_several(situations: Iterable[Situation]) -> Exit:
    """The exit code of several campaigns that ended: of theirs, the one that needs a person first."""
    codes = set(map(code_of_run, situations))
    return next((code for code in _FIRST_NEEDED if code in codes), Exit.DONE)


def code_of_look(situation: Situation) -> Exit:
    """The exit code of a look at a campaign: it says whether a person is needed, not how a run ended."""
    return Exit.UNKNOWN if situation.report.unknown else Exit.DONE
