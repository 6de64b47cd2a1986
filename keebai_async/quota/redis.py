"""Spending kept in Redis: shared by many machines. The server's clock decides.

Needs the `redis` extra. Keys expire by themselves once nothing in them counts any more.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import anyio
import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimeoutLost

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.loops import OneLoop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.quota_records import (
    PlaceNotSettled,
    QuotaStoreBack,
    QuotaStoreForgot,
    QuotaStoreGone,
)
from keebai_async.quota.books import Books
from keebai_async.quota.gate import Ending
from keebai_async.quota.limits import Limits
from keebai_async.quota.lua import AGREE, BEGIN_AGAIN, ENTER, LOOK, SETTLE, TAKE
from keebai_async.quota.pause import NEVER, Pause
from keebai_async.quota.recollection import WITNESSED, OtherClock, Recollection, kept_past
from keebai_async.quota.sqlite import LONGEST_REQUEST
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Quota, Wait

T = TypeVar("T")

LOCAL_SHARE: Final = 0.25
"""The part of the quota that one process may spend by itself while Redis is gone."""

_STORE: Final = "redis"
_NOT_ASKED: Final = "not asked"  # of limits: what holds is asked for when Redis is back

_TIMEOUT = 5.0  # seconds of real time for one answer of Redis
_RETRY = 5.0  # seconds between attempts to reach a Redis that was gone
_MOST_RETELLINGS = 20  # how often to tell a Redis again what it forgot, for one place
_SETTLING_IN_REDIS = 12.0  # seconds of real time that a cancelled request may spend on its books


class RedisStore:
    """The spending of the token named *key* at the Redis at *url*, for one event loop.

    While Redis cannot be reached, `take` raises QuotaUnusable, or with *local_when_gone* this process goes
    on with *share* of each window. Either way *observer* is told once, and when Redis is back, what
    was spent in the meantime is entered there first. If Redis lost its memory, all of it or a part, that is
    told, and what this process spent is entered again (recollection.py).

    In another event loop than the first it raises Misused.

    *longest* is how many seconds a request may take at most: a place whose holder died lapses then. *steady*
    measures the time that passes on this machine, by which a leap of Redis's clock is seen.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        local_when_gone: bool = False,
        share: float = LOCAL_SHARE,
        longest: float = LONGEST_REQUEST,
        observer: Observer = TO_LOG,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observer = observer
        self._redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            decode_responses=True,
            retry=Retry(NoBackoff(), 1),  # a connection that was idle while Redis restarted is no news
            retry_on_error=[ConnectionLost, TimeoutLost],  # what 6 and later do unasked, 5.3 does not
        )
        scripts = (TAKE, SETTLE, ENTER, BEGIN_AGAIN, AGREE, LOOK)
        self._scripts = {text: self._redis.register_script(text) for text in scripts}
        self._name = f"keebai:{{{key}}}"
        self._clock = clock
        self._local = local_when_gone
        self._one_loop = OneLoop("this Redis store of the quota")
        self._share = share
        self._longest = longest
        self._epoch = ""
        self._gone = False
        self._tried = NEVER
        self._own = Books()  # what this process spent, on its own clock: all there is while Redis is gone
        self._recollection = Recollection()  # the same by id, to enter it again where it is missing
        self._steady = steady
        self._time_there = OtherClock()

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        place_id = os.urandom(12).hex()
        if self._gone and self._local and self._clock.now() < self._tried + _RETRY:
            return self._take_alone(place_id, windows)
        try:
            return await self._take(place_id, windows, version)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._take_alone(place_id, windows)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_SETTLING_IN_REDIS, shield=True):
                await self._settle(HeldPlace(place_id, 0.0), windows, Word(ending=Ending.UNSENT, grace=0.0))
            raise

    async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        sooner = self._note(held, windows, word)
        try:
            return await self._settle_shielded(held, windows, word) or sooner
        except anyio.get_cancelled_exc_class():
            # asyncio's own cancel() goes through shields. To enter an ending twice changes nothing.
            await self._settle_shielded(held, windows, word)
            raise

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        try:
            books, now = await self._look(windows)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._own.forecast(self._alone(windows), ahead, self._clock.now())
        return books.forecast(windows, ahead, now)

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        try:
            books, now = await self._look(windows)
        except QuotaUnusable:
            if not self._local:
                raise
            return self._own.spent(windows, self._clock.now())
        return books.spent(windows, now)

    async def limits(self) -> Limits | None:
        kept = await self._agree(Limits(quotas=()), replace=False)
        return kept if kept.quotas else None

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        try:
            return await self._agree(said, replace=replace)
        except QuotaUnusable:
            if not self._local or replace:
                raise
            return Limits(quotas=said.quotas, version=_NOT_ASKED, on_purpose=said.on_purpose)

    async def _agree(self, said: Limits, *, replace: bool) -> Limits:
        flags = (str(int(said.on_purpose or replace)), str(int(replace)))
        numbers = [number for quota in said.quotas for number in (quota.per, quota.limit)]
        version, on_purpose, *kept = await self._run(AGREE, (), list[str], *flags, *numbers)
        pairs = zip(kept[::2], kept[1::2], strict=True)
        quotas = sorted((Quota(int(limit), float(per)) for per, limit in pairs), key=lambda one: one.per)
        return Limits(quotas=tuple(quotas), version=version, on_purpose=on_purpose == "1")

    async def _look(self, windows: Sequence[LaneWindow]) -> tuple[Books, float]:
        """What Redis has, as books, and the time there."""
        (now, until, held), ended, *others = await self._run(LOOK, windows, list[list[str]])
        books = Books()
        books.held = {str(number): float(now) for number in range(int(held))}
        books.ended = [float(at) for at in ended]
        books.others = {
            window.per: [float(at) for at in some]
            for window, some in zip(windows, others, strict=True)
            if some
        }
        books.pause = Pause(until=float(until))
        return books, float(now)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _settle_shielded(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        with anyio.move_on_after(_SETTLING_IN_REDIS, shield=True):
            try:
                return not self._gone and await self._settle(held, windows, word)
            except QuotaUnusable as error:
                self._observer(PlaceNotSettled(store=_STORE, reason=str(error)))
        return False

    async def _take(
        self, place_id: str, windows: Sequence[LaneWindow], version: str = ""
    ) -> HeldPlace | Wait | None:
        if not self._epoch or self._gone:
            await self._enter(windows)
        for _ in range(_MOST_RETELLINGS):
            asked, before = self._clock.now(), self._steady()
            since = asked - WITNESSED * kept_past(windows)
            ended, held = self._recollection.last_ended(since), self._recollection.last_held(since)
            kind, there, *said = await self._run(TAKE, windows, list[str], place_id, ended, held, version)
            if leap := self._time_there.leapt(before, self._steady(), float(there)):
                await self._begin_again(windows, place_id, leap)
                continue
            match kind:
                case "lost":
                    await self._enter(windows, lost=self._clock.now() - float(said[0]))
                case "missing":
                    if self._recollection.knows(said[0]):  # else it was given back in the meantime
                        await self._begin_again(windows, place_id, 0.0)
                case "limits":
                    return None
                case "held":
                    return self._held(place_id, windows, said, asked)
                case _:
                    return self._waits(windows, said)
        raise QuotaUnusable(
            "the Redis that keeps the quota forgets at once what it is told: look at its maxmemory, and"
            " whether two servers answer at its address"
        )

    def _held(
        self, place_id: str, windows: Sequence[LaneWindow], said: Sequence[str], asked: float
    ) -> HeldPlace:
        spent = tuple(int(count) for count in said[1:])
        self._own.held[place_id] = self._clock.now()
        self._recollection.took(place_id, windows, spent, asked)
        return HeldPlace(place_id, float(said[0]), spent)

    def _waits(self, windows: Sequence[LaneWindow], said: Sequence[str]) -> Wait:
        seconds, binding, loose = float(said[0]), int(said[1]), said[2] == "1"
        if not binding and not loose:
            self._recollection.paused = max(self._recollection.paused, self._clock.now() + seconds)
        return Wait(seconds=seconds, quota=windows[binding - 1].quota if binding else None, loose=loose)

    def _take_alone(self, place_id: str, windows: Sequence[LaneWindow]) -> HeldPlace | Wait:
        """A place of this process's own share. Redis learns of it when it is back."""
        answer = self._own.take(place_id, self._alone(windows), self._clock.now())
        if isinstance(answer, HeldPlace):
            self._recollection.took_alone(place_id, answer.taken)
            return answer
        return Wait(seconds=min(answer.seconds, _RETRY), quota=answer.quota, loose=True)

    def _alone(self, windows: Sequence[LaneWindow]) -> list[LaneWindow]:
        return [
            LaneWindow(quota=window.quota, per=window.per, most=max(1, int(window.most * self._share)))
            for window in windows
        ]

    async def _settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        left = dict(word.left)
        said = [
            (window.quota.limit, max(0, left[window.quota]) if window.quota in left else -1)
            for window in windows
        ]
        pause = -1.0 if word.pause is None else max(0.0, word.pause) if math.isfinite(word.pause) else 0.0
        about = (held.id, repr(held.taken), word.ending.value, word.grace, pause)
        numbers = [number for pair in said for number in pair]
        before = self._epoch
        sooner, again = await self._run(SETTLE, windows, list[str], *about, *numbers)
        if again == "1" and before and before == self._epoch:
            await self._enter(windows)  # now, because there may be no further request
        return sooner == "1"

    def _note(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        """Keep our own books, too."""
        now = self._clock.now()
        taken = self._own.held.get(held.id, now)
        alone = Word(ending=word.ending, grace=word.grace, pause=word.pause)
        settled = self._own.settle(HeldPlace(held.id, taken), windows, alone, now)
        longest = kept_past(windows)
        self._own.forget(longest, now)
        recollection = self._recollection
        recollection.settled(held.id, settled.ended)
        recollection.forget(now - longest)
        if word.pause is not None:
            recollection.paused = max(recollection.paused, self._own.pause.until)
        return settled.sooner

    async def _enter(self, windows: Sequence[LaneWindow], lost: float | None = None) -> None:
        """Tell Redis what we spent as far as it does not know it, and learn its epoch.

        If it *lost* its memory, that was then at the latest; without a time, now.
        """
        now, before, own = self._clock.now(), self._epoch, self._recollection
        most = own.most(windows, now if lost is None else lost)
        pause = max(0.0, own.paused - now)
        spent = [
            part
            for past in (own.ended, own.held)
            for place, at in past.items()
            for part in (place, now - at, "0" if place in own.alone else "1")
        ]
        self._epoch = await self._run(ENTER, windows, str, *most, pause, len(own.ended), *spent)
        if before and self._epoch != before:
            self._observer(QuotaStoreForgot(store=_STORE, told=len(own.ended) + len(own.held)))
        if self._gone:
            self._gone = False
            self._observer(QuotaStoreBack(store=_STORE))

    async def _begin_again(self, windows: Sequence[LaneWindow], place_id: str, leap: float) -> None:
        """Begin another life of the keys, unless somebody else did: something of ours is missing there."""
        await self._run(BEGIN_AGAIN, windows, str, place_id, leap)

    async def _run(
        self, script: str, windows: Sequence[LaneWindow], kind: type[T], *arguments: str | float
    ) -> T:
        keys = [f"{self._name}:held", f"{self._name}:ended", f"{self._name}:head"]
        keys += [f"{self._name}:others:{window.per:g}" for window in windows]
        longest = kept_past(windows)
        keep = 2 * longest + self._longest
        newborn = os.urandom(8).hex()
        lengths_and_limits = [number for window in windows for number in (window.per, window.most)]
        self._one_loop.check()  # its connections are of the loop that made them
        given = [self._longest, keep, self._epoch, newborn, len(windows), *lengths_and_limits, *arguments]
        try:
            return msgspec.convert(await self._scripts[script](keys=keys, args=given), kind)
        except (RedisError, OSError) as error:
            self._tried = self._clock.now()
            if not self._gone:
                self._gone = True
                share = self._share if self._local else None
                self._observer(QuotaStoreGone(store=_STORE, reason=str(error), share=share))
            words = str(error).rstrip(".")
            raise QuotaUnusable(f"cannot reach the Redis that keeps the quota: {words}") from error
