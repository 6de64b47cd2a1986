"""The command `list`."""

from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.commands.status import show_list
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import JournalOption, JsonOption, QuotaStoreOption
from keebai_async.model.situation import Standing

StateOption = Annotated[
    list[Standing] | None, typer.Option("--state", help="Only campaigns that are so. Repeatable.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="The newest N campaigns only.")
]


def list_(
    state: StateOption = None,
    limit: LimitOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """List campaigns, plans and tests, newest first.

    Example: keebai-async list --state running --state stopped
    """
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_list, connection, tuple(state or ()), limit, json=json)))


async def _list(
    connection: Connection, states: tuple[Standing, ...], limit: int | None, *, json: bool
) -> Exit:
    async with bookkeeping(connection) as keebai:
        await show_list(keebai, connection, json=json, states=states, limit=limit)
        return Exit.DONE
