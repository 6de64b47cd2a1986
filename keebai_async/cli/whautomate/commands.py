"""The commands `whautomate ...`: broadcasts of the other service, JSON in and JSON out."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from keebai_async.cli.console import say
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.whautomate.connect import Where, opened, serve
from keebai_async.cli.whautomate.draft_file import Options, fields_of_options
from keebai_async.cli.whautomate.log_files import print_rows, print_summary, say_summary, write_csv
from keebai_async.errors import InvalidInput, OutcomeUnknown
from keebai_async.whautomate.draft import DraftFields
from keebai_async.whautomate.naming import marked
from keebai_async.whautomate.settings import WHAUTOMATE_PAGE_SIZE

app = typer.Typer(
    help="Broadcasts of Whautomate: one JSON object a line on stdout, in the service's own shape."
    " Key and host come from WHAUTOMATE_API_KEY and WHAUTOMATE_API_HOST.",
    no_args_is_help=True,
)

_HOUR = 3_600.0

Id = Annotated[str, typer.Argument(metavar="ID", help="The broadcast's id.")]
Sandbox = Annotated[
    bool, typer.Option("--sandbox", help="Ask a Whautomate on this machine that ends with the command.")
]
Speed = Annotated[
    float, typer.Option("--speed", min=0.01, max=100_000, help="How fast the sandbox's time runs.")
]
Json = Annotated[bool, typer.Option("--json", help="Always so; it is here for scripts that say it.")]
PageSize = Annotated[int, typer.Option("--page-size", min=1, help="Items to ask for in one request.")]
LogPageSize = Annotated[
    int | None, typer.Option("--page-size", min=1, help="Rows to ask for in one request.")
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", "-f", metavar="FILE.json", help="The broadcast in the service's shape; - is stdin."
    ),
]
Name = Annotated[str | None, typer.Option("--name", "-n")]
Type = Annotated[str | None, typer.Option("--type", help="contact or client.")]
Template = Annotated[str | None, typer.Option("--template", "-t", help="The template's exact name.")]
Language = Annotated[str | None, typer.Option("--language", "-l", help="Such as es or pt_BR.")]
Location = Annotated[str | None, typer.Option("--location", help="The id of the location that sends.")]
Segment = Annotated[list[str] | None, typer.Option("--segment", help="The id of a segment. Repeatable.")]
TargetClass = Annotated[str | None, typer.Option("--target-class", help="The id of a class.")]
ClassStatus = Annotated[str | None, typer.Option("--target-class-status", help="Such as ALL.")]
Retarget = Annotated[str | None, typer.Option("--retarget", help="The id of an earlier broadcast.")]
Engagement = Annotated[
    str | None, typer.Option("--engagement", help="Whom of it to reach again, such as sent.")
]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="When: 2026-10-01T09:00:00-03:00, with its offset.")
]
AllowPast = Annotated[bool, typer.Option("--allow-past", help="Take a time that is over.")]
Media = Annotated[str | None, typer.Option("--header-media-url")]
Header = Annotated[list[str] | None, typer.Option("--header", help="A parameter of the header. Repeatable.")]
Body = Annotated[
    list[str] | None, typer.Option("--body", help="A parameter of the body, in order. Repeatable.")
]
Button = Annotated[list[str] | None, typer.Option("--button", help="A parameter of a button. Repeatable.")]
Mark = Annotated[
    bool,
    typer.Option("--mark", help="Put something unique behind the name, to find it by if an answer is lost."),
]


def _run(work: Callable[[], Awaitable[Exit]]) -> None:
    raise typer.Exit(anyio.run(work))


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Option("--search", help="A part of the name.")] = None,
    start_date: Annotated[str | None, typer.Option("--from", metavar="TIME")] = None,
    end_date: Annotated[str | None, typer.Option("--to", metavar="TIME")] = None,
    location: Location = None,
    page_size: PageSize = WHAUTOMATE_PAGE_SIZE,
    sandbox: Sandbox = False,
    speed: Speed = 1.0,
    json: Json = False,
) -> None:
    """List broadcasts, one JSON object a line."""
    start, end = _moment(start_date, "--from"), _moment(end_date, "--to")
    _run(partial(_list, Where(sandbox=sandbox, speed=speed), search, start, end, location, page_size))


async def _list(
    where: Where,
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


@app.command()
def get(broadcast: Id, sandbox: Sandbox = False, speed: Speed = 1.0, json: Json = False) -> None:
    """Print one broadcast with its counters."""
    _run(partial(_get, Where(sandbox=sandbox, speed=speed), broadcast))


async def _get(where: Where, broadcast_id: str) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=-_HOUR) as client:
        broadcast = await client.broadcasts.get(broadcast_id)
        emit(broadcast)
        say(str(broadcast.progress))
    return Exit.DONE


@app.command()
def create(
    file: File = None,
    name: Name = None,
    type: Type = None,  # noqa: A002 - the service's word
    template: Template = None,
    language: Language = None,
    location: Location = None,
    segment: Segment = None,
    target_class: TargetClass = None,
    target_class_status: ClassStatus = None,
    retarget: Retarget = None,
    engagement: Engagement = None,
    at: At = None,
    allow_past: AllowPast = False,
    header_media_url: Media = None,
    header: Header = None,
    body: Body = None,
    button: Button = None,
    mark: Mark = False,
    sandbox: Sandbox = False,
    speed: Speed = 1.0,
    json: Json = False,
) -> None:
    """Schedule a broadcast, from a file, from options, or both; an option goes before the file."""
    options = Options(
        name=name,
        type=type,
        template=template,
        language=language,
        location=location,
        segments=tuple(segment or ()),
        target_class=target_class,
        target_class_status=target_class_status,
        retarget_broadcast=retarget,
        retarget_engagement_type=engagement,
        schedule_date_time=at,
        header_media_url=header_media_url,
        header_text_parameters=tuple(header or ()),
        body_text_parameters=tuple(body or ()),
        button_url_parameters=tuple(button or ()),
    )
    fields = fields_of_options(file, options)
    if mark and "name" in fields:
        fields["name"] = marked(fields["name"])
    _run(partial(_create, Where(sandbox=sandbox, speed=speed), fields, allow_past))


async def _create(where: Where, fields: DraftFields, allow_past: bool) -> Exit:
    async with opened(where) as client:
        try:
            emit(await client.broadcasts.create(allow_past=allow_past, **fields))
        except OutcomeUnknown:
            say(f"to look for it: keebai-async whautomate list --search {fields['name']!r}")
            raise
    return Exit.DONE


@app.command()
def replace(
    broadcast: Id,
    file: File = None,
    name: Name = None,
    type: Type = None,  # noqa: A002 - the service's word
    template: Template = None,
    language: Language = None,
    location: Location = None,
    segment: Segment = None,
    at: At = None,
    allow_past: AllowPast = False,
    header_media_url: Media = None,
    header: Header = None,
    body: Body = None,
    button: Button = None,
    sandbox: Sandbox = False,
    speed: Speed = 1.0,
    json: Json = False,
) -> None:
    """Read a broadcast, change what the file and the options say, and write it back."""
    options = Options(
        name=name,
        type=type,
        template=template,
        language=language,
        location=location,
        segments=tuple(segment or ()),
        schedule_date_time=at,
        header_media_url=header_media_url,
        header_text_parameters=tuple(header or ()),
        body_text_parameters=tuple(body or ()),
        button_url_parameters=tuple(button or ()),
    )
    changes = fields_of_options(file, options)
    if not changes:
        raise InvalidInput("nothing to change: give a --file or an option")
    _run(partial(_replace, Where(sandbox=sandbox, speed=speed), broadcast, changes, allow_past))


async def _replace(where: Where, broadcast_id: str, changes: DraftFields, allow_past: bool) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=_HOUR) as client:
        emit(await client.broadcasts.replace(broadcast_id, allow_past=allow_past, **changes))
    return Exit.DONE


@app.command()
def delete(broadcast: Id, sandbox: Sandbox = False, speed: Speed = 1.0, json: Json = False) -> None:
    """Delete a broadcast. Whether this stops one that runs, the service does not say."""
    _run(partial(_delete, Where(sandbox=sandbox, speed=speed), broadcast))


async def _delete(where: Where, broadcast_id: str) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=_HOUR) as client:
        await client.broadcasts.delete(broadcast_id)
        emit({"id": broadcast_id, "deleted": True})
    return Exit.DONE


@app.command()
def logs(
    broadcast: Id,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE.csv", help="Write them for a spreadsheet, for you alone."),
    ] = None,
    page_size: LogPageSize = None,
    sandbox: Sandbox = False,
    speed: Speed = 1.0,
    json: Json = False,
) -> None:
    """Print the log, one person a line, and say what failed and what to do about it."""
    _run(partial(_logs, Where(sandbox=sandbox, speed=speed), broadcast, csv, page_size))


async def _logs(where: Where, broadcast_id: str, csv: Path | None, page_size: int | None) -> Exit:
    async with opened(where, stage=broadcast_id, starts_in=-_HOUR) as client:
        rows = client.broadcasts.logs(broadcast_id, page_size=page_size)
        if csv is None:
            summary = await print_rows(rows)
        else:
            summary = await write_csv(rows, csv)
            print_summary(summary)
            say(f"written: {csv}")
        say_summary(summary)
    return Exit.DONE


@app.command()
def watch(
    broadcasts: Annotated[list[str], typer.Argument(metavar="ID...", help="Broadcasts by their ids.")],
    sandbox: Sandbox = False,
    speed: Speed = 1.0,
    json: Json = False,
) -> None:
    """Print every change of the counters until all are finished; 5 at the end if somebody was not reached."""
    _run(partial(_watch, Where(sandbox=sandbox, speed=speed), broadcasts))


async def _watch(where: Where, ids: list[str]) -> Exit:
    failed: dict[str, int] = {}
    async with opened(where, stage=ids[0]) as client:
        async for broadcast in client.broadcasts.watch(ids):
            progress = broadcast.progress
            failed[progress.broadcast_id] = progress.failed or 0
            emit(typed("progress", progress))
            say(str(progress))
    return Exit.PARTLY if any(failed.values()) else Exit.DONE


@app.command()
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8766,
    speed: Speed = 1.0,
) -> None:
    """Run a Whautomate on this machine until Ctrl-C; nobody is messaged. Prints the environment to use it."""
    _run(partial(_serve, port, speed))


async def _serve(port: int, speed: float) -> Exit:
    await serve(port, speed=speed)
    return Exit.DONE


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(f"write the time as 2026-10-01T09:00:00Z, not {text!r}", field=option) from error
