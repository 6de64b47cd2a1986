"""Spending kept in Redis: shared by many machines. The server's clock decides.

Needs the `redis` extra. Keys expire by themselves once nothing in them counts any more.
"""

import logging
import math
import os
from collections.abc import Sequence
from typing import Final, TypeVar

import anyio
import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.quota.books import Books
from keebai_async.quota.gate import Ending
from keebai_async.quota.lua import ENTER, LOOK, SETTLE, TAKE
from keebai_async.quota.pause import NEVER, Pause
from keebai_async.quota.sqlite import LONGEST_REQUEST
from keebai_async.quota.store import Held, Word
from keebai_async.quota.window import Room, Wait

T = TypeVar("T")

SHARE: Final = 0.25
"""The part of the quota that one process may spend by itself while Redis is gone."""

_TIMEOUT = 5.0  # seconds of real time for one answer of Redis
_RETRY = 5.0  # seconds between attempts to reach a Redis that was gone
_SETTLING = 12.0  # seconds of real time that a cancelled request may spend on its books

_logger = logging.getLogger(__name__)


class RedisStore:
    """The spending of the token named *key* at the Redis at *url*, for one event loop.

    While Redis cannot be reached, `take` raises QuotaUnusable, or with *local_when_gone* this process goes
    on with *share* of each window. Either way it is said once in the log, and when Redis is back, what
    was spent in the meantime is entered there first. So it is if Redis lost its memory.

    *longest* is how many seconds a request may take at most: a place whose holder died lapses then.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        local_when_gone: bool = False,
        share: float = SHARE,
        longest: float = LONGEST_REQUEST,
    ) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            decode_responses=True,
            retry=Retry(NoBackoff(), 1),  # a connection that was idle while Redis restarted is no news
        )
        self._scripts = {text: self._redis.register_script(text) for text in (TAKE, SETTLE, ENTER, LOOK)}
        self._name = f"keebai:{{{key}}}"
        self._clock = clock
        self._local = local_when_gone
        self._share = share
        self._longest = longest
        self._epoch = ""
        self._gone = False
        self._tried = NEVER
        self._own = Books()  # what this process spent, on its own clock: all there is while Redis is gone
        self._spent: dict[str, float] = {}  # the same by id, to enter it again where it is missing

    async def take(self, rooms: Sequence[Room]) -> Held | Wait:
        place_id = os.urandom(12).hex()
        if self._gone and self._local and self._clock.now() < self._tried + _RETRY:
            return self._take_alone(place_id, rooms)
        try:
            return await self._take(place_id, rooms)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._take_alone(place_id, rooms)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_SETTLING, shield=True):
                await self._settle(Held(place_id, 0.0), rooms, Word(ending=Ending.UNSENT, grace=0.0))
            raise

    async def settle(self, held: Held, rooms: Sequence[Room], word: Word) -> bool:
        sooner = self._note(held, rooms, word)
        try:
            return await self._settle_shielded(held, rooms, word) or sooner
        except anyio.get_cancelled_exc_class():
            # asyncio's own cancel() goes through shields. To enter an ending twice changes nothing.
            await self._settle_shielded(held, rooms, word)
            raise

    async def forecast(self, rooms: Sequence[Room], ahead: int) -> Wait | None:
        try:
            books, now = await self._look(rooms)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._own.forecast(self._alone(rooms), ahead, self._clock.now())
        return books.forecast(rooms, ahead, now)

    async def spent(self, rooms: Sequence[Room]) -> tuple[int, ...]:
        try:
            books, now = await self._look(rooms)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._own.spent(rooms, self._clock.now())
        return books.spent(rooms, now)

    async def _look(self, rooms: Sequence[Room]) -> tuple[Books, float]:
        """What Redis has, as books, and the time there."""
        (now, until, held), ended, *others = await self._run(LOOK, rooms, list[list[str]])
        books = Books()
        books.held = {str(number): float(now) for number in range(int(held))}
        books.ended = [float(at) for at in ended]
        books.others = {
            room.per: [float(at) for at in some] for room, some in zip(rooms, others, strict=True) if some
        }
        books.pause = Pause(until=float(until))
        return books, float(now)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _settle_shielded(self, held: Held, rooms: Sequence[Room], word: Word) -> bool:
        with anyio.move_on_after(_SETTLING, shield=True):
            try:
                return not self._gone and await self._settle(held, rooms, word)
            except QuotaUnusable as error:
                _logger.warning("place not settled: it lapses by itself", extra={"reason": str(error)})
        return False

    async def _take(self, place_id: str, rooms: Sequence[Room]) -> Held | Wait:
        if not self._epoch or self._gone:
            await self._enter(rooms)
        while True:
            answer = await self._run(TAKE, rooms, list[str], place_id, self._epoch)
            if answer[0] == "lost":
                await self._enter(rooms)
            elif answer[0] == "held":
                self._own.held[place_id] = self._clock.now()
                return Held(place_id, float(answer[1]))
            else:
                binding = int(answer[2])
                quota = rooms[binding - 1].quota if binding else None
                return Wait(seconds=float(answer[1]), quota=quota, loose=answer[3] == "1")

    def _take_alone(self, place_id: str, rooms: Sequence[Room]) -> Held | Wait:
        """A place of this process's own share. Redis learns of it when it is back."""
        answer = self._own.take(place_id, self._alone(rooms), self._clock.now())
        if isinstance(answer, Held):
            return answer
        return Wait(seconds=min(answer.seconds, _RETRY), quota=answer.quota, loose=True)

    def _alone(self, rooms: Sequence[Room]) -> list[Room]:
        return [
            Room(quota=room.quota, per=room.per, most=max(1, int(room.most * self._share))) for room in rooms
        ]

    async def _settle(self, held: Held, rooms: Sequence[Room], word: Word) -> bool:
        left = dict(word.left)
        said = [(room.quota.limit, max(0, left[room.quota]) if room.quota in left else -1) for room in rooms]
        pause = -1.0 if word.pause is None else max(0.0, word.pause) if math.isfinite(word.pause) else 0.0
        about = (held.id, repr(held.taken), word.ending.value, word.grace, pause)
        numbers = [number for pair in said for number in pair]
        return await self._run(SETTLE, rooms, str, *about, *numbers) == "1"

    def _note(self, held: Held, rooms: Sequence[Room], word: Word) -> bool:
        """Keep our own books, too."""
        now = self._clock.now()
        taken = self._own.held.get(held.id, now)
        alone = Word(ending=word.ending, grace=word.grace, pause=word.pause)
        settled = self._own.settle(Held(held.id, taken), rooms, alone, now)
        longest = max(3_600.0, rooms[-1].per)
        self._own.forget(longest, now)
        if settled.ended is not None:
            self._spent[held.id] = settled.ended
        while self._spent and (oldest := next(iter(self._spent))) and self._spent[oldest] < now - longest:
            del self._spent[oldest]
        return settled.sooner

    async def _enter(self, rooms: Sequence[Room]) -> None:
        """Tell Redis what we spent as far as it does not know it, and learn its epoch."""
        now = self._clock.now()
        ended = [part for place, at in self._spent.items() for part in (place, repr(now - at))]
        held = [part for place, at in self._own.held.items() for part in (place, repr(now - at))]
        self._epoch = await self._run(ENTER, rooms, str, len(self._spent), *ended, *held)
        if self._gone:
            self._gone = False
            _logger.info("redis is back: what was spent meanwhile is entered there")

    async def _run(self, script: str, rooms: Sequence[Room], kind: type[T], *arguments: str | float) -> T:
        keys = [f"{self._name}:held", f"{self._name}:ended", f"{self._name}:pause"]
        keys += [f"{self._name}:others:{room.per:g}" for room in rooms]
        longest = max(3_600.0, rooms[-1].per)
        keep = 2 * longest + self._longest
        newborn = os.urandom(8).hex()
        windows = [number for room in rooms for number in (room.per, room.most)]
        given = [self._longest, keep, newborn, len(rooms), *windows, *arguments]
        try:
            return msgspec.convert(await self._scripts[script](keys=keys, args=given), kind)
        except (RedisError, OSError) as error:
            self._tried = self._clock.now()
            if not self._gone:
                self._gone = True
                how = f"this process goes on with {self._share:.0%} of it" if self._local else "requests fail"
                _logger.warning("redis gone: until it is back, %s", how, extra={"reason": str(error)})
            raise QuotaUnusable(f"cannot reach the Redis that keeps the quota: {error}") from error
