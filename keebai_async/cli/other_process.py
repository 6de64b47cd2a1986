"""What one process asks of another that runs a campaign: pause, go on, stop."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.account_text import (
    cannot_be_called_back,
    headline,
    nobody_to_hold_back,
)
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.language import phrase
from keebai_async.cli.output import say
from keebai_async.cli.text_output import step_lines
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.model.situation import Situation, Standing

ANSWER_WITHIN: Final = 60.0
"""Seconds for an answer: more than a submit on its way may take in nearly all cases."""

_ANSWER_CHECKED_EVERY: Final = 0.2
"""Seconds between two looks into the journal, which cost no request."""

_OVER: Final = frozenset({Standing.DIED, Standing.STOPPED, Standing.FINISHED, Standing.PURGED})

Ask = Callable[[str], Awaitable[bool]]
"""`pause`, `unpause` or `stop` of `keebai.campaigns`."""


async def ask_and_wait(
    keebai: CampaignClient, campaign: str, ask: Ask, wanted: Standing, *, within: float = ANSWER_WITHIN
) -> Situation:
    """Ask the process that runs *campaign*, and wait until the campaign stands where it is *wanted*.

    What was asked and not heard *within* so many seconds, or before this ends in another way, is taken back:
    it must not happen later, when nobody expects it any more.

    Raises:
        CampaignNotFound: the journal has no such campaign.
        InvalidInput: no process runs it.
        CampaignBusy: the process does not answer.
    """
    if not await ask(campaign):
        standing = (await keebai.campaigns.situation(campaign)).standing
        why = "its process is gone" if standing is Standing.DIED else f"it is {standing.value}"
        raise InvalidInput(f"no process runs campaign {campaign}: {why}; see: keebai-async status {campaign}")
    heard = taken_back = False
    try:
        with anyio.move_on_after(within):
            while True:
                now = await keebai.campaigns.situation(campaign)
                if now.standing is wanted or now.standing in _OVER:
                    heard = True
                    return now
                await anyio.sleep(_ANSWER_CHECKED_EVERY)
    finally:
        with anyio.CancelScope(shield=True):
            taken_back = not heard and await keebai.campaigns.take_wish_back(campaign)
    raise CampaignBusy(
        f"campaign {campaign} was asked, and its process did not answer for {within:g} s; "
        + (
            "what was asked is taken back, so it will not happen later"
            if taken_back
            else "it has heard it and does it when its requests under way have ended"
        )
        + f"; see: keebai-async status {campaign}",
        campaign_id=campaign,
    )


def tell_outcome(now: Situation, *, json: bool, journal: str | None) -> Exit:
    """Say where the campaign stands after what was asked of it, and what leads on."""
    if json:
        emit(account("campaign", now))
    say(phrase("campaign {campaign} is {where}", campaign=now.campaign_id, where=headline(now)))
    if now.standing is Standing.PAUSED and not now.pausable:
        say(nobody_to_hold_back(now))
    if now.standing in {Standing.PAUSED, Standing.STOPPED}:
        for line in cannot_be_called_back(now):
            say(line)
    for line in step_lines(now, journal=journal):
        say(line)
    return Exit.FAILED if now.standing is Standing.DIED else Exit.DONE
