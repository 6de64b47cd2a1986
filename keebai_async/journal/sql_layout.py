"""How each kind of row lies in a table of SQL: the same names and values in every SQL database.

The layout of the file that version 0.1 wrote (`schema.py`) is the measure of it.
"""

import enum
import hashlib
import zlib
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

import msgspec
from msgspec.structs import astuple

from keebai_async.journal.tables import (
    CampaignRow,
    ChunkRow,
    EventRow,
    FatesRow,
    ItemsRow,
    LeaseRow,
    MatchesRow,
    MoveRow,
    OptOutsRow,
    OutboxRow,
    R,
    RejectionsRow,
    StoredRow,
    WantRow,
)
from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import AnyEvent
from keebai_async.model.lifecycle import Move
from keebai_async.model.outbox import OutboxMessage
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Rejection
from keebai_async.model.stop import Cause
from keebai_async.storage.process import Process
from keebai_async.storage.safety import Damaged, NotKnownHere

Column = str | int | float | bytes | None
W = TypeVar("W", bound=enum.StrEnum)

_MOVE: Final[msgspec.json.Decoder[Move]] = msgspec.json.Decoder(Move)
_EVENT: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)
_REJECTIONS: Final = msgspec.json.Decoder(tuple[Rejection, ...])
_PROCESS: Final = msgspec.json.Decoder(Process)
_MESSAGE: Final = msgspec.json.Decoder(OutboxMessage)
_AGREED: Final = msgspec.json.Decoder(tuple[Reached, ...])

_LEVEL: Final = 1
"""Of zlib: five times quicker than the default, and a fifth larger (`benchmarks/journal.py`)."""


class Layout(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """*key* are the columns of a row's campaign and key; *order* is that in which rows are listed.

    *generated* is a column that the database fills in. *write* and *read* go between a row and the values
    of its *columns*; *read* raises Damaged.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    order: str
    write: Callable[[R], tuple[Column, ...]]
    read: Callable[[Sequence[Column]], R]
    generated: str | None = None


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """The SQL for a kind of row. *insert* takes all columns but a generated one, *update* all and the key."""

    get: str
    rows: str
    select: str
    """All columns, without a condition."""
    insert: str
    update: str
    delete: str


def layout_of(kind: type[R]) -> Layout[R]:
    return cast("Layout[R]", _LAYOUTS[kind])


def statements(layout: Layout[R], mark: str) -> Statements:
    """The SQL for *layout*; *mark* is what stands for a value, `?` or `%s`."""
    columns, table = ", ".join(layout.columns), layout.table
    place = " AND ".join(f"{name} = {mark}" for name in layout.key)
    given = [name for name in layout.columns if name != layout.generated]
    select = f"SELECT {columns} FROM {table}"  # noqa: S608 - all of it is ours
    of_campaign = f"WHERE {layout.key[0]} = {mark}"
    return Statements(
        get=f"{select} WHERE {place}",
        rows=f"{select} {of_campaign} ORDER BY {layout.order}",
        select=select,
        insert=f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join([mark] * len(given))})",  # noqa: S608
        update=f"UPDATE {table} SET {', '.join(f'{name} = {mark}' for name in layout.columns)} WHERE {place}",  # noqa: S608
        delete=f"DELETE FROM {table} {of_campaign}",  # noqa: S608
    )


def values_of(row: StoredRow) -> tuple[Column, ...]:
    """The values of a row's columns, without a generated one."""
    layout = layout_of(type(row))
    values = layout.write(row)
    if layout.generated is None:
        return values
    return tuple(
        value for name, value in zip(layout.columns, values, strict=True) if name != layout.generated
    )


# Each kind


_CAMPAIGN: Final = CampaignRow.__struct_fields__
_CHUNK: Final = Chunk.__struct_fields__
"""A field has a column of its name, so who renames or adds one writes a migration too."""


def _write_campaign(row: CampaignRow) -> tuple[Column, ...]:
    return tuple(_plain(value) for value in astuple(row))


def _read_campaign(values: Sequence[Column]) -> CampaignRow:
    fields = dict(zip(_CAMPAIGN, values, strict=True))
    known = {
        "state": _word(CampaignState, fields["state"], "a campaign is"),
        "stopped_by": _word_or_none(Cause, fields["stopped_by"], "a campaign was stopped by"),
        "requests": _json(fields["requests"]),  # text where it is the default of its column
        "facts": _json(fields["facts"]),
    }
    return msgspec.convert(fields | known, CampaignRow)


def _write_chunk(row: ChunkRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.born, *(_plain(value) for value in astuple(row.chunk)))


def _read_chunk(values: Sequence[Column]) -> ChunkRow:
    campaign_id, born, *rest = values
    fields: dict[str, object] = dict(zip(_CHUNK, rest, strict=True))
    fields["state"] = _word(ChunkState, fields["state"], "a chunk is")
    fields["final"] = bool(fields["final"])
    fields["resent"] = bool(fields["resent"])
    return msgspec.convert({"campaign_id": campaign_id, "born": born, "chunk": fields}, ChunkRow)


def _write_move(row: MoveRow) -> tuple[Column, ...]:
    move = row.move
    return (row.campaign_id, move.number, move.step, msgspec.json.encode(move), row.recorded_at)


def _read_move(values: Sequence[Column]) -> MoveRow:
    campaign_id, _, _, move, recorded_at = values
    return msgspec.convert(
        {"campaign_id": campaign_id, "move": _MOVE.decode(_json(move)), "recorded_at": recorded_at}, MoveRow
    )


def _write_event(row: EventRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.id, row.chunks, row.topic, msgspec.json.encode(row.event))


def _read_event(values: Sequence[Column]) -> EventRow:
    campaign_id, number, chunks, topic, event = values
    kept = {"campaign_id": campaign_id, "id": number, "chunks": chunks, "topic": topic}
    return msgspec.convert(kept | {"event": _EVENT.decode(_json(event))}, EventRow)


def _write_items(row: ItemsRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.number, hashlib.sha256(row.items).digest(), _pack(row.items))


def _read_items(values: Sequence[Column]) -> ItemsRow:
    campaign_id, number, digest, packed = values
    items = _unpack(packed)
    if hashlib.sha256(items).digest() != digest:
        raise Damaged(f"the people of chunk {number!r} are not those that were planned")
    return msgspec.convert({"campaign_id": campaign_id, "number": number, "items": items}, ItemsRow)


def _write_fates(row: FatesRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.number, _pack(row.fates))


def _read_fates(values: Sequence[Column]) -> FatesRow:
    campaign_id, number, packed = values
    fates = _unpack(packed)
    return msgspec.convert({"campaign_id": campaign_id, "number": number, "fates": fates}, FatesRow)


def _write_opt_outs(row: OptOutsRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.page, _pack(row.people))


def _read_opt_outs(values: Sequence[Column]) -> OptOutsRow:
    ledger, page, packed = values
    people = _unpack(packed)
    return msgspec.convert({"campaign_id": ledger, "page": page, "people": people}, OptOutsRow)


def _write_matches(row: MatchesRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.number, _pack(row.times))


def _read_matches(values: Sequence[Column]) -> MatchesRow:
    campaign_id, number, packed = values
    times = _unpack(packed)
    return msgspec.convert({"campaign_id": campaign_id, "number": number, "times": times}, MatchesRow)


def _write_rejections(row: RejectionsRow) -> tuple[Column, ...]:
    return (row.campaign_id, row.id, _pack(msgspec.json.encode(row.rejections)))


def _read_rejections(values: Sequence[Column]) -> RejectionsRow:
    campaign_id, number, packed = values
    rejections = _REJECTIONS.decode(_unpack(packed))
    return msgspec.convert(
        {"campaign_id": campaign_id, "id": number, "rejections": rejections}, RejectionsRow
    )


def _write_lease(row: LeaseRow) -> tuple[Column, ...]:
    process, wish = msgspec.json.encode(row.process), None if row.wish is None else row.wish.value
    return (row.campaign_id, row.lease_id, process, row.since, row.heartbeat, wish, row.lasts)


def _read_lease(values: Sequence[Column]) -> LeaseRow:
    campaign_id, token, process, since, heartbeat, wish, lasts = values
    return msgspec.convert(
        {
            "campaign_id": campaign_id,
            "lease_id": token,
            "process": _PROCESS.decode(_json(process)),
            "since": since,
            "heartbeat": heartbeat,
            "wish": _word_or_none(Wish, wish, "somebody asked for"),
            "lasts": lasts,
        },
        LeaseRow,
    )


def _write_outbox(row: OutboxRow) -> tuple[Column, ...]:
    message, process = row.message, None if row.process is None else msgspec.json.encode(row.process)
    kept = (message.state.value, message.created_at, msgspec.json.encode(message))
    return (row.campaign_id, *kept, row.attempt_id, process, row.due)


def _read_outbox(values: Sequence[Column]) -> OutboxRow:
    message_id, _, _, message, attempt_id, process, due = values
    return msgspec.convert(
        {
            "campaign_id": message_id,
            "message": _MESSAGE.decode(_json(message)),
            "attempt_id": attempt_id,
            "process": None if process is None else _PROCESS.decode(_json(process)),
            "due": due,
        },
        OutboxRow,
    )


def _write_want(row: WantRow) -> tuple[Column, ...]:
    flags, agreed = (int(row.held), int(row.again)), msgspec.json.encode(row.agreed)
    return (row.campaign_id, row.at, *flags, agreed, row.account, row.salt, int(row.waits), row.tries)


def _read_want(values: Sequence[Column]) -> WantRow:
    campaign_id, at, held, again, agreed, account, salt, waits, tries = values
    return msgspec.convert(
        {
            "campaign_id": campaign_id,
            "at": at,
            "held": bool(held),
            "again": bool(again),
            "agreed": _AGREED.decode(_json(agreed)),
            "account": account,
            "salt": salt,
            "waits": bool(waits),
            "tries": tries,
        },
        WantRow,
    )


_LAYOUTS: Final[dict[type[StoredRow], object]] = {
    CampaignRow: Layout(
        table="campaigns",
        key=("id",),
        columns=("id", *_CAMPAIGN[1:]),
        order="id",
        write=_write_campaign,
        read=_read_campaign,
    ),
    ChunkRow: Layout(
        table="chunks",
        key=("campaign_id", "number"),
        columns=("campaign_id", "born", *_CHUNK),
        order="number",
        write=_write_chunk,
        read=_read_chunk,
    ),
    MoveRow: Layout(
        table="moves",
        key=("campaign_id", "number", "step"),
        columns=("campaign_id", "number", "step", "move", "recorded_at"),
        order="id",
        write=_write_move,
        read=_read_move,
    ),
    EventRow: Layout(
        table="events",
        key=("campaign_id", "id"),
        columns=("campaign_id", "id", "chunks", "topic", "event"),
        order="id",
        write=_write_event,
        read=_read_event,
    ),
    ItemsRow: Layout(
        table="items",
        key=("campaign_id", "number"),
        columns=("campaign_id", "number", "digest", "packed"),
        order="id",
        write=_write_items,
        read=_read_items,
    ),
    FatesRow: Layout(
        table="fates",
        key=("campaign_id", "number"),
        columns=("campaign_id", "number", "packed"),
        order="number",
        write=_write_fates,
        read=_read_fates,
    ),
    MatchesRow: Layout(
        table="matches",
        key=("campaign_id", "number"),
        columns=("campaign_id", "number", "packed"),
        order="number",
        write=_write_matches,
        read=_read_matches,
    ),
    RejectionsRow: Layout(
        table="rejections",
        key=("campaign_id", "id"),
        columns=("campaign_id", "id", "packed"),
        order="id",
        write=_write_rejections,
        read=_read_rejections,
        generated="id",
    ),
    LeaseRow: Layout(
        table="leases",
        key=("campaign_id",),
        columns=("campaign_id", "token", "process", "since", "heartbeat", "wish", "lasts"),
        order="campaign_id",
        write=_write_lease,
        read=_read_lease,
    ),
    WantRow: Layout(
        table="wants",
        key=("campaign_id",),
        columns=("campaign_id", "at", "held", "again", "agreed", "account", "salt", "waits", "tries"),
        order="campaign_id",
        write=_write_want,
        read=_read_want,
    ),
    OutboxRow: Layout(
        table="outbox",
        key=("id",),
        columns=("id", "state", "created_at", "message", "attempt_id", "process", "due"),
        order="id",
        write=_write_outbox,
        read=_read_outbox,
    ),
    OptOutsRow: Layout(
        table="opt_outs",
        key=("ledger", "page"),
        columns=("ledger", "page", "packed"),
        order="page",
        write=_write_opt_outs,
        read=_read_opt_outs,
    ),
}


def _pack(data: bytes) -> bytes:
    return zlib.compress(data, _LEVEL)


def _unpack(packed: Column) -> bytes:
    packed = _bytes(packed)
    try:
        return zlib.decompress(packed, bufsize=8 * len(packed) + 64)  # room for all of it at once
    except zlib.error as error:
        raise Damaged(f"packed data: {error}") from error


def _json(value: Column) -> bytes:
    return value.encode() if isinstance(value, str) else _bytes(value)


def _bytes(value: Column) -> bytes:
    if not isinstance(value, bytes):
        raise Damaged("there is something else where bytes should be")
    return value


def _plain(value: Column | enum.StrEnum) -> Column:
    return value.value if isinstance(value, enum.StrEnum) else value


def _word(kind: type[W], value: object, where: str) -> W:
    try:
        return kind(str(value))
    except ValueError as error:
        raise NotKnownHere(f"{where} {value!r}, a word that this version does not know") from error


def _word_or_none(kind: type[W], value: object, where: str) -> W | None:
    return None if value is None else _word(kind, value, where)
