"""Whose answer a message is, by sender and number: a reply carries no mark.

What is proven is little: that the person wrote to our sender in the 30 days after a campaign was submitted to
them. If that is true of one campaign alone, the reply is counted there; if of none or of several, nobody can
say what it answers, and it is counted as unassigned. A campaign of whose message to this person webhooks told
that it failed is none that could be answered.

A campaign may have 10 million people, so they are not kept: of each chunk four bytes a person, sorted, say
which chunks are worth a look. A chunk that is looked at is compared by whole identity keys.

Source: contract, section 7.
"""

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.identity import identities, identities_if_e164
from keebai_async.model.places import PERHAPS_SENT, Place, planned_places
from keebai_async.webhooks.events import MessageReceived

ANSWERED_WITHIN: Final = 30 * 86_400.0
"""Seconds after a submit in which what a person writes may be an answer."""

_MIXER: Final = 0x9E3779B97F4A7C15
"""Odd, so that keys which differ stay as different as 32 bits allow."""


class _OnlyTo(msgspec.Struct, gc=False):
    to: str


_ONLY_TO: Final = msgspec.json.Decoder(list[_OnlyTo])


class ReplyFinder:
    """Finds the one person of *journal*'s campaigns whom a reply is of."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[tuple[str, int, int], array[int]] = {}

    async def news_of(self, replies: Sequence[tuple[MessageReceived, float]]) -> list[PersonNews]:
        """Of each reply, with its time, the news that somebody replied; nothing of those that are unassigned.

        Raises JournalUnusable.
        """
        asked = [
            (key, reply.sender, at)
            for reply, at in replies
            if reply.sender and (key := _key_of(reply.number)) is not None
        ]
        if not asked:
            return []
        campaigns = await self._journal.campaigns()
        self._forget(campaigns)
        found = [
            [each async for each in self._candidates(key, sender, at, campaigns)] for key, sender, at in asked
        ]
        return [
            PersonNews(campaign_id=one, chunk=place[0], place=place[1], replied=True, at=at)
            for (_, _, at), candidates in zip(asked, found, strict=True)
            if len(candidates) == 1
            for one, place in candidates
        ]

    async def _candidates(
        self, key: int, sender: str, at: float, campaigns: Sequence[StoredCampaign]
    ) -> AsyncIterator[tuple[str, Place]]:
        """The campaigns that this may be an answer to, each with the person's place."""
        for campaign in campaigns:
            if campaign.plan.sender.phone_number_id != sender or campaign.purged_at is not None:
                continue
            campaign_id = campaign.plan.campaign_id
            for chunk in campaign.chunks:
                if _may_be_answered(chunk, at):
                    with suppress(CampaignNotFound):  # purged while we looked
                        place = await self._place_in(campaign, chunk, key)
                        if place is not None and not await self._failed(campaign_id, place):
                            yield campaign_id, place

    async def _place_in(self, campaign: StoredCampaign, chunk: Chunk, key: int) -> Place | None:
        name = (campaign.plan.campaign_id, chunk.number, chunk.recipients)
        items: bytes | None = None
        if name not in self._seen:
            items = await self._journal.items(campaign.plan.campaign_id, chunk.number)
            self._seen[name] = array("I", sorted(map(_short, _keys_of(items))))
        shorts, wanted = self._seen[name], _short(key)
        at = bisect_left(shorts, wanted)
        if at == len(shorts) or shorts[at] != wanted:
            return None
        if items is None:
            items = await self._journal.items(campaign.plan.campaign_id, chunk.number)
        keys = _keys_of(items)
        return planned_places(campaign, chunk, items)[keys.index(key)] if key in keys else None

    async def _failed(self, campaign_id: str, place: Place) -> bool:
        fates = await self._journal.chunk_fates(campaign_id, place[0])
        return fates is not None and place[1] < len(fates) and fates.state(place[1]).fate is Fate.FAILED

    def _forget(self, campaigns: Sequence[StoredCampaign]) -> None:
        """Let go of chunks that are no more, or were cut since."""
        there = {
            (one.plan.campaign_id, each.number, each.recipients) for one in campaigns for each in one.chunks
        }
        for name in self._seen.keys() - there:
            del self._seen[name]


def _may_be_answered(chunk: Chunk, at: float) -> bool:
    left = chunk.submitted_at
    if chunk.state not in PERHAPS_SENT or not chunk.recipients or left is None:
        return False
    return int(left) <= at <= left + ANSWERED_WITHIN  # the service's times are whole seconds


def _key_of(number: str) -> int | None:
    keys = identities_if_e164([number])
    return keys[0] if keys else None


def _keys_of(items: bytes) -> list[int]:
    return identities([person.to for person in _ONLY_TO.decode(items)])


def _short(key: int) -> int:
    return (key * _MIXER >> 32) & 0xFFFFFFFF
