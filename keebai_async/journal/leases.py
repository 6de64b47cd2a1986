"""Who may change a campaign: one lease for each, which neither a dead process nor a failed write can keep."""

import math
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from keebai_async.errors import CampaignBusy
from keebai_async.journal import rules
from keebai_async.journal.tables import Database, LeaseRow, Tables
from keebai_async.model.campaign import Holder, Wish
from keebai_async.storage.process import seen_alive, this_process

_LIVE: Final[set[str]] = set()
"""The ids of all leases that are held in this process: its pid alone does not tell two of them apart."""


_WORTH_RENEWING: Final = 1.0
"""Seconds; a younger sign of life is as good as one of now."""

SHORTEST_LEASE: Final = 3.0
"""Seconds; who is silent for less is only slow."""


class Claim(msgspec.Struct, frozen=True):
    """One taking of a lease, from the instant when it is asked for."""

    campaign_id: str
    lease_id: str


class Leases:
    """The leases of one open journal.

    Whether this process holds a lease is what its memory says: a claim is alive from before it is written
    until it is dropped, whatever the database could be told of it. A row that is left of a dropped claim,
    because the database was away when it should have been removed, is nobody's at once for this process,
    and is removed with the next heartbeat for all others.

    What is done with Tables is done inside a transaction, perhaps more than once; `keep`, `drop` and
    `forget` are called outside of it, when its end is known.

    *lasts* is how many seconds they may be silent before they are over, for those who cannot see our process.
    """

    def __init__(self, database: Database, *, lasts: float | None = None) -> None:
        self._database = database
        self._lasts = lasts
        self._worth_renewing = _WORTH_RENEWING if lasts is None else min(_WORTH_RENEWING, lasts / 10)
        self._process = this_process()
        self._held: dict[str, str] = {}
        self._after_silence: set[str] = set()  # campaigns whose last holder was not seen to die
        self._written: dict[str, Claim] = {}  # by lease id: those that may be on disk

    def claim(self, campaign_id: str) -> Claim:
        claim = Claim(campaign_id, secrets.token_hex(8))
        _LIVE.add(claim.lease_id)
        self._written[claim.lease_id] = claim
        return claim

    def keep(self, claim: Claim) -> None:
        """It is on disk, so from now on it is missed if it is not there."""
        self._held[claim.campaign_id] = claim.lease_id

    def drop(self, claim: Claim) -> bool:
        """It is over; False if it was already. A row of it may be left."""
        if self._held.get(claim.campaign_id) == claim.lease_id:
            del self._held[claim.campaign_id]
        if claim.lease_id not in _LIVE:
            return False
        _LIVE.discard(claim.lease_id)
        return True

    def forget(self, claim: Claim) -> None:
        """It is certainly not on disk (any more)."""
        self._written.pop(claim.lease_id, None)

    def close(self) -> None:
        """All of them are over."""
        for claim in self.claims:
            self.drop(claim)

    @property
    def claims(self) -> list[Claim]:
        """Those of which there may be a row."""
        return list(self._written.values())

    @property
    def over(self) -> list[Claim]:
        """Those of them that are no lease any more."""
        return [claim for claim in self.claims if claim.lease_id not in _LIVE]

    def holds(self, campaign_id: str) -> bool:
        return campaign_id in self._held

    def take(self, tables: Tables, claim: Claim, *, at: float) -> None:
        """Raises CampaignBusy if somebody alive holds the lease, be it this journal itself."""
        row = tables.get(LeaseRow, claim.campaign_id)
        if row is not None and self._lives(tables, row):
            raise rules.busy(claim.campaign_id, _holder(row))
        if self._held.get(claim.campaign_id, claim.lease_id) != claim.lease_id:
            # Lost to somebody, and that one is gone by now; but who had it here may not know yet, and still
            # writes: under a new lease of this journal, it would pass for the holder.
            raise CampaignBusy(
                f"campaign {claim.campaign_id} is still being left by a run of this program that lost it:"
                " wait for its end",
                campaign_id=claim.campaign_id,
            )
        if row is not None and not self._saw_it_end(row):
            self._after_silence.add(claim.campaign_id)
        ours = LeaseRow(
            campaign_id=claim.campaign_id,
            lease_id=claim.lease_id,
            process=self._process,
            since=self._after_all(tables, at),
            heartbeat=tables.now(),
            lasts=self._lasts,
        )
        put: Callable[[LeaseRow], None] = tables.insert if row is None else tables.update
        put(ours)

    def _after_all(self, tables: Tables, at: float) -> float:
        """The time *at*, or as little later as puts it behind all who live: it alone says who was first."""
        latest = max((row.since for row in tables.leases() if self._lives(tables, row)), default=-math.inf)
        return max(at, math.nextafter(latest, math.inf))

    def saw_last_holder_dead(self, campaign_id: str) -> bool:
        """False if the lease was taken because of nothing but the silence of its holder, who could wake."""
        return campaign_id not in self._after_silence

    def _saw_it_end(self, row: LeaseRow) -> bool:
        ended = row.process == self._process and row.lease_id not in _LIVE
        return ended or seen_alive(row.process) is False

    def bury(self, tables: Tables, campaign_id: str) -> bool:
        """Remove what is left of a lease whose holder is gone; False if somebody alive has it.

        A holder that was only silent, and wakes, finds that it is lost.
        """
        row = tables.get(LeaseRow, campaign_id)
        if row is not None and self._lives(tables, row):
            return False
        if row is not None:
            tables.delete(LeaseRow, campaign_id)
        return True

    def saw_dead(self, tables: Tables, campaign_id: str) -> bool:
        """False if nothing but silence would say of the one who has the lease that it is gone."""
        row = tables.get(LeaseRow, campaign_id)
        return row is None or self._saw_it_end(row)

    def give_back(self, tables: Tables, claim: Claim) -> None:
        row = tables.get(LeaseRow, claim.campaign_id)
        if row is not None and row.lease_id == claim.lease_id:
            tables.delete(LeaseRow, claim.campaign_id)

    def check(self, tables: Tables, campaign_id: str) -> None:
        """Let a change pass only if nobody else may make it.

        Raises:
            CampaignBusy: another has the lease, even a dead one (take it over first), or ours was lost.
        """
        row = tables.get(LeaseRow, campaign_id)
        if row is not None and row.lease_id not in self._written:
            raise rules.busy(campaign_id, _holder(row))
        if row is not None and row.lease_id == self._held.get(campaign_id):
            self._renew(tables, row)
        if row is None and campaign_id in self._held:
            raise CampaignBusy(
                f"campaign {campaign_id} was taken over by another process while this one slept or could not"
                " reach the journal: nothing more is sent from here",
                campaign_id=campaign_id,
            )

    def _renew(self, tables: Tables, row: LeaseRow) -> None:
        """A change is a sign of life, too: nobody takes the lease over before a new silence has lasted."""
        now = tables.now()
        if now - row.heartbeat >= self._worth_renewing:
            tables.update(replace(row, heartbeat=now))

    def holder(self, tables: Tables, campaign_id: str) -> Holder | None:
        """Who holds it and is alive."""
        row = tables.get(LeaseRow, campaign_id)
        return _holder(row) if row is not None and self._lives(tables, row) else None

    def holders(self, tables: Tables) -> dict[str, Holder]:
        """Who holds the lease of each campaign that somebody alive runs, or plans."""
        return {row.campaign_id: _holder(row) for row in tables.leases() if self._lives(tables, row)}

    def beat(self, tables: Tables) -> None:
        """Say that the leases of this journal are alive, and remove what is left of those that are not."""
        for claim in self.claims:
            row = tables.get(LeaseRow, claim.campaign_id)
            if row is None or row.lease_id != claim.lease_id:
                continue
            if claim.lease_id in _LIVE:
                tables.update(replace(row, heartbeat=tables.now()))
            else:
                tables.delete(LeaseRow, claim.campaign_id)

    def ask(self, tables: Tables, campaign_id: str, wish: Wish | None) -> bool:
        row = tables.get(LeaseRow, campaign_id)
        if row is None or not self._lives(tables, row) or (wish is None and row.wish is None):
            return False
        tables.update(replace(row, wish=wish))
        return True

    def wish(self, tables: Tables, campaign_id: str) -> LeaseRow | None:
        """Our own lease, if somebody left a wish there."""
        row = tables.get(LeaseRow, campaign_id)
        ours = row is not None and row.lease_id == self._held.get(campaign_id)
        return row if row is not None and ours and row.wish is not None else None

    def take_wish(self, tables: Tables, campaign_id: str) -> Wish | None:
        row = self.wish(tables, campaign_id)
        if row is None:
            return None
        tables.update(replace(row, wish=None))
        return row.wish

    def _lives(self, tables: Tables, row: LeaseRow) -> bool:
        if row.process == self._process:
            return row.lease_id in _LIVE
        return self._database.alive(row.process, silent_for=tables.now() - row.heartbeat, lasts=row.lasts)


def _holder(row: LeaseRow) -> Holder:
    process = row.process
    return Holder(pid=process.pid, host=process.host, since=row.since, user=process.user)
