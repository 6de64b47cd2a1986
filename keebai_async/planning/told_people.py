"""People of a campaign with what webhooks told of them: by the marks that they carry, a chunk at a time.

Fates are kept by the chunk and the place of the plan. People may have been cut into other chunks since, but
each carries the mark that says where they were.
"""

from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import compress
from typing import Final

import anyio.lowlevel
import msgspec

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.fates import PersonState
from keebai_async.model.places import PERHAPS_SENT, Place, planned_places
from keebai_async.model.result import Result
from keebai_async.model.row_numbers import RowNumbers

_RAW_PEOPLE: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NOTHING_TOLD: Final = PersonState()


class ToldPeople(Result, frozen=True, kw_only=True):
    """Some people of one chunk, with what webhooks told of each; *items* is the JSON array of them.

    *rows* are those of the list that was planned; None where they are not known.
    """

    chunk: Chunk
    items: bytes
    states: Sequence[PersonState]
    rows: Sequence[int | None]


async def told_people(
    campaign: StoredCampaign, journal: Journal, wanted: Callable[[PersonState], bool]
) -> AsyncIterator[ToldPeople]:
    """Those who may have been sent to and whose state is *wanted*, in the order of the chunks.

    Raises:
        CampaignNotFound: the people were purged.
    """
    plan = campaign.plan
    rejected = array("Q", [each.row async for each in journal.rejections(plan.campaign_id)])
    rows = RowNumbers(plan, rejected)
    fates = FatesByPlace(journal, plan.campaign_id)
    for chunk in campaign.chunks:
        if chunk.state not in PERHAPS_SENT or not chunk.recipients:
            continue
        items = await journal.items(plan.campaign_id, chunk.number)
        places = planned_places(campaign, chunk, items)
        states = await fates.states(places)
        await anyio.lowlevel.checkpoint()  # a chunk takes some milliseconds
        chosen = list(map(wanted, states))
        if not any(chosen):
            continue
        raw = compress(_RAW_PEOPLE.decode(items), chosen)
        yield ToldPeople(
            chunk=chunk,
            items=b"[%b]" % b",".join(map(bytes, raw)),
            states=list(compress(states, chosen)),
            rows=[None if place is None else rows.row(*place) for place in compress(places, chosen)],
        )


class FatesByPlace:
    """What was told of the people of one campaign, read as it is asked for; one chunk is in memory."""

    def __init__(self, journal: Journal, campaign_id: str) -> None:
        self._journal = journal
        self._campaign_id = campaign_id

    async def states(self, places: Sequence[Place | None]) -> list[PersonState]:
        """The state of the person at each of *places*, as it is now."""
        wanted: dict[int, list[tuple[int, int]]] = {}
        for position, place in enumerate(places):
            if place is not None:
                wanted.setdefault(place[0], []).append((position, place[1]))
        states = [_NOTHING_TOLD] * len(places)
        for number in sorted(wanted):
            fates = await self._journal.chunk_fates(self._campaign_id, number)
            if fates is not None:
                for position, inside in wanted[number]:
                    if inside < len(fates):
                        states[position] = fates.state(inside)
        return states
