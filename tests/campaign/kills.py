"""What a process leaves behind that is killed: the journal as it was after each write, to go on with."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

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
        kept._rows = {  # the rows themselves never change
            kind: {campaign_id: dict(rows) for campaign_id, rows in each.items()}
            for kind, each in self._tables._rows.items()
        }
        return kept


class KeepingJournal(MemoryJournal):
    """A journal in memory of which `left_behind` gives what a kill after one of its writes would leave."""

    database: ClassVar[type[Kept]] = Kept

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self.kept = self.database(clock)
        StoredJournal.__init__(self, self.kept, clock=clock)

    @property
    def writes(self) -> int:
        """How many there were."""
        return len(self.kept.states)

    def left_behind(self, write: int) -> "KeepingJournal":
        """A journal as it was after that *write*, from 0 on; any number of them are apart from each other.

        Nobody else runs its campaign: their process is dead.
        """
        journal = type(self)(clock=self.clock)
        journal.kept._tables = self.kept.states[write]
        journal.kept._tables = journal.kept._copy()
        return journal
