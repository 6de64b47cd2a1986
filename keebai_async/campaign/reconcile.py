"""What a person looks for in the service's portal, to settle a chunk whose outcome is unknown."""

import msgspec

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import Started
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import chunk_name
from keebai_async.privacy import mask


class Sought(msgspec.Struct, frozen=True, kw_only=True, tag="unknown", tag_field="type"):
    """An unknown chunk as it would stand in the portal, if it arrived.

    *left_at* is when its request left, in Unix time. *first* and *last* are its numbers at either end,
    masked; empty when its people were purged.
    """

    number: int
    campaign_name: str
    left_at: float | None
    recipients: int
    first: str
    last: str
    reason: str | None


class _Person(msgspec.Struct):
    to: str


_PEOPLE = msgspec.json.Decoder(list[_Person])


def open_questions(campaign: Started) -> list[Chunk]:
    """The chunks that a person has to settle: no answer was seen, and nobody is waiting for one."""
    states = {ChunkState.UNKNOWN} | (set() if campaign.holder else {ChunkState.SUBMITTING})
    return [chunk for chunk in campaign.chunks if chunk.state in states]


async def sought(campaign: Started, journal: Journal) -> tuple[Sought, ...]:
    """One for each open question of *campaign*, in the order of their numbers."""
    return tuple([await _sought(campaign, chunk, journal) for chunk in open_questions(campaign)])


async def _sought(campaign: Started, chunk: Chunk, journal: Journal) -> Sought:
    plan = campaign.plan
    people: list[_Person] = []
    if campaign.purged_at is None:
        people = _PEOPLE.decode(await journal.items(plan.campaign_id, chunk.number))
    return Sought(
        number=chunk.number,
        campaign_name=chunk_name(plan.name, chunk.number, len(plan.chunks), parent=chunk.parent),
        left_at=chunk.submitted_at,
        recipients=chunk.recipients,
        first=mask(people[0].to) if people else "",
        last=mask(people[-1].to) if people else "",
        reason=chunk.reason,
    )
