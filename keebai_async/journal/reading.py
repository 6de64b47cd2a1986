"""From rows to campaigns: what was kept, found and checked."""

from collections.abc import Iterable
from typing import Final

import msgspec

from keebai_async.errors import ForbiddenMove, InvalidInput
from keebai_async.journal import rules
from keebai_async.journal.leases import Leases
from keebai_async.journal.tables import CampaignRow, ChunkRow, ItemsRow, MoveRow, Tables
from keebai_async.model.campaign import Holder, RunFacts, StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.lifecycle import Move, replay
from keebai_async.model.plan import Plan
from keebai_async.model.requests import Requests
from keebai_async.storage.safety import Damaged

_PLAN: Final = msgspec.json.Decoder(Plan)
_REQUESTS: Final = msgspec.json.Decoder(Requests)
_FACTS: Final = msgspec.json.Decoder(RunFacts)


def campaign_of(tables: Tables, campaign_id: str) -> CampaignRow:
    """A frozen campaign. Raises CampaignNotFound."""
    row = tables.get(CampaignRow, campaign_id)
    if row is None or row.plan is None:
        raise rules.not_found(campaign_id)
    return row


def chunk_of(tables: Tables, campaign_id: str, number: int) -> ChunkRow:
    """Raises CampaignNotFound if the campaign has no such chunk."""
    row = tables.get(ChunkRow, campaign_id, number)
    if row is None:
        raise rules.no_chunk(campaign_id, number)
    return row


def items_of(tables: Tables, campaign_id: str, numbers: Iterable[int]) -> list[bytes]:
    """The people of chunks, as the bytes that were given. Raises CampaignNotFound, Damaged."""
    campaign = campaign_of(tables, campaign_id)
    found = []
    for number in numbers:
        row = tables.get(ItemsRow, campaign_id, number)
        if row is None or campaign.purged_at is not None:
            chunk_of(tables, campaign_id, number)
            if campaign.purged_at is not None:
                raise rules.no_people(campaign_id)
            raise Damaged(f"the people of chunk {number} are missing")
        found.append(row.items)
    return found


def stored_campaigns(tables: Tables, leases: Leases, rows: Iterable[CampaignRow]) -> list[StoredCampaign]:
    holders = leases.holders(tables)  # of thousands that are kept a few run
    return [_stored(tables, row, holders.get(row.campaign_id)) for row in rows]


def stored_campaign(tables: Tables, leases: Leases, row: CampaignRow) -> StoredCampaign:
    return _stored(tables, row, leases.holder(tables, row.campaign_id))


def _stored(tables: Tables, row: CampaignRow, holder: Holder | None) -> StoredCampaign:
    return StoredCampaign(
        plan=plan_of(row),
        state=row.state,
        chunks=tuple(each.chunk for each in tables.rows(ChunkRow, row.campaign_id)),
        reason=row.reason,
        stopped_by=row.stopped_by,
        requests=_REQUESTS.decode(row.requests),
        seconds=row.seconds,
        holder=holder,
        facts=facts_of(row),
        purged_at=row.purged_at,
    )


def plan_of(row: CampaignRow) -> Plan:
    if row.plan is None:
        raise rules.not_found(row.campaign_id)
    try:
        return _PLAN.decode(row.plan)
    except InvalidInput as error:  # of a sender or a guard that this library never writes
        raise Damaged(str(error)) from error


def facts_of(row: CampaignRow) -> RunFacts:
    try:
        return _FACTS.decode(row.facts)
    except InvalidInput as error:  # of a guard or a pace that this library never writes
        raise Damaged(str(error)) from error


def kept_facts(row: CampaignRow, told: RunFacts) -> bytes:
    """What a run *told* of itself, as it is kept: what people decided meanwhile is not its to change."""
    decided = facts_of(row).decided
    return msgspec.json.encode(msgspec.structs.replace(told, decided=decided))


def check_history(tables: Tables, campaign_id: str) -> None:
    """Live every chunk again from its birth, and compare.

    Raises:
        Damaged: a chunk is not where its moves lead.
    """
    moves: dict[int, list[Move]] = {}
    for each in tables.rows(MoveRow, campaign_id):
        moves.setdefault(each.move.number, []).append(each.move)
    for row in tables.rows(ChunkRow, campaign_id):
        chunk = row.chunk
        born = Chunk(
            number=chunk.number,
            recipients=row.born,
            parent=chunk.parent,
            left_earlier_at=chunk.left_earlier_at,
        )
        try:
            lived = replay(born, moves.pop(chunk.number, ()))
        except ForbiddenMove as error:
            raise Damaged(str(error)) from error
        if lived.with_facts_of(chunk) != chunk:
            raise Damaged(f"chunk {chunk.number} is not where its moves lead")
    if moves:
        raise Damaged(f"there are moves of chunk {min(moves)}, which does not exist")
