"""Messages without a mark that may be of an unknown chunk, in the tables of a journal: for people to see."""

import sys
from array import array
from collections.abc import Mapping
from typing import Final

from keebai_async.journal.reading import campaign_of, chunk_of
from keebai_async.journal.tables import MatchesRow, Tables
from keebai_async.model.fates import UnmarkedMatch
from keebai_async.storage.safety import Damaged

_LATEST_TIME: Final = 2**32 - 1


def match(tables: Tables, campaign_id: str, number: int, people: Mapping[int, float]) -> int:
    """Keep when each of *people*, by place, was first told of; gives how many were not known.

    Raises CampaignNotFound; places that the chunk does not have are passed over.
    """
    campaign = campaign_of(tables, campaign_id)
    chunk = chunk_of(tables, campaign_id, number).chunk
    if campaign.purged_at is not None:
        return 0
    before = tables.get(MatchesRow, campaign_id, number)
    times = array("I", bytes(4 * chunk.recipients)) if before is None else _times(before)
    new, changed = 0, False
    for place, told_at in people.items():
        at = min(max(1, int(told_at)), _LATEST_TIME)
        if 0 <= place < len(times) and not 0 < times[place] <= at:
            new, changed = new + (not times[place]), True
            times[place] = at
    if changed:
        row = MatchesRow(campaign_id=campaign_id, number=number, times=_little_endian(times).tobytes())
        (tables.insert if before is None else tables.update)(row)
    return new


def matches(tables: Tables, campaign_id: str) -> dict[int, UnmarkedMatch]:
    """What was kept, by the number of the chunk."""
    found = {row.number: [at for at in _times(row) if at] for row in tables.rows(MatchesRow, campaign_id)}
    return {
        number: UnmarkedMatch(people=len(times), first_at=float(min(times)), last_at=float(max(times)))
        for number, times in found.items()
        if times
    }


def _times(row: MatchesRow) -> "array[int]":
    times = array("I")
    try:
        times.frombytes(row.times)
    except ValueError as error:
        raise Damaged(f"what was told of chunk {row.number} without marks cannot be read") from error
    return _little_endian(times)


def _little_endian(times: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        times = times[:]
        times.byteswap()
    return times
