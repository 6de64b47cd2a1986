"""`python -m keebai_async`, and the console script `keebai-async`."""

import gc
import os
import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType


def main() -> int:
    """Run the command line, and give its exit code."""
    _listen()
    try:
        return _main()
    except KeyboardInterrupt:  # before there was a command, or after it
        print("interrupted", file=sys.stderr)
        return 130


def _listen() -> None:
    """From the first instant SIGINT, SIGTERM and SIGHUP end the program, also as process 1 of a container.

    Who started us may have blocked them for itself, and we would have that from it.
    """
    for number in _signals():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


def _leave(number: int, _: FrameType | None) -> None:
    """Nothing was begun yet. An exception would come out in the middle of an import, of anybody's module."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(130)


def _signals() -> list[int]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _main() -> int:
    if not all(map(find_spec, ("platformdirs", "rich", "typer"))):
        print("the command needs the extra cli: pip install 'keebai-async[cli]'", file=sys.stderr)
        return 2
    gc.disable()  # what is imported stays: to look through it again and again took a sixth of the start
    from keebai_async.cli.app import run
    from keebai_async.cli.hangup import watch_terminals
    from keebai_async.cli.interrupts import interrupts
    from keebai_async.cli.output import close_output, open_output

    interrupts.install()
    open_output()
    watch_terminals()
    code = run(sys.argv[1:], loaded=_collect_garbage)
    with suppress(KeyboardInterrupt), interrupts.asking():  # a reader who does not read is not waited for
        close_output()
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)  # what was done is done, and the code says what
    return code


def _collect_garbage() -> None:
    """From now on, and of what is made from now on."""
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    sys.exit(main())
