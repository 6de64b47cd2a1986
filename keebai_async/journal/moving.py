"""Moves of chunks in the tables of a journal: each with what becomes of its chunk, in one piece."""

from collections.abc import Sequence

from msgspec.structs import replace

from keebai_async.journal import rules
from keebai_async.journal.reading import chunk_of
from keebai_async.journal.tables import ChunkRow, EventRow, MoveRow, Tables
from keebai_async.journal.telling import tell_move
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Move


def expect(tables: Tables, campaign_id: str, number: int) -> None:
    """Say that a chunk will be looked at, and what was told last."""
    tables.expect(ChunkRow, campaign_id, number)
    tables.expect(EventRow, campaign_id)


def record(tables: Tables, campaign_id: str, move: Move, *, at: float) -> Chunk:
    """Make *move*, at the time *at* (Unix time). Raises ForbiddenMove, CampaignNotFound."""
    row = chunk_of(tables, campaign_id, move.number)
    return put(tables, row, move, rules.moved(row.chunk, move), at=at)


def kept(tables: Tables, campaign_id: str, move: Move) -> Chunk | None:
    """The chunk after *move*, if that very move is the last one in the journal already."""
    row = tables.get(ChunkRow, campaign_id, move.number)
    made = tables.get(MoveRow, campaign_id, move.number, move.step)
    there = row is not None and made is not None and made.move == move and row.chunk.step == move.step
    return row.chunk if row is not None and there else None


def after_cut(tables: Tables, campaign_id: str, moves: Sequence[Move]) -> tuple[Chunk, ...]:
    """The chunks of *moves*, which were cut together, and those that the first of them was cut into."""
    chunks = {row.chunk.number: row.chunk for row in tables.rows(ChunkRow, campaign_id)}
    children = [chunk for chunk in chunks.values() if chunk.parent == moves[0].number]
    return (*(chunks[move.number] for move in moves), *children)


def put(
    tables: Tables,
    row: ChunkRow,
    move: Move,
    after: Chunk,
    *,
    at: float,
    into: tuple[int, ...] = (),
    born: int = 0,
) -> Chunk:
    """Add a move that is allowed, what it is told as, and what became of its chunk; gives the chunk.

    *into* are the chunks that its people are cut into; *born* of them were not counted with another move.
    """
    campaign_id = row.campaign_id
    event_id = tell_move(tables, campaign_id, row.chunk, move, after, at=at, into=into, born=born)
    chunk = replace(after, event_id=event_id)
    tables.insert(MoveRow(campaign_id=campaign_id, move=move, recorded_at=at))
    tables.update(replace(row, chunk=chunk))
    return chunk


def recover(tables: Tables, campaign_id: str, *, seen_dead: bool, at: float) -> tuple[Chunk, ...]:
    """Move what was on its way when its process died, or fell silent, to unknown."""
    chunks = [row.chunk for row in tables.rows(ChunkRow, campaign_id)]
    return tuple(
        [
            record(tables, campaign_id, rules.lost(chunk, seen_dead=seen_dead, at=at), at=at)
            for chunk in chunks
            if chunk.state is ChunkState.SUBMITTING
        ]
    )
