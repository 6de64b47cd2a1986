"""The tables of a journal file, and how an older file becomes a newer one."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from keebai_async.errors import JournalUnusable

APPLICATION: Final = 0x4B454542
"""What marks a file as ours: "KEEB"."""

VERSION_1: Final = (
    # A campaign without a plan is one in the making.
    """CREATE TABLE campaigns (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL DEFAULT '',
        fingerprint TEXT NOT NULL DEFAULT '',
        plan BLOB,
        state TEXT NOT NULL DEFAULT 'planned',
        reason TEXT,
        stopped_by TEXT,
        requests BLOB NOT NULL DEFAULT '{}',
        seconds REAL NOT NULL DEFAULT 0.0,
        created_at REAL NOT NULL,
        purged_at REAL
    )""",
    "CREATE INDEX campaigns_alike ON campaigns (name, fingerprint)",
    # Where each chunk stands; `born` is how many people it had at first, so that moves can be replayed.
    """CREATE TABLE chunks (
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        born INTEGER NOT NULL,
        recipients INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'planned',
        step INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        parent INTEGER,
        broadcast_id TEXT,
        accepted INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        submitted_at REAL,
        sent INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        final INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (campaign_id, number)
    ) WITHOUT ROWID""",
    # What happened, only ever added to.
    """CREATE TABLE moves (
        id INTEGER PRIMARY KEY,
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        step INTEGER NOT NULL,
        move BLOB NOT NULL,
        recorded_at REAL NOT NULL,
        UNIQUE (campaign_id, number, step)
    )""",
    # The people: the exact bytes of a chunk's JSON array, packed by zlib, with the SHA-256 of the bytes.
    """CREATE TABLE items (
        id INTEGER PRIMARY KEY,
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        digest BLOB NOT NULL,
        packed BLOB NOT NULL,
        UNIQUE (campaign_id, number)
    )""",
    """CREATE TABLE rejections (
        id INTEGER PRIMARY KEY,
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        packed BLOB NOT NULL
    )""",
    "CREATE INDEX rejections_of ON rejections (campaign_id)",
    """CREATE TABLE leases (
        campaign_id TEXT PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
        token TEXT NOT NULL,
        process BLOB NOT NULL,
        since REAL NOT NULL,
        heartbeat REAL NOT NULL,
        wish TEXT
    )""",
)

VERSION_2: Final = (
    # What webhooks told of the people of each chunk, by place, packed by zlib; nobody is named.
    """CREATE TABLE fates (
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        packed BLOB NOT NULL,
        PRIMARY KEY (campaign_id, number)
    )""",
    # The campaigns that are to run.
    """CREATE TABLE wants (
        campaign_id TEXT PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
        at REAL NOT NULL,
        held INTEGER NOT NULL,
        again INTEGER NOT NULL,
        account TEXT NOT NULL,
        salt TEXT NOT NULL,
        waits INTEGER NOT NULL,
        tries INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX wants_by_time ON wants (at)",
    # Of whom in an unknown chunk they told without a mark, and when first: for a person to look at.
    """CREATE TABLE matches (
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        packed BLOB NOT NULL,
        PRIMARY KEY (campaign_id, number)
    )""",
    # Single messages that are sent once, by the hash of their key.
    """CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        created_at REAL NOT NULL,
        message BLOB NOT NULL,
        attempt_id TEXT NOT NULL,
        process BLOB,
        due REAL NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX outbox_by_state ON outbox (state, created_at)",
    # Who wants no more, of all campaigns together: a page of people by their identity keys, packed by zlib.
    """CREATE TABLE opt_outs (
        ledger TEXT NOT NULL,
        page INTEGER NOT NULL,
        packed BLOB NOT NULL,
        PRIMARY KEY (ledger, page)
    )""",
    # What was told of each campaign, in the order of the ids; of one topic only the newest. `chunks` is how
    # many chunks answered for somebody then.
    """CREATE TABLE events (
        campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
        id INTEGER NOT NULL,
        chunks INTEGER NOT NULL,
        topic TEXT NOT NULL,
        event BLOB NOT NULL,
        PRIMARY KEY (campaign_id, id)
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX events_by_topic ON events (campaign_id, topic) WHERE topic <> ''",
    "ALTER TABLE chunks ADD COLUMN event_id INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE campaigns ADD COLUMN facts BLOB NOT NULL DEFAULT '{}'",
    "ALTER TABLE chunks ADD COLUMN resent INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chunks ADD COLUMN seen_at REAL",
    "ALTER TABLE chunks ADD COLUMN proven_at REAL",
    # What webhooks told of it while nobody knew that it was accepted, and of how many of its people since.
    "ALTER TABLE chunks ADD COLUMN noticed_at REAL",
    "ALTER TABLE chunks ADD COLUMN noticed_id TEXT",
    "ALTER TABLE chunks ADD COLUMN twice_at REAL",
    "ALTER TABLE chunks ADD COLUMN told INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chunks ADD COLUMN told_at REAL",
    "ALTER TABLE leases ADD COLUMN lasts REAL",
    # When the people of a chunk that was cut from another one had left before, in that one.
    "ALTER TABLE chunks ADD COLUMN left_earlier_at REAL",
    # A person's word that is still to be obeyed: where the last move of a planned chunk is a Resend.
    """UPDATE chunks SET resent = 1 WHERE state = 'planned' AND EXISTS (
        SELECT 1 FROM moves WHERE moves.campaign_id = chunks.campaign_id AND moves.number = chunks.number
        AND moves.step = chunks.step AND CAST(moves.move AS TEXT) LIKE '{"type":"Resend"%'
    )""",
)

VERSION_3: Final = (
    "ALTER TABLE chunks ADD COLUMN lost_at REAL",
    # To which repetitions somebody has agreed, as JSON.
    "ALTER TABLE wants ADD COLUMN agreed BLOB NOT NULL DEFAULT '[]'",
)

MIGRATIONS: Final[tuple[Sequence[str], ...]] = (VERSION_1, VERSION_2, VERSION_3)
"""What leads from version n to n + 1. Never changed once released, only added to."""


def migrate(
    connection: sqlite3.Connection, path: str, *, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring a file to the newest version, in one transaction: killed in the middle, it is as before.

    Raises:
        JournalUnusable: it is from a newer version, or belongs to another program.
    """
    if _version(connection, path, newest=len(migrations)) == len(migrations):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Read again: another process may have been quicker.
        for version in range(_version(connection, path, newest=len(migrations)), len(migrations)):
            for statement in migrations[version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: str, *, newest: int) -> int:
    version = _number(connection, "PRAGMA user_version")
    tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    # Last: another process that makes the file meanwhile sets all three at once, with its mark.
    application = _number(connection, "PRAGMA application_id")
    if application != APPLICATION and (tables or version):
        raise JournalUnusable(f"{path} is a database of another program: choose another file for the journal")
    if version > newest:
        raise JournalUnusable(
            f"{path} was written by a newer version of this program (format {version}, this one knows"
            f" {newest}): update it, or choose another file"
        )
    return version


def _number(connection: sqlite3.Connection, query: str) -> int:
    row: tuple[int] = connection.execute(query).fetchone()
    return row[0]
