"""Looks at the campaigns of a journal. Who only looks loads nothing that plans or sends."""

import math
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from keebai_async.campaign.event_watch import EventWatch
from keebai_async.clock import Clock
from keebai_async.draining import drain_of
from keebai_async.journal.contract import Journal
from keebai_async.journal.parts import load_parts
from keebai_async.model.event_place import EventPlace, place_of
from keebai_async.model.events import AnyEvent, EventPage
from keebai_async.model.fates import FateCounts
from keebai_async.model.part import part_ids
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report
from keebai_async.model.situation import Situation
from keebai_async.model.want import Want
from keebai_async.model.whole import report_of_all, situation_of_all, together, whole_plan


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
        self._watch: EventWatch | None = None

    async def plan_of(self, campaign_id: str) -> Plan:
        """The plan of a campaign, as it was frozen. Raises CampaignNotFound."""
        plans = [each.plan for each in await load_parts(self._client.journal, campaign_id)]
        return whole_plan(plans) if part_ids(campaign_id) else plans[0]

    async def status(self, campaign_id: str) -> Report:
        """Where a campaign stands, from the journal alone. Raises CampaignNotFound."""
        parts = await load_parts(self._client.journal, campaign_id)
        return report_of_all(parts, whole=bool(part_ids(campaign_id)))

    async def list(self) -> "list[Report]":
        """Where every campaign of the journal stands, newest first; a list over several senders is one."""
        every = together(await self._client.journal.campaigns())
        return [report_of_all(parts, whole=parts[0].plan.part is not None) for parts in every]

    async def situation(self, campaign_id: str, *, fates: bool = False) -> Situation:
        """Where a campaign stands, who runs it, what it waits for and what leads on. From the journal alone.

        With *fates* also what webhooks told of its people, who are counted again each time.

        Raises CampaignNotFound.
        """
        parts, wants = await load_parts(self._client.journal, campaign_id), await self._wants()
        told = [await self.fates(each.plan.campaign_id) for each in parts] if fates else ()
        whole = bool(part_ids(campaign_id))
        return situation_of_all(parts, self._client.clock.wall(), whole=whole, fates=told, wants=wants)

    async def situations(self) -> tuple[Situation, ...]:
        """The same of every campaign of the journal, newest first, without what webhooks told."""
        now = self._client.clock.wall()
        every, wants = together(await self._client.journal.campaigns()), await self._wants()
        return tuple(
            situation_of_all(each, now, whole=each[0].plan.part is not None, wants=wants) for each in every
        )

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
        for each in part_ids(campaign_id) or (campaign_id,):
            async for _, chunk in self._client.journal.fates(each):
                counts += chunk.counts()
        return counts

    async def watch(
        self, campaign_id: str, *, after: int | str | Mapping[str, int] = 0
    ) -> AsyncIterator[AnyEvent]:
        """What is told of a campaign, whatever process runs it: first what the journal has, then what comes.

        *after* is the id of the last event that was seen; without it, it begins with the first one. Each
        comes once, in the order of the ids, and none is left out but those that are out of date: of a chunk's
        counters, of looks that failed and of waits the journal keeps the newest. It ends when the campaign is
        finished, or stopped and not wanted any more (`want`); it waits for one that was not launched yet, or
        whose process died. Who resumes it later goes on with the id of the last event.

        Of a list over several senders it is what is told of all its parts, each in the order of its ids,
        until all of them have ended. An event's *campaign_id* says which part it is of. *after* is the id of
        the last event that was seen of each of them: by campaign, as `{event.campaign_id: event.id}`, or as a
        text, such as `12.0.7`, in the order of the parts. Both say the same of an ordinary campaign, too.

        Costs no requests. What happens in another process comes within a second. While the journal is away
        for a while, it is waited for.

        Raises:
            CampaignNotFound: there is no such campaign (any more).
            InvalidInput: *after* is no place there.
            JournalUnusable: the journal cannot be read.
            Misused: the client was closed.
        """
        over, place = False, place_of(campaign_id, after)
        while not over:
            page = await self._next(campaign_id, place)
            for event in page.events:
                place = place.behind(event)
                yield event
            over = page.over

    async def next_events(self, campaign_id: str, *, after: int | str | Mapping[str, int] = 0) -> EventPage:
        """Wait for what `watch` gives next, and give a page of it: at least one event, or none and *over*.

        Raises what `watch` raises.
        """
        return await self._next(campaign_id, place_of(campaign_id, after))

    async def _next(self, campaign_id: str, place: EventPlace) -> EventPage:
        drain_of(self._client).check()
        if self._watch is None:
            self._watch = EventWatch(self._client.journal, self._client.clock)
        return await self._watch.more(campaign_id, place)
