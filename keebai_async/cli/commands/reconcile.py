"""The command `reconcile`: a person says what became of a chunk whose outcome is unknown."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import anyio
import typer

from keebai_async.campaign.reconcile import Sought
from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, bookkeeping, campaigning
from keebai_async.cli.console import answer, say
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.text_output import next_steps, report_text
from keebai_async.errors import InvalidInput
from keebai_async.privacy import one_line as clean


def reconcile(
    campaign: a.Campaign,
    chunk: Annotated[
        int | None,
        typer.Option("--chunk", min=1, help="The number of the unknown chunk. Without it, all are shown."),
    ] = None,
    accepted: Annotated[
        str | None,
        typer.Option("--accepted", metavar="BROADCAST-ID", help="It is in the portal, under this id."),
    ] = None,
    resend: Annotated[
        bool, typer.Option("--resend", help="It is not in the portal: submit it again at the next resume.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give it up: neither sent nor followed.")
    ] = False,
    journal: a.Journal = None,
    json: a.Json = False,
) -> None:
    """Show the chunks whose outcome is unknown, or settle one after a look into the portal."""
    words = (accepted is not None) + resend + abandon
    connection = Connection(journal=journal)
    if chunk is None and not words:
        raise typer.Exit(anyio.run(partial(_show, campaign, connection, json=json)))
    if chunk is None:
        raise InvalidInput(f"--chunk is needed; see keebai-async reconcile {campaign}", field="--chunk")
    if words != 1:
        raise InvalidInput("choose exactly one of --accepted BROADCAST-ID, --resend and --abandon")
    raise typer.Exit(
        anyio.run(partial(_reconcile, campaign, chunk, accepted, resend, abandon, connection, json=json))
    )


async def _show(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        found = await keebai.campaigns.unknown(campaign)
    for each in found:
        if json:
            left = _time(each.left_at, "%Y-%m-%dT%H:%M:%SZ") if each.left_at else None
            emit(typed("unknown", each) | {"left_at": left})
        else:
            answer("\n".join(_lines(campaign, each)))
    if not found:
        say("nothing is unknown")
    return Exit.UNKNOWN if found else Exit.DONE


def _lines(campaign: str, each: Sought) -> Iterator[str]:
    yield f"chunk {each.number}: look in the portal for"
    yield f"  campaign name  {clean(each.campaign_name)}"
    if each.left_at is not None:
        yield f"  left at        {_time(each.left_at, '%Y-%m-%d %H:%M:%S')} UTC"
    numbers = f", the first {each.first}, the last {each.last}" if each.first else ""
    yield f"  recipients     {each.recipients:,}{numbers}"
    if each.reason:
        yield f"  what happened  {clean(each.reason)}"
    settle = f"keebai-async reconcile {campaign} --chunk {each.number}"
    yield f"  it is there:   {settle} --accepted BROADCAST-ID"
    yield f"  it is not:     {settle} --resend (or --abandon)"


def _time(at: float, how: str) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(how)


async def _reconcile(
    campaign: str,
    chunk: int,
    accepted: str | None,
    resend: bool,
    abandon: bool,
    connection: Connection,
    *,
    json: bool,
) -> Exit:
    opened = bookkeeping if accepted is None else campaigning  # what is accepted is checked at the service
    async with opened(connection) as keebai:
        report = await keebai.campaigns.reconcile(
            campaign, chunk, accepted=accepted, resend=resend, abandon=abandon
        )
        if json:
            emit(report)
        else:
            answer(report_text(report))
        for step in next_steps(report):
            say(step)
        return Exit.DONE
