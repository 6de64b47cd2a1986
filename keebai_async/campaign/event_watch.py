"""EventWatch: wait for what is told of campaigns, by whatever process, as their journal has it.

The naive way is a loop for each reader that looks into the journal: a thousand browsers are a thousand looks
each half second, all of them in the way of the submits that are written there. Here those who wait at the
same place share one look. Nobody needs a task of their own for that: one of them looks, the others wait for
what it finds, and when it gives up, the turn is another's, who looks when the first one would have. Looks at
different places are made one after another, first come, first served: a submit waits for one of them at most.
"""

from typing import Final

import anyio

from keebai_async.clock import Clock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.contract import Journal
from keebai_async.model.event_place import EventPlace
from keebai_async.model.events import EventPage

EVENTS_READ_EVERY: Final = 0.5
"""Seconds between two looks at what was told of a campaign."""


class _SharedLook:
    """Where readers wait for more in one campaign, or list, until somebody *found* what comes next."""

    def __init__(self, next_look: float) -> None:
        self.readers = 0
        self.next_look = next_look
        self.taken = False
        self.turn = anyio.Event()
        self.found: EventPage | Exception | None = None


class EventWatch:
    """The readers of one client."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._places: dict[tuple[str, str], _SharedLook] = {}
        self._one_look = anyio.Lock()

    async def more(self, campaign_id: str, after: EventPlace) -> EventPage:
        """Wait until there is an event behind the place *after*, or until the campaign, or list, is over.

        While the journal is away for a while, it is waited for. Raises CampaignNotFound, JournalUnusable.
        """
        key = (campaign_id, str(after))
        place = self._places.setdefault(key, _SharedLook(self._clock.now()))
        place.readers += 1
        try:
            while place.found is None:
                if place.taken:
                    await place.turn.wait()
                else:
                    await self._look(key, place)
        finally:
            place.readers -= 1
            if not place.readers and self._places.get(key) is place:
                del self._places[key]
        if isinstance(place.found, Exception):
            raise place.found.with_traceback(None)  # or it would grow with each reader
        return place.found

    async def _look(self, key: tuple[str, str], place: _SharedLook) -> None:
        """Look for all who wait at *place* until something is found, or until who looks gives up."""
        place.taken = True
        try:
            while place.found is None:
                await self._clock.sleep(place.next_look - self._clock.now())
                # A look that was begun comes to its end, whatever becomes of us: others wait for it.
                async with self._one_look, anyio.create_task_group() as tasks:
                    tasks.start_soon(self._look_once, key, place)
        finally:
            place.taken = False
            place.turn.set()
            place.turn = anyio.Event()

    async def _look_once(self, key: tuple[str, str], place: _SharedLook) -> None:
        campaign_id, after = key
        with anyio.CancelScope(shield=True):
            try:
                page = await self._journal.events(campaign_id, after=after)
            except Exception as error:
                if not (isinstance(error, JournalUnusable) and error.temporary):
                    place.found = error
            else:
                place.found = page if page.events or page.over else None
        place.next_look = self._clock.now() + EVENTS_READ_EVERY
        if place.found is not None and self._places.get(key) is place:
            del self._places[key]  # who comes from now on looks again
