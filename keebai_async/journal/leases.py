"""Who may change a campaign: one lease for each, which a dead process cannot keep."""

import secrets
import sqlite3
from typing import Final

import msgspec

from keebai_async.clock import Clock
from keebai_async.errors import CampaignBusy
from keebai_async.journal import rules
from keebai_async.model.campaign import Holder, Wish
from keebai_async.storage.process import Process, alive, this_process

_PROCESS: Final = msgspec.json.Decoder(Process)

_OPEN: Final[set[str]] = set()
"""The tokens of the journals that are open in this process: its pid alone does not tell two of them apart."""


class Leases:
    """The leases that one open journal holds, told from all others by a token.

    Everything here is done by the journal's one thread, inside a transaction of its. A row with our token
    that we do not remember is left from a write that failed half-way: it is nobody's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.token = secrets.token_hex(8)
        self._process = this_process()
        self._held: set[str] = set()
        _OPEN.add(self.token)

    def close(self) -> None:
        self._held.clear()
        _OPEN.discard(self.token)

    @property
    def any(self) -> bool:
        return bool(self._held)

    def holds(self, campaign_id: str) -> bool:
        return campaign_id in self._held

    def acquire(self, db: sqlite3.Connection, campaign_id: str) -> None:
        """Take the lease. Raises CampaignBusy if somebody alive holds it, be it this journal itself."""
        holder = self.holder(db, campaign_id)
        if holder is not None:
            raise rules.busy(campaign_id, holder)
        now = self._clock.wall()
        db.execute(
            "INSERT OR REPLACE INTO leases (campaign_id, token, process, since, heartbeat)"
            " VALUES (?, ?, ?, ?, ?)",
            (campaign_id, self.token, msgspec.json.encode(self._process), now, now),
        )
        self._held.add(campaign_id)

    def release(self, db: sqlite3.Connection, campaign_id: str) -> None:
        self._held.discard(campaign_id)
        db.execute("DELETE FROM leases WHERE campaign_id = ? AND token = ?", (campaign_id, self.token))

    def release_all(self, db: sqlite3.Connection) -> None:
        self._held.clear()
        db.execute("DELETE FROM leases WHERE token = ?", (self.token,))

    def check(self, db: sqlite3.Connection, campaign_id: str) -> None:
        """Let a change pass only if nobody else may make it.

        Raises:
            CampaignBusy: another has the lease, even a dead one (take it over first), or ours was lost.
        """
        row = db.execute(
            "SELECT token, process, since FROM leases WHERE campaign_id = ?", (campaign_id,)
        ).fetchone()
        if row is not None and row[0] != self.token:
            raise rules.busy(campaign_id, _holder(row))
        if row is None and campaign_id in self._held:
            raise CampaignBusy(
                f"the lease of campaign {campaign_id} was lost: another process has run it meanwhile",
                campaign_id=campaign_id,
            )

    def holder(self, db: sqlite3.Connection, campaign_id: str) -> Holder | None:
        """Who holds it and is alive."""
        row = db.execute(
            "SELECT token, process, since, heartbeat FROM leases WHERE campaign_id = ?", (campaign_id,)
        ).fetchone()
        if row is None:
            return None
        token, process, since, heartbeat = row
        if token == self.token:
            held = campaign_id in self._held
        else:
            held = self._alive(token, _PROCESS.decode(process), heartbeat)
        return _holder((token, process, since)) if held else None

    def beat(self, db: sqlite3.Connection) -> None:
        """Say that all leases of this journal are alive."""
        db.execute("UPDATE leases SET heartbeat = ? WHERE token = ?", (self._clock.wall(), self.token))

    def ask(self, db: sqlite3.Connection, campaign_id: str, wish: Wish) -> bool:
        if self.holder(db, campaign_id) is None:
            return False
        db.execute("UPDATE leases SET wish = ? WHERE campaign_id = ?", (wish.value, campaign_id))
        return True

    def wish(self, db: sqlite3.Connection, campaign_id: str) -> Wish | None:
        row = db.execute(
            "SELECT wish FROM leases WHERE campaign_id = ? AND token = ? AND wish IS NOT NULL",
            (campaign_id, self.token),
        ).fetchone()
        return None if row is None else Wish(row[0])

    def take_wish(self, db: sqlite3.Connection, campaign_id: str) -> Wish | None:
        wish = self.wish(db, campaign_id)
        db.execute(
            "UPDATE leases SET wish = NULL WHERE campaign_id = ? AND token = ?", (campaign_id, self.token)
        )
        return wish

    def _alive(self, token: str, process: Process, heartbeat: float) -> bool:
        if process == self._process:
            return token in _OPEN
        return alive(process, silent_for=self._clock.wall() - heartbeat)


def _holder(row: tuple[str, bytes, float]) -> Holder:
    process = _PROCESS.decode(row[1])
    return Holder(pid=process.pid, host=process.host, since=row[2])
