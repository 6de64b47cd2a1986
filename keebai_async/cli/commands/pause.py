"""The command `pause`."""

from functools import partial

import typer

from keebai_async.cli.account_text import nobody_to_hold_back
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.other_process import ask_and_wait, tell_outcome
from keebai_async.errors import InvalidInput
from keebai_async.model.situation import Standing


def pause(campaign: CampaignArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Ask the process that runs a campaign to submit nothing more until you resume it.

    Example: keebai-async pause promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_pause, campaign, Connection(journal=journal), json=json)))


async def _pause(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        before = await keebai.campaigns.situation(campaign)
        if before.holder is not None and not before.pausable:
            raise InvalidInput(nobody_to_hold_back(before))
        now = await ask_and_wait(keebai, campaign, keebai.campaigns.pause, Standing.PAUSED)
        code = tell_outcome(now, json=json, journal=connection.journal)
        too_late = now.standing is Standing.PAUSED and not now.pausable
        return Exit.USAGE if too_late else code
