"""What a process leaves behind that is killed: the journal as it was after each write, to go on with."""

from collections.abc import Callable
from copy import deepcopy
from typing import TypeVar

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.journal.memory_tables import MemoryDatabase, MemoryJournal, MemoryTables
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import Tables
from keebai_async.storage.safety import Safe

T = TypeVar("T")


class Kept(MemoryDatabase):
    """A database that remembers each state it was ever in: a kill between two writes leaves one of them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.states: list[MemoryTables] = []

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        done = super().write(work, safe=safe)
        self.states.append(self._copy())
        return done

    def _copy(self) -> MemoryTables:
        self._tables.begin()  # what could take the last write back is no part of its outcome
        kept = MemoryTables(self.clock)
        kept._rows = deepcopy(self._tables._rows)
        return kept


class KeepingJournal(MemoryJournal):
    """A journal in memory of which `left_behind` gives what a kill after each of its writes would leave."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self.kept = Kept(clock)
        StoredJournal.__init__(self, self.kept, clock=clock)

    def left_behind(self) -> list["KeepingJournal"]:
        """One journal for each write so far. Nobody else may run the campaign by now: its process is dead."""
        return [self._after(state) for state in self.kept.states]

    def _after(self, state: MemoryTables) -> "KeepingJournal":
        journal = type(self)(clock=self.clock)
        journal.kept._tables = state
        return journal
