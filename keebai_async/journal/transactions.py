"""The transactions of one open journal: in order, in the right thread, and with one word for damage."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

import msgspec

from keebai_async.errors import JournalUnusable, Misused
from keebai_async.journal import drafts, rules
from keebai_async.journal.leases import Leases
from keebai_async.journal.tables import Database, Tables
from keebai_async.storage.process import OneProcess
from keebai_async.storage.safety import Damaged, NotKnownHere, Safe
from keebai_async.storage.thread import InPlace, Runner, UnderWay, Worker

T = TypeVar("T")

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life of a lease."""


class Transactions:
    """Reads and writes, one after another; a database that may wait has a thread of its own for them.

    Between them the leases beat. Before the first of them, what dead makers of plans left is swept away.

    Raises JournalUnusable for what cannot be written, read or understood, and Misused once it is closed,
    or in a fork of the process that made it.
    """

    def __init__(self, database: Database, leases: Leases, *, heartbeat: float) -> None:
        self._database = database
        self._leases = leases
        self._runner: Runner = InPlace()
        if database.blocks:
            self._runner = Worker("keebai journal", late=self._late, beat=self._beat, period=heartbeat)
        self._swept = False
        self._closed = False
        self._process = OneProcess("this journal")

    async def write(self, work: Callable[[Tables], T], *, safe: Safe = Safe.FROM_POWER_CUTS) -> T:
        self._check_open()
        return await self._runner.run(lambda: self._write(work, safe))

    def hand_over(self, work: Callable[[Tables], T], *, safe: Safe) -> UnderWay[T]:
        """The same, without waiting for its end."""
        self._check_open()
        return self._runner.hand_over(lambda: self._write(work, safe))

    async def read(self, work: Callable[[Tables], T]) -> T:
        self._check_open()
        return await self._runner.run(lambda: self._read(work))

    async def shred(self) -> None:
        """Leave nothing of what was deleted."""
        self._check_open()
        await self._runner.run(self._database.shred)

    async def aclose(self) -> None:
        """Remove the plans in the making, let go of leases and database. More than once is once."""
        if self._closed or self._process.forked:
            return
        self._closed = True
        try:
            await self._runner.aclose(self._close)
        finally:
            self._leases.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Misused("this journal is closed")
        self._process.check()

    # From here on in the thread of the database

    def _write(self, work: Callable[[Tables], T], safe: Safe) -> T:
        self._sweep_once()
        return self._understood(lambda: self._database.write(work, safe=safe))

    def _read(self, work: Callable[[Tables], T]) -> T:
        with suppress(JournalUnusable):  # one that may only be read is swept by who may write it
            self._sweep_once()
        return self._understood(lambda: self._database.read(work))

    def _understood(self, do: Callable[[], T]) -> T:
        try:
            return do()
        except NotKnownHere as error:
            raise JournalUnusable(f"{self._database.name}: {rules.NEWER} ({error})") from error
        except (msgspec.MsgspecError, Damaged) as error:
            raise JournalUnusable(f"{self._database.name}: {rules.DAMAGED} ({error})") from error

    def _sweep_once(self) -> None:
        if self._swept:
            return
        left = self._understood(
            lambda: self._database.read(lambda tables: drafts.left_over(tables, self._leases))
        )
        self._swept = True
        if left:
            self._write(lambda tables: drafts.sweep(tables, self._leases), Safe.FROM_KILLS)
            self._give_room_back()

    def _beat(self) -> None:
        claims, over = self._leases.claims, self._leases.over
        if not claims:
            return
        # Of a failure the next write that matters will tell.
        with suppress(JournalUnusable):
            self._write(self._leases.beat, Safe.FROM_KILLS)
            for claim in over:
                self._leases.forget(claim)

    def _close(self) -> None:
        try:
            if self._swept and self._leases.claims:
                with suppress(JournalUnusable):
                    if self._write(lambda tables: drafts.discard_own(tables, self._leases), Safe.FROM_KILLS):
                        self._give_room_back()
        finally:
            self._database.close()

    def _give_room_back(self) -> None:
        """What was removed takes room in the file until it is shredded."""
        with suppress(JournalUnusable):
            self._database.shred()

    def _late(self, seconds: float) -> JournalUnusable:
        # A disk that is frozen, for a copy of the machine, comes back: what waits for it may be tried again.
        words = f"{self._database.name} took longer than {seconds:g} s for one line: is its disk gone?"
        return JournalUnusable(words, temporary=True)
