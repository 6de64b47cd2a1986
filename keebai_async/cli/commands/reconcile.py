"""The command `reconcile`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from keebai_async.campaign.reconcile import PortalEntry
from keebai_async.cli.connect import Connection, bookkeeping, campaigning
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.shown import shown_reason, shown_text
from keebai_async.cli.text_output import next_steps, report_text
from keebai_async.errors import InvalidInput

ChunkOption = Annotated[
    int | None,
    typer.Option(
        "--chunk", min=1, metavar="N", help="The number of the unknown chunk. Without it, all are shown."
    ),
]
AcceptedOption = Annotated[
    str | None,
    typer.Option("--accepted", metavar="BROADCAST-ID", help="It is in the portal, under this id: follow it."),
]
ResendOption = Annotated[
    bool, typer.Option("--resend", help="It is not in the portal: submit it again at the next resume.")
]
AbandonOption = Annotated[
    bool, typer.Option("--abandon", help="Give its people up: neither sent nor followed.")
]


def reconcile(
    campaign: CampaignArgument,
    chunk: ChunkOption = None,
    accepted: AcceptedOption = None,
    resend: ResendOption = False,
    abandon: AbandonOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Show the chunks whose outcome is unknown, or settle one after a look into the portal.

    Example: keebai-async reconcile promo-marzo-1a2b3c4d --chunk 3 --accepted 66aa00112233445566778899
    """
    words = (accepted is not None) + resend + abandon
    connection = Connection(journal=journal)
    if chunk is None and not words:
        raise typer.Exit(interrupts.run(partial(_show, campaign, connection, json=json)))
    if chunk is None:
        raise InvalidInput(f"--chunk is needed; see: keebai-async reconcile {campaign}", field="--chunk")
    if words != 1:
        raise InvalidInput("choose exactly one of --accepted BROADCAST-ID, --resend and --abandon")
    raise typer.Exit(
        interrupts.run(partial(_reconcile, campaign, chunk, accepted, resend, abandon, connection, json=json))
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
        say("no chunk is unknown: there is nothing to settle")
    return Exit.UNKNOWN if found else Exit.DONE


def _lines(campaign: str, each: PortalEntry) -> Iterator[str]:
    yield f"chunk {each.number}: look in the portal for"
    yield f"  campaign name  {shown_text(each.campaign_name)}"
    if each.left_at is not None:
        yield f"  left at        {_time(each.left_at, '%Y-%m-%d %H:%M:%S')} UTC"
    numbers = f", the first {each.first}, the last {each.last}" if each.first else ""
    yield f"  recipients     {each.recipients:,}{numbers}"
    if each.reason:
        yield f"  what happened  {shown_reason(each.reason)}"
    settle = f"keebai-async reconcile {campaign} --chunk {each.number}"
    yield f"  it is there:   {settle} --accepted BROADCAST-ID"
    yield f"  it is not:     {settle} --resend (or --abandon)"
    if each.resend_in:
        wait = f"{each.resend_in:.0f} s"
        yield f"                 --resend in {wait} at the earliest: until then it may still arrive"


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
