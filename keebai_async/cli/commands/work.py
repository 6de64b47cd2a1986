"""The command `work`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, every_token
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
)
from keebai_async.cli.output import say
from keebai_async.cli.serving import serve_until_told

AtOnceOption = Annotated[
    int, typer.Option("--at-once", min=1, metavar="N", help="Campaigns at a time; paused ones apart.")
]


def work(
    at_once: AtOnceOption = 8,
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
) -> None:
    """Run the campaigns of the journal that are wanted, until Ctrl-C or SIGTERM, which ends in good order.

    Wanted is what a program launched with keebai.campaigns.launch, or what launch --detach left. What the
    process of another worker left behind is taken up within seconds. Of lists over several tokens it runs
    the parts of those that the environment has.

    Example: keebai-async work --at-once 4
    """
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    raise typer.Exit(interrupts.run(partial(_work, connection, at_once)))


async def _work(connection: Connection, at_once: int) -> Exit:
    words = f"working, {at_once} campaigns at a time; Ctrl-C ends it in good order"
    await serve_until_told(_working(connection, at_once), 0, lambda: say(words))
    say("what was on its way is written down; what is left stays wanted")
    return Exit.DONE


@asynccontextmanager
async def _working(connection: Connection, at_once: int) -> AsyncIterator[None]:
    async with every_token(connection) as clients, AsyncExitStack() as supervisors:
        for each in clients:
            await supervisors.enter_async_context(each.supervise(at_once=at_once))
        yield
