"""Whom of a campaign's people others of the journal reached: by identity key, a chunk at a time.

What is in memory is the campaign's own keys (with the extra `large` a few bytes a person) and one chunk of
another campaign. Nothing is read where no other campaign of the last 30 days was launched.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from keebai_async.errors import CampaignNotFound, InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.parts import load_parts, load_with_siblings
from keebai_async.model.campaign import StoredCampaign, began_after
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.identity import identities
from keebai_async.model.places import perhaps_got
from keebai_async.model.reached import KNOWN_FOR, REPEATED_WITHIN, Reached
from keebai_async.planning.key_set import KeySet, no_keys
from keebai_async.planning.retry_people import family_of
from keebai_async.planning.suppress import SuppressedPeople

_COMPARED_AT_ONCE: Final = 5_000
"""People that are in memory together: a chunk of the largest size."""


class _WithNumber(msgspec.Struct, gc=False):
    to: str


_PEOPLE = msgspec.json.Decoder(list[_WithNumber])


async def reached_before(
    campaign: StoredCampaign, journal: Journal, *, now: float, only_repeated: bool = False
) -> tuple[Reached, ...]:
    """What other campaigns have to do with the people of *campaign* who are unsent; the newest first.

    *now* is Unix time. Tests reach nobody and repeat nothing. A retry repeats nothing of its own family. Of a
    part of a list over several senders it is told of the whole list, because it is agreed to as a whole; but
    not of parts that were purged, because they are sent to nobody.
    *only_repeated* leaves out what is no repetition, and reads nobody for it: so a campaign that is taken up
    does not wait until a month of others is compared.

    Raises:
        CampaignNotFound: a part of the list is not there.
        JournalUnusable: it cannot be read.
    """
    parts = [each for each in await load_with_siblings(journal, campaign) if each.purged_at is None]
    if campaign.plan.test or not any(map(_unsent_chunks, parts)):
        return ()
    mine = campaign if campaign.purged_at is None else parts[0]
    every = await journal.campaigns()
    own = {each.plan.campaign_id for each in parts}
    # Who of its own family has the message, a retry asks of each person, and exactly.
    for each in parts:
        own |= {each.plan.campaign_id for each in family_of(each, every)} if each.plan.retry else set()
    others = [
        _Other(other, mine, parts, now, only_repeated=only_repeated)
        for other in every
        if other.plan.campaign_id not in own
    ]
    others = [other for other in others if other.matters]
    if not others:
        return ()
    keys = await no_keys()
    for each in parts:
        with suppress(CampaignNotFound):  # purged while we looked
            async for people in _people_of(_unsent_chunks(each), each.plan.campaign_id, journal):
                keys.update(people)
    found = [await other.compare(keys, journal) for other in others]
    return tuple(each for each in found if each.people or each.unsent)


async def people_reached_by(campaign_id: str, journal: Journal) -> SuppressedPeople:
    """Everybody whom a campaign has reached, or still will when it goes on.

    Raises:
        CampaignNotFound: there is none, or its people were purged.
        InvalidInput: it was never launched.
    """
    parts = await load_parts(journal, campaign_id)
    if not any(map(_launched, parts)):
        raise InvalidInput(
            f"campaign {campaign_id} was not launched, so it has reached nobody yet", field="rest_of"
        )
    keys = await no_keys()
    for part in parts:
        for chunk in part.chunks:
            if (perhaps_got(chunk) or chunk.state is ChunkState.PLANNED) and chunk.recipients:
                keys.update(_keys(await journal.items(part.plan.campaign_id, chunk.number)))
    return SuppressedPeople(f"campaign {campaign_id}", keys)


def reached_lately(campaign: StoredCampaign, *, now: float) -> int:
    """How many people of *campaign* got it so short a time ago that the same would be a repetition."""
    if campaign.plan.test or campaign.purged_at is not None:
        return 0
    since, made = now - REPEATED_WITHIN, campaign.plan.created_at
    lately = (each for each in campaign.chunks if _left(each) and (each.left_last_at or made) > since)
    return sum(each.recipients for each in lately)


class _Other:
    """Another campaign, and which of its chunks matter for *mine*, which is one of *parts* or alone."""

    def __init__(
        self,
        other: StoredCampaign,
        mine: StoredCampaign,
        parts: Sequence[StoredCampaign],
        now: float,
        *,
        only_repeated: bool,
    ) -> None:
        self._other = other
        plan, own = other.plan, mine.plan
        self._plan = plan
        launched = [at for each in parts if (at := _launched_at(each)) is not None]
        self._since = min(launched, default=now - REPEATED_WITHIN)
        self._same_words = plan.template == own.template or bool(own.wording and plan.wording == own.wording)
        same = [each for each in parts if each.plan.fingerprint and each.plan.fingerprint == plan.fingerprint]
        self._same = bool(same)
        self._same_people = sum(each.recipients for part in same for each in _unsent_chunks(part))
        self._limited = plan.limit is not None and plan.source == own.source
        chunks = () if plan.test or not _launched(other) else other.chunks
        self._left = [each for each in chunks if _left(each) and self._at(each) > now - KNOWN_FOR]
        self._unsent = [
            each
            for each in chunks
            if each.state is ChunkState.PLANNED
            and each.recipients
            and other.purged_at is None
            and not _left(each)
        ]
        if began_after(other, mine):  # it looks for ours, and asks for the word
            self._unsent = []
        if only_repeated:
            alike = self._same_words or self._same
            self._left = [each for each in self._left if alike and self._at(each) > self._since]
            self._unsent = self._unsent if alike else []

    @property
    def matters(self) -> bool:
        return bool(self._left or self._unsent)

    async def compare(self, keys: KeySet, journal: Journal) -> Reached:
        if self._other.purged_at is not None:
            return self._purged()
        try:
            lately = [each for each in self._left if self._repeats(each)]
            before = [each for each in self._left if not self._repeats(each)]
            repeated = await self._count(lately, keys, journal)
            people = repeated + await self._count(before, keys, journal)
            unsent = await self._count(self._unsent, keys, journal)
        except CampaignNotFound:  # purged, or removed, while we looked
            return self._purged()
        if self._same_words and self._is_live():
            repeated += unsent
        return self._reached(people=people, unsent=unsent, repeated=repeated)

    def _repeats(self, chunk: Chunk) -> bool:
        return self._same_words and self._at(chunk) > self._since

    async def _count(self, chunks: Iterable[Chunk], keys: KeySet, journal: Journal) -> int:
        found = 0
        async for people in _people_of(chunks, self._plan.campaign_id, journal):
            found += sum(1 for _ in keys.held(people))
        return found

    def _is_live(self) -> bool:
        """It runs, or did so short enough ago that somebody may let it go on."""
        if self._other.holder is not None:
            return True
        facts = self._other.facts
        times = (facts.ended_at, facts.told_at, facts.launched_at, *map(self._at, self._left))
        return any(at is not None and at > self._since for at in times)

    def _purged(self) -> Reached:
        people = sum(each.recipients for each in self._left)
        recently = [each for each in self._left if self._at(each) > self._since]
        repeated = self._same_people if recently else 0
        return self._reached(people=people, unsent=0, repeated=repeated, purged=True)

    def _reached(self, *, people: int, unsent: int, repeated: int, purged: bool = False) -> Reached:
        return Reached(
            campaign_id=self._plan.campaign_id,
            name=self._plan.name,
            template=self._plan.template,
            language=self._plan.language,
            people=people,
            at=max(map(self._at, self._left), default=None) if people else None,
            unsent=unsent,
            repeated=repeated,
            limited=self._limited,
            same=self._same,
            purged=purged,
        )

    def _at(self, chunk: Chunk) -> float:
        return chunk.left_last_at or self._plan.created_at


def _left(chunk: Chunk) -> bool:
    """Somebody of the chunk may have got it."""
    return perhaps_got(chunk) and chunk.recipients > 0 and not (chunk.final and not chunk.sent)


def _unsent_chunks(campaign: StoredCampaign) -> list[Chunk]:
    return [each for each in campaign.chunks if each.state is ChunkState.PLANNED and each.recipients]


def _launched(campaign: StoredCampaign) -> bool:
    return campaign.holder is not None or any(chunk.attempts for chunk in campaign.chunks)


def _launched_at(campaign: StoredCampaign) -> float | None:
    """When its first submit left; None if none did."""
    if not any(chunk.attempts for chunk in campaign.chunks):
        return None
    left = (chunk.submitted_at for chunk in campaign.chunks if chunk.submitted_at is not None)
    return campaign.facts.launched_at or min(left, default=None)


async def _people_of(chunks: Iterable[Chunk], campaign_id: str, journal: Journal) -> AsyncIterator[list[int]]:
    """The keys of who is in *chunks*, chunk by chunk; small ones are read together."""
    for numbers in _batches(chunks):
        for items in await journal.items_of(campaign_id, numbers):
            yield _keys(items)


def _batches(chunks: Iterable[Chunk]) -> Iterator[list[int]]:
    numbers, people = list[int](), 0
    for chunk in chunks:
        if numbers and people + chunk.recipients > _COMPARED_AT_ONCE:
            yield numbers
            numbers, people = [], 0
        numbers.append(chunk.number)
        people += chunk.recipients
    if numbers:
        yield numbers


def _keys(items: bytes) -> list[int]:
    return identities([person.to for person in _PEOPLE.decode(items)])
