"""Looks at the campaigns of a journal. Who only looks loads nothing that plans or sends."""

from typing import Protocol

from keebai_async.clock import Clock
from keebai_async.journal.contract import Journal
from keebai_async.model.fates import FateCounts
from keebai_async.model.report import Report, report_of
from keebai_async.model.situation import Situation, situation_of


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
        return situation_of(campaign, self._client.clock.wall(), fates=told)

    async def situations(self) -> tuple[Situation, ...]:
        """The same of every campaign of the journal, newest first, without what webhooks told."""
        now = self._client.clock.wall()
        return tuple(situation_of(each, now) for each in await self._client.journal.campaigns())

    async def fates(self, campaign_id: str) -> FateCounts:
        """How many people came how far, as webhooks told it. Never add them to the service's counters.

        Raises CampaignNotFound, JournalUnusable.
        """
        counts = FateCounts()
        async for _, chunk in self._client.journal.fates(campaign_id):
            counts += chunk.counts()
        return counts
