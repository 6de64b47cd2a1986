"""Which of several processes does what only one at a time should: who has locked a file for it.

The lock is the system's: it is gone with the process that had it, however that ended.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path


class Turn:
    """The right to do something, one process and one Turn at a time, by a lock on the file *path*.

    Where the system has no such locks it is always one's turn. For work that may be done twice, and should
    not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    def take(self) -> bool:
        """Whether it is our turn now; nobody is waited for."""
        if self._lock is None and sys.platform != "win32":
            import fcntl

            try:
                lock = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:
                return True  # what cannot be kept beside it stops nobody from working
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            except OSError:  # a file system without locks
                os.close(lock)
                return True
            self._lock = lock
        return True

    def give_back(self) -> None:
        """Let another one take it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):
                os.close(lock)
