"""Whom purged campaigns were sent to, in the tables of a journal: a page of hashes for each hour.

They stand in the ledger of a journal, as opt-outs do, under another name. Page 0 is the secret.
"""

import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

from keebai_async.journal.tables import ChunkRow, ItemsRow, OptOutsRow, Tables
from keebai_async.model.identity import identities
from keebai_async.model.places import perhaps_got
from keebai_async.model.purged_people import HASHES_LAST, HOUR, PurgedPeople, hour_of

SENT_BEFORE: Final = "sent before"
"""What stands in the place of a campaign's id: no id of a campaign is like it."""
_SECRET_BYTES: Final = 32


class _PurgedPerson(msgspec.Struct, gc=False):
    to: str


_PURGED_PEOPLE: Final = msgspec.json.Decoder(list[_PurgedPerson])


def remember(tables: Tables, campaign_id: str, chunks: Iterable[ChunkRow], *, made: float, at: float) -> None:
    """Keep hashes of those in *chunks*, whose people are still there, to whom something may have been sent.

    *made* is when the campaign was planned, *at* is now, both in Unix time.
    """
    since = at - HASHES_LAST
    for row in chunks:
        chunk = row.chunk
        left = chunk.left_last_at or made
        if not perhaps_got(chunk) or not chunk.recipients or left <= since:
            continue
        items = tables.get(ItemsRow, campaign_id, chunk.number)
        if items is not None:
            keys = identities([each.to for each in _PURGED_PEOPLE.decode(items.items)])
            _add(tables, hour_of(left), PurgedPeople(secret=_secret(tables)).pack(keys))
    forget_old(tables, at=at)


def people_since(tables: Tables, since: float) -> PurgedPeople:
    """Those to whom something may have been sent after *since*; by the hour, so some a little earlier."""
    first = hour_of(since)
    pages = [row for row in tables.rows(OptOutsRow, SENT_BEFORE) if row.page >= first and row.people]
    secret = tables.get(OptOutsRow, SENT_BEFORE, 0)
    return PurgedPeople(
        secret=b"" if secret is None else secret.people, packed=tuple(row.people for row in pages)
    )


def forget_old(tables: Tables, *, at: float) -> None:
    """Leave nothing of hashes whose time is over; nor of the secret, once there are none."""
    rows = tables.rows(OptOutsRow, SENT_BEFORE)
    old = [row for row in rows if row.page and (row.page + 1) * HOUR < at - HASHES_LAST]
    if old and len(old) == len([row for row in rows if row.page]):
        tables.delete(OptOutsRow, SENT_BEFORE)
        return
    for row in old:
        if row.people:
            tables.update(msgspec.structs.replace(row, people=b""))


def forget_all(tables: Tables) -> None:
    """Leave nothing by which somebody of a purged campaign could be known again."""
    tables.delete(OptOutsRow, SENT_BEFORE)


def _secret(tables: Tables) -> bytes:
    row = tables.get(OptOutsRow, SENT_BEFORE, 0)
    if row is None:
        row = OptOutsRow(campaign_id=SENT_BEFORE, page=0, people=secrets.token_bytes(_SECRET_BYTES))
        tables.insert(row)
    return row.people


def _add(tables: Tables, hour: int, packed: bytes) -> None:
    before = tables.get(OptOutsRow, SENT_BEFORE, hour)
    if before is None:
        tables.insert(OptOutsRow(campaign_id=SENT_BEFORE, page=hour, people=packed))
    else:
        tables.update(msgspec.structs.replace(before, people=before.people + packed))
