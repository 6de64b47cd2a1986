"""The command `remove`."""

from functools import partial

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.output import say


def remove(campaign: CampaignArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Remove a plan that was never launched, with everything in it. A campaign stays: see purge.

    Example: keebai-async remove promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_remove, campaign, Connection(journal=journal), json=json)))


async def _remove(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign, plans=True)
        await keebai.campaigns.remove(campaign)
    if json:
        emit({"type": "removed", "campaign_id": campaign})
    say(f"the plan is removed: {campaign}")
    return Exit.DONE
