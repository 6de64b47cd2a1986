"""Where a plan had each of the people of a chunk: there what webhooks told of them is kept. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.marks import mark_in, tag_of

PERHAPS_SENT: Final = frozenset(
    {ChunkState.ACCEPTED, ChunkState.UNKNOWN, ChunkState.SUBMITTING, ChunkState.ABANDONED}
)
"""The states of a chunk whose people may have been sent to."""


def perhaps_got(chunk: Chunk) -> bool:
    """Whether somebody of *chunk* may have been sent to: by its last request, also if it was given up then;
    or by one before that, which was accepted, as webhooks told after it was refused or planned again.
    """
    return chunk.state in PERHAPS_SENT or chunk.noticed_at is not None or chunk.twice_at is not None


def departures(chunks: Iterable[Chunk]) -> list[tuple[float, int]]:
    """(when, how many people) of each chunk that left and may have reached them, the earliest first."""
    return sorted(
        (chunk.submitted_at, chunk.recipients)
        for chunk in chunks
        if chunk.state in PERHAPS_SENT and chunk.submitted_at is not None
    )


Place = tuple[int, int]
"""A chunk of the plan and a place in it, from 0."""


class _WithMark(msgspec.Struct, gc=False):
    meta_data: object = None


_PEOPLE_WITH_MARKS: Final = msgspec.json.Decoder(list[_WithMark])


def planned_places(campaign: StoredCampaign, chunk: Chunk, items: bytes) -> list[Place | None]:
    """Where the plan had each person of a chunk; None where nothing says it.

    A chunk that nothing was cut out of is as it was planned; of what was cut, the marks say it.
    """
    plan = campaign.plan
    if chunk.number <= len(plan.chunks) and plan.chunks[chunk.number - 1] == chunk.recipients:
        return [(chunk.number, place) for place in range(chunk.recipients)]
    tag = tag_of(plan.campaign_id)
    places: list[Place | None] = []
    for person in _PEOPLE_WITH_MARKS.decode(items):
        mark = mark_in(person.meta_data) if isinstance(person.meta_data, dict) else None
        places.append((mark.chunk, mark.place) if mark is not None and mark.tag == tag else None)
    return places
