"""What is told of a campaign, in the tables of a journal: each event in the transaction of what it tells.

The problem: any number of readers follow a campaign, in any process, each from the last event that it has
seen. One that is committed late, with a lower number than another that was read before it, is never read.
That is what becomes of numbers that a database hands out by itself (a sequence, an identity): they are given
when a row is inserted, and not when it is committed.

So here a number is one more than that of the event before it, per campaign, and who gives it has read that
one in the same transaction. Two that give the same number cannot both be committed: the key keeps the second
one out, and its transaction is made again behind the first. Who sees a number sees all that are lower. And
every transaction that tells something is safe from power cuts, so that a number that somebody has read is
never given again.

An event names nobody. What comes without end while a campaign runs (counters, waits) has a topic, of which
only the newest is kept, so there are a few rows for each chunk.
"""

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from keebai_async.journal.leases import Leases
from keebai_async.journal.reading import campaign_of, plan_of
from keebai_async.journal.rules import storable
from keebai_async.journal.tables import CampaignRow, ChunkRow, EventRow, Tables, WantRow
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk
from keebai_async.model.event_place import EventPlace
from keebai_async.model.events import AnyEvent, BroadcastProgress, EventPage, StateChanged, topic_of
from keebai_async.model.events_of_moves import events_of
from keebai_async.model.lifecycle import Move
from keebai_async.model.report import settle_counters

_ENDED: Final = frozenset({CampaignState.STOPPED, CampaignState.FINISHED})


def tell_move(
    tables: Tables,
    campaign_id: str,
    before: Chunk,
    move: Move,
    after: Chunk,
    *,
    at: float,
    into: tuple[int, ...] = (),
    born: int = 0,
) -> int:
    """Tell of a move that is not in the tables yet, and give the id of the last event that it makes.

    *into* are the chunks that its people are cut into; *born* of them are not counted yet.
    """
    last = tables.last_event(campaign_id)
    chunks = _chunks(tables, campaign_id, last) + (after.recipients > 0) - (before.recipients > 0) + born
    for event in events_of(before, move, after, of=chunks, into=into):
        last = _append(tables, campaign_id, last, event, at=at, chunks=chunks)
    return 0 if last is None else last.id


def tell_counters(tables: Tables, campaign_id: str, chunk: Chunk, *, at: float) -> int:
    """Tell the counters of an accepted chunk; gives the id of that."""
    sent, failed, pending = settle_counters(chunk)
    event = BroadcastProgress(
        number=chunk.number,
        broadcast_id=chunk.broadcast_id or "",
        sent=sent,
        failed=failed,
        pending=pending,
        final=chunk.final,
    )
    return tell(tables, campaign_id, event, at=at)


def tell_state(tables: Tables, row: CampaignRow, *, at: float) -> int:
    """Tell where the campaign stands by *row*; gives the id of that."""
    event = storable(StateChanged(state=row.state, reason=row.reason))
    return tell(tables, row.campaign_id, event, at=at)


def tell_notes(tables: Tables, campaign_id: str, notes: Iterable[AnyEvent]) -> None:
    """Keep what a run told that changed nothing in the journal; each has its own time."""
    for note in notes:
        tell(tables, campaign_id, storable(note), at=note.time.timestamp())


def tell(tables: Tables, campaign_id: str, event: AnyEvent, *, at: float) -> int:
    """Tell *event*, in the place of one of the same topic; gives its id."""
    last = tables.last_event(campaign_id)
    return _append(tables, campaign_id, last, event, at=at, chunks=_chunks(tables, campaign_id, last)).id


def forget(tables: Tables, row: CampaignRow, *, at: float) -> None:
    """Forget what was told of a campaign, but for where it stands. Ids go on: who reads on misses nothing."""
    last = tables.last_event(row.campaign_id)
    if last is not None:
        tables.delete(EventRow, row.campaign_id)
        event = StateChanged(state=row.state)
        _append(tables, row.campaign_id, last, event, at=at, chunks=last.chunks)


def page(tables: Tables, leases: Leases, place: EventPlace, *, limit: int) -> EventPage:
    """The events that come behind *place*, about *limit* at most. Raises CampaignNotFound.

    Those of several campaigns are in the order of their times, and those of each in that of their ids.
    """
    of_each = -(-limit // len(place.campaigns))
    told = [
        [row.event for row in tables.events_after(campaign_id, seen, limit=of_each)]
        for campaign_id, seen in zip(place.campaigns, place.seen, strict=True)
    ]
    if any(told):
        return EventPage(events=tuple(heapq.merge(*told, key=lambda event: event.time)))
    is_whole = len(place.campaigns) > 1
    over = [_is_over(tables, leases, each, is_part=is_whole) for each in place.campaigns]
    return EventPage(over=all(over))


def _is_over(tables: Tables, leases: Leases, campaign_id: str, *, is_part: bool) -> bool:
    """Nobody runs it, nobody will by itself, and it was run; or it is a part to which nobody fell."""
    row = campaign_of(tables, campaign_id)
    if leases.holder(tables, campaign_id) is not None or tables.get(WantRow, campaign_id) is not None:
        return False
    return row.state in _ENDED or (is_part and not plan_of(row).ready)


def _chunks(tables: Tables, campaign_id: str, last: EventRow | None) -> int:
    """How many chunks answer for somebody: counted once, and from then on kept beside each event."""
    if last is not None:
        return last.chunks
    return sum(1 for row in tables.rows(ChunkRow, campaign_id) if row.chunk.recipients)


def _append(
    tables: Tables, campaign_id: str, last: EventRow | None, event: AnyEvent, *, at: float, chunks: int
) -> EventRow:
    event_id, topic = 1 if last is None else last.id + 1, topic_of(event)
    told = replace(event, campaign_id=campaign_id, id=event_id, time=datetime.fromtimestamp(at, UTC))
    row = EventRow(campaign_id=campaign_id, id=event_id, chunks=chunks, topic=topic, event=told)
    if topic:
        tables.forget_event(campaign_id, topic)
    tables.insert(row)
    return row
