"""The commands `templates` and `numbers`: what the token can see."""

from functools import partial
from typing import Annotated

import anyio
import typer

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.console import answer
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.text_output import table
from keebai_async.errors import TemplateUnusable

OptionalName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Only the templates of this name.")
]
Status = Annotated[str, typer.Option("--status", help="APPROVED, PENDING, IN_REVIEW, REJECTED, PAUSED, ...")]


def templates(name: OptionalName = None, status: Status = "APPROVED", json: a.Json = False) -> None:
    """List the templates with their variables: what a CSV needs as columns."""
    raise typer.Exit(anyio.run(partial(_templates, name, status.upper(), json=json)))


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


def numbers(json: a.Json = False) -> None:
    """List the sending numbers; the first column is the phone number id."""
    raise typer.Exit(anyio.run(partial(_numbers, json=json)))


async def _numbers(*, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        found = await keebai.numbers.list()
    if json:
        for number in found:
            emit(typed("number", number))
        return Exit.DONE
    rows = [(one.id, one.phone_number or "", one.status, one.channel_id or "") for one in found]
    answer(table(("PHONE NUMBER ID", "NUMBER", "STATUS", "CHANNEL ID"), rows))
    return Exit.DONE
