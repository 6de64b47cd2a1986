"""Which process this is, and whether another one is still there."""

import getpass
import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.errors import Misused

STALE: Final = 60.0
"""Seconds without a heartbeat after which a process that cannot be looked at counts as dead."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """*place* is where its pid means something: one boot of one machine, one container.

    *born* is when it started, as its machine counts; empty where that cannot be read.
    """

    pid: int
    born: str
    host: str
    place: str
    user: str = ""
    """Whose it is, as its machine calls them."""


class OneProcess:
    """Holds *what* to the process that opens it: a fork has no thread of its parent, and its locks and leases
    are the parent's.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._pid = os.getpid()

    def opened(self) -> None:
        """From now on it is this process's."""
        self._pid = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that opened it."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Raise Misused in a fork."""
        if self.forked:
            raise Misused(
                f"{self._what} was opened before this process was forked: open one in each process,"
                " after the fork"
            )


def this_process() -> Process:
    pid = os.getpid()
    return Process(pid=pid, born=_born(pid) or "", host=socket.gethostname(), place=_place(), user=_user())


def login_of_this_process() -> tuple[str, str]:
    """As whom it runs, as its machine calls them, and the name of the machine; an empty one is not known."""
    return _user(), socket.gethostname()


def alive(process: Process, *, silent_for: float, lasts: float | None = None) -> bool:
    """Whether *process* still runs, its last heartbeat being *silent_for* seconds old.

    Of the same place, its pid and its start decide, because a machine that slept has a silent process
    that is well. Of another place, or where no start can be read, only the heartbeat is left, which *lasts*
    so many seconds; STALE, if nothing is said.
    """
    seen = seen_alive(process)
    heard = silent_for < (STALE if lasts is None else lasts)
    if seen is not None:
        return seen
    return heard and (process.place != _place() or os.name != "posix" or _exists(process.pid))


def seen_alive(process: Process) -> bool | None:
    """Whether *process* still runs, as can be seen from here; None if that cannot be seen."""
    if process.place != _place() or os.name != "posix" or not process.born:
        return None
    return _born(process.pid) == process.born


@lru_cache(maxsize=1)
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have no name for its user
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _born(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if fields[0] in {"Z", "X"} else fields[19]


@lru_cache(maxsize=1)
def _place() -> str:
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)
