"""The right to be forgotten: people go, counts stay."""

import sqlite3

import msgspec

from keebai_async.journal import rules, sqlite_tables
from keebai_async.journal.leases import Leases
from keebai_async.model.campaign import Started


def purge(db: sqlite3.Connection, leases: Leases, campaign_id: str, *, unfinished: bool, at: float) -> bool:
    """Remove the people of a campaign; False if they are gone already."""
    started = sqlite_tables.get_started(db, campaign_id, leases.holder(db, campaign_id))
    if started.holder is not None:
        raise rules.busy(campaign_id, started.holder)
    if started.purged_at is not None:
        return False
    if not unfinished:
        rules.check_purgeable(campaign_id, started.chunks)
    db.execute("DELETE FROM items WHERE campaign_id = ?", (campaign_id,))
    _empty_rejections(db, campaign_id)
    _hide_words(db, campaign_id, started)
    plan = msgspec.json.encode(rules.without_people(started.plan))
    db.execute("UPDATE campaigns SET plan = ?, purged_at = ? WHERE id = ?", (plan, at, campaign_id))
    return True


def purge_finished(db: sqlite3.Connection, leases: Leases, *, at: float) -> list[str]:
    purged = []
    for campaign_id in sqlite_tables.frozen_ids(db):
        started = sqlite_tables.get_started(db, campaign_id, leases.holder(db, campaign_id))
        if (
            started.holder is None
            and rules.all_settled(started.chunks)
            and purge(db, leases, campaign_id, unfinished=False, at=at)
        ):
            purged.append(campaign_id)
    return purged


def _hide_words(db: sqlite3.Connection, campaign_id: str, started: Started) -> None:
    # In the moves and in the chunks alike, or the ones would no longer lead to the others.
    for chunk in started.chunks:
        db.execute(
            "UPDATE chunks SET reason = ? WHERE campaign_id = ? AND number = ?",
            (rules.anonymous_words(chunk.reason), campaign_id, chunk.number),
        )
    for move in sqlite_tables.get_moves(db, campaign_id):
        db.execute(
            "UPDATE moves SET move = ? WHERE campaign_id = ? AND number = ? AND step = ?",
            (msgspec.json.encode(rules.anonymous_move(move)), campaign_id, move.number, move.step),
        )
    reason = rules.anonymous_words(started.reason)
    db.execute("UPDATE campaigns SET reason = ? WHERE id = ?", (reason, campaign_id))


def _empty_rejections(db: sqlite3.Connection, campaign_id: str) -> None:
    last, batch = sqlite_tables.rejections_after(db, campaign_id, 0)
    while batch:
        db.execute(
            "UPDATE rejections SET packed = ? WHERE id = ?",
            (sqlite_tables.pack(msgspec.json.encode([rules.anonymous(each) for each in batch])), last),
        )
        last, batch = sqlite_tables.rejections_after(db, campaign_id, last)
