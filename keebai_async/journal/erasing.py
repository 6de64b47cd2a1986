"""The right to be forgotten: people go, counts stay."""

import msgspec
from msgspec.structs import replace

from keebai_async.journal import purged_people, rules, telling
from keebai_async.journal.leases import Leases
from keebai_async.journal.reading import campaign_of, plan_of
from keebai_async.journal.tables import (
    CampaignRow,
    ChunkRow,
    ItemsRow,
    MatchesRow,
    MoveRow,
    RejectionsRow,
    Tables,
)


def purge(
    tables: Tables, leases: Leases, campaign_id: str, *, unfinished: bool, at: float, hashes: bool = True
) -> bool:
    """Remove the people of a campaign; False if they are gone already.

    Without *hashes* nothing is left by which they are known again.
    """
    row = campaign_of(tables, campaign_id)
    holder = leases.holder(tables, campaign_id)
    if holder is not None:
        raise rules.busy(campaign_id, holder)
    if row.purged_at is not None:
        return False
    chunks = tables.rows(ChunkRow, campaign_id)
    if not unfinished:
        rules.check_purgeable(campaign_id, [each.chunk for each in chunks])
    if hashes and not plan_of(row).test:
        purged_people.remember(tables, campaign_id, chunks, made=plan_of(row).created_at, at=at)
    tables.delete(ItemsRow, campaign_id)
    tables.delete(MatchesRow, campaign_id)
    _empty_rejections(tables, campaign_id)
    # In the moves and in the chunks alike, or the ones would no longer lead to the others.
    for each in chunks:
        tables.update(replace(each, chunk=rules.anonymous_chunk(each.chunk)))
    for moved in tables.rows(MoveRow, campaign_id):
        tables.update(replace(moved, move=rules.anonymous_move(moved.move)))
    telling.forget(tables, row, at=at)
    _hide_words(tables, row, at=at)
    return True


def remove(tables: Tables, leases: Leases, campaign_id: str) -> None:
    """Remove a plan that was never launched, with everything that is known of it."""
    row = campaign_of(tables, campaign_id)
    holder = leases.holder(tables, campaign_id)
    if holder is not None:
        raise rules.busy(campaign_id, holder)
    rules.check_removable(campaign_id, row.state, [each.chunk for each in tables.rows(ChunkRow, campaign_id)])
    tables.delete(CampaignRow, campaign_id)


def purge_finished(tables: Tables, leases: Leases, *, at: float, hashes: bool = True) -> list[str]:
    return [
        row.campaign_id
        for row in tables.frozen()
        if leases.holder(tables, row.campaign_id) is None
        and all(each.chunk.settled for each in tables.rows(ChunkRow, row.campaign_id))
        and purge(tables, leases, row.campaign_id, unfinished=False, at=at, hashes=hashes)
    ]


def _hide_words(tables: Tables, row: CampaignRow, *, at: float) -> None:
    plan = msgspec.json.encode(rules.without_people(plan_of(row)))
    tables.update(replace(row, plan=plan, reason=rules.anonymous_words(row.reason), purged_at=at))


def _empty_rejections(tables: Tables, campaign_id: str) -> None:
    row = tables.rejections_after(campaign_id, 0)
    while row is not None:
        rejections = tuple(rules.anonymous(each) for each in row.rejections)
        tables.update(RejectionsRow(campaign_id=campaign_id, id=row.id, rejections=rejections))
        row = tables.rejections_after(campaign_id, row.id)
