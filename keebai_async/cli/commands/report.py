"""The command `report`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.html_report import save_page
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import CampaignArgument, JournalOption

HtmlOption = Annotated[
    Path, typer.Option("--html", metavar="FILE.html", help="The file to write; only you can read it.")
]


def report(campaign: CampaignArgument, html: HtmlOption, journal: JournalOption = None) -> None:
    """Write a page that shows where a campaign stands, to look at in a browser.

    Example: keebai-async report promo-marzo-1a2b3c4d --html promo.html
    """
    raise typer.Exit(interrupts.run(partial(_report, campaign, html, Connection(journal=journal))))


async def _report(campaign: str, file: Path, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        await save_page(keebai, campaign, file)
        return Exit.DONE
