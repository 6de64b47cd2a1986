"""The command `status`."""

from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, bookkeeping, spending, token_known
from keebai_async.cli.error_line import line_of
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import JournalOption, JsonOption, QuotaStoreOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.text_output import campaign_line, next_steps, report_text
from keebai_async.client import Keebai
from keebai_async.errors import QuotaUnusable
from keebai_async.model.report import Report

OptionalCampaignArgument = Annotated[
    str | None,
    typer.Argument(metavar="[CAMPAIGN]", help="The id that plan and launch print. Default: all campaigns."),
]


def status(
    campaign: OptionalCampaignArgument = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show where a campaign stands, as the journal has it; without an id, all campaigns, newest first.

    Example: keebai-async status promo-marzo-1a2b3c4d
    """
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_status, campaign, connection, json=json)))


async def _status(campaign: str | None, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is None:
            _list(await keebai.campaigns.list(), json=json)
        else:
            _show(await keebai.campaigns.status(campaign), json=json)
        await _tell_spending(keebai)
        return Exit.DONE


def _list(reports: list[Report], *, json: bool) -> None:
    for report in reports:
        if json:
            emit(typed("campaign", report))
        else:
            answer(campaign_line(report))
    if not reports:
        say("no campaigns yet; to make one: keebai-async plan FILE --template NAME --language es")


def _show(report: Report, *, json: bool) -> None:
    if json:
        emit(typed("campaign", report))
    else:
        answer(report_text(report))
    for step in next_steps(report):
        say(step)


async def _tell_spending(keebai: Keebai) -> None:
    """Where a campaign stands is known even if the store of the quota is not there."""
    try:
        spent = await spending(keebai)
    except QuotaUnusable as error:
        say(line_of(error))
        return
    if token_known():
        say(f"quota: {spent} spent")
