"""The commands `whautomate ...`: broadcasts of the other service, JSON in and JSON out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from keebai_async.cli.console import can_ask, confirm_name, confirm_people
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure, in_locale
from keebai_async.cli.interrupts import interrupts, may_have_left
from keebai_async.cli.json_output import emit, retry_line, typed
from keebai_async.cli.language import phrase
from keebai_async.cli.option_groups import SandboxChoice
from keebai_async.cli.options import PortOption, SpeedOption, YesOption, given_time
from keebai_async.cli.output import say
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register
from keebai_async.cli.retry_text import retry_lines
from keebai_async.cli.shown import shown_text
from keebai_async.cli.whautomate.connect import opened, serve
from keebai_async.cli.whautomate.draft_file import (
    CreateOptions,
    ReplaceOptions,
    fields_of_options,
    naming_time,
)
from keebai_async.cli.whautomate.log_files import (
    print_rows,
    print_summary,
    say_summary,
    write_csv,
    write_rows,
)
from keebai_async.errors import InvalidInput, OutcomeUnknown
from keebai_async.whautomate.draft import DraftFields
from keebai_async.whautomate.log_retry import LogRetry
from keebai_async.whautomate.naming import marked
from keebai_async.whautomate.settings import WHAUTOMATE_PAGE_SIZE

_HOUR = 3_600.0

BroadcastArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of the broadcast.")]
BroadcastsArgument = Annotated[
    list[str], typer.Argument(metavar="ID...", help="The ids of one or more broadcasts.")
]
DraftFileOption = Annotated[
    str | None,
    typer.Option(
        "--file", "-f", metavar="FILE.json", help="The broadcast in the service's shape; - is stdin."
    ),
]
AllowPastOption = Annotated[bool, typer.Option("--allow-past", help="Accept a time that is in the past.")]
MarkOption = Annotated[
    bool,
    typer.Option(
        "--mark", help="Add something unique to the name, to find the broadcast by if an answer is lost."
    ),
]
SearchOption = Annotated[str | None, typer.Option("--search", help="A part of the name.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Not before: 2026-10-01T09:00:00-03:00, with its offset."),
]
UntilOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Not after.")]
LocationOption = Annotated[str | None, typer.Option("--location", help="The id of the location that sends.")]
PageSizeOption = Annotated[int, typer.Option("--page-size", min=1, help="Items to ask for in one request.")]
LogPageSizeOption = Annotated[
    int | None, typer.Option("--page-size", min=1, help="Rows to ask for in one request.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE.csv", help="Write them to this file for a spreadsheet; only you can read it."
    ),
]
DueOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Who may be sent to again by then, with its offset."),
]
AlwaysJsonOption = Annotated[
    bool, typer.Option("--json", help="Output is always JSON; the option is here for scripts that give it.")
]


def check_can_ask() -> None:
    """Raises InvalidInput where nobody could answer a question."""
    if not can_ask():
        raise InvalidInput(
            "no terminal to ask on, nothing was changed: add --yes to do it without a question"
        )


def ask(about: str, agreed: Callable[[], bool]) -> None:
    """Show what a change is about, and end with DECLINED unless it is *agreed*."""
    check_can_ask()
    say(shown_text(about))
    if not agreed():
        say("declined: nothing was changed")
        raise typer.Exit(Exit.DECLINED)


def _run(work: Callable[[], Awaitable[Exit]]) -> None:
    raise typer.Exit(interrupts.run(work))


def list_(
    where: SandboxChoice,
    search: SearchOption = None,
    start_date: FromOption = None,
    end_date: UntilOption = None,
    location: LocationOption = None,
    page_size: PageSizeOption = WHAUTOMATE_PAGE_SIZE,
    json: AlwaysJsonOption = False,
) -> None:
    """List broadcasts, one JSON object in each line.

    Example: keebai-async whautomate list --search recall
    """
    start = None if start_date is None else given_time(start_date, option="--from")
    end = None if end_date is None else given_time(end_date, option="--to")
    _run(partial(_list, where, search, start, end, location, page_size))


async def _list(
    where: SandboxChoice,
    search: str | None,
    start: datetime | None,
    end: datetime | None,
    location: str | None,
    page_size: int,
) -> Exit:
    async with opened(where, stage="DEMO000001") as client:
        found = client.broadcasts.list(
            search_text=search, start_date=start, end_date=end, location_id=location, page_size=page_size
        )
        async for broadcast in found:
            emit(broadcast)
    return Exit.DONE


def get(broadcast: BroadcastArgument, where: SandboxChoice, json: AlwaysJsonOption = False) -> None:
    """Print one broadcast with its counters.

    Example: keebai-async whautomate get DEMO000001
    """
    _run(partial(_get, where, broadcast))


async def _get(where: SandboxChoice, broadcast_id: str) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=-_HOUR) as client:
        broadcast = await client.broadcasts.get(broadcast_id)
        emit(broadcast)
        say(in_locale(str(broadcast.progress)))
    return Exit.DONE


def create(
    where: SandboxChoice,
    options: CreateOptions,
    file: DraftFileOption = None,
    allow_past: AllowPastOption = False,
    mark: MarkOption = False,
    yes: YesOption = False,
    json: AlwaysJsonOption = False,
) -> None:
    """Schedule a broadcast, from a file, from options, or both; an option is stronger than the file.

    It shows what it sends, and the name of the broadcast is the yes: how many people its segments have, the
    service does not say.

    Example: keebai-async whautomate create --file recall.json --mark
    """
    fields = fields_of_options(file, options)
    if mark and "name" in fields:
        fields["name"] = marked(fields["name"])
    if not (yes or where.sandbox):
        question = "Schedule this broadcast? The service does not say to how many people it goes."
        name = shown_text(fields.get("name") or "")
        ask(msgspec.json.encode(fields).decode(), partial(confirm_name, question, name))
    _run(partial(_create, where, fields, allow_past, options.schedule_date_time))


async def _create(where: SandboxChoice, fields: DraftFields, allow_past: bool, at: str | None) -> Exit:
    async with opened(where) as client:
        try:
            with naming_time(at):
                emit(await client.broadcasts.create(allow_past=allow_past, **fields))
        except (OutcomeUnknown, asyncio.CancelledError) as error:
            if isinstance(error, OutcomeUnknown) or may_have_left(error):
                say(f"to look for it: keebai-async whautomate list --search {fields.get('name')!r}")
            raise
    return Exit.DONE


def replace(
    broadcast: BroadcastArgument,
    where: SandboxChoice,
    options: ReplaceOptions,
    file: DraftFileOption = None,
    allow_past: AllowPastOption = False,
    yes: YesOption = False,
    json: AlwaysJsonOption = False,
) -> None:
    """Read a broadcast, change what the file and the options say, and write it back.

    It shows what it changes and the broadcast as it is, and the name of the broadcast is the yes.

    Example: keebai-async whautomate replace DEMO000001 --name "Autumn recall"
    """
    changes = fields_of_options(file, options)
    if not changes:
        raise InvalidInput("nothing to change: give a --file or an option")
    agreed = yes or where.sandbox
    _run(partial(_replace, where, broadcast, changes, allow_past, options.schedule_date_time, yes=agreed))


async def _replace(
    where: SandboxChoice,
    broadcast_id: str,
    changes: DraftFields,
    allow_past: bool,
    at: str | None,
    *,
    yes: bool,
) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=_HOUR) as client:
        if not yes:
            check_can_ask()
            shown = await client.broadcasts.get(broadcast_id)
            about = msgspec.json.encode({"is": shown, "changes": changes}).decode()
            question = "Change this broadcast? The service does not say to how many people it goes."
            ask(about, partial(confirm_name, question, shown_text(shown.name or broadcast_id)))
        with naming_time(at):
            emit(await client.broadcasts.replace(broadcast_id, allow_past=allow_past, **changes))
    return Exit.DONE


def delete(
    broadcast: BroadcastArgument,
    where: SandboxChoice,
    yes: YesOption = False,
    json: AlwaysJsonOption = False,
) -> None:
    """Delete a broadcast. Whether this stops one that runs, the service does not say.

    Example: keebai-async whautomate delete DEMO000001
    """
    _run(partial(_delete, where, broadcast, yes=yes or where.sandbox))


async def _delete(where: SandboxChoice, broadcast_id: str, *, yes: bool) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=_HOUR) as client:
        if not yes:
            check_can_ask()
            shown = await client.broadcasts.get(broadcast_id)
            question = "Delete this broadcast for good?"
            agreed = partial(confirm_people, question, shown.progress.total or 0)
            ask(msgspec.json.encode(shown).decode(), agreed)
        await client.broadcasts.delete(broadcast_id)
        emit({"id": broadcast_id, "deleted": True})
    return Exit.DONE


def logs(
    broadcast: BroadcastArgument,
    where: SandboxChoice,
    csv: CsvOption = None,
    page_size: LogPageSizeOption = None,
    json: AlwaysJsonOption = False,
) -> None:
    """Print the log, one person in each line, and say what failed and what to do about it.

    Example: keebai-async whautomate logs DEMO000001 --csv log.csv
    """
    _run(partial(_logs, where, broadcast, csv, page_size))


async def _logs(where: SandboxChoice, broadcast_id: str, csv: Path | None, page_size: int | None) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=-_HOUR) as client:
        rows = client.broadcasts.logs(broadcast_id, page_size=page_size)
        if csv is None:
            summary = await print_rows(rows)
        else:
            summary = await write_csv(rows, csv)
            print_summary(summary)
            say(f"{figure(summary.rows)} rows: {csv}")
        say_summary(summary)
    return Exit.DONE


def retry(
    broadcast: BroadcastArgument,
    where: SandboxChoice,
    csv: CsvOption = None,
    at: DueOption = None,
    page_size: LogPageSizeOption = None,
    json: AlwaysJsonOption = False,
) -> None:
    """Say who of those who failed may be sent to again, when, and whom no retry helps, by codes in the log.

    Nothing is sent: this service has no documented way to send a broadcast to chosen people. --csv writes
    them, to give them a tag there and schedule a broadcast to it.

    Example: keebai-async whautomate retry DEMO000001 --csv again.csv
    """
    when = None if at is None else given_time(at, option="--at").timestamp()
    _run(partial(_retry, where, broadcast, csv, when, page_size))


async def _retry(
    where: SandboxChoice, broadcast_id: str, csv: Path | None, at: float | None, page_size: int | None
) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=-_HOUR) as client:
        now = client.clock.wall()
        found = LogRetry(at=max(now, at or now), now=now)
        await found.read(client.broadcasts.logs(broadcast_id, page_size=page_size))
        name = (await client.broadcasts.get(broadcast_id)).name
    account, chosen = found.account(broadcast_id, name), found.chosen()
    emit(typed("retry", retry_line(account)))
    for line in retry_lines(account, told=phrase("the log tells")):
        say(line)
    if csv is not None:
        write_rows(chosen, csv)
        say(f"{figure(len(chosen))} rows: {csv}")
        say("read the log again right before you send to them: a message may be delivered late")
    return Exit.DONE


def watch(broadcasts: BroadcastsArgument, where: SandboxChoice, json: AlwaysJsonOption = False) -> None:
    """Print every change of the counters until all are finished. Exit code 5 if a person was not reached.

    Example: keebai-async whautomate watch DEMO000001
    """
    _run(partial(_watch, where, broadcasts))


async def _watch(where: SandboxChoice, ids: list[str]) -> Exit:
    failed: dict[str, int] = {}
    async with opened(where, stage=ids[0]) as client:
        async for broadcast in client.broadcasts.watch(ids):
            progress = broadcast.progress
            failed[progress.broadcast_id] = progress.failed or 0
            emit(typed("progress", progress))
            say(in_locale(str(progress)))
    return Exit.PARTLY if any(failed.values()) else Exit.DONE


def sandbox(port: PortOption = 8766, speed: SpeedOption = 1.0) -> None:
    """Run a Whautomate on this machine until Ctrl-C, and print the variables to use it. Nobody is messaged.

    Example: keebai-async whautomate sandbox --speed 100
    """
    _run(partial(_serve, port, speed))


async def _serve(port: int, speed: float) -> Exit:
    await serve(port, speed=speed)
    return Exit.DONE


WHAUTOMATE_COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    list_,
    get,
    create,
    replace,
    delete,
    logs,
    retry,
    watch,
    sandbox,
)
"""In the order in which the help lists them."""

whautomate_app = typer.Typer(
    cls=PlainGroup,
    help="Example: keebai-async whautomate list\n\n"
    "Broadcasts of Whautomate, another service: one JSON object in each line on stdout, in the service's own"
    " shape. Key and host come from WHAUTOMATE_API_KEY and WHAUTOMATE_API_HOST.",
    short_help="Broadcasts of Whautomate, another service; it has commands of its own.",
    no_args_is_help=True,
)
for command in WHAUTOMATE_COMMANDS:
    register(whautomate_app, command)
