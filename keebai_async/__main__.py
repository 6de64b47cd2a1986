"""`python -m keebai_async`, and the console script `keebai-async`."""

import signal
import sys
from contextlib import suppress


def main() -> int:
    """Run the command line, and give its exit code."""
    _listen()
    try:
        return _main()
    except KeyboardInterrupt:  # before there was a command, or after it
        print("interrupted", file=sys.stderr)
        return 130


def _listen() -> None:
    """From the first instant SIGTERM and SIGHUP are Ctrl-C: for process 1 of a container nothing else is.

    Who started us may have blocked them for itself, and we would have that from it.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        if name != "SIGINT" and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


def _main() -> int:
    try:
        import platformdirs  # noqa: F401
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError:
        print("the command needs the extra cli: pip install 'keebai-async[cli]'", file=sys.stderr)
        return 2
    from keebai_async.cli.app import run
    from keebai_async.cli.hangup import watch_terminals
    from keebai_async.cli.interrupts import interrupts
    from keebai_async.cli.output import close_output, open_output

    interrupts.install()
    open_output()
    watch_terminals()
    code = run(sys.argv[1:])
    with suppress(KeyboardInterrupt):  # a reader who does not read is not waited for; what was done is done
        close_output()
    return code


if __name__ == "__main__":
    sys.exit(main())
