"""What a journal asks of a database: a dozen kinds of rows, and a few plain verbs over them.

The rules of a journal are written once, as plain functions over Tables (`stored.py` and what it uses). A
database brings the verbs and decides how a transaction is made; it knows nothing of leases, moves or purges.
"""

import math
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import msgspec

from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import AnyEvent
from keebai_async.model.lifecycle import Move
from keebai_async.model.outbox import OutboxMessage
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Rejection
from keebai_async.model.stop import Cause
from keebai_async.storage.process import Process
from keebai_async.storage.safety import Safe

OPT_OUTS: Final = "opt-outs"
"""What stands in the place of a campaign's id in rows that belong to none: no id of a campaign is like it."""


class StoredRow(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all rows. Within its kind a row is found by its campaign's id and its *key* there."""

    campaign_id: str

    @property
    def key(self) -> tuple[int, ...]:
        return ()


class CampaignRow(StoredRow, frozen=True, kw_only=True):
    """*plan* is its JSON; None while it is in the making, in which nothing but *created_at* is set.

    *requests* is JSON too: what was spent in all runs; and so is *facts*, what else is known of them.
    """

    name: str = ""
    fingerprint: str = ""
    plan: bytes | None = None
    state: CampaignState = CampaignState.PLANNED
    reason: str | None = None
    stopped_by: Cause | None = None
    requests: bytes = b"{}"
    seconds: float = 0.0
    created_at: float
    purged_at: float | None = None
    facts: bytes = b"{}"


class ChunkRow(StoredRow, frozen=True, kw_only=True):
    """*born* is how many people it had at first, so that its moves can be lived again."""

    born: int
    chunk: Chunk

    @property
    def key(self) -> tuple[int, ...]:
        return (self.chunk.number,)


class MoveRow(StoredRow, frozen=True, kw_only=True):
    """What happened to a chunk. No two of a campaign may have the same number and step."""

    move: Move
    recorded_at: float

    @property
    def key(self) -> tuple[int, ...]:
        return (self.move.number, self.move.step)


class ItemsRow(StoredRow, frozen=True, kw_only=True):
    """The people of a chunk, as a JSON array, which comes back byte for byte."""

    number: int
    items: bytes

    @property
    def key(self) -> tuple[int, ...]:
        return (self.number,)


class FatesRow(StoredRow, frozen=True, kw_only=True):
    """What webhooks told of the people of a chunk, as it was planned, by their places: see `ChunkFates`."""

    number: int
    fates: bytes

    @property
    def key(self) -> tuple[int, ...]:
        return (self.number,)


class OptOutsRow(StoredRow, frozen=True, kw_only=True):
    """What was said of people who want no more: a page of them (see `OptOutPage`), of all campaigns together.

    It belongs to no campaign: in the place of one stands OPT_OUTS. Page 0 says how often each page changed.
    Another ledger of such pages is that of `purged_people.py`.
    """

    campaign_id: str = OPT_OUTS
    page: int
    people: bytes

    @property
    def key(self) -> tuple[int, ...]:
        return (self.page,)


class MatchesRow(StoredRow, frozen=True, kw_only=True):
    """Of whom in an unknown chunk webhooks told without a mark, and when first.

    *times* are Unix seconds by the place of each person in it, four bytes each; 0 for nobody.
    """

    number: int
    times: bytes

    @property
    def key(self) -> tuple[int, ...]:
        return (self.number,)


class EventRow(StoredRow, frozen=True, kw_only=True):
    """What was told of the campaign, as number *id* from 1 on.

    Of one *topic*, if it has one, there is one row. *chunks* is how many chunks of the campaign answered for
    somebody then.
    """

    id: int
    chunks: int
    topic: str = ""
    event: AnyEvent

    @property
    def key(self) -> tuple[int, ...]:
        return (self.id,)


class RejectionsRow(StoredRow, frozen=True, kw_only=True):
    """Some rows of a list that are not sent. *id* is given by the table, and only ever grows."""

    id: int = 0
    rejections: tuple[Rejection, ...]

    @property
    def key(self) -> tuple[int, ...]:
        return (self.id,)


class LeaseRow(StoredRow, frozen=True, kw_only=True):
    """Who may change the campaign: *lease_id* is another one each time that it is taken."""

    lease_id: str
    process: Process
    since: float
    """Unix time; later than that of all leases that were held when this one was taken."""
    heartbeat: float
    """On the clock of the tables."""
    wish: Wish | None = None
    lasts: float | None = None
    """Seconds of silence after which it is over where its process cannot be looked at, if its holder said."""


class OutboxRow(StoredRow, frozen=True, kw_only=True):
    """A single message that is sent once. In the place of a campaign's id it has one of its own.

    *attempt_id* is another one at each attempt, and *process* the one that makes it, which has an outcome
    by *due*, on the clock of the tables.
    """

    message: OutboxMessage
    attempt_id: str = ""
    process: Process | None = None
    due: float = 0.0


class WantRow(StoredRow, frozen=True, kw_only=True):
    """That a campaign is to run from *at* on: see `Want`."""

    at: float
    held: bool = False
    again: bool = False
    agreed: tuple[Reached, ...] = ()
    account: str = ""
    salt: str = ""
    waits: bool = False
    tries: int = 0


R = TypeVar("R", bound=StoredRow)
T = TypeVar("T")

KINDS: tuple[type[StoredRow], ...] = (
    CampaignRow,
    ChunkRow,
    MoveRow,
    EventRow,
    ItemsRow,
    FatesRow,
    MatchesRow,
    RejectionsRow,
    LeaseRow,
    OutboxRow,
    OptOutsRow,
    WantRow,
)


class Tables(Protocol):
    """The rows, as one transaction sees and changes them.

    Raises Damaged for what cannot be read as the row it should be, and for an `insert` of a row that is
    there or an `update` of one that is not; for these perhaps only at the end of the transaction.
    """

    def expect(self, kind: type[StoredRow], campaign_id: str, *key: int) -> None:
        """Say that this row will be looked at with `get`; an EventRow without its id with `last_event`.

        It changes nothing. Who has to ask a server asks for all that is expected at once.
        """

    def get(self, kind: type[R], campaign_id: str, *key: int) -> R | None:
        """The row of that key, if it is there."""

    def rows(self, kind: type[R], campaign_id: str) -> list[R]:
        """All rows of a campaign in the order in which they were inserted; chunks by their number."""
        ...

    def insert(self, row: StoredRow) -> None: ...

    def update(self, row: StoredRow) -> None:
        """Put *row* where one of its kind and key is."""

    def delete(self, kind: type[StoredRow], campaign_id: str) -> None:
        """Remove a campaign's rows of one kind; with its CampaignRow go all that are its own."""

    def frozen(self, *, alike: tuple[str, str] | None = None) -> list[CampaignRow]:
        """The campaigns that have a plan, or those of one name and fingerprint, newest first."""
        ...

    def left_since(self, since: float) -> list[tuple[float, int]]:
        """When chunks of any campaign left after that Unix time, and how many people were in each.

        Of those that may have reached somebody (PERHAPS_SENT), in no order.
        """
        ...

    def drafts(self) -> list[CampaignRow]:
        """The campaigns whose plan is in the making."""
        ...

    def leases(self) -> list[LeaseRow]:
        """Those of all campaigns."""
        ...

    def rejections_after(self, campaign_id: str, last: int) -> RejectionsRow | None:
        """The first row with an id above *last*."""

    def last_event(self, campaign_id: str) -> EventRow | None:
        """The one with the highest id."""

    def events_after(self, campaign_id: str, after: int, *, limit: int) -> list[EventRow]:
        """Those with higher ids than *after*, the lowest first, at most *limit*."""
        ...

    def forget_event(self, campaign_id: str, topic: str) -> None:
        """Remove the event of a topic, if there is one."""

    def outbox(self, state: ChunkState, *, before: float = math.inf, limit: int) -> list[OutboxRow]:
        """The messages in this state that were made before a time, the newest first, at most *limit*."""
        ...

    def wants(self, *, by: float) -> list[WantRow]:
        """Those whose time has come by then, the earliest first."""
        ...

    def now(self) -> float:
        """The time, in seconds, on the clock that all who share this database have in common."""
        ...


class Database(Protocol):
    """Makes transactions. Used from one thread, one call at a time.

    *work* is a plain function: it changes nothing but the tables it is given, so that a database which
    has to give a transaction up (a deadlock, two that cannot be put in an order) calls it again, from its
    beginning. What *work* read still holds when its transaction is committed: a lease that it looked at
    is nobody else's by then.

    Raises JournalUnusable for every failure of the disk, the network or the database.
    """

    name: str
    """For people, in the middle of a sentence: "the journal /data/k.db"."""
    blocks: bool
    """It may wait for a disk or a network, so it is used from a thread of its own."""

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        """One transaction, written as a whole or not at all, and so *safe* when this returns."""
        ...

    def read(self, work: Callable[[Tables], T]) -> T:
        """One look, in which everything belongs to the same instant."""
        ...

    def shred(self) -> None:
        """Leave nothing of what was deleted, as far as this database can."""

    def alive(self, process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
        """Whether *process* counts as running, its last heartbeat being *silent_for* seconds old.

        *lasts* is how long it may be silent, if its lease says so.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. The next use opens them again."""
