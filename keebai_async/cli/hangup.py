"""A terminal that is closed is a hangup, also for a process that the system does not tell of it.

SIGHUP goes to the session of a terminal, and does not reach who left that (`setsid`, many ways to run a
command remotely). Such a process learns it from its next line, or never if it has nothing to say. So one
thread waits for nothing but the end of the terminals on which the process was started. Who ignores SIGHUP
(`nohup`) outlives them.
"""

import os
import select
import signal
import sys
import threading


def watch_terminals() -> None:
    """From now on the end of a terminal behind stdin, stdout or stderr is a SIGHUP to the main thread."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    terminals = [descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)]
    if terminals:
        threading.Thread(target=_watch, args=(terminals,), name="keebai terminal", daemon=True).start()


def _watch(terminals: list[int]) -> None:
    if sys.platform == "win32":
        return
    poll = select.poll()
    for descriptor in terminals:
        poll.register(descriptor, 0)  # of the end we are told in any case
    while terminals:
        for descriptor, found in poll.poll():
            poll.unregister(descriptor)
            terminals.remove(descriptor)
            if found & (select.POLLHUP | select.POLLERR):
                signal.pthread_kill(_main_thread(), signal.SIGHUP)
                return


def _main_thread() -> int:
    return threading.main_thread().ident or 0
