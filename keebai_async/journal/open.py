"""A journal by its name: `memory:`, `sqlite:PATH`, or just a PATH."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal

_JOURNAL_NAMES: Final = "memory:, sqlite:PATH or a path"


def open_journal(where: str | Path) -> Journal:
    """Give the journal that *where* names; a file is made when something is first kept in it.

    `memory:` keeps nothing. `sqlite:PATH` (also `sqlite:///PATH`) and a plain path are an SQLite file; a
    leading `~` is the user's home. Close it with `aclose`.

    Raises:
        InvalidInput: it is empty, or a kind of journal that does not exist.
    """
    scheme, rest = _parts(str(where))
    return _OPENERS[scheme](rest)


def journal_path(name: str) -> Path | None:
    """The file that the journal called *name* is kept in, whatever links lead to it; None for one in no file.

    Raises InvalidInput.
    """
    scheme, rest = _parts(name)
    return Path(os.path.realpath(_path(rest))) if scheme == "sqlite" else None


def _memory(rest: str) -> Journal:
    if rest not in ("", "//"):
        raise InvalidInput(f"memory: has no path: use {_JOURNAL_NAMES}", field="journal")
    return MemoryJournal()


def _sqlite(rest: str) -> Journal:
    from keebai_async.journal.sqlite_tables import SqliteJournal

    return SqliteJournal(_path(rest))


_OPENERS: Final[dict[str, Callable[[str], Journal]]] = {"memory": _memory, "sqlite": _sqlite}
"""By scheme: each gets what stands behind the colon."""


def _parts(name: str) -> tuple[str, str]:
    """The scheme of a journal's name, and the rest of it. A name without a scheme is a path."""
    scheme, colon, rest = name.partition(":")
    if not colon or len(scheme) < 2 or not scheme.isalnum():  # one letter is a drive: C:\\campaigns.db
        return "sqlite", name
    if scheme not in _OPENERS:
        raise InvalidInput(f"there is no journal of kind {scheme}: use {_JOURNAL_NAMES}", field="journal")
    return scheme, rest


def _path(rest: str) -> Path:
    if rest.startswith("///"):
        rest = rest[2:] if not rest.startswith("////") else rest[3:]
    if not rest:
        raise InvalidInput(f"the journal has no path: use {_JOURNAL_NAMES}", field="journal")
    return Path(rest).expanduser()
