"""Plans in the making: written cheaply, made safe by one freeze, swept away when their maker is gone."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from keebai_async.journal import rules, sqlite_tables
from keebai_async.journal.leases import Leases
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection

TOO_OLD: Final = 86_400.0
"""Seconds after which a plan that was never frozen is left over, even if its process lives."""


def begin(db: sqlite3.Connection, leases: Leases, campaign_id: str, *, at: float) -> None:
    """Make room for a campaign, with a lease for its maker, unless that is done.

    Raises:
        Misused: it is frozen.
        CampaignBusy: another process is making it.
    """
    frozen = sqlite_tables.is_frozen(db, campaign_id)
    if frozen:
        raise rules.frozen(campaign_id)
    if frozen is None:
        db.execute("INSERT INTO campaigns (id, created_at) VALUES (?, ?)", (campaign_id, at))
        leases.acquire(db, campaign_id)
    leases.check(db, campaign_id)


def add_chunk(db: sqlite3.Connection, campaign_id: str, chunk: Chunk, items: bytes) -> None:
    try:
        sqlite_tables.add_chunks(db, campaign_id, [chunk])
    except sqlite3.IntegrityError:
        raise rules.kept_twice(campaign_id, chunk.number) from None
    sqlite_tables.put_items(db, campaign_id, chunk.number, items)


def freeze(db: sqlite3.Connection, leases: Leases, plan: Plan, rejections: Sequence[Rejection]) -> None:
    kept = {chunk.number: chunk.recipients for chunk in sqlite_tables.get_chunks(db, plan.campaign_id)}
    rules.check_plan(plan, kept)
    if rejections:
        sqlite_tables.put_rejections(db, plan.campaign_id, rejections)
    db.execute(
        "UPDATE campaigns SET name = ?, fingerprint = ?, plan = ?, created_at = ? WHERE id = ?",
        (plan.name, plan.fingerprint, msgspec.json.encode(plan), plan.created_at, plan.campaign_id),
    )
    leases.release(db, plan.campaign_id)


def discard(db: sqlite3.Connection, leases: Leases, campaign_id: str) -> None:
    if sqlite_tables.is_frozen(db, campaign_id):
        raise rules.frozen(campaign_id)
    leases.check(db, campaign_id)
    leases.release(db, campaign_id)
    db.execute("DELETE FROM campaigns WHERE id = ?", (campaign_id,))


def left_over(db: sqlite3.Connection, leases: Leases, *, now: float) -> list[str]:
    """The ids of plans in the making whose maker is gone, or was at it for longer than TOO_OLD."""
    drafts = db.execute("SELECT id, created_at FROM campaigns WHERE plan IS NULL").fetchall()
    return [
        campaign_id
        for campaign_id, created_at in drafts
        if leases.holder(db, campaign_id) is None or now - created_at > TOO_OLD
    ]


def sweep(db: sqlite3.Connection, leases: Leases, *, now: float) -> None:
    """Remove what dead makers left."""
    for campaign_id in left_over(db, leases, now=now):
        db.execute("DELETE FROM campaigns WHERE id = ?", (campaign_id,))


def discard_own(db: sqlite3.Connection, leases: Leases) -> None:
    """Remove what this journal's owner began and did not end, and let go of all its leases."""
    db.execute(
        "DELETE FROM campaigns WHERE plan IS NULL AND id IN (SELECT campaign_id FROM leases WHERE token = ?)",
        (leases.token,),
    )
    leases.release_all(db)
