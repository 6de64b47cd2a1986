"""From which sender people were written to before, as the journal has it: by identity key."""

from collections.abc import Sequence
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.identity import identities
from keebai_async.model.places import perhaps_got
from keebai_async.model.sender import Sender
from keebai_async.planning.key_set import KeySet, no_keys

WRITTEN_WITHIN: Final = 90 * 86_400.0
"""Seconds for which somebody stays with the sender that wrote last."""


class _Addressee(msgspec.Struct, gc=False):
    to: str


_ADDRESSEES: Final = msgspec.json.Decoder(list[_Addressee])


async def written_by(
    senders: Sequence[Sender], journal: Journal, *, service: str, now: float
) -> list[KeySet]:
    """For each of *senders* the people whom it, as the last of them, wrote to in the last 90 days.

    *now* is Unix time. Tests wrote to nobody, and who was purged is not known any more. Nobody is in two.
    """
    known = [await no_keys() for _ in senders]
    places = {sender: place for place, sender in enumerate(senders)}
    for campaign in await journal.campaigns():  # the newest first, so the last word is the first one heard
        plan = campaign.plan
        place = places.get(plan.sender)
        if place is None or plan.service != service or plan.test or campaign.purged_at is not None:
            continue
        for number in left_since(campaign, now - WRITTEN_WITHIN):
            try:
                items = await journal.items(plan.campaign_id, number)
            except CampaignNotFound:  # purged while we looked
                break
            keys = identities([each.to for each in _ADDRESSEES.decode(items)])
            for others in known:
                if elsewhere := set(others.held(keys)):
                    keys = [key for key in keys if key not in elsewhere]
            known[place].update(keys)
            await anyio.lowlevel.checkpoint()
    return known


def left_since(campaign: StoredCampaign, since: float) -> list[int]:
    """The chunks of which somebody may have got a message since then."""
    made = campaign.plan.created_at
    return [
        chunk.number
        for chunk in campaign.chunks
        if perhaps_got(chunk) and chunk.recipients and (chunk.left_last_at or made) > since
    ]
