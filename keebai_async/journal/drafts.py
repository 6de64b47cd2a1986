"""Plans in the making: written cheaply, made safe by one freeze, swept away when their maker is gone."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from keebai_async.journal import rules
from keebai_async.journal.leases import Claim, Leases
from keebai_async.journal.tables import CampaignRow, ChunkRow, ItemsRow, LeaseRow, RejectionsRow, Tables
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection

TOO_OLD: Final = 86_400.0
"""Seconds after which a plan that was never frozen is left over, even if its process lives."""


def begin(tables: Tables, leases: Leases, claim: Claim, *, at: float) -> CampaignRow:
    """Make room for a campaign, with a lease for its maker, unless that is done.

    Raises:
        Misused: it is frozen.
        CampaignBusy: another process is making it.
    """
    row = tables.get(CampaignRow, claim.campaign_id)
    if row is not None and row.plan is not None:
        raise rules.frozen(claim.campaign_id)
    if row is None:
        row = CampaignRow(campaign_id=claim.campaign_id, created_at=tables.now())
        tables.insert(row)
        leases.take(tables, claim, at=at)
    leases.check(tables, claim.campaign_id)
    return row


def add_chunk(tables: Tables, campaign_id: str, chunk: Chunk, items: bytes) -> None:
    if tables.get(ChunkRow, campaign_id, chunk.number) is not None:
        raise rules.kept_twice(campaign_id, chunk.number)
    tables.insert(ChunkRow(campaign_id=campaign_id, born=chunk.recipients, chunk=chunk))
    tables.insert(ItemsRow(campaign_id=campaign_id, number=chunk.number, items=items))


def add_rejections(tables: Tables, campaign_id: str, rejections: Sequence[Rejection]) -> None:
    if rejections:
        kept = tuple([rules.storable(each) for each in rejections])
        tables.insert(RejectionsRow(campaign_id=campaign_id, rejections=kept))


def freeze(
    tables: Tables, leases: Leases, claim: Claim, plan: Plan, rejections: Sequence[Rejection], *, at: float
) -> None:
    row = begin(tables, leases, claim, at=at)
    kept = {each.chunk.number: each.chunk.recipients for each in tables.rows(ChunkRow, plan.campaign_id)}
    rules.check_plan(plan, kept)
    plan = rules.storable(plan)
    add_rejections(tables, plan.campaign_id, rejections)
    tables.update(
        replace(
            row,
            name=plan.name,
            fingerprint=plan.fingerprint,
            plan=msgspec.json.encode(plan),
            created_at=plan.created_at,
        )
    )
    leases.give_back(tables, claim)


def discard(tables: Tables, leases: Leases, campaign_id: str) -> None:
    row = tables.get(CampaignRow, campaign_id)
    if row is not None and row.plan is not None:
        raise rules.frozen(campaign_id)
    leases.check(tables, campaign_id)
    tables.delete(CampaignRow, campaign_id)


def left_over(tables: Tables, leases: Leases) -> list[str]:
    """The ids of plans in the making whose maker is gone, or was at it for longer than TOO_OLD."""
    now = tables.now()
    return [
        row.campaign_id
        for row in tables.drafts()
        if leases.holder(tables, row.campaign_id) is None or now - row.created_at > TOO_OLD
    ]


def sweep(tables: Tables, leases: Leases) -> None:
    """Remove what dead makers left."""
    for campaign_id in left_over(tables, leases):
        tables.delete(CampaignRow, campaign_id)


def discard_own(tables: Tables, leases: Leases) -> bool:
    """Remove what this journal's owner began and did not end, and let go of all its leases.

    Says whether a plan was removed.
    """
    removed = False
    for claim in leases.claims:
        lease = tables.get(LeaseRow, claim.campaign_id)
        if lease is None or lease.lease_id != claim.lease_id:
            continue
        row = tables.get(CampaignRow, claim.campaign_id)
        in_the_making = row is not None and row.plan is None
        removed = removed or in_the_making
        tables.delete(CampaignRow if in_the_making else LeaseRow, claim.campaign_id)
    return removed
