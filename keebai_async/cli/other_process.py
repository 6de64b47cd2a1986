"""What one process asks of another that runs a campaign: pause, go on, stop."""

from collections.abc import Awaitable, Callable

import anyio

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.output import say
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.model.campaign import CampaignState, StoredCampaign

ANSWER_WITHIN = 60.0
"""Seconds for an answer: more than a submit on its way may take in nearly all cases."""

_ANSWER_CHECKED_EVERY = 0.2
"""Seconds between two looks into the journal, which cost no request."""

PROCESS_GONE = "the process that ran it is gone: it was killed, or its machine stopped"
"""What there is to say of a campaign that is running, says the journal, and that nobody runs."""

Ask = Callable[[str], Awaitable[bool]]
"""`pause`, `unpause` or `stop` of `keebai.campaigns`."""


def has_died(campaign: StoredCampaign) -> bool:
    """Whether *campaign* is running or paused, says the journal, and no process runs it."""
    return campaign.holder is None and campaign.state in {CampaignState.RUNNING, CampaignState.PAUSED}


async def ask_and_wait(keebai: CampaignClient, campaign: str, ask: Ask, wanted: CampaignState) -> Exit:
    """Ask the process that runs *campaign*, wait until the campaign is in the state *wanted*, and say so.

    Raises:
        CampaignNotFound: the journal has no such campaign.
        InvalidInput: no process runs it.
        CampaignBusy: the process does not answer.
    """
    if not await ask(campaign):
        state = (await keebai.journal.load(campaign)).state.value
        raise InvalidInput(
            f"no process runs campaign {campaign}: it is {state}; see: keebai-async status {campaign}"
        )
    with anyio.move_on_after(ANSWER_WITHIN):
        while True:
            now = await keebai.journal.load(campaign)
            if now.state is wanted or now.holder is None:
                break
            await anyio.sleep(_ANSWER_CHECKED_EVERY)
        return _tell(now)
    raise CampaignBusy(
        f"campaign {campaign} was asked, but its process has not answered for {ANSWER_WITHIN:g} s;"
        f" see: keebai-async status {campaign}",
        campaign_id=campaign,
    )


def _tell(now: StoredCampaign) -> Exit:
    campaign = now.plan.campaign_id
    gone = now.state is CampaignState.RUNNING and now.holder is None
    say(PROCESS_GONE if gone else f"campaign {campaign} is {now.state.value}")
    if gone or now.state in {CampaignState.PAUSED, CampaignState.STOPPED}:
        say(f"to go on: keebai-async resume {campaign}")
    return Exit.FAILED if gone else Exit.DONE
