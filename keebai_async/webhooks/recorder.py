"""From events to what the journal knows of each person: what became of them, and whether they want no more.

What became of a message is known by marks alone, which prove whose it is. A reply has none: `replies.py` says
whose that is. Who says stop is known by their
number, whatever campaign they answer; where the number did not come, by the mark of the message.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.model.fates import PersonNews
from keebai_async.model.marks import Mark, mark_in, tag_of
from keebai_async.model.opt_outs import ConsentWord
from keebai_async.model.recipient import Recipient
from keebai_async.webhooks.events import AnyWebhookEvent, MessageFailed, MessageReceived, MessageStatus
from keebai_async.webhooks.matching import UnmarkedMatcher
from keebai_async.webhooks.opt_outs import Unnamed, consent_in
from keebai_async.webhooks.receiver import WebhookReceiver
from keebai_async.webhooks.replies import ReplyFinder
from keebai_async.webhooks.stop_words import StopWords

_STRANGERS: Final = 1_000
_PEOPLE_OF_MARKS: Final = msgspec.json.Decoder(list[Recipient])


class FateRecorder:
    """Writes what events tell of the people of *journal*'s campaigns into it, and who opted out.

    Any number of them may write into one journal, each from one event loop. No lease is asked for. *words*
    are those by which people opt out, and come back (default: those of the environment, else the usual ones);
    without *opt_outs* that is left to somebody else.
    """

    __slots__ = {
        "__dict__": "",
        "counts": (
            "How many statuses told something new, nothing new, or nothing of a campaign that is here;"
            " how many replies are of somebody of one campaign, and how many of none or of several;"
            " how many people opted out or came back, and how many said so whose number is not known."
        ),
    }

    counts: Counter[str]

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock = SYSTEM_CLOCK,
        words: StopWords | None = None,
        opt_outs: bool = True,
    ) -> None:
        self._words = (words or StopWords.named(os.environ)) if opt_outs else None
        self.counts = Counter()
        self._journal = journal
        self._matcher = UnmarkedMatcher(journal, clock)
        self._clock = clock
        self._campaigns: dict[str, str] = {}
        self._strangers: set[str] = set()
        self._replies = ReplyFinder(journal)

    async def record(self, events: Sequence[AnyWebhookEvent]) -> int:
        """Return when what *events* tell is on disk: how many things they told that were not known.

        Raises JournalUnusable.
        """
        statuses = [event for event in events if isinstance(event, MessageStatus)]
        told, unmarked = [], []
        for event in statuses:
            news = await self._news_of(event)
            unmarked.append(event) if news is None else told.append(news)
        await self._matcher.match(unmarked)
        new = await self._journal.tell(told) if told else 0
        self.counts.update(new=new, known=len(told) - new, unassigned=len(statuses) - len(told))
        return new + await self._record_replies(events) + await self._record_consent(events)

    async def _record_replies(self, events: Sequence[AnyWebhookEvent]) -> int:
        """Keep who wrote back. After the statuses: a message that failed is not answered."""
        replies = [event for event in events if isinstance(event, MessageReceived)]
        if not replies:
            return 0
        told = await self._replies.news_of([(each, each.at or self._clock.wall()) for each in replies])
        self.counts["replies"] += len(told)
        self.counts["replies unassigned"] += len(replies) - len(told)
        return await self._journal.tell(told) if told else 0

    async def _record_consent(self, events: Sequence[AnyWebhookEvent]) -> int:
        """Keep who opted out, or came back."""
        if self._words is None:
            return 0
        said: list[ConsentWord] = []
        unnamed: list[Unnamed] = []
        for event in events:
            for word in consent_in(event, self._words, now=self._clock.wall()):
                unnamed.append(word) if isinstance(word, Unnamed) else said.append(word)
        if unnamed:
            named = [each async for each in self._named(unnamed)]
            said += named
            self.counts["opt-outs without a number"] += len(unnamed) - len(named)
        new = await self._journal.say(said) if said else 0
        self.counts["opt-outs"] += new
        return new

    async def _named(self, unnamed: Sequence[Unnamed]) -> AsyncIterator[ConsentWord]:
        """Those whose message has a mark of a campaign that is here, each chunk of it read once."""
        sought: dict[tuple[str, int], dict[Mark, list[Unnamed]]] = {}
        for word in unnamed:
            mark = mark_in(word.event.meta_data) if isinstance(word.event, MessageStatus) else None
            campaign_id = None if mark is None else await self._campaign_of(mark.tag)
            if mark is not None and campaign_id is not None:
                sought.setdefault((campaign_id, mark.chunk), {}).setdefault(mark, []).append(word)
        for (campaign_id, number), marks in sought.items():
            with suppress(CampaignNotFound):  # its people were purged
                async for mark, to in self._people_of(campaign_id, number):
                    for word in marks.pop(mark, ()):
                        yield word.said_by(to)
                    if not marks:
                        break

    async def _people_of(self, campaign_id: str, number: int) -> AsyncIterator[tuple[Mark, str]]:
        """The marks and numbers of the people of a chunk, also of those who were cut into others since."""
        family = {number}
        for chunk in (await self._journal.load(campaign_id)).chunks:  # children come after their parents
            if chunk.number != number and chunk.parent not in family:
                continue
            family.add(chunk.number)
            items = await self._journal.items(campaign_id, chunk.number) if chunk.recipients else b"[]"
            for person in _PEOPLE_OF_MARKS.decode(items):
                if (mark := mark_in(person.meta_data)) is not None:
                    yield mark, person.to

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
