"""A journal by its name: `memory:`, `sqlite:PATH`, `postgresql://...`, or just a PATH.

Each kind is an entry of JOURNALS.
"""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from keebai_async.errors import InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.leases import SHORTEST_LEASE
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.privacy import without_credentials
from keebai_async.storage.postgres_address import postgres_address


class JournalKind(NamedTuple):
    """One kind of journal: how a person writes its name, and what opens what that name stands for.

    *open* gets the whole name, `scheme:` and what follows, and how many seconds a lease lasts in silence, if
    somebody said. *path* gives the file that it is kept in; None for
    a kind that is in no file of this machine. One that *forgets* ends with its process.
    """

    written: str
    open: Callable[[str, float | None], Journal]
    path: Callable[[str], Path] | None = None
    forgets: bool = False


def open_journal(where: str | Path, *, lease: float | None = None) -> Journal:
    """Give the journal that *where* names; a file is made when something is first kept in it.

    `memory:` keeps nothing. `sqlite:PATH` (also `sqlite:///PATH`) and a plain path are an SQLite file; a
    leading `~` is the user's home. `postgresql://USER:PASSWORD@HOST/DATABASE` is a PostgreSQL server, and
    needs the extra `postgres`. Close it with `aclose`.

    *lease* is how many seconds a process that cannot be looked at may be silent before another may go on with
    its campaigns, 3 at least. Without it, they are 6 in PostgreSQL, and 60 in a file.

    Raises:
        InvalidInput: it is empty, or a kind of journal that does not exist; *lease* is too short.
    """
    if lease is not None and not SHORTEST_LEASE <= lease < math.inf:
        raise InvalidInput(f"a lease lasts {SHORTEST_LEASE:g} s at least, not {lease:g}", field="lease")
    name = _whole(str(where))
    return journal_kind(name).open(name, lease)


def journal_path(name: str) -> Path | None:
    """The file that the journal called *name* is kept in, whatever links lead to it; None for one in no file.

    Raises InvalidInput.
    """
    path = journal_kind(name).path
    return None if path is None else Path(os.path.realpath(path(_whole(name))))


def shown_journal(name: str) -> str:
    """The name of a journal as people may see it: without the user, the password and the options of a URL."""
    return without_credentials(name) if journal_path(name) is None else name


def _memory(name: str, _: float | None) -> Journal:
    if name not in {"memory:", "memory://"}:
        raise InvalidInput(f"memory: has no path: use {_choices()}", field="journal")
    return MemoryJournal()


def _sqlite(name: str, lease: float | None) -> Journal:
    from keebai_async.journal.sqlite_tables import SqliteJournal

    return SqliteJournal(_sqlite_path(name), lease=lease)


def _postgres(name: str, lease: float | None) -> Journal:
    try:
        from keebai_async.journal.postgres_tables import LEASE, PostgresJournal
    except ImportError as error:
        message = "a journal in PostgreSQL needs the extra: pip install 'keebai-async[postgres]'"
        raise InvalidInput(message, field="journal") from error
    try:
        address = postgres_address(name)
    except ValueError as error:
        raise InvalidInput(f"cannot use this address of a journal: {error}", field="journal") from error
    return PostgresJournal(address, lease=LEASE if lease is None else lease)


def _sqlite_path(name: str) -> Path:
    path = name.removeprefix("sqlite:")
    if path.startswith("///"):
        path = path[2:] if not path.startswith("////") else path[3:]
    if not path:
        raise InvalidInput(f"the journal has no path: use {_choices()}", field="journal")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidInput(
            f"what {path!r} begins with cannot be known without a home directory: write the whole path",
            field="journal",
        ) from error


JOURNALS: Final[dict[str, JournalKind]] = {
    "memory": JournalKind("memory:", _memory, forgets=True),
    "sqlite": JournalKind("sqlite:PATH", _sqlite, _sqlite_path),
    "postgresql": JournalKind("postgresql://HOST/DATABASE", _postgres),
    "postgres": JournalKind("postgresql://HOST/DATABASE", _postgres),
}
"""By the scheme of their names. A name without a scheme is the path of an SQLite file."""

_NAMED_KIND: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|([A-Za-z0-9]{2,}):")
"""One letter is a drive: C:\\campaigns.db."""


def _whole(name: str) -> str:
    """The name with its scheme."""
    return name if _NAMED_KIND.match(name) else f"sqlite:{name}"


def journal_kind(name: str) -> JournalKind:
    """What kind of journal *name* is one of. Raises InvalidInput if there is no such."""
    scheme = _whole(name).partition(":")[0]
    if scheme not in JOURNALS:  # what follows may hold a password
        raise InvalidInput(f"there is no journal of kind {scheme}: use {_choices()}", field="journal")
    return JOURNALS[scheme]


def _choices() -> str:
    return f"{', '.join(dict.fromkeys(kind.written for kind in JOURNALS.values()))} or a path"
