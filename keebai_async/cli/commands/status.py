"""The command `status`."""

from functools import partial
from typing import Annotated

import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping, chosen_service, spending, token_known
from keebai_async.cli.error_line import line_of
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import JournalOption, JsonOption, QuotaStoreOption
from keebai_async.cli.other_process import PROCESS_GONE, has_died
from keebai_async.cli.output import answer, say
from keebai_async.cli.text_output import DIED, campaign_line, next_steps, report_text
from keebai_async.errors import QuotaUnusable
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.report import Report, report_of

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
            _list(await keebai.journal.campaigns(), json=json)
        else:
            _show(await keebai.journal.load(campaign), json=json)
        await _tell_spending(keebai)
        return Exit.DONE


def _list(campaigns: list[StoredCampaign], *, json: bool) -> None:
    for campaign in campaigns:
        report, died = report_of(campaign), has_died(campaign)
        if json:
            emit(_object(report, died))
        else:
            answer(campaign_line(report, died=died))
        if died:
            say(f"{PROCESS_GONE}; to go on: keebai-async resume {report.campaign_id}")
    if not campaigns:
        say("no campaigns yet; to make one: keebai-async plan FILE --template NAME --language es")


def _show(campaign: StoredCampaign, *, json: bool) -> None:
    report, died = report_of(campaign), has_died(campaign)
    if json:
        emit(_object(report, died))
    else:
        answer(report_text(report, died=died))
    if died:
        say(PROCESS_GONE)
    for step in next_steps(report):
        say(step)


def _object(report: Report, died: bool) -> dict[str, object]:
    return typed("campaign", report) | ({"state": DIED} if died else {})


async def _tell_spending(keebai: CampaignClient) -> None:
    """Where a campaign stands is known even if the store of the quota is not there."""
    try:
        spent = await spending(keebai)
    except QuotaUnusable as error:
        say(line_of(error, chosen_service().variables))
        return
    if token_known():
        say(f"quota: {spent} spent")
