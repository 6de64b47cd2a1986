"""Messages without a mark, compared with the people of chunks that nobody got an answer for.

The service may not give marks back. Then a message to a number of an unknown chunk, told of since the chunk
left, is something that a person wants to see who looks for it in the portal. It is no proof: people of the
team and other programs write to the same numbers. So it is counted, and nothing is decided by it.

Source: contract, section 7.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from keebai_async.clock import Clock
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.webhooks.events import MessageStatus

LOST_LOOKED_FOR_EVERY: Final = 5.0
"""Seconds between two looks for chunks without an answer."""
MATCHED_FOR: Final = 30 * 86_400.0
"""Seconds after a chunk left in which a message may be one of it. Source: contract, section 7."""

_EARLY: Final = 5.0  # seconds by which the service's clock and ours may differ
_KEPT: Final = (
    10_000  # messages that are compared again, since they may be told of before their chunk is seen
)
_MOST_LOST: Final = 100  # chunks, the last that left
_NO_ANSWER: Final = frozenset({ChunkState.SUBMITTING, ChunkState.UNKNOWN})


class _Listed(msgspec.Struct):
    to: str


_PEOPLE_TO_MATCH: Final = msgspec.json.Decoder(list[_Listed])


class _LostChunk(msgspec.Struct, frozen=True, kw_only=True):
    campaign_id: str
    number: int
    left_at: float
    sender: str
    """Empty where it is not known by the id that events name."""


class UnmarkedMatcher:
    """Writes into *journal* which people of its unknown chunks were told of without a mark."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._chunks: dict[tuple[str, int], dict[str, int]] = {}
        self._lost: dict[tuple[str, int], _LostChunk] = {}
        self._looked_at = -LOST_LOOKED_FOR_EVERY
        self._recent: deque[MessageStatus] = deque(maxlen=_KEPT)

    async def match(self, events: Iterable[MessageStatus]) -> None:
        """Keep what *events*, none of which has a mark of ours, may be about. Raises JournalUnusable."""
        new = [event for event in events if event.number]
        if not new:
            return
        self._recent.extend(new)
        if self._clock.now() - self._looked_at >= LOST_LOOKED_FOR_EVERY:
            self._looked_at = self._clock.now()
            await self._look()
            new = list(self._recent)
        found: dict[tuple[str, int], dict[int, float]] = {}
        for event in new:
            matching = list(self._matching(event))
            if len(matching) == 1:  # more than one, or none, says nothing
                key, place, at = matching[0]
                places = found.setdefault(key, {})
                places[place] = min(at, places.get(place, at))
        for (campaign_id, number), people in found.items():
            with suppress(CampaignNotFound):  # its people were purged
                await self._journal.match(campaign_id, number, people)

    def _matching(self, event: MessageStatus) -> Iterator[tuple[tuple[str, int], int, float]]:
        at = event.at or self._clock.wall()
        for key, lost in self._lost.items():
            place = self._chunks[key].get(_comparable(event.number))
            sent_by_it = not (lost.sender and event.sender) or lost.sender == event.sender
            if place is not None and sent_by_it and -_EARLY <= at - lost.left_at <= MATCHED_FOR:
                yield key, place, at

    async def _look(self) -> None:
        """See which chunks have no answer now, and read the people of those that are new."""
        lost = {
            (one.plan.campaign_id, chunk.number): _lost(one, chunk)
            for one in await self._journal.campaigns()
            if one.purged_at is None
            for chunk in one.chunks
            if chunk.state in _NO_ANSWER and chunk.submitted_at is not None
        }
        newest = sorted(lost, key=lambda key: lost[key].left_at)[-_MOST_LOST:]
        for key in set(newest) - self._chunks.keys():
            with suppress(CampaignNotFound):
                people = _PEOPLE_TO_MATCH.decode(await self._journal.items(*key))
                self._chunks[key] = {_comparable(each.to): place for place, each in enumerate(people)}
        self._lost = {key: lost[key] for key in newest if key in self._chunks}
        self._chunks = {key: self._chunks[key] for key in self._lost}


def _lost(campaign: StoredCampaign, chunk: Chunk) -> _LostChunk:
    return _LostChunk(
        campaign_id=campaign.plan.campaign_id,
        number=chunk.number,
        left_at=chunk.submitted_at or 0.0,
        sender=campaign.plan.sender.phone_number_id or "",
    )


def _comparable(number: str) -> str:
    """The country and the last eight digits: what comes between, operators write in two ways."""
    digits = "".join(filter(str.isdecimal, number))
    return f"{digits[:2]} {digits[-8:]}"
