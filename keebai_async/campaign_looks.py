"""Looks at the campaigns of a journal. Who only looks loads nothing that plans or sends."""

import math
from collections.abc import Mapping
from typing import Protocol

from keebai_async.clock import Clock
from keebai_async.journal.contract import Journal
from keebai_async.model.fates import FateCounts
from keebai_async.model.report import Report, report_of
from keebai_async.model.situation import Situation, situation_of
from keebai_async.model.want import Want


class LooksHost(Protocol):
    """What looks use of the client they belong to."""

    @property
    def journal(self) -> Journal: ...

    @property
    def clock(self) -> Clock: ...


class CampaignLooks:
    """What the journal alone tells of its campaigns. No request is made, and nothing is changed."""

    def __init__(self, client: LooksHost) -> None:
        self._client = client

    async def status(self, campaign_id: str) -> Report:
        """Where a campaign stands, from the journal alone. Raises CampaignNotFound."""
        return report_of(await self._client.journal.load(campaign_id))

    async def list(self) -> "list[Report]":
        """Where every campaign of the journal stands, newest first."""
        return [report_of(campaign) for campaign in await self._client.journal.campaigns()]

    async def situation(self, campaign_id: str, *, fates: bool = False) -> Situation:
        """Where a campaign stands, who runs it, what it waits for and what leads on. From the journal alone.

        With *fates* also what webhooks told of its people, who are counted again each time.

        Raises CampaignNotFound.
        """
        campaign = await self._client.journal.load(campaign_id)
        told = await self.fates(campaign_id) if fates else None
        want = (await self._wants()).get(campaign_id)
        return situation_of(campaign, self._client.clock.wall(), fates=told, want=want)

    async def situations(self) -> tuple[Situation, ...]:
        """The same of every campaign of the journal, newest first, without what webhooks told."""
        now = self._client.clock.wall()
        every, wants = await self._client.journal.campaigns(), await self._wants()
        return tuple(situation_of(each, now, want=wants.get(each.plan.campaign_id)) for each in every)

    async def wanted(self) -> tuple[Want, ...]:
        """The campaigns that supervisors of this journal run, or will, the earliest first."""
        return tuple(await self._client.journal.wanted(by=math.inf))

    async def _wants(self) -> Mapping[str, Want]:
        return {want.campaign_id: want for want in await self.wanted()}

    async def fates(self, campaign_id: str) -> FateCounts:
        """How many people came how far, as webhooks told it. Never add them to the service's counters.

        Raises CampaignNotFound, JournalUnusable.
        """
        counts = FateCounts()
        async for _, chunk in self._client.journal.fates(campaign_id):
            counts += chunk.counts()
        return counts
