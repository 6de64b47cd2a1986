"""Where a plan had each of the people of a chunk: there what webhooks told of them is kept. Pure."""

from typing import Final

import msgspec

from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.marks import mark_in, tag_of

PERHAPS_SENT: Final = frozenset(
    {ChunkState.ACCEPTED, ChunkState.UNKNOWN, ChunkState.SUBMITTING, ChunkState.ABANDONED}
)
"""The states of a chunk whose people may have been sent to."""

Place = tuple[int, int]
"""A chunk of the plan and a place in it, from 0."""


class _WithMark(msgspec.Struct, gc=False):
    meta_data: object = None


_PEOPLE_WITH_MARKS: Final = msgspec.json.Decoder(list[_WithMark])


def planned_places(campaign: StoredCampaign, chunk: Chunk, items: bytes) -> list[Place | None]:
    """Where the plan had each person of a chunk; None where nothing says it.

    A mark says it. Without marks, a chunk that nothing was cut out of is as it was planned.
    """
    plan = campaign.plan
    tag = tag_of(plan.campaign_id)
    whole = chunk.number <= len(plan.chunks) and plan.chunks[chunk.number - 1] == chunk.recipients
    places: list[Place | None] = []
    for position, person in enumerate(_PEOPLE_WITH_MARKS.decode(items)):
        mark = mark_in(person.meta_data) if isinstance(person.meta_data, dict) else None
        if mark is not None and mark.tag == tag:
            places.append((mark.chunk, mark.place))
        else:
            places.append((chunk.number, position) if whole else None)
    return places
