"""The command `watch`."""

from functools import partial

import anyio
import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.output import say
from keebai_async.cli.show_run import conclude, with_fates
from keebai_async.cli.text_output import progress_line

_JOURNAL_READ_EVERY = 2.0
"""Seconds between two looks into the journal; they cost no request."""


def watch(campaign: CampaignArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Look on while another process runs a campaign, until it stops or ends. Costs no requests.

    Example: keebai-async watch promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_watch, campaign, Connection(journal=journal), json=json)))


async def _watch(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        last = ""
        while True:
            situation = await keebai.campaigns.situation(campaign)
            line = progress_line(situation)
            if line != last:
                last = line
                say(line)
            if situation.holder is None:
                situation = await with_fates(keebai, situation)
                return conclude(situation, json=json, journal=connection.journal)
            await anyio.sleep(_JOURNAL_READ_EVERY)
