"""The command `stop`."""

from functools import partial

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import CampaignArgument, JournalOption
from keebai_async.cli.other_process import ask_and_wait
from keebai_async.model.campaign import CampaignState


def stop(campaign: CampaignArgument, journal: JournalOption = None) -> None:
    """Ask the process that runs a campaign to end in good order, as Ctrl-C would there.

    Example: keebai-async stop promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_stop, campaign, Connection(journal=journal))))


async def _stop(campaign: str, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        return await ask_and_wait(keebai, campaign, keebai.campaigns.stop, CampaignState.STOPPED)
