"""Between rows of the file and the vocabulary: what was kept, read back and checked."""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from keebai_async.errors import ForbiddenMove
from keebai_async.journal import rules
from keebai_async.journal.contract import Requests
from keebai_async.model.campaign import CampaignState, Holder, Started
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Move, replay
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.stop import Cause
from keebai_async.storage.sqlite_file import Damaged

_PLAN: Final = msgspec.json.Decoder(Plan)
_REQUESTS: Final = msgspec.json.Decoder(Requests)
_MOVE: Final[msgspec.json.Decoder[Move]] = msgspec.json.Decoder(Move)
_REJECTIONS: Final = msgspec.json.Decoder(list[Rejection])

_LEVEL: Final = 1
"""Of zlib: five times quicker than the default, and a fifth larger (`benchmarks/journal.py`)."""

_CHUNK: Final = (
    "number, recipients, state, step, attempts, parent, broadcast_id, accepted, reason, submitted_at,"
    " sent, failed, final"
)
_CAMPAIGN: Final = "id, plan, state, reason, stopped_by, requests, seconds, purged_at"


def pack(data: bytes) -> bytes:
    return zlib.compress(data, _LEVEL)


def unpack(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed, bufsize=8 * len(packed) + 64)  # room for all of it at once
    except zlib.error as error:
        raise Damaged(f"packed data: {error}") from error


def put_items(db: sqlite3.Connection, campaign_id: str, number: int, items: bytes) -> None:
    db.execute(
        "INSERT OR REPLACE INTO items (campaign_id, number, digest, packed) VALUES (?, ?, ?, ?)",
        (campaign_id, number, hashlib.sha256(items).digest(), pack(items)),
    )


def get_items(db: sqlite3.Connection, campaign_id: str, number: int) -> bytes:
    """The bytes as they were given."""
    row = db.execute(
        "SELECT digest, packed FROM items WHERE campaign_id = ? AND number = ?", (campaign_id, number)
    ).fetchone()
    if row is None:
        raise Damaged(f"the people of chunk {number} are missing")
    items = unpack(row[1])
    if hashlib.sha256(items).digest() != row[0]:
        raise Damaged(f"the people of chunk {number} are not those that were planned")
    return items


def put_rejections(db: sqlite3.Connection, campaign_id: str, rejections: Sequence[Rejection]) -> None:
    db.execute(
        "INSERT INTO rejections (campaign_id, packed) VALUES (?, ?)",
        (campaign_id, pack(msgspec.json.encode(rejections))),
    )


def rejections_after(db: sqlite3.Connection, campaign_id: str, last: int) -> tuple[int, list[Rejection]]:
    """The next batch after the one with id *last*, and its id; an empty list at the end."""
    row = db.execute(
        "SELECT id, packed FROM rejections WHERE campaign_id = ? AND id > ? ORDER BY id LIMIT 1",
        (campaign_id, last),
    ).fetchone()
    return (last, []) if row is None else (row[0], _REJECTIONS.decode(unpack(row[1])))


def add_chunks(db: sqlite3.Connection, campaign_id: str, chunks: Iterable[Chunk]) -> None:
    db.executemany(
        "INSERT INTO chunks (campaign_id, number, born, recipients, parent) VALUES (?, ?, ?, ?, ?)",
        [(campaign_id, each.number, each.recipients, each.recipients, each.parent) for each in chunks],
    )


def get_chunk(db: sqlite3.Connection, campaign_id: str, number: int) -> Chunk:
    row = db.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE campaign_id = ? AND number = ?",  # noqa: S608
        (campaign_id, number),
    ).fetchone()
    if row is None:
        raise rules.no_chunk(campaign_id, number)
    return _chunk(row)


def get_chunks(db: sqlite3.Connection, campaign_id: str) -> tuple[Chunk, ...]:
    rows = db.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE campaign_id = ? ORDER BY number",  # noqa: S608
        (campaign_id,),
    )
    return tuple(map(_chunk, rows))


def put_move(db: sqlite3.Connection, campaign_id: str, move: Move, after: Chunk, *, at: float) -> None:
    """Add a move, and what became of its chunk."""
    db.execute(
        "INSERT INTO moves (campaign_id, number, step, move, recorded_at) VALUES (?, ?, ?, ?, ?)",
        (campaign_id, move.number, move.step, msgspec.json.encode(move), at),
    )
    db.execute(
        "UPDATE chunks SET recipients = ?, state = ?, step = ?, attempts = ?, broadcast_id = ?, accepted = ?,"
        " reason = ?, submitted_at = ? WHERE campaign_id = ? AND number = ?",
        (
            after.recipients,
            after.state.value,
            after.step,
            after.attempts,
            after.broadcast_id,
            after.accepted,
            after.reason,
            after.submitted_at,
            campaign_id,
            after.number,
        ),
    )


def get_moves(db: sqlite3.Connection, campaign_id: str) -> tuple[Move, ...]:
    rows = db.execute("SELECT move FROM moves WHERE campaign_id = ? ORDER BY id", (campaign_id,))
    return tuple(_MOVE.decode(row[0]) for row in rows)


def check_history(db: sqlite3.Connection, campaign_id: str) -> None:
    """Live every chunk again from its birth, and compare.

    Raises:
        Damaged: a chunk is not where its moves lead.
    """
    moves: dict[int, list[Move]] = {}
    for move in get_moves(db, campaign_id):
        moves.setdefault(move.number, []).append(move)
    births = dict(db.execute("SELECT number, born FROM chunks WHERE campaign_id = ?", (campaign_id,)))
    for chunk in get_chunks(db, campaign_id):
        born = Chunk(number=chunk.number, recipients=births[chunk.number], parent=chunk.parent)
        try:
            lived = replay(born, moves.pop(chunk.number, ()))
        except ForbiddenMove as error:
            raise Damaged(str(error)) from error
        if lived.counted(sent=chunk.sent, failed=chunk.failed, final=chunk.final) != chunk:
            raise Damaged(f"chunk {chunk.number} is not where its moves lead")
    if moves:
        raise Damaged(f"there are moves of chunk {min(moves)}, which does not exist")


def get_started(db: sqlite3.Connection, campaign_id: str, holder: Holder | None) -> Started:
    row = db.execute(
        f"SELECT {_CAMPAIGN} FROM campaigns WHERE id = ? AND plan IS NOT NULL",  # noqa: S608
        (campaign_id,),
    ).fetchone()
    if row is None:
        raise rules.not_found(campaign_id)
    _, plan, state, reason, stopped_by, requests, seconds, purged_at = row
    return Started(
        plan=_PLAN.decode(plan),
        state=CampaignState(state),
        chunks=get_chunks(db, campaign_id),
        reason=reason,
        stopped_by=None if stopped_by is None else Cause(stopped_by),
        requests=_REQUESTS.decode(requests),
        seconds=seconds,
        holder=holder,
        purged_at=purged_at,
    )


def frozen_ids(db: sqlite3.Connection, *, alike: tuple[str, str] | None = None) -> list[str]:
    """The ids of all frozen campaigns, or those of one name and fingerprint, newest first."""
    where, values = ("name = ? AND fingerprint = ? AND", alike) if alike else ("", ())
    rows = db.execute(
        f"SELECT id FROM campaigns WHERE {where} plan IS NOT NULL"  # noqa: S608
        " ORDER BY created_at DESC, rowid DESC",
        values,
    )
    return [row[0] for row in rows]


def is_purged(db: sqlite3.Connection, campaign_id: str) -> bool:
    """Raises CampaignNotFound if there is no frozen campaign of this id."""
    row = db.execute(
        "SELECT purged_at IS NOT NULL FROM campaigns WHERE id = ? AND plan IS NOT NULL", (campaign_id,)
    ).fetchone()
    if row is None:
        raise rules.not_found(campaign_id)
    return bool(row[0])


def is_frozen(db: sqlite3.Connection, campaign_id: str) -> bool | None:
    """Whether a campaign is frozen; None if it is not here at all."""
    row = db.execute("SELECT plan IS NOT NULL FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
    return None if row is None else bool(row[0])


def _chunk(row: Sequence[object]) -> Chunk:
    names = _CHUNK.split(", ")
    fields = dict(zip(names, row, strict=True))
    fields["state"] = _state(fields["state"])
    fields["final"] = bool(fields["final"])
    return msgspec.convert(fields, Chunk)


def _state(word: object) -> ChunkState:
    try:
        return ChunkState(str(word))
    except ValueError as error:
        raise Damaged(f"no chunk can be {word!r}") from error
