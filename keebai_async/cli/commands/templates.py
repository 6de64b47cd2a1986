"""The command `templates`."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import nullcontext, suppress
from functools import partial
from typing import Annotated, Final

import typer

from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.language import phrase
from keebai_async.cli.options import JsonOption
from keebai_async.cli.output import answer
from keebai_async.cli.text_output import table
from keebai_async.errors import RequestInvalid, TemplateUnusable
from keebai_async.model.template import Template

_OTHER_STATUSES: Final = ("PENDING", "IN_REVIEW", "PAUSED", "REJECTED", "DISABLED", "IN_APPEAL")

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Only the templates of this name. Default: all.")
]
StatusOption = Annotated[
    str | None,
    typer.Option(
        "--status",
        help="APPROVED, PENDING, IN_REVIEW, REJECTED, PAUSED, ... Default: APPROVED; of a NAME that has none"
        " of it, all.",
    ),
]


def templates(name: NameArgument = None, status: StatusOption = None, json: JsonOption = False) -> None:
    """List the templates with their variables: the columns that a list of people needs.

    Example: keebai-async templates promo
    """
    raise typer.Exit(interrupts.run(partial(_templates, name, status, json=json)))


async def _templates(name: str | None, status: str | None, *, json: bool) -> Exit:
    statuses: tuple[str, ...] = ("APPROVED",) if status is None else (status.upper(),)
    async with messaging(Connection()) as keebai:

        def listed(status: str) -> AsyncIterator[Template]:
            return keebai.templates.list(status=status)

        found = await _found(listed, name, statuses)
        if name is not None and not found and status is None:
            statuses = _OTHER_STATUSES
            found = await _found(listed, name, statuses)
    if name is not None and not found:
        which = "" if status is None else f"{status.upper()} "
        raise TemplateUnusable(f"there is no {which}template named {name!r}; see: keebai-async templates")
    if json:
        for template in found:
            emit(typed("template", template))
        return Exit.DONE
    rows = [(one.name, one.language, one.category, one.status, ", ".join(one.variables)) for one in found]
    head = (
        phrase("NAME"),
        phrase("LANGUAGE"),
        phrase("CATEGORY"),
        phrase("STATUS"),
        phrase("VARIABLES"),
    )
    answer(table(head, rows))
    return Exit.DONE


async def _found(
    listed: Callable[[str], AsyncIterator[Template]], name: str | None, statuses: Collection[str]
) -> list[Template]:
    found: list[Template] = []
    for status in statuses:
        # A status that this service does not know has no templates either.
        with suppress(RequestInvalid) if len(statuses) > 1 else nullcontext():
            found += [template async for template in listed(status) if name is None or template.name == name]
    return found
