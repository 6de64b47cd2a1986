"""RateLimiter: who waits, in which order, for a place that a store gives.

The waiter at the head of the line asks the store, and sleeps for as long as the store says; every
else sleeps until it is the head. So there is no task of our own to look after, a waiter that is
cancelled simply leaves the line, and no waiter is ever handed a place that it does not pick up.
"""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Final
from weakref import WeakKeyDictionary, ref

import anyio
import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock, wait_for
from keebai_async.loops import running_loop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.hook import hears_routine
from keebai_async.observe.quota_records import (
    QuotaSpent,
    QuotaWaited,
    QuotaWaitExpected,
    SmallerQuotaHolds,
)
from keebai_async.quota.gate import Allowance, Ending, Gate, Lane, Place, TakenPlace
from keebai_async.quota.limits import Limits, held_to, larger
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.store import HeldPlace, PromptStore, Store, Word
from keebai_async.quota.window import CAUTIOUS_QUOTAS, LaneWindow, Quota, Wait, pair, written

UNANSWERED_GRACE: Final = 30.0
"""Seconds after its end in which an unanswered request may still reach the service."""

LOOSE_RECHECK: Final = 1.0
"""Seconds after which a waiter asks again, where another process may have given a place back."""

SHARED_RECHECK: Final = 2.0
"""Seconds after which a waiter asks a store again that others share: it may have lost its memory, and who
waits remembers what it spent; or somebody may have set other limits."""


class Reserves(msgspec.Struct, frozen=True, kw_only=True):
    """The part of each window that a lane leaves to the lanes above it."""

    submit: float = 1 / 30
    poll: float = 1 / 12

    def of(self, lane: Lane) -> float:
        return {Lane.INTERACTIVE: 0.0, Lane.SUBMIT: self.submit, Lane.POLL: self.poll}[lane]


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to each window: *seconds* for late timers, *drift* for clocks that run unequally."""

    seconds: float = 0.05
    drift: float = 0.0002

    def widened(self, per: float) -> float:
        return per * (1 + self.drift) + self.seconds


OnWait = Callable[[Lane, Wait], None]


class RateLimiter:
    """Lets no more requests leave than *quotas* allow, whatever the delays on the way. A `Gate`.

    First come, first served inside a lane; a lane waits while a higher one has waiters, and leaves
    a reserve of each window to them. That order holds among the tasks of one event loop; the spending
    is common to all who use *store*, and so are the limits: of each window the smallest that anybody came
    with holds for all (limits.py). *quotas* is what holds for this one. Quotas that it *yields* are a guess,
    and give way to limits that somebody set on purpose.

    *on_wait* is told whenever the wait at the head of the line begins or grows, to show it to a
    person. It is called inside the event loop and must not block.
    """

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "on_wait": "Who is told of a wait at the head of the line.",
        "quotas": "Shortest first.",
        "store": "Where the spending is kept.",
    }

    on_wait: OnWait | None
    quotas: tuple[Quota, ...]
    store: Store

    def __init__(
        self,
        quotas: Sequence[Quota] = CAUTIOUS_QUOTAS,
        *,
        store: Store | None = None,
        clock: Clock = SYSTEM_CLOCK,
        reserves: Reserves = Reserves(),  # noqa: B008 - frozen
        margin: Margin = Margin(),  # noqa: B008 - frozen
        grace: float = UNANSWERED_GRACE,
        on_wait: OnWait | None = None,
        yields: bool = False,
    ) -> None:
        self.quotas = self._own = tuple(sorted(quotas, key=lambda quota: quota.per))
        self.store = MemoryStore(clock) if store is None else store
        self._prompt = self.store if isinstance(self.store, PromptStore) else None
        self.on_wait = on_wait
        self._clock = clock
        self._grace = grace
        self._reserves = reserves
        self._margin = margin
        self._yields = yields
        self._limits: Limits | None = None
        self._told: tuple[Quota, ...] | None = None
        self._windows = self._windows_of(self.quotas)
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _WaitingLine] = WeakKeyDictionary()
        self._latest: _WaitingLine | None = None
        self._opening = threading.Lock()

    @contextmanager
    def listening(self, listener: OnWait) -> Iterator[None]:
        """Tell *listener* the same as *on_wait*, of waits in this event loop, inside `with`."""
        listeners = self._line().listeners
        listeners.append(listener)
        try:
            yield
        finally:
            listeners.remove(listener)

    def place(self, lane: Lane) -> AbstractAsyncContextManager[Place]:
        """Wait until one more request fits every quota, and hold its place while it is under way."""
        return _Place(self, lane, TO_LOG, None)

    def place_within(self, lane: Lane, seconds: float) -> AbstractAsyncContextManager[Place | Wait]:
        """As `place`, or how long it would take, as soon as it is certain that none comes in *seconds*."""
        return _PlaceWithin(_Place(self, lane, TO_LOG, None), seconds)

    def observed(self, observer: Observer, *, account: str | None = None) -> Gate:
        """The same limiter for one client that shares it: *observer* is told of its waits and places.

        It must not raise (see `hook_of`). *account* tells this token's quota from another's, in what is told.
        """
        return _ObservedLimiter(self, observer, account)

    async def forecast(self, lane: Lane) -> Wait | None:
        """How long a request of *lane* would wait if it came now; None if not at all."""
        return await self.store.forecast(self._windows[lane], self._line().ahead_of(lane))

    async def spent(self) -> tuple[tuple[Quota, int], ...]:
        """How much is spent of each quota that holds, by all who share the store. Raises QuotaUnusable."""
        holds = await self.holding()
        spent = await self.store.spent(self._windows_of(holds)[Lane.INTERACTIVE])
        return tuple(zip(holds, spent, strict=True))

    async def holding(self) -> tuple[Quota, ...]:
        """The quotas that hold for this limiter, with what the store keeps now. Raises QuotaUnusable."""
        kept = await self.store.limits()
        return self._own if kept is None else held_to(self._own, kept, yields=self._yields)

    async def set_limits(self, quotas: Sequence[Quota]) -> None:
        """Set on purpose what holds for all who share the store, in place of what holds now.

        Who goes by less keeps to that by itself. Raises QuotaUnusable.
        """
        said = Limits(quotas=tuple(sorted(quotas, key=lambda quota: quota.per)))
        self._hold_to(await self.store.agree(said, replace=True))

    async def aclose(self) -> None:
        """Close the store. What was spent stays spent."""
        await self.store.aclose()

    async def _take(
        self, lane: Lane, observer: Observer, account: str | None, within: float
    ) -> HeldPlace | Wait:
        line, end = self._line(), self._clock.now() + within
        waiter = _Waiter()
        queue = line.lanes[lane]
        queue.append(waiter)
        wait = _LaneWait(lane, self._clock, observer)
        try:
            while True:
                patience = end - self._clock.now()
                if line.head() is not waiter:
                    wait.begin()
                    if line.opens > end or patience <= 0:
                        break
                    await waiter.nudged(self._clock, patience)
                    continue
                kept = self._limits or await self._agree(observer)
                answer = await self.store.take(self._windows[lane], kept.version)
                if answer is None:
                    await self._agree(observer)
                    continue
                if not isinstance(answer, Wait):
                    wait.got = True
                    self._tell_spent(answer, observer, account)
                    return answer
                # Those behind go no sooner than the head: their lanes leave more of each window to others.
                line.opens = -math.inf if answer.loose else self._clock.now() + answer.seconds
                if patience <= 0 or line.opens > end:
                    return answer
                if wait.grows(answer):
                    self._tell(lane, answer)
                seconds = min(answer.seconds, self._recheck_of(answer))
                await waiter.nudged(self._clock, min(seconds, patience))
        finally:
            queue.remove(waiter)
            line.nudge()
            wait.end()
        return await self.forecast(lane) or Wait(seconds=0.0)

    def _take_now(self, lane: Lane, observer: Observer, account: str | None) -> "_Place | None":
        """A place that is held already, if the store answers at once and nobody waits for one."""
        kept = self._limits
        if self._prompt is None or kept is None or self._line().head() is not None:
            return None
        held = self._prompt.take_now(self._windows[lane], kept.version)
        if held is None or isinstance(held, Wait):
            return None  # who waits for it asks again
        self._tell_spent(held, observer, account)
        return _Place(self, lane, observer, account, held)

    def _recheck_of(self, wait: Wait) -> float:
        if wait.loose:
            return LOOSE_RECHECK
        return math.inf if isinstance(self.store, MemoryStore) else SHARED_RECHECK

    async def _agree(self, observer: Observer) -> Limits:
        """Say by what we go, and keep to what holds."""
        before, said = self._limits, Limits(quotas=self.quotas)
        if before is not None and before.on_purpose and await self.store.limits() is None:
            said = before  # the store forgot what was set there
        kept = await self.store.agree(said)
        self._hold_to(kept)
        if larger(self._own, self.quotas) and self._told != self.quotas:
            self._told = self.quotas
            observer(SmallerQuotaHolds(own=written(self._own), holds=written(self.quotas)))
        return kept

    def _hold_to(self, kept: Limits) -> None:
        self.quotas = held_to(self._own, kept, yields=self._yields)
        self._windows = self._windows_of(self.quotas)
        self._limits = kept

    def _windows_of(self, quotas: Sequence[Quota]) -> dict[Lane, tuple[LaneWindow, ...]]:
        return {lane: _windows(quotas, self._reserves.of(lane), self._margin) for lane in Lane}

    def _tell(self, lane: Lane, wait: Wait) -> None:
        if self.on_wait is not None:
            self.on_wait(lane, wait)
        for listener in list(self._line().listeners):
            listener(lane, wait)

    def _tell_spent(self, held: HeldPlace, observer: Observer, account: str | None) -> None:
        if not hears_routine(observer):
            return
        for quota, spent in zip(self.quotas, held.spent, strict=False):  # a store need not say
            observer(QuotaSpent(window=quota.per, limit=quota.limit, spent=spent, account=account))

    async def _settle(
        self,
        lane: Lane,
        held: HeldPlace,
        ending: Ending,
        allowances: tuple[Allowance, ...],
        pause: float | None,
    ) -> None:
        left = tuple(pair(self.quotas, allowances)) if allowances else ()
        word = Word(ending=ending, grace=self._grace, left=left, pause=pause)
        if await self.store.settle(held, self._windows[lane], word):
            self._line().nudge()

    def _line(self) -> "_WaitingLine":
        loop = running_loop()
        line = self._latest
        if line is not None and line.loop() is loop:  # a weak dictionary takes several times as long
            return line
        line = self._lines.get(loop)
        if line is None:
            with self._opening:
                line = self._lines[loop] = _WaitingLine(loop)
        self._latest = line
        return line


class _ObservedLimiter:
    """A limiter for one of those who share it."""

    __slots__ = ("_account", "_limiter", "_observer")

    def __init__(self, limiter: RateLimiter, observer: Observer, account: str | None) -> None:
        self._account = account
        self._limiter = limiter
        self._observer = observer

    def place(self, lane: Lane) -> AbstractAsyncContextManager[Place]:
        return _Place(self._limiter, lane, self._observer, self._account)

    def place_now(self, lane: Lane) -> TakenPlace | None:
        return self._limiter._take_now(lane, self._observer, self._account)

    def place_within(self, lane: Lane, seconds: float) -> AbstractAsyncContextManager[Place | Wait]:
        return _PlaceWithin(_Place(self._limiter, lane, self._observer, self._account), seconds)


class _LaneWait:
    """The wait of one request for its place, told to its observer when it begins, grows and ends."""

    __slots__ = ("_clock", "_lane", "_last", "_observer", "_since", "got")

    def __init__(self, lane: Lane, clock: Clock, observer: Observer) -> None:
        self._lane = lane
        self._clock = clock
        self._observer = observer
        self._since: float | None = None
        self._last: Wait | None = None
        self.got = False

    def begin(self) -> None:
        if self._since is None:
            self._since = self._clock.now()

    def grows(self, wait: Wait) -> bool:
        """Whether *wait* is longer than was told, or another one. If so it is told."""
        self.begin()
        last, self._last = self._last, wait
        if last is not None and wait.quota == last.quota and wait.seconds <= last.seconds:
            return False
        quota = wait.quota
        self._observer(
            QuotaWaitExpected(
                lane=self._lane.name.lower(),
                seconds=wait.seconds,
                reason=wait.why,
                window=None if quota is None else quota.per,
                limit=None if quota is None else quota.limit,
            )
        )
        return True

    def end(self) -> None:
        if self._since is None:
            return
        last = self._last
        self._observer(
            QuotaWaited(
                lane=self._lane.name.lower(),
                seconds=self._clock.now() - self._since,
                got=self.got,
                paused=last is not None and last.quota is None,
                window=None if last is None or last.quota is None else last.quota.per,
            )
        )


class _Place:
    """One place: waits on entry, settles on exit."""

    __slots__ = ("_account", "_allowances", "_ending", "_held", "_lane", "_limiter", "_observer", "_pause")

    def __init__(
        self,
        limiter: RateLimiter,
        lane: Lane,
        observer: Observer,
        account: str | None,
        held: HeldPlace | None = None,
    ) -> None:
        self._account = account
        self._limiter = limiter
        self._lane = lane
        self._observer = observer
        self._held = held
        self._ending = Ending.UNANSWERED
        self._allowances: tuple[Allowance, ...] = ()
        self._pause: float | None = None

    async def enter(self, within: float) -> Place | Wait:
        """Wait for it, at most so many seconds; or say how long it would take."""
        answer = await self._limiter._take(self._lane, self._observer, self._account, within)
        if isinstance(answer, Wait):
            return answer
        self._held = answer
        return self

    async def __aenter__(self) -> Place:
        while isinstance(given := await self.enter(math.inf), Wait):
            pass
        return given

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await self._limiter._settle(self._lane, held, self._ending, self._allowances, self._pause)

    def settle(
        self, ending: Ending, *, allowances: tuple[Allowance, ...] = (), pause: float | None = None
    ) -> None:
        self._ending, self._allowances, self._pause = ending, allowances, pause


class _PlaceWithin:
    """A place that is waited for as long as it may come within *seconds*."""

    __slots__ = ("_place", "_seconds")

    def __init__(self, place: _Place, seconds: float) -> None:
        self._place = place
        self._seconds = seconds

    async def __aenter__(self) -> Place | Wait:
        return await self._place.enter(self._seconds)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._place.__aexit__(kind, error, trace)


class _Waiter:
    """A request in line. A nudge tells it to look whether it is the head, or may go sooner."""

    __slots__ = ("_event", "_news")

    def __init__(self) -> None:
        self._event: anyio.Event | None = None
        self._news = False  # nudged while it was asking the store: it must not go to sleep on it

    def nudge(self) -> None:
        self._news = True
        if self._event is not None:
            self._event.set()

    async def nudged(self, clock: Clock, seconds: float) -> None:
        """Sleep until a nudge, at most *seconds*."""
        if not self._news:
            self._event = anyio.Event()
            if seconds == math.inf:
                await self._event.wait()
            else:
                await wait_for(clock, self._event, seconds)
        self._news = False


class _WaitingLine:
    """The waiters of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = ref(loop)
        self.lanes: dict[Lane, deque[_Waiter]] = {lane: deque() for lane in Lane}
        self.listeners: list[OnWait] = []
        self.opens = -math.inf  # when the head can have its place at the soonest, as far as it is certain

    def head(self) -> _Waiter | None:
        for queue in self.lanes.values():
            if queue:
                return queue[0]
        return None

    def nudge(self) -> None:
        if (head := self.head()) is not None:
            head.nudge()

    def ahead_of(self, lane: Lane) -> int:
        return sum(len(queue) for above, queue in self.lanes.items() if above <= lane)


def _windows(quotas: Sequence[Quota], reserve: float, margin: Margin) -> tuple[LaneWindow, ...]:
    return tuple(
        LaneWindow(
            quota=quota, per=margin.widened(quota.per), most=max(1, quota.limit - int(quota.limit * reserve))
        )
        for quota in quotas
    )
