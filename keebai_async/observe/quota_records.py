"""What is told of the quota: who waits and how long, what is spent, whether its books can be reached."""

from keebai_async.observe.base import BaseRecord


class QuotaWaitExpected(BaseRecord, frozen=True, kw_only=True, tag="quota wait expected"):
    """There is no place now: the next one comes in *seconds*. Told again when that grows.

    *window* is the length in seconds of the window that is full, with its *limit*; both are None if the
    service told everybody with this token to pause.
    """

    lane: str
    seconds: float
    reason: str
    window: float | None = None
    limit: int | None = None


class QuotaWaited(BaseRecord, frozen=True, kw_only=True, tag="quota waited"):
    """A request that had to wait has its place after *seconds*, or gave up (*got* is false).

    *seconds* include the time behind others in line. *window* is the last one that was full, None for a
    request that only stood behind others, or waited for the end of a pause (then *paused* is true).
    """

    lane: str
    seconds: float
    got: bool
    paused: bool = False
    window: float | None = None


class QuotaSpent(BaseRecord, frozen=True, kw_only=True, tag="quota spent"):
    """A place was taken: *spent* of *limit* requests now count in the window of *window* seconds.

    They are those of everybody who shares the store. *account* tells one token's quota from another's, if
    there are several.
    """

    window: float
    limit: int
    spent: int
    account: str | None = None


class PlaceNotSettled(BaseRecord, frozen=True, kw_only=True, tag="place not settled"):
    """What became of a request could not be entered in the *store*: its place lapses by itself."""

    store: str
    reason: str


class QuotaStoreGone(BaseRecord, frozen=True, kw_only=True, tag="quota store gone"):
    """The *store* cannot be reached. Until it is back, this process spends *share* of each window (0 to 1);
    without a share, requests fail.
    """

    store: str
    reason: str
    share: float | None = None


class QuotaStoreBack(BaseRecord, frozen=True, kw_only=True, tag="quota store back"):
    """The *store* answers again, and what was spent in the meantime is entered there."""

    store: str


class QuotaStoreForgot(BaseRecord, frozen=True, kw_only=True, tag="quota store forgot"):
    """The *store* lost what it kept, all of it or a part. What this process spent, *told* requests, is
    entered again; what others may have spent counts as spent until a full window has passed.
    """

    store: str
    told: int


class SmallerQuotaHolds(BaseRecord, frozen=True, kw_only=True, tag="smaller quota holds"):
    """Who shares the token goes by a smaller quota: *holds* for all, in place of this client's *own*.

    Both are written as `60/60s,1000/3600s`. It holds until somebody sets another on purpose.
    """

    own: str
    holds: str


class QuotaKeptInMemory(BaseRecord, frozen=True, kw_only=True, tag="quota kept in memory"):
    """No file could be had for the quota, so other processes of this machine do not know what is spent here.
    It is told once.
    """

    reason: str


QuotaRecord = (
    QuotaWaitExpected
    | QuotaWaited
    | QuotaSpent
    | PlaceNotSettled
    | QuotaStoreGone
    | QuotaStoreBack
    | QuotaStoreForgot
    | SmallerQuotaHolds
    | QuotaKeptInMemory
)
