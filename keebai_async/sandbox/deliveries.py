"""How a service of the sandbox delivers what it tells: from its clock, some at once, each with an answer.

Nothing runs until somebody subscribes; from then on one task works out what happened, and some others deliver
it.
"""

import asyncio
import heapq
import itertools
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from typing import Final, Generic, Protocol, TypeVar

import aiohttp
import anyio
import msgspec

from keebai_async.clock import Clock

_TICK: Final = 0.2
"""Seconds of real time between two looks at what was sent meanwhile."""


class Subscriber(Protocol):
    """Who is told."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def is_active(self) -> bool: ...


class TransportSwitches(Protocol):
    """What can be set about how a delivery goes out."""

    slow: float
    timeout: float
    at_once: int


S = TypeVar("S", bound=Subscriber)
H = TypeVar("H")


class Delivery(msgspec.Struct, Generic[S], frozen=True, kw_only=True, eq=False):
    """One event on its way to one subscriber."""

    subscription: S
    event_id: str
    kind: str
    body: bytes
    attempt: int = 1


class DeliveryFeed(ABC, Generic[S, H]):
    """Lets happenings (*H*) happen when they are due, and delivers what they tell to subscribers (*S*)."""

    def __init__(self, clock: Clock) -> None:
        self.outcomes: Counter[str] = Counter()
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._due: list[tuple[float, int, H | Delivery[S]]] = []
        self._order = itertools.count()
        self._ready: deque[Delivery[S]] = deque()
        self._busy = 0
        self._coming = 0
        """Happenings on their way from another thread."""
        self._made = itertools.count()
        self._changed = asyncio.Event()
        self._work = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    # What each service decides

    @property
    @abstractmethod
    def transport(self) -> TransportSwitches:
        """How deliveries go out now."""

    @property
    @abstractmethod
    def following(self) -> bool:
        """Whether something is on its way of which more will be told."""

    @property
    @abstractmethod
    def untold(self) -> int:
        """How many messages are on their way of which nothing was told yet."""

    @abstractmethod
    def first(self) -> None:
        """Called once before anything is told: what happened until now stays untold."""

    @abstractmethod
    def advance(self, now: float) -> None:
        """Plan what happened until *now*."""

    @abstractmethod
    def happen(self, happening: H, now: float) -> None:
        """Offer what *happening* tells to all who want to hear it."""

    @abstractmethod
    def wanted(self, delivery: Delivery[S]) -> bool:
        """Whether its subscriber still wants it."""

    @abstractmethod
    def headers(self, delivery: Delivery[S]) -> Mapping[str, str]:
        """What goes out with the body."""

    @abstractmethod
    def settle(self, delivery: Delivery[S], status: int | None) -> None:
        """Take in an answer; None for none."""

    # What all have in common

    @property
    def waiting(self) -> int:
        """Events that have not happened yet, and deliveries that are not settled yet."""
        return self.untold + self._coming + len(self._due) + len(self._ready) + self._busy

    def opened(self, *, subscribed: bool) -> None:
        """The sandbox serves from now on, on the event loop that runs here."""
        self._loop = asyncio.get_running_loop()
        if subscribed:
            self._begin()

    def subscribed(self) -> None:
        """Somebody wants to hear something: begin, if nobody did before. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin)

    async def aclose(self) -> None:
        """Stop delivering. What was not delivered stays, for when the sandbox is opened again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def push(self, after: float, due: "H | Delivery[S]") -> None:
        """Let something be due in so many seconds."""
        heapq.heappush(self._due, (self._clock.now() + after, next(self._order), due))

    def offer(self, delivery: Delivery[S]) -> None:
        """Deliver it as soon as a place is free."""
        self._ready.append(delivery)
        self._work.set()

    def again(self, delivery: Delivery[S], after: float) -> None:
        """Deliver it once more in so many seconds."""
        self.push(after, msgspec.structs.replace(delivery, attempt=delivery.attempt + 1))
        self._changed.set()

    def wake(self) -> None:
        """Something changed. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def make_happen(self, happening: H) -> None:
        """Let something happen now. From any thread."""

        def now() -> None:
            self.push(0.0, happening)
            self._coming -= 1
            self._changed.set()

        if self._loop is not None and not self._loop.is_closed():
            self._coming += 1
            self._loop.call_soon_threadsafe(now)

    def _begin(self) -> None:
        if self._task is not None:
            return
        self.first()
        self._changed, self._work = asyncio.Event(), asyncio.Event()
        # A sandbox is opened and closed in different tasks by fixtures, which no task group allows.
        self._task = asyncio.create_task(self._run(), name="sandbox webhooks")

    async def _run(self) -> None:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, trust_env=False
            ) as session,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(max(1, self.transport.at_once)):
                tasks.start_soon(self._deliver_all, session)
            while True:
                self._changed.clear()
                wait = self._tick()
                if wait is None:
                    await self._changed.wait()
                else:
                    await _either(self._clock, self._changed, wait)

    def _tick(self) -> float | None:
        """Let what is due happen; gives how long nothing will, None for ever."""
        now = self._clock.now()
        self.advance(now)
        while self._due and self._due[0][0] <= now:
            _, _, due = heapq.heappop(self._due)
            if isinstance(due, Delivery):
                self.offer(due)
            else:
                self.happen(due, now)
        waits = [max(0.0, self._due[0][0] - now)] if self._due else []
        if self.following:
            waits.append(_TICK * max(1.0, getattr(self._clock, "speed", 1.0) / 10.0))
        return min(waits, default=None)

    async def _deliver_all(self, session: aiohttp.ClientSession) -> None:
        while True:
            while not self._ready:
                self._work.clear()
                await self._work.wait()
            delivery = self._ready.popleft()
            if not self.wanted(delivery):
                continue
            self._busy += 1
            try:
                status = await self._attempt(session, delivery)
                self.outcomes["none" if status is None else str(status)] += 1
                self.settle(delivery, status)
            finally:
                self._busy -= 1

    async def _attempt(self, session: aiohttp.ClientSession, delivery: Delivery[S]) -> int | None:
        """The status that came back, None for no answer."""
        slow = self.transport.slow
        body = delivery.body if not slow else _halves(delivery.body, self._clock, slow)
        try:
            async with session.post(
                delivery.subscription.url,
                data=body,
                headers=self.headers(delivery),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.transport.timeout),
            ) as reply:
                await reply.read()
                return reply.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def spread(number: int) -> float:
    """A number from 0 to 1 that looks like chance, of a count."""
    return (number * 2_654_435_761 % 2**32) / 2**32


async def _halves(body: bytes, clock: Clock, seconds: float) -> AsyncIterator[bytes]:
    half = len(body) // 2
    yield body[:half]
    await clock.sleep(seconds)
    yield body[half:]


async def _either(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Return when *event* comes, or after *seconds* on *clock*."""

    async def alarm() -> None:
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(alarm)
        await event.wait()
        tasks.cancel_scope.cancel()
