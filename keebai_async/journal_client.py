"""JournalClient: what the clients of services have in common that keep something in a journal."""

import os
from os import PathLike
from typing import TYPE_CHECKING, Self

from keebai_async.environment import JOURNAL_VARIABLE, lease_of
from keebai_async.journal.contract import Journal
from keebai_async.lazy_names import LazyModule
from keebai_async.service_client import ServiceClient

if TYPE_CHECKING:
    import keebai_async.outbox.outbox as outboxes
else:  # too dear to import for an annotation
    outboxes = LazyModule("keebai_async.outbox.outbox")

AnyJournal = Journal | str | PathLike[str]


class JournalClient(ServiceClient):
    """A client with a journal, and with an outbox in it. A child calls `_keep_journal` in its `__init__`."""

    def _keep_journal(self, journal: AnyJournal | None) -> None:
        """Keep things in *journal*, or else where the environment says, or else in memory."""
        named = journal or os.environ.get(JOURNAL_VARIABLE)
        self._journal: AnyJournal = named or "memory:"
        self._journal_named = bool(named)
        self._journal_of: JournalClient | None = None
        self._outbox: outboxes.Outbox | None = None

    def _share_journal(self, other: Self, journal: AnyJournal | None) -> None:
        """Let *other*, a copy of this client, use its journal, or the one that is given."""
        other._outbox = None
        if journal is not None:
            other._journal, other._journal_of = journal, None
            other._journal_named = True
        else:
            other._journal_of = self

    @property
    def journal(self) -> Journal:
        """Where campaigns and messages are kept; in memory, if nobody said where. One given by name is opened
        now.
        """
        if self._journal_of is not None:
            return self._journal_of.journal
        if isinstance(self._journal, str | PathLike):
            from keebai_async.journal.open import open_journal

            self._journal = open_journal(os.fspath(self._journal), lease=lease_of(os.environ))
            self.at_close(self._journal.aclose)  # which waits for other clients that were given it
        return self._journal

    @property
    def journal_named(self) -> bool:
        """Whether somebody said where things are kept; what nobody named is forgotten with this client."""
        return self._journal_named if self._journal_of is None else self._journal_of.journal_named

    @property
    def outbox(self) -> "outboxes.Outbox":
        """Single messages that are sent once (`once=`), and those whose outcome is unknown."""
        if self._outbox is None:
            self._outbox = outboxes.Outbox(self)
        return self._outbox
