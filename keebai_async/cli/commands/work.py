"""The command `work`."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, every_token
from keebai_async.cli.end_notice import end_notices
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.health import HealthPlace, LastLook, answering, health_place, touch
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.log_lines import write_log_line
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    JsonOption,
    NotifyOption,
    OnEndOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
)
from keebai_async.cli.output import say
from keebai_async.cli.service_manager import tell_manager
from keebai_async.cli.serving import serve_until_told
from keebai_async.cli.worker_notices import WorkerNotices

AtOnceOption = Annotated[
    int, typer.Option("--at-once", min=1, metavar="N", help="Campaigns at a time; paused ones apart.")
]
HealthOption = Annotated[
    str | None,
    typer.Option(
        "--health",
        metavar="PORT|FILE",
        help="Say whether all is well: 200 or 503 at PORT (or HOST:PORT), or by the time of FILE.",
    ),
]


def work(
    at_once: AtOnceOption = 8,
    health: HealthOption = None,
    json: JsonOption = False,
    on_end: OnEndOption = None,
    notify: NotifyOption = None,
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
) -> None:
    """Run the campaigns of the journal that are wanted, until Ctrl-C or SIGTERM, which ends in good order.

    Wanted is what a program launched with keebai.campaigns.launch, or what launch --detach left. What the
    process of another worker left behind is taken up within seconds. Of lists over several tokens it runs
    the parts of those that the environment has. With --json, what happens is printed as a log, one object in
    each line. With --on-end and --notify others are told of each campaign that ends, or that needs a person.

    Example: keebai-async work --at-once 4 --health 8080
    """
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    place = None if health is None else health_place(health)
    notices = WorkerNotices(end_notices(on_end, notify, os.environ))
    raise typer.Exit(interrupts.run(partial(_work, connection, at_once, place, notices, json=json)))


async def _work(
    connection: Connection, at_once: int, place: HealthPlace | None, notices: WorkerNotices, *, json: bool
) -> Exit:
    def introduce() -> None:
        say(f"working, {at_once} campaigns at a time; Ctrl-C ends it in good order")
        tell_manager("READY=1")

    port = 0 if place is None else place.port
    await serve_until_told(_working(connection, at_once, place, notices, json=json), port, introduce)
    say("what was on its way is written down; what is left stays wanted")
    return Exit.DONE


@asynccontextmanager
async def _working(
    connection: Connection, at_once: int, place: HealthPlace | None, notices: WorkerNotices, *, json: bool
) -> AsyncIterator[None]:
    last = LastLook()

    def looked(running: int) -> None:
        last.looked(running)
        touch(place)

    log = (write_log_line,) if json else ()
    async with (
        every_token(connection, (notices.observe, *log)) as clients,
        notices.telling(clients[0]),
        answering(last, place),
        AsyncExitStack() as supervisors,
    ):
        for each in clients:
            await supervisors.enter_async_context(each.supervise(at_once=at_once, looked=looked))
        try:
            yield
        finally:
            tell_manager("STOPPING=1")
