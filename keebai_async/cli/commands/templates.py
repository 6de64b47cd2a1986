"""The command `templates`."""

from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import JsonOption
from keebai_async.cli.output import answer
from keebai_async.cli.text_output import table
from keebai_async.errors import TemplateUnusable

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Only the templates of this name. Default: all.")
]
StatusOption = Annotated[
    str, typer.Option("--status", help="APPROVED, PENDING, IN_REVIEW, REJECTED, PAUSED, ...")
]


def templates(name: NameArgument = None, status: StatusOption = "APPROVED", json: JsonOption = False) -> None:
    """List the templates with their variables: the columns that a list of people needs.

    Example: keebai-async templates promo
    """
    raise typer.Exit(interrupts.run(partial(_templates, name, status.upper(), json=json)))


async def _templates(name: str | None, status: str, *, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        found = [
            template
            async for template in keebai.templates.list(status=status)
            if name is None or template.name == name
        ]
    if name is not None and not found:
        raise TemplateUnusable(f"there is no {status} template named {name!r}; see: keebai-async templates")
    if json:
        for template in found:
            emit(typed("template", template))
        return Exit.DONE
    rows = [(one.name, one.language, one.category, one.status, ", ".join(one.variables)) for one in found]
    answer(table(("NAME", "LANGUAGE", "CATEGORY", "STATUS", "VARIABLES"), rows))
    return Exit.DONE
