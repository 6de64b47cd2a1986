"""What webhooks prove of chunks, in the tables of a journal.

The problem: a mark that comes back says that the service took the chunk whose people have it. It may come at
any time: before the answer to the submit, after the process that waited for that answer was killed, while
another process runs the campaign, or after a person said that the chunk did not arrive. Who hears of it
may not change a chunk that somebody else is about to change.

The naive way is to move the chunk at once, or to remember in memory that it should be. Here what was told is
written beside the chunk, by anybody and without the lease: it is no move and changes no state. The move is
made by who holds the lease; where nobody does, by who heard of it, in the same transaction. So there is no
instant at which a process that dies leaves half of it behind: what was told is forgotten by its spool only
when it is here, and what is here becomes a move with the next run, if not before.

Nobody who has the mark of somebody else is believed: the person in the chunk that is meant must have exactly
this mark, and the number that was told of, where one was. Only what was told proves something. That nothing
was told proves nothing.

Source: webhooks contract, section 7.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from keebai_async.journal import wants
from keebai_async.journal.leases import Leases
from keebai_async.journal.moving import record, recover
from keebai_async.journal.reading import chunk_of
from keebai_async.journal.tables import CampaignRow, ChunkRow, ItemsRow, Tables
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Prove
from keebai_async.model.marks import people_told_of
from keebai_async.model.places import PERHAPS_SENT
from keebai_async.model.remainder import state_once_settled

_OPEN: Final = frozenset(
    {ChunkState.PLANNED, ChunkState.SUBMITTING, ChunkState.UNKNOWN, ChunkState.ABANDONED, ChunkState.REFUSED}
)


def note(
    tables: Tables,
    leases: Leases,
    campaign: CampaignRow,
    planned: ChunkRow,
    news: Sequence[PersonNews],
    *,
    more: int,
    at: float,
) -> None:
    """Write beside the chunks what *news* of the people of the chunk *planned* prove, and make moves of it.

    *more* is of how many of them nothing had been told before. *at* is the time now.
    """
    if campaign.purged_at is not None:
        return  # nobody can be compared any more
    told = [each for each in news if each.fate is not Fate.NONE]
    before = list(_now_in(tables, planned))
    after = []
    for row in before:
        chunk = row.chunk
        if row.born == chunk.recipients and more:
            chunk = replace(chunk, told=chunk.told + more, told_at=at)
        after.append(_noticed(tables, replace(row, chunk=chunk), told))
    after = _noticed_together(after)
    for row, chunk in zip(before, after, strict=True):
        if chunk != row.chunk:
            tables.update(replace(row, chunk=chunk))
    if any(each.noticed_at is not None and (_is_submitting(each) or each.provable) for each in after):
        _settle(tables, leases, campaign.campaign_id, at=at)


def prove(tables: Tables, campaign_id: str, *, at: float) -> tuple[Chunk, ...]:
    """Make the moves that follow from what was told; gives the chunks that were moved, as they are now."""
    chunks = [row.chunk for row in tables.rows(ChunkRow, campaign_id)]
    names = {chunk.broadcast_id for chunk in chunks}
    moved: list[Chunk] = []
    for chunk in chunks:
        if chunk.noticed_at is None or not chunk.provable:
            continue
        # A name that another chunk has is not this one's: it would be followed in its place.
        # One in which people of other chunks are as well is none of this chunk alone.
        name = chunk.noticed_id if chunk.attempts and chunk.noticed_id not in names else None
        names.add(name)
        move = Prove(number=chunk.number, step=chunk.step + 1, at=chunk.noticed_at, broadcast_id=name)
        moved.append(record(tables, campaign_id, move, at=at))
    return tuple(moved)


def hold_back(tables: Tables, leases: Leases, campaign_id: str, number: int, *, at: float) -> None:
    """Take for accepted who was cut from chunk *number* and has not left since: that chunk was, before.

    What has left again is perhaps there twice, and says so.
    """
    rows = tables.rows(ChunkRow, campaign_id)
    family = {number}
    for row in rows:  # children have higher numbers than their parents
        if row.chunk.parent in family:
            family.add(row.chunk.number)
    for row in rows:
        chunk = row.chunk
        if chunk.number == number or chunk.number not in family or chunk.left_earlier_at is None:
            continue
        if chunk.noticed_at is None and not chunk.attempts and chunk.provable:
            tables.update(replace(row, chunk=replace(chunk, noticed_at=at)))
        elif chunk.attempts and chunk.twice_at is None:
            tables.update(replace(row, chunk=replace(chunk, twice_at=at)))
    _settle(tables, leases, campaign_id, at=at)


def notice_earlier(tables: Tables, leases: Leases, campaign_id: str, number: int, *, at: float) -> None:
    """Take in that a chunk was accepted by an attempt before its last one, of which no answer was seen.

    It is not submitted again; and if the last one may have reached its people, they may have it twice, and it
    says so.
    """
    row = chunk_of(tables, campaign_id, number)
    chunk = row.chunk
    if chunk.noticed_at is None and chunk.state in _OPEN:
        chunk = replace(chunk, noticed_at=at)
    if chunk.twice_at is None and chunk.state in PERHAPS_SENT:
        chunk = replace(chunk, twice_at=at)
    if chunk != row.chunk:
        tables.update(replace(row, chunk=chunk))
        _settle(tables, leases, campaign_id, at=at)


def _settle(tables: Tables, leases: Leases, campaign_id: str, *, at: float) -> None:
    """Make the moves, unless somebody runs the campaign: then they are made there."""
    seen_dead = leases.saw_dead(tables, campaign_id)
    if not leases.bury(tables, campaign_id):
        return
    recover(tables, campaign_id, seen_dead=seen_dead, at=at)
    if not prove(tables, campaign_id, at=at):
        return
    row = tables.get(CampaignRow, campaign_id)
    chunks = [each.chunk for each in tables.rows(ChunkRow, campaign_id)]
    if row is not None and (after := state_once_settled(chunks, row.stopped_by)) is not None:
        reason, cause = (None, None) if after.stop is None else (after.stop.reason, after.stop.cause)
        wants.keep_state(tables, replace(row, state=after.state, reason=reason, stopped_by=cause), at=at)


def _noticed(tables: Tables, row: ChunkRow, news: Sequence[PersonNews]) -> Chunk:
    """The chunk with what *news* prove of it; it is only read as far as it has to be."""
    chunk = row.chunk
    first = chunk.noticed_at is None and chunk.state in _OPEN
    old = [] if chunk.twice_at is not None else list(_of_an_earlier_attempt(chunk, news))
    if not news or not (first or old):
        return chunk
    items = tables.get(ItemsRow, row.campaign_id, chunk.number)
    believed = [] if items is None else people_told_of(items.items, row.campaign_id, news if first else old)
    if not believed:
        return chunk
    if first:
        earliest = min(believed, key=lambda each: each.at)
        name = next((each.broadcast_id for each in believed if each.broadcast_id), None)
        chunk = replace(chunk, noticed_at=earliest.at, noticed_id=name)
    before = [each.at for each in believed if each in old]
    return replace(chunk, twice_at=min(before)) if before else chunk


def _is_submitting(chunk: Chunk) -> bool:
    return chunk.state is ChunkState.SUBMITTING


def _noticed_together(family: Sequence[Chunk]) -> list[Chunk]:
    """The chunks of which one proves what it proves of another: their people left in one request.

    That is so where a chunk was cut that had left before, as long as its children have not left themselves.
    """
    proofs: dict[float, float] = {}
    for chunk in family:
        left_at = chunk.left_last_at
        if chunk.noticed_at is not None and left_at is not None:
            proofs[left_at] = min(chunk.noticed_at, proofs.get(left_at, chunk.noticed_at))
        elif chunk.twice_at is not None and chunk.attempts == 1 and chunk.left_earlier_at is not None:
            proofs.setdefault(chunk.left_earlier_at, chunk.twice_at)
    return [
        replace(chunk, noticed_at=proofs[chunk.left_earlier_at])
        if chunk.noticed_at is None and not chunk.attempts and chunk.left_earlier_at in proofs
        else chunk
        for chunk in family
    ]


def _of_an_earlier_attempt(chunk: Chunk, news: Iterable[PersonNews]) -> Iterator[PersonNews]:
    """Those that cannot be of the last attempt: they are older, or of another broadcast.

    The attempts of the chunk that these people were cut from count.
    """
    if not chunk.left_perhaps_twice or chunk.submitted_at is None or chunk.left_before:
        return
    for each in news:
        other = bool(each.broadcast_id and chunk.broadcast_id) and each.broadcast_id != chunk.broadcast_id
        if other or chunk.before_last_attempt(each.at):
            yield each


def _now_in(tables: Tables, planned: ChunkRow) -> Iterator[ChunkRow]:
    """The chunks in which the people are who were planned in one: itself, unless it was cut."""
    if planned.born == planned.chunk.recipients:
        yield planned
        return
    inside = {planned.chunk.number}
    for row in tables.rows(ChunkRow, planned.campaign_id):  # by number, so a parent comes before its parts
        if row.chunk.number in inside or row.chunk.parent in inside:
            inside.add(row.chunk.number)
            if row.chunk.recipients:
                yield row
