"""What those stores have in common whose work is done by a thread of their own.

Whatever becomes of the task that asked: a place that was taken for nobody is given back, and how a request
ended is entered. What a store had lost and was told again is a record, in the task of who came next.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import anyio

from keebai_async.errors import QuotaUnusable
from keebai_async.observe import Observer
from keebai_async.observe.quota_records import PlaceNotSettled, QuotaStoreForgot
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.window import LaneWindow, Wait
from keebai_async.storage.thread import Worker

TIDIED_EVERY: Final = 64
"""Settled places of one process after which what counts no more is removed."""


class ThreadedStore(ABC):
    """A store whose *worker* does `_take`, `_give_back`, `_settle` and `_close`; records call it *name*."""

    def __init__(self, name: str, worker: Worker, *, observer: Observer) -> None:
        self._name = name
        self._worker = worker
        self._observer = observer
        self._forgot: int | None = None
        """How many requests it was told again that it had lost, until somebody hears of that."""

    async def take(self, windows: Sequence[LaneWindow], version: str = "") -> HeldPlace | Wait | None:
        place_id = os.urandom(12).hex()
        try:
            given = await self._worker.run(lambda: self._take(place_id, windows, version))
            self._tell_what_was_lost()
            return given
        except anyio.get_cancelled_exc_class():
            # asyncio's own cancel(), after which nobody hears of the place that may be taken by now.
            with suppress(QuotaUnusable):
                await self._worker.hand_over(lambda: self._give_back(place_id, windows)).result()
            raise

    async def settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        try:
            # Handed over at once: it is entered whatever becomes of the task that waits for it.
            sooner = await self._worker.hand_over(lambda: self._settle(held, windows, word)).result()
            self._tell_what_was_lost()
            return sooner
        except QuotaUnusable as error:
            self._observer(PlaceNotSettled(store=self._name, reason=str(error)))
            return False

    async def aclose(self) -> None:
        await self._worker.aclose(self._close)

    def _tell_what_was_lost(self) -> None:
        if self._forgot is not None:
            told, self._forgot = self._forgot, None
            self._observer(QuotaStoreForgot(store=self._name, told=told))

    @abstractmethod
    def _take(
        self, place_id: str, windows: Sequence[LaneWindow], version: str, /
    ) -> HeldPlace | Wait | None: ...

    @abstractmethod
    def _give_back(self, place_id: str, windows: Sequence[LaneWindow], /) -> None: ...

    @abstractmethod
    def _settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word, /) -> bool: ...

    @abstractmethod
    def _close(self) -> None: ...
