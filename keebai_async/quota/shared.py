"""One limiter for all clients of a process that use the same token at the same base URL."""

import threading
from collections.abc import Sequence
from weakref import WeakValueDictionary

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.window import Quota

_Key = tuple[str, Clock]

_lock = threading.Lock()
_stores: WeakValueDictionary[_Key, MemoryStore] = WeakValueDictionary()
_limiters: WeakValueDictionary[tuple[_Key, tuple[Quota, ...], bool], RateLimiter] = WeakValueDictionary()
_spending: dict[_Key, MemoryStore] = {}  # held here while it matters, even if no client is left


def shared_limiter(
    key: str, quotas: Sequence[Quota], clock: Clock = SYSTEM_CLOCK, *, yields: bool = False
) -> RateLimiter:
    """The limiter of *key* (a hash of base URL and token) in this process, made on first use.

    It outlives its clients, event loops and threads for as long as something that they spent still
    counts. Two callers with different *quotas* wait in lines of their own, on the same spending, and the
    smaller quota holds for both. *yields* is as in RateLimiter.
    """
    name = (key, clock)
    with _lock:
        for other, store in list(_spending.items()):
            if other != name and store.idle:
                del _spending[other]
        store = _stores.get(name) or MemoryStore(clock)
        _stores[name] = _spending[name] = store
        own = (name, tuple(quotas), yields)
        limiter = _limiters.get(own)
        if limiter is None:
            limiter = _limiters[own] = RateLimiter(quotas, store=store, clock=clock, yields=yields)
        return limiter
