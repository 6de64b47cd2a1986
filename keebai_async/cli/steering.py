"""The commands `pause` and `stop`: what one process asks of another that runs a campaign."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import typer

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.console import say
from keebai_async.cli.exit_codes import Exit
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.model.campaign import CampaignState, Started

PATIENCE = 60.0
"""Seconds for an answer: more than a submit on its way may take in nearly all cases."""
_LOOK_EVERY = 0.2

Ask = Callable[[str], Awaitable[bool]]


def pause(campaign: a.Campaign, journal: a.Journal = None) -> None:
    """Ask the process that runs the campaign to submit nothing more until `resume`."""
    raise typer.Exit(anyio.run(partial(_pause, campaign, Connection(journal=journal))))


async def _pause(campaign: str, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        return await ask(keebai, campaign, keebai.campaigns.pause, CampaignState.PAUSED)


def stop(campaign: a.Campaign, journal: a.Journal = None) -> None:
    """Ask the process that runs the campaign to end in good order, as its own Ctrl-C would."""
    raise typer.Exit(anyio.run(partial(_stop, campaign, Connection(journal=journal))))


async def _stop(campaign: str, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        return await ask(keebai, campaign, keebai.campaigns.stop, CampaignState.STOPPED)


async def ask(keebai: Keebai, campaign: str, request: Ask, wanted: CampaignState) -> Exit:
    """Leave a wish with the process that runs *campaign*, and wait until it is in the state *wanted*.

    Raises:
        CampaignNotFound: the journal has no such campaign.
        InvalidInput: no process runs it.
        CampaignBusy: the process does not answer.
    """
    if not await request(campaign):
        state = (await keebai.journal.load(campaign)).state.value
        raise InvalidInput(f"no process runs campaign {campaign}: it is {state}; see keebai-async status")
    with anyio.move_on_after(PATIENCE):
        while True:
            now = await keebai.journal.load(campaign)
            if now.state is wanted or now.holder is None:
                break
            await anyio.sleep(_LOOK_EVERY)
        return _tell(now)
    raise CampaignBusy(
        f"campaign {campaign} was asked, but its process has not answered for {PATIENCE:g} s;"
        f" see keebai-async status {campaign}",
        campaign_id=campaign,
    )


def _tell(now: Started) -> Exit:
    campaign = now.plan.campaign_id
    say(f"campaign {campaign} is {now.state.value}")
    if now.state in {CampaignState.PAUSED, CampaignState.STOPPED}:
        say(f"to go on: keebai-async resume {campaign}")
    return Exit.DONE
