"""The command `stop`."""

from functools import partial

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.other_process import ask_and_wait, tell_outcome
from keebai_async.model.situation import Standing


def stop(campaign: CampaignArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Ask the process that runs a campaign to end in good order, as Ctrl-C would there.

    Example: keebai-async stop promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_stop, campaign, Connection(journal=journal), json=json)))


async def _stop(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        now = await ask_and_wait(keebai, campaign, keebai.campaigns.stop, Standing.STOPPED)
        return tell_outcome(now, json=json, journal=connection.journal)
