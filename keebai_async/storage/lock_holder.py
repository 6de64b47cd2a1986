"""Which process keeps an SQLite file locked for writing, where the system tells (Linux does)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOCKS: Final = Path("/proc/locks")
_WRITER: Final = 120
"""The byte of the index beside the file that who writes has locked (SQLite, "WAL-mode file format")."""
_PENDING: Final = 0x40000000
"""The first of the bytes of the file itself that are locked without a log."""


def locked_by(path: Path) -> str:
    """Who keeps the database *path* locked, and what to do about it."""
    pid = None
    with suppress(OSError, ValueError):
        pid = next(_writers(path), None)
    if pid is None:
        return "another process keeps it locked: end that one, or wait"
    if pid == os.getpid():
        return "this process keeps it locked itself: let its other work end"
    if _is_stopped(pid):
        return f"process {pid} keeps it locked, and is stopped: kill -CONT lets it go on, kill -9 ends it"
    return f"process {pid} keeps it locked: end that one, or wait"


def _writers(path: Path) -> Iterator[int]:
    files = ((path.with_name(path.name + "-shm"), _WRITER), (path, _PENDING))
    places = {file.stat().st_ino: place for file, place in files if file.exists()}
    for line in _LOCKS.read_text(encoding="ascii").splitlines():
        # 1: POSIX  ADVISORY  WRITE 7265 fe:00:2146686 120 120; one who waits for it has an arrow: 1: -> POSIX
        words = line.split()
        if len(words) != 8 or words[3] != "WRITE" or int(words[4]) <= 0:
            continue
        place = places.get(int(words[5].rpartition(":")[2]))
        if place is not None and int(words[6]) <= place and (words[7] == "EOF" or place <= int(words[7])):
            yield int(words[4])


def _is_stopped(pid: int) -> bool:
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] in {"T", "t"}
    return False
