"""A journal by its name: `memory:`, `sqlite:PATH`, or just a PATH."""

from pathlib import Path
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal

_MEMORY: Final = ("memory:", "memory://")


def open_journal(where: str | Path) -> Journal:
    """Give the journal that *where* names; a file is made when something is first kept in it.

    `memory:` keeps nothing. `sqlite:PATH` (also `sqlite:///PATH`) and a plain path are an SQLite file; a
    leading `~` is the user's home. Close it with `aclose`.

    Raises:
        InvalidInput: it is empty, or a kind of journal that does not exist.
    """
    name = str(where)
    if name in _MEMORY:
        return MemoryJournal()
    from keebai_async.journal.stored import SqliteJournal

    return SqliteJournal(_path(name))


def journal_path(name: str) -> Path | None:
    """The file that the journal called *name* is kept in, None for one in memory. Raises InvalidInput."""
    return None if name in _MEMORY else _path(name)


def _path(name: str) -> Path:
    scheme, colon, rest = name.partition(":")
    if not colon or len(scheme) < 2 or not scheme.isalnum():  # one letter is a drive: C:\\campaigns.db
        rest = name
    elif scheme != "sqlite":
        raise InvalidInput(
            f"there is no journal of kind {scheme}: use memory:, sqlite:PATH or a path", field="journal"
        )
    elif rest.startswith("///"):
        rest = rest[2:] if not rest.startswith("////") else rest[3:]
    if not rest:
        raise InvalidInput("the journal has no path: use memory:, sqlite:PATH or a path", field="journal")
    return Path(rest).expanduser()
