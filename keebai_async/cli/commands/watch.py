"""The command `watch`."""

from datetime import UTC, datetime
from functools import partial

import anyio
import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption, LangOption
from keebai_async.cli.progress import CampaignMeter, PlainLines, meter
from keebai_async.cli.progress_words import pulse_line
from keebai_async.cli.show_run import conclude, with_fates
from keebai_async.cli.text_output import progress_line
from keebai_async.model.situation import Situation

_JOURNAL_READ_EVERY = 1.0
"""Seconds between two looks into the journal; they cost no request."""


def watch(
    campaign: CampaignArgument,
    journal: JournalOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Look on while another process runs a campaign, until it stops or ends. Costs no requests.

    Example: keebai-async watch promo-marzo-1a2b3c4d
    """
    raise typer.Exit(interrupts.run(partial(_watch, campaign, Connection(journal=journal), json=json)))


async def _watch(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        situation = await _to_its_end(keebai, campaign)
        situation = await with_fates(keebai, situation)
        return conclude(situation, json=json, journal=connection.journal)


async def _to_its_end(keebai: CampaignClient, campaign: str) -> Situation:
    """Show every change, and what is likely between two of them, until nobody runs it any more."""
    situation = await keebai.campaigns.situation(campaign)
    report = situation.report
    last = ""
    with meter() as shown:
        bars = None if isinstance(shown, PlainLines) else CampaignMeter(shown, ready=report.ready)
        while True:
            line = progress_line(situation)
            if bars is not None:
                bars.tick(situation, datetime.now(UTC))
            elif line != last:
                last = line
                shown.say(line)
            else:
                shown.pulse(pulse_line(situation, datetime.now(UTC)), "")
            if situation.holder is None:
                return situation
            await anyio.sleep(_JOURNAL_READ_EVERY)
            situation = await keebai.campaigns.situation(campaign)
