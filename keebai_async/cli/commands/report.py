"""The command `report`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.cli.account_text import no_success
from keebai_async.cli.campaign_codes import code_of_look
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption, LangOption
from keebai_async.cli.output import answer_account
from keebai_async.cli.page.campaign_page import save_page
from keebai_async.cli.text_output import report_text

HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE.html", help="Write it as a page too; only you can read the file."),
]


def report(
    campaign: CampaignArgument,
    html: HtmlOption = None,
    journal: JournalOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Tell where a campaign stands, on the screen or as a page to look at in a browser.

    Example: keebai-async report promo-marzo-1a2b3c4d --html promo.html
    """
    work = partial(_report, campaign, html, Connection(journal=journal), json=json)
    raise typer.Exit(interrupts.run(work))


async def _report(campaign: str, file: Path | None, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        situation = await keebai.campaigns.situation(campaign, fates=True)
        if json:
            emit(account("report", situation))
        elif file is None:
            answer_account(report_text(situation), alarm=no_success())
        if file is not None:
            await save_page(keebai, campaign, file)
        return code_of_look(situation)
