"""From events to what the journal knows of each person: by marks alone, which prove whose a message is."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.journal.contract import Journal
from keebai_async.model.fates import PersonNews
from keebai_async.model.marks import mark_in, tag_of
from keebai_async.webhooks.events import AnyWebhookEvent, MessageFailed, MessageStatus
from keebai_async.webhooks.receiver import WebhookReceiver

_STRANGERS: Final = 1_000


class FateRecorder:
    """Writes what events tell of the people of *journal*'s campaigns into it.

    Any number of them may write into one journal, each from one event loop. No lease is asked for.
    """

    __slots__ = {
        "__dict__": "",
        "counts": "How many statuses told something new, nothing new, or nothing of a campaign that is here.",
    }

    counts: Counter[str]

    def __init__(self, journal: Journal, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.counts = Counter()
        self._journal = journal
        self._clock = clock
        self._campaigns: dict[str, str] = {}
        self._strangers: set[str] = set()

    async def record(self, events: Sequence[AnyWebhookEvent]) -> int:
        """Return when what *events* tell is on disk: how many told something that was not known.

        Raises JournalUnusable.
        """
        statuses = [event for event in events if isinstance(event, MessageStatus)]
        told = [news for event in statuses if (news := await self._news_of(event)) is not None]
        new = await self._journal.tell(told) if told else 0
        self.counts.update(new=new, known=len(told) - new, unassigned=len(statuses) - len(told))
        return new

    async def _news_of(self, event: MessageStatus) -> PersonNews | None:
        """What an event says of a person of ours; None without a mark of a campaign that is here."""
        mark = mark_in(event.meta_data)
        campaign_id = None if mark is None else await self._campaign_of(mark.tag)
        if mark is None or campaign_id is None:
            return None
        return PersonNews(
            campaign_id=campaign_id,
            chunk=mark.chunk,
            place=mark.place,
            fate=event.fate,
            at=event.at or self._clock.wall(),
            code=event.code if isinstance(event, MessageFailed) else 0,
            number=event.number,
            broadcast_id=event.broadcast_id,
        )

    async def _campaign_of(self, tag: str) -> str | None:
        """A plan is in the journal before anybody is sent to, so one look for a tag tells it for good."""
        if tag not in self._campaigns and tag not in self._strangers:
            campaigns = await self._journal.campaigns()
            self._campaigns = {tag_of(one.plan.campaign_id): one.plan.campaign_id for one in campaigns}
            if tag not in self._campaigns and len(self._strangers) < _STRANGERS:
                self._strangers.add(tag)
        return self._campaigns.get(tag)


async def record_fates(receiver: WebhookReceiver, recorder: FateRecorder) -> None:
    """For ever: write what *receiver* has into the journal, and only then take it out of the spool.

    Raises JournalUnusable; what was not written stays in the spool.
    """
    async for batch in receiver.batches():
        await recorder.record(batch)
