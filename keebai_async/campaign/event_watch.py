"""EventWatch: wait for what is told of campaigns, by whatever process, as their journal has it.

The naive way is a loop for each reader that looks into the journal: a thousand browsers are a thousand looks
each half second, all of them in the way of the submits that are written there. Here those who wait for the
same thing share one look. Nobody needs a task of their own for that: the first one looks, the others wait for
what it finds, and if it is called off, one of them goes on in its place.
"""

from typing import Final

import anyio

from keebai_async.clock import Clock
from keebai_async.errors import InvalidInput, JournalUnusable
from keebai_async.journal.contract import Journal
from keebai_async.model.events import EventPage
from keebai_async.model.part import part_ids

EVENTS_READ_EVERY: Final = 0.5
"""Seconds between two looks at what was told of a campaign."""


def refuse_whole(campaign_id: str) -> None:
    """Each part of a list over several senders is a campaign, with events of its own.

    Raises:
        InvalidInput: it is the whole of such a list.
    """
    if parts := part_ids(campaign_id):
        words = f"{campaign_id} goes out in parts, each with its own events: watch {', '.join(parts)}"
        raise InvalidInput(words, field="campaign_id", value=campaign_id)


class _Look:
    """A look that goes on; *page* is what it found, or None if who looked was called off."""

    def __init__(self) -> None:
        self.page: EventPage | None = None
        self.over = anyio.Event()


class EventWatch:
    """The readers of one client."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._looks: dict[tuple[str, int], _Look] = {}

    async def more(self, campaign_id: str, after: int) -> EventPage:
        """Wait until there is an event after the one with the id *after*, or until the campaign is over.

        While the journal is away for a while, it is waited for. Raises CampaignNotFound, JournalUnusable.
        """
        while True:
            look = self._looks.get((campaign_id, after))
            if look is None:
                return await self._look(campaign_id, after)
            await look.over.wait()
            if look.page is not None:
                return look.page

    async def _look(self, campaign_id: str, after: int) -> EventPage:
        look = self._looks[campaign_id, after] = _Look()
        try:
            while True:
                look.page = await self._page(campaign_id, after)
                if look.page is not None:
                    return look.page
                await self._clock.sleep(EVENTS_READ_EVERY)
        finally:
            del self._looks[campaign_id, after]
            look.over.set()

    async def _page(self, campaign_id: str, after: int) -> EventPage | None:
        try:
            page = await self._journal.events(campaign_id, after=after)
        except JournalUnusable as error:
            if not error.temporary:
                raise
            return None
        return page if page.events or page.over else None
